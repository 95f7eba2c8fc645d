//! What happens to a stream when one side has finished.

use std::thread;

use rig::server::Server;
use rig::target::Target;
use rig::wire::Wire;

use crate::Check;
use crate::hearing::{MOMENT, connected};

pub(crate) const CHECKS: &[Check] = &[
    Check { what: "client half-close, 1 MiB answer after it", should_be: "full", answer: after_client_finished },
    Check { what: "server half-close, client goes on (10 000 B)", should_be: "full", answer: after_server_finished },
];

fn after_client_finished(server: &Server) -> String {
    pair(server).map_or_else(str::to_owned, |(client, target)| arriving(client, target, 1 << 20))
}

fn after_server_finished(server: &Server) -> String {
    pair(server).map_or_else(str::to_owned, |(client, target)| arriving(target, client, 10_000))
}

fn pair(server: &Server) -> Result<(Wire, Wire), &'static str> {
    let target = Target::listen();
    let client = connected(server, target.addr())?;
    Ok((client, target.accept()))
}

/// How much of `count` bytes arrives at an end that has finished sending, once the other end knows of it.
fn arriving(mut finished: Wire, mut other: Wire, count: usize) -> String {
    finished.finish();
    let (_, end) = other.hear(1, MOMENT);
    if end.is_none() {
        return "the end is not passed on".to_owned();
    }
    let sender = thread::spawn(move || other.try_send(&vec![b'x'; count]));
    let (arrived, _) = finished.hear(count, MOMENT);
    let _ = sender.join();
    if arrived.len() == count { "full".to_owned() } else { format!("{} B", arrived.len()) }
}
