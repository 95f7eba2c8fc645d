//! What goes on beside the questions: readers of the whole history.

use rig::crowd::Crowd;

use crate::measure::asked;
use crate::world::World;

/// As many as may read the history at once, so that one always waits.
const READERS: usize = 3;

/// No rule is called so, and no index knows: every row is looked at, or the question is given up after 2 s.
const SCAN: &str = "/api/sessions/history?rule=nowhere&dest_ip=%2A.nowhere.test";

/// Counts what was answered, or given up.
pub(crate) fn readers(world: &World) -> Crowd {
    let (address, token) = (world.api.endpoint().addr(), world.api.token("read").to_owned());
    Crowd::of(READERS, move || u64::from(asked(address, &token, SCAN).is_some()))
}
