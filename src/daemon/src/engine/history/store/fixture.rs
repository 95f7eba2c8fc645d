//! A record for tests.

use history::{Flows, Phases, Record, Status, Traffic};

/// One of which no more is known than that there is one.
pub(super) fn bare(id: u8, status: Status) -> Record<'static> {
    Record {
        id: [id; 16],
        status,
        started: 0,
        seen: 0,
        listener: "test",
        source: None,
        user: None,
        claimed: None,
        auth: None,
        asked: None,
        peer: None,
        exit: None,
        sent: Traffic::default(),
        received: Traffic::default(),
        phases: Phases::default(),
        generation: 1,
        close_reason: None,
        rule: None,
        decision: None,
        remark: None,
        flows: Flows::default(),
    }
}
