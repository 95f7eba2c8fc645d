//! Accepts connections of one listener on one thread, and steps back while descriptors are out.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::serve::serve;
use super::{DoorNumber, Visit, World, admission};
use crate::engine::sys::accepting::is_this_connection_only;
use crate::engine::sys::listener::Listener;
use crate::engine::sys::stream::Stream;
use crate::state::session::facts::Origin;
use crate::state::session::ticket::Ticket;

/// How long accepting pauses when the kernel has no descriptor or memory: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Accepts until `closing` is done, and then what had connected before.
pub(crate) async fn accept(
    listener: Listener,
    number: DoorNumber,
    world: Arc<World>,
    closing: impl Future<Output = ()>,
) {
    let mut closing = pin!(closing);
    let mut pause = PAUSE.0;
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = &mut closing => return,
        };
        match accepted {
            Ok((stream, origin)) => {
                pause = PAUSE.0;
                admit(stream, origin, number, &world);
            }
            Err(error) if is_this_connection_only(&error) => {}
            Err(error) => {
                tracing::warn!(listener = name(number, &world), %error, pause_ms = pause.as_millis(), "cannot accept; pausing");
                world.readiness.pause(Instant::now(), pause);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// From here on the connection is a session, even if its task never runs; or it is turned away, and costs no more than this.
fn admit(stream: Stream, origin: Origin, number: DoorNumber, world: &Arc<World>) {
    let regime = world.regime();
    // A door outlives its listener's accepting tasks; without one there is nobody to serve by.
    let Some(door) = regime.doors.find(number).cloned() else { return };
    match admission::admit(world, &door, origin, &regime.snapshot.penalties) {
        Ok(arrival) => {
            let ticket = Ticket::open(&world.roster, arrival, Arc::clone(&regime.snapshot));
            let visit = Visit { world: Arc::clone(world), regime, door, ticket };
            tokio::spawn(serve(visit, stream));
        }
        // A reset leaves nothing behind here, where a FIN would leave a minute of TIME_WAIT.
        Err(_why) => stream.abort(),
    }
}

fn name(number: DoorNumber, world: &World) -> Option<String> {
    world.regime().doors.find(number).map(|door| door.name.to_string())
}
