//! Each rule counts what it decides, and goes on doing so across reloads.

use std::net::{Ipv4Addr, SocketAddr};

use rig::rules::Rules;
use rig::scrape::Scrape;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use rig::udp::{self, Association};

use crate::{House, start};

const HITS: &str = "rustsocks_acl_rule_hits_total";
const SHADOW: &str = "rustsocks_acl_rule_shadow_hits_total";
const LAST: &str = "rustsocks_acl_rule_last_hit_timestamp_seconds";

const BEGINNING: &str = "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"*\"\n";

const LOOPBACK: &str =
    "[[users.rules]]\naction = \"allow\"\ndescription = \"this host\"\ndestinations = [\"127.0.0.0/8\"]\n";
const HELD: &str = "[[users.rules]]\naction = \"block\"\ndescription = \"held\"\ndestinations = [\"127.0.0.66\"]\n";
const ON_TRIAL: &str = "[[users.rules]]\naction = \"block\"\ndescription = \"on trial\"\ndestinations = [\"127.0.0.9\"]\nmode = \"shadow\"\n";

#[test]
fn a_rule_counts_on_wherever_a_reload_puts_it() {
    let rules = Rules::of(&[BEGINNING, LOOPBACK, HELD, ON_TRIAL].concat());
    let house = start(&format!("[server]\nwatch_files = false\n{}", rules.settings()));
    assert_eq!(counts(&house.http.scrape()), [Some(0), Some(0), Some(0)]);
    assert!(house.http.scrape().of(LAST).is_empty());

    for (last, code) in [(1, rep::SUCCEEDED), (1, rep::SUCCEEDED), (66, rep::NOT_ALLOWED), (9, rep::SUCCEEDED)] {
        connect(&house, last, code);
    }
    assert_eq!(counts(&house.http.scrape()), [Some(3), Some(1), Some(1)]);
    assert_eq!(house.http.scrape().of(LAST).len(), 3);

    // Other words and another place, and one that is gone.
    let renamed = HELD.replace("\"held\"", "\"held, still\"");
    rules.rewrite(&[BEGINNING, &renamed, LOOPBACK].concat());
    assert_eq!(house.service.reload().text("rules"), "applied");
    let scrape = house.http.scrape();
    assert_eq!(counts(&scrape), [Some(3), None, None]);
    assert_eq!(value(&scrape, HITS, "held, still"), Some(1));
    connect(&house, 66, rep::NOT_ALLOWED);
    assert_eq!(value(&house.http.scrape(), HITS, "held, still"), Some(2));
}

/// An association asks about each address; what it remembers of it costs nothing more.
#[test]
fn addresses_of_datagrams_count() {
    let rules = Rules::of(&[BEGINNING, LOOPBACK, HELD].concat());
    let house = start(&rules.settings());
    let association = Association::open(house.service.addr());
    let peer = udp::datagrams(Ipv4Addr::LOCALHOST.into());
    for _ in 0..5 {
        association.send(SocketAddr::from(([127, 0, 0, 66], 53)), b"refused");
        association.send(udp::address(&peer), b"passes");
        assert_eq!(udp::next(&peer).0, b"passes");
    }
    assert_eq!(counts(&house.http.scrape()), [Some(1), Some(1), None]);
}

/// A thousand rules have series of their own, the others share some.
#[test]
fn series_of_rules_are_bounded() {
    let rule = |number: usize| {
        format!("[[users.rules]]\naction = \"allow\"\ndestinations = [\"10.0.{}.{}\"]\n", number / 256, number % 256)
    };
    let many: String = (0..1200).map(rule).collect();
    let rules = Rules::of(&[BEGINNING, &many, LOOPBACK].concat());
    let house = start(&rules.settings());
    for _ in 0..3 {
        connect(&house, 1, rep::SUCCEEDED);
    }
    let scrape = house.http.scrape();
    assert_eq!(scrape.of(HITS).len(), 1001);
    let others = format!("{HITS}{{description=\"\",owner=\"_other\",rule=\"_other\"}}");
    assert_eq!(scrape.count(&others), 3);
}

fn connect(house: &House, last: u8, code: u8) {
    let target = Target::listen_on(Ipv4Addr::new(127, 0, 0, last).into());
    let mut client = greeted(house.service.addr());
    assert_eq!(client.ask(CONNECT, target.addr()).code, code);
    let at = client.leave();
    drop(target);
    let _over = house.service.session_of(at);
}

/// Of the three rules above.
fn counts(scrape: &Scrape) -> [Option<u64>; 3] {
    [(HITS, "this host"), (HITS, "held"), (SHADOW, "on trial")].map(|(name, rule)| value(scrape, name, rule))
}

fn value(scrape: &Scrape, name: &str, description: &str) -> Option<u64> {
    let label = format!("description=\"{description}\",owner=\"users/*\"");
    let series = scrape.of(name).into_iter().find(|series| series.contains(&label))?;
    Some(scrape.count(series))
}
