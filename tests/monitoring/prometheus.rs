//! A real Prometheus scrapes the daemon under load, and what ships for it works in it.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rig::certificates::Certificates;
use rig::dns::{Dns, Zone};
use rig::prometheus::{Prometheus, promtool};
use rig::rules::Rules;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::udp::{Association, address, datagrams, next};
use rig::visitor::Visitors;
use rig::wait::{PATIENCE, eventually};
use serde_json::Value;

use crate::{House, start};

/// One that decides, and one that would.
const RULES: &str = r#"
[global]
default_policy = "allow"
[[users]]
username = "*"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
  [[users.rules]]
  action = "block"
  destinations = ["127.0.0.0/8"]
  mode = "shadow"
"#;

/// A quota that nobody uses up; its series begin with its name.
const QUOTA: &str = "[[limits.quotas]]\nname = \"monthly\"\ngigabytes = 1000\n";

/// The admin socket, whose series begin with it.
const ADMIN: &str = "[admin]\nsocket = \"{dir}/admin.sock\"\n";

/// A listener of which somebody may want to know when its certificate expires.
const API: &str = "[api]\nenabled = true\nbind_address = \"unix:{dir}/api.sock\"\n";

/// A daemon of whom everything is asked that leaves a trace in the metrics.
struct Load {
    house: House,
    visitors: Vec<Visitors>,
    _dns: Dns,
    _rules: Rules,
    _certificates: Certificates,
    _association: Association,
}

impl Load {
    fn begin() -> Self {
        let dns = Dns::serve(Zone::default().at("target.test", Ipv4Addr::LOCALHOST));
        let rules = Rules::of(RULES);
        let certificates = Certificates::issue();
        let tables = [QUOTA, ADMIN, API, &certificates.settings()].concat();
        let house = start(&[dns.settings(), rules.settings(), tables].concat());
        let target = Target::listen().serve(echo);
        let visitors: Vec<_> = (0..4).map(|_| Visitors::come(house.service.addr(), target)).collect();
        let association = Association::open(house.service.addr());
        let peer = datagrams(Ipv4Addr::LOCALHOST.into());
        association.send(address(&peer), b"datagram");
        let _ = next(&peer);
        assert_eq!(greeted(house.service.addr()).ask(CONNECT, ("target.test", target.port())).code, rep::SUCCEEDED);
        Self { house, visitors, _dns: dns, _rules: rules, _certificates: certificates, _association: association }
    }

    /// How many visits failed.
    fn failures(self) -> usize {
        self.visitors.into_iter().flat_map(Visitors::stop).filter(Result::is_err).count()
    }
}

/// Every name of docs/monitoring.md has data, and Prometheus has no name of ours that is not there.
#[test]
fn every_name_that_is_documented_has_data_under_load() {
    let load = Load::begin();
    let house = &load.house;
    let prometheus = Prometheus::start(&config(house, "rules/*.yml"));
    let documented = documented();
    assert!(documented.len() > 30, "{documented:?}");
    let has_data =
        |name: &str| !prometheus.query(name).is_empty() || !prometheus.query(&format!("{name}_bucket")).is_empty();
    for name in &documented {
        assert!(eventually(PATIENCE, || has_data(name)), "no data for {name}");
    }
    let up = prometheus.query("up");
    assert!(up.len() == 1 && up[0].1 > 0.0, "{up:?}");
    let known: BTreeSet<String> = documented
        .iter()
        .flat_map(|name| ["", "_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")))
        .collect();
    let ours =
        prometheus.names().into_iter().filter(|name| name.starts_with("rustsocks_") || name.starts_with("process_"));
    let unknown: Vec<_> = ours.filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "not in docs/monitoring.md: {unknown:?}");

    let busy = "sum(rate(rustsocks_sessions_closed_total[10s])) > 1";
    assert!(eventually(PATIENCE, || !prometheus.query(busy).is_empty()), "the rate of sessions is seen");
    assert_eq!(promtool(&["check", "metrics"], &house.http.scrape().text), Ok(String::new()));
    assert_eq!(load.failures(), 0, "nobody notices that somebody scrapes");
}

/// Each recording rule has data within a few evaluations, each series that an alert looks at is there, and no rule has an error.
#[test]
fn the_rules_that_ship_work_on_a_daemon_under_load() {
    let load = Load::begin();
    let rules = deploy("rules.yml");
    let prometheus = Prometheus::start(&config(&load.house, &rules.to_string_lossy()));
    let text = fs::read_to_string(&rules).expect("the rules ship");
    let looked_at = selectors(&text);
    assert!(looked_at.len() > 20, "{looked_at:?}");
    for series in looked_at {
        assert!(eventually(PATIENCE, || !prometheus.query(series).is_empty()), "no data for {series}");
    }
    let recorded: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    assert!(recorded.len() >= 5, "{recorded:?}");
    for name in recorded {
        assert!(eventually(2 * PATIENCE, || !prometheus.query(name).is_empty()), "no data for {name}");
    }
    let alerts: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let rules = prometheus.rules();
    for alert in alerts {
        let health = rules.iter().find(|(name, _)| name == alert).map(|(_, health)| health.as_str());
        assert_eq!(health, Some("ok"), "{alert}");
    }
    assert_eq!(load.failures(), 0);
}

/// What is asked of the daemon's own series, with their labels: an alert on a name that nobody has is silent for ever.
fn selectors(rules: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, _) in rules.match_indices("rustsocks_") {
        // Names of recorded rules begin with what they are summed by.
        if rules[..at].ends_with(':') {
            continue;
        }
        let name = rules[at..].find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let name = at + name.unwrap_or(rules.len() - at);
        let labels = rules[name..].strip_prefix('{').and_then(|rest| rest.find('}'));
        found.insert(&rules[at..labels.map_or(name, |length| name + length + 2)]);
    }
    found
}

/// Each panel of the dashboard shows something, in the six groups that an operator looks for.
#[test]
fn every_panel_of_the_dashboard_has_data_under_load() {
    let text = fs::read_to_string(root().join("deploy/grafana/rustsocks.json")).expect("the dashboard ships");
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let rows = panels.iter().filter(|panel| panel["type"] == "row").filter_map(|panel| panel["title"].as_str());
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows, ["Overview", "Users", "Rules", "Performance", "Destinations", "Duration of sessions"]);

    let load = Load::begin();
    let prometheus = Prometheus::start(&config(&load.house, "rules/*.yml"));
    let targets: Vec<(&str, &str)> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten().map(move |target| (panel, target)))
        .filter_map(|(panel, target)| Some((panel["title"].as_str()?, target["expr"].as_str()?)))
        .collect();
    assert!(targets.len() > 30, "{targets:?}");
    for (panel, expression) in targets {
        let asked = expression.replace("$instance", ".*").replace("$__rate_interval", "10s");
        assert!(!asked.contains('$'), "{panel}: an unknown variable in {expression}");
        assert!(eventually(PATIENCE, || !prometheus.query(&asked).is_empty()), "{panel}: no data for {asked}");
    }
    assert_eq!(load.failures(), 0);
}

#[test]
fn what_ships_for_prometheus_is_right_and_every_alert_fires_and_clears_in_its_tests() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let scrape = deploy("prometheus.yml").to_string_lossy().into_owned();
    assert!(promtool(&["check", "config", &scrape], "").is_ok(), "{:?}", promtool(&["check", "config", &scrape], ""));
    let rules = deploy("rules.yml").to_string_lossy().into_owned();
    assert!(promtool(&["check", "rules", &rules], "").is_ok(), "{:?}", promtool(&["check", "rules", &rules], ""));
    let tests = deploy("rules.test.yml").to_string_lossy().into_owned();
    assert!(promtool(&["test", "rules", &tests], "").is_ok(), "{:?}", promtool(&["test", "rules", &tests], ""));
    drop(directory);

    let read = |path: &str| fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (rules, tests) = (read(&rules), read(&tests));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let cases: Vec<&str> =
            tests.split("alertname: ").skip(1).filter(|rest| rest.lines().next() == Some(alert)).collect();
        let fires = cases.iter().any(|case| first_case(case).contains("exp_labels"));
        let clears = cases.iter().any(|case| first_case(case).contains("exp_alerts: []"));
        assert!(fires && clears, "{alert} fires in a test: {fires}, and clears in one: {clears}");
    }
}

/// The text up to the next case.
fn first_case(rest: &str) -> &str {
    rest.split("- eval_time").next().unwrap_or_default()
}

/// Whom to scrape each second, and the rules beside it.
fn config(house: &House, rules: &str) -> String {
    let target = house.http.addr();
    format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n  - '{rules}'\nscrape_configs:\n  \
         - job_name: rustsocks\n    static_configs:\n      - targets: ['{target}']\n"
    )
}

/// The names in the tables of docs/monitoring.md.
fn documented() -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/monitoring.md")).expect("the page is there");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.filter(|cell| cell.starts_with("rustsocks_") || cell.starts_with("process_")).map(str::to_owned).collect()
}

fn deploy(file: &str) -> PathBuf {
    root().join("deploy/prometheus").join(file)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
