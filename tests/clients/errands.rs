//! What most clients are sent to do on the target.
//!
//! Knows nothing of how a client is told of its proxy.

use crate::program::{Outcome, Program};
use crate::services;
use crate::world::{EXIT, EXIT_V6, World};

/// The client fetches a page from `target`, as written here, and the page says that the proxy came for it.
///
/// `client` lacks only its last argument, the URL, and prints what it fetched.
#[track_caller]
pub(crate) fn fetches(world: &World, target: &str, client: Program) {
    let is_v6 = ["six.test", "[fd77:2::2]"].contains(&target);
    fetch(world, target, client).prints(if is_v6 { EXIT_V6 } else { EXIT });
}

/// What becomes of a client that is asked for a page from `target`.
pub(crate) fn fetch(world: &World, target: &str, client: Program) -> Outcome {
    let web = services::web(&world.target, world.scratch().to_owned());
    client.args([format!("http://{target}:{}/", web.port())]).run()
}

/// Half a megabyte goes to the target, whole, and comes back, whole, after the client has ended its sending.
///
/// `client` is told the port, and carries its standard input there and what is answered to its standard output.
#[track_caller]
pub(crate) fn comes_back(world: &World, client: impl FnOnce(&str) -> Program) {
    let echo = services::patient_echo(&world.target);
    let sent = services::payload(500_000);
    client(&echo.port().to_string()).input(sent.clone()).run().prints(&sent);
}
