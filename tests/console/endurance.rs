//! A console that somebody works with for a long time, while others come and go: it grows by nothing, and misses nothing.
//!
//! Takes a few seconds, or as many minutes as `RUSTSOCKS_SOAK_MINUTES` says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rig::crowd::Crowd;
use rig::process::descriptors;
use rig::soak::{assert_no_growth, duration};
use rig::target::{Target, echo};
use rig::usage::own_memory;

use crate::meddler::{Meddler, Who};
use crate::screen::Screen;
use crate::{daemon, socket};

/// Times that the memory is looked at.
const SAMPLES: u32 = 40;

/// What somebody does again and again, and what is seen of it.
const ERRANDS: &[(&str, &str)] = &[
    ("2", "[2 Sessions]"),
    ("S", "[2 Sessions]"),
    ("jjjj", "[2 Sessions]"),
    ("?", "search:"),
    ("\x1b", "[2 Sessions]"),
    ("3", "[3 History]"),
    ("8", "FOLLOW"),
    ("0", "[0 Health]"),
    ("4", "[4 ACL]"),
    ("6", "[6 Limits]"),
    ("1", "[1 Overview]"),
];

#[test]
fn a_console_that_is_worked_with_for_long_grows_by_nothing_and_misses_nothing() {
    let service = daemon();
    let visitors = Crowd::of_visitors(service.addr(), Target::listen().serve(echo), 40);
    let meddler = Meddler::on(&socket(&service));
    let mut screen = Screen::open(&meddler.socket(), (100, 30), &[]);
    screen.wait_for("[1 Overview]");
    let round = |screen: &mut Screen| {
        for (keys, shown) in ERRANDS {
            screen.type_in(keys);
            screen.wait_for(shown);
        }
    };
    round(&mut screen);
    let base = descriptors(screen.pid());
    let (began, lasts) = (Instant::now(), duration(Duration::from_secs(3)));
    let mut samples = Vec::new();
    for sample in 1..=SAMPLES {
        while began.elapsed() < lasts * sample / SAMPLES {
            round(&mut screen);
        }
        samples.push(own_memory(screen.pid()));
    }
    assert_no_growth(&samples);
    assert_eq!(descriptors(screen.pid()), base);
    let came = visitors.stop();
    assert!(came > 1.0, "{came} came in a second");
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    let said = meddler.said();
    let pushes = said.iter().filter(|(who, line)| *who == Who::Daemon && line.get("seq").is_some());
    for (_, push) in pushes {
        let [sub, number] = ["sub", "seq"].map(|key| push[key].as_u64().expect("a number"));
        let before = last.insert(sub, number).unwrap_or(0);
        assert_eq!(number, before + 1, "{push}");
    }
    assert!(last.values().any(|last| *last > 1), "{last:?}");
    assert_eq!(meddler.asked("hello").len(), 1, "it was one conversation");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
