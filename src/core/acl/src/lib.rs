//! Where a client may go, decided without sockets.
//!
//! A destination is first made canonical, then judged by what it really reaches: an IPv6 address that carries an
//! IPv4 address is judged by both. Knows nothing of files, clocks, resolvers or sessions; names are never looked up
//! here, so whoever resolves one brings every address back to be judged.

mod canonical;
mod decision;
mod effective;
mod explain;
mod guard;
mod lint;
mod policy;
mod realm;
mod request;
mod ruleset;

pub use canonical::{Destination, HostName, NameFault};
pub use decision::{By, Decision, RuleId, Ruling};
pub use effective::{Carried, Carrier, carried};
pub use explain::{Explanation, Step};
pub use guard::ground::Ground;
pub use guard::{Exception, Guard, Reason, Verdict};
pub use lint::remark::{Concern, Remark, Report};
pub use policy::bounds::Bounds;
pub use policy::identity::Identity;
pub use policy::pattern::{Front, Pattern, PatternFault, Wildcard};
pub use policy::ports::{Ports, PortsFault};
pub use policy::schedule::{Hours, LocalMinute, Schedule, Zone};
pub use policy::words::{AuthMethod, Command, Loudness, Protocol, Set, Weekday, Word};
pub use policy::{Action, Group, Membership, Mode, Policy, PrivateByName, Rule, Subject, User};
pub use realm::Realm;
pub use request::{Moment, Request, ServiceId, Services, Target};
pub use ruleset::Ruleset;
pub use ruleset::entry::{Finding, Miss};
pub use ruleset::view::{View, Who};
