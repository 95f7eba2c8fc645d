//! What came of reloads is counted, and that the last one failed can be seen.

use rig::rules::Rules;
use rig::scrape::Scrape;

use crate::start;

const OPEN: &str = "[global]\ndefault_policy = \"allow\"\n";
const CLOSED: &str = "[global]\ndefault_policy = \"deny\"\n";

#[test]
fn reloads_are_counted_by_what_came_of_each_component() {
    let rules = Rules::of(OPEN);
    let house = start(&format!("[server]\nwatch_files = false\n{}", rules.settings()));
    let began = house.http.scrape();
    assert_eq!(state(&began), [1, 1]);
    assert_eq!(began.of("rustsocks_reloads_total").len(), 18, "every word is there from the beginning");

    rules.rewrite(CLOSED);
    assert_eq!(house.service.reload().text("rules"), "applied");
    assert_eq!(state(&house.http.scrape()), [2, 1]);
    rules.rewrite("[global]\ndefault_polcy = \"deny\"\n");
    assert_eq!(house.service.reload().text("rules"), "failed");
    assert_eq!(state(&house.http.scrape()), [2, 0]);
    rules.rewrite(CLOSED);
    assert_eq!(house.service.reload().text("rules"), "same");

    let after = house.http.scrape();
    assert_eq!(state(&after), [2, 1]);
    for (component, result, count) in
        [("rules", "applied", 1), ("rules", "failed", 1), ("rules", "same", 1), ("configuration", "same", 3)]
    {
        let series = format!("rustsocks_reloads_total{{component=\"{component}\",result=\"{result}\"}}");
        assert_eq!(after.count(&series), count, "{series}");
    }
    assert_eq!(after.count("rustsocks_acl_reload_seconds_count"), 1);
    let at = "rustsocks_last_reload_timestamp_seconds";
    assert!(began.count(at) > 1_700_000_000 && after.count(at) >= began.count(at));
}

/// The generation, and whether the last reload was good.
fn state(scrape: &Scrape) -> [u64; 2] {
    ["rustsocks_config_generation", "rustsocks_last_reload_successful"].map(|name| scrape.count(name))
}
