//! What Prometheus sees of the history: rows, and what waits while the database is locked.

use std::thread::sleep;
use std::time::Duration;

use rig::scrape::{Endpoint, Scrape};
use rig::wait::{PATIENCE, eventually, found};

use crate::{echoing, history_of, launch, visited};

const WRITES: &str = "rustsocks_session_database_writes_total";
const FAILING: &str = r#"rustsocks_history_failing{part="database"}"#;
const SPOOLED: &str = r#"rustsocks_history_waiting_bytes{place="spool"}"#;
const LAG: &str = "rustsocks_history_lag_seconds";

#[test]
fn what_is_written_and_what_waits_is_counted() {
    let endpoint = Endpoint::reserve();
    let service = launch(&["[sessions]\nbatch_interval_ms = 100\n", &endpoint.settings()].concat()).start();
    let (history, target) = (history_of(&service), echoing());
    for _ in 0..10 {
        let _ = visited(&service, target);
    }
    let is_written = || has_nothing_waiting(&endpoint.scrape()) && history.count() == 10;
    assert!(eventually(PATIENCE, is_written), "{}", endpoint.scrape().text);
    let before = endpoint.scrape();
    assert!(before.count(WRITES) >= 10 && before.count("rustsocks_history_transaction_seconds_count") >= 1);

    let locked = history.while_locked(|| {
        for _ in 0..5 {
            let _ = visited(&service, target);
        }
        sleep(Duration::from_secs(1));
        let is_behind = |scrape: &Scrape| scrape.count(LAG) >= 1 && scrape.count(FAILING) == 1;
        found(PATIENCE, || Some(endpoint.scrape()).filter(is_behind))
    });
    let locked = locked.unwrap_or_else(|| panic!("nobody says that it is behind\n{}", endpoint.scrape().text));
    assert!(locked.count(SPOOLED) >= 5 * 100, "{} bytes wait", locked.count(SPOOLED));
    assert_eq!(locked.count(WRITES), before.count(WRITES));

    assert!(eventually(PATIENCE, || has_nothing_waiting(&endpoint.scrape())), "{}", endpoint.scrape().text);
    let after = endpoint.scrape();
    assert!(after.count(WRITES) >= before.count(WRITES) + 5);
    assert_eq!(history.count(), 15);
    for kind in ["checkpoint", "opening", "ending"] {
        assert_eq!(after.count(&format!("rustsocks_history_lost_total{{kind=\"{kind}\"}}")), 0, "{kind}");
    }
}

fn has_nothing_waiting(scrape: &Scrape) -> bool {
    let memory = r#"rustsocks_history_waiting_bytes{place="memory"}"#;
    [SPOOLED, memory, LAG, FAILING].into_iter().all(|series| scrape.count(series) == 0)
}
