//! Whatever strangers and users do, the number of series has a bound and a scrape is quick (docs/monitoring.md, "Series").

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::thread;
use std::time::{Duration, Instant};

use rig::dns::{Dns, Zone};
use rig::note::measured;
use rig::scrape::{Endpoint, Scrape};
use rig::socks4;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::start;

/// Of users with series of their own, and of destinations.
const USERS: usize = 1_000;
const DESTINATIONS: usize = 100;

const QUICK: Duration = Duration::from_millis(100);

/// Where nobody may go, so that each costs no more than its handshake.
const FORBIDDEN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 169, 254), 80);

#[test]
fn a_hundred_thousand_made_up_names_make_no_series() {
    const THREADS: usize = 4;
    const EACH: usize = 25_000;
    let house = start("[logging]\nlevel = \"error\"\n");
    let proxy = house.service.addr();
    let before = house.http.scrape().series().count();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || (0..EACH).for_each(|number| is_refused(proxy, &format!("made-up-{thread}-{number}"))));
        }
    });
    let all = (THREADS * EACH) as u64;
    let counted = || house.http.scrape().count("rustsocks_refusals_total{reason=\"guarded\"}") == all;
    assert!(eventually(PATIENCE, counted), "{}", house.http.scrape().text);
    let scrape = house.http.scrape();
    assert!(!scrape.text.contains("made-up"), "{}", scrape.text);
    // The route of these scrapes has series of its own after the first.
    let now = scrape.series().count();
    assert!(now <= before + 20, "{before} series became {now}");
    assert_series_gauge(&scrape);
    assert_quick(&house.http);
}

fn is_refused(proxy: SocketAddr, name: &str) {
    let mut client = Wire::connect(proxy);
    client.send(&socks4::request(socks4::CONNECT, FORBIDDEN, name.as_bytes()));
    assert_eq!(client.socks4_reply().code, socks4::REJECTED);
    // A reset leaves no port in TIME_WAIT, of which there are fewer than connections here.
    client.reset();
}

#[test]
fn of_very_many_destinations_only_the_most_frequent_are_shown() {
    const NAMES: usize = 1_500;
    let names = (0..NAMES).map(|number| format!("n{number}.test"));
    let dns = Dns::serve(names.fold(Zone::default(), |zone, name| zone.at(&name, Ipv4Addr::LOCALHOST)));
    let house = start(&dns.settings());
    let target = Target::listen().serve(echo);
    let visit =
        |name: &str| assert_eq!(greeted(house.service.addr()).ask(CONNECT, (name, target.port())).code, rep::SUCCEEDED);
    for number in 0..NAMES {
        visit(&format!("n{number}.test"));
        if number % 10 == 0 {
            visit("n7.test");
        }
    }
    let scrape = house.http.scrape();
    let shown = scrape.of("rustsocks_destination_connections_total").len();
    assert!((1..=DESTINATIONS).contains(&shown), "{shown} destinations are shown");
    let often = scrape.count("rustsocks_destination_connections_total{destination=\"n7.test\"}");
    assert!((100..=151).contains(&often), "the most frequent one was seen {often} times");
    assert_quick(&house.http);
}

#[test]
fn users_beyond_the_bound_share_one_series() {
    const ALL: usize = USERS + 150;
    let users = Users::crowd((0..ALL).map(|number| format!("user{number}")), b"x");
    let house = start(&[&users.settings(&["userpass"]), "[logging]\nlevel = \"error\"\n"].concat());
    let target = Target::listen().serve(echo);
    for number in 0..ALL {
        let mut client = Wire::connect(house.service.addr());
        assert_eq!(client.log_in(format!("user{number}").as_bytes(), b"x"), [1, 0]);
        assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
        client.send(b"12345");
        assert_eq!(&client.receive(), b"12345");
    }
    let shared = "rustsocks_user_bytes_total{direction=\"sent\",user=\"_other\"}";
    let counted = || house.http.scrape().count(shared) == 5 * (ALL - USERS) as u64;
    assert!(eventually(PATIENCE, counted), "{shared} is {}", house.http.scrape().value(shared));
    let scrape = house.http.scrape();
    // Those with a name of their own, and the two that stand for many.
    assert_eq!(scrape.of("rustsocks_user_active_sessions").len(), USERS + 2);
    assert_eq!(scrape.of("rustsocks_user_bytes_total").len(), 2 * (USERS + 2));
    assert_eq!(scrape.of("rustsocks_acl_decisions_total").len(), 2 * (USERS + 2));
    assert_eq!(scrape.count("rustsocks_bytes_sent_total"), 5 * ALL as u64);
    assert_series_gauge(&scrape);
    measured(format!("{} users make {} series", ALL, scrape.series().count()));
    assert_quick(&house.http);
}

fn assert_series_gauge(scrape: &Scrape) {
    assert_eq!(scrape.count("rustsocks_metrics_series"), scrape.series().count() as u64);
}

/// The best of five, for the machine may be busy.
fn assert_quick(http: &Endpoint) {
    let timed = |_| {
        let began = Instant::now();
        let _ = http.scrape();
        began.elapsed()
    };
    let best = (0..5).map(timed).min().expect("there were five");
    measured(format!("a scrape takes {best:?}"));
    assert!(best < QUICK, "a scrape takes {best:?}");
}
