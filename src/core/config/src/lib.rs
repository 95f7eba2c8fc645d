//! What the operator wrote, as typed values, with the place every value came from.
//!
//! Text goes in (a file, environment pairs, flag values) and [`Settings`] come out, or every problem at once.
//! A value that is in [`Settings`] is in range and agrees with the others; nothing needs to be checked again.
//! Knows nothing of files, the environment, clocks or sockets: whoever reads those passes the text in.

mod changes;
mod contradictions;
mod host;
mod kinds;
mod lines;
mod listeners;
mod load;
mod origin;
mod problem;
mod reader;
mod render;
pub mod rule_tests;
pub mod rules;
mod settings;
pub mod tokens;
pub mod users;
mod values;

pub use changes::Changes;
pub use host::host_keys_changed;
pub use kinds::amounts::Amount;
pub use kinds::rates::{EachWay, Rate};
pub use listeners::{Advertised, Binding, Listener};
pub use load::{EMBEDDED, Loaded, Source, load};
pub use origin::{Origin, Override};
pub use problem::{Problem, Problems};
pub use settings::{
    Acl, Admin, Api, Auth, Bind, Commands, Dns, GroupLimits, Guard, Limits, Listen, Logging, Metrics, Outbound, Pam,
    Penalties, Quota, Server, Sessions, Settings, Timeouts, Udp,
};
pub use users::hash::PasswordHash;
pub use values::choices::Choices;
pub use values::crowding::EarlyDrop;
pub use values::database::DatabaseUrl;
pub use values::endpoint::{Endpoint, MetricsAddress, Mode, SocketPath};
pub use values::network::{BindAddress, Opening, Ports};
pub use values::text::{AccountName, HostLabel, Interface, Label, PamService, WebOrigin};
pub use values::words::{
    ClientAddress, ClientMethod, Directions, LogFormat, LogLevel, Method, OnRevoke, Policy, Protocol, QuotaAction,
    QuotaCounts, QuotaPeriod, Replies, Resolver,
};
