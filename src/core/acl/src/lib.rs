//! Where a client may go, decided without sockets.
//!
//! A destination is first made canonical, then judged by what it really reaches: an IPv6 address that carries an
//! IPv4 address is judged by both. Knows nothing of files, clocks, resolvers or sessions; names are never looked up
//! here, so whoever resolves one brings every address back to be judged.

mod canonical;
mod effective;
mod guard;

pub use canonical::{Destination, HostName, NameFault};
pub use effective::{Carried, Carrier, carried};
pub use guard::ground::Ground;
pub use guard::{Exception, Guard, Reason, Verdict};
