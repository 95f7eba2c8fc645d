//! Many sessions, of which some come and go while somebody looks: what is meant is what is ended.

use std::io::ErrorKind;

use rig::crowd::Crowd;
use rig::population::{self, settle};
use rig::service::Launch;
use rig::target::{Target, echo, tunnel};
use rig::wire::End;
use serde_json::Value;

use crate::screen::Screen;
use crate::{CONFIG, daemon, document, id_of, program, socket, wait_for_sessions};

const SIZE: (u16, u16) = (120, 36);

/// Far more than a screen or a window has; as many as `RUSTSOCKS_CONSOLE_SESSIONS` says, and fit.
fn many() -> usize {
    let wanted = std::env::var("RUSTSOCKS_CONSOLE_SESSIONS").ok();
    let wanted = wanted.map_or(300, |wanted| wanted.parse().expect("RUSTSOCKS_CONSOLE_SESSIONS is a number"));
    population::room().min(wanted)
}

/// Ids of what the question lists.
fn named(text: &str) -> Vec<String> {
    let question = text.split("End ").nth(1).unwrap_or_default();
    let ids = question.split(|letter: char| !letter.is_ascii_hexdigit() && !letter.is_ascii_alphanumeric());
    ids.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn three_of_many_are_marked_and_ended_and_their_neighbours_stay() {
    let many = many();
    let config = CONFIG.replace("{socket}", "{dir}/admin.sock") + &population::limits(many);
    let service = Launch::of(program()).config(&config).start();
    let socket = socket(&service);
    let all = settle(service.addr(), many);
    for wire in &all {
        wire.stream().set_nonblocking(true).expect("a socket can be so");
    }
    wait_for_sessions(&socket, many as u64);
    let ids: Vec<String> = {
        let listed = document(&socket, &["sessions", "list"]);
        let rows = listed["rows"].as_array().expect("rows").clone();
        let number = |row: &Value| u64::from_str_radix(row["id"].as_str().expect("an id"), 16).expect("a number");
        let mut numbers: Vec<u64> = rows.iter().map(number).collect();
        numbers.sort_unstable();
        numbers.iter().map(|number| format!("{number:x}")).collect()
    };
    assert_eq!(ids.len(), many);
    let mut screen = Screen::open(&socket, SIZE, &[]);
    screen.wait_for("[1 Overview]");
    let counts = |screen: &mut Screen, keys: &str, matched: usize| {
        let title = format!("Sessions{matched}/{many}");
        screen.type_in(keys);
        screen.wait_until(&title, |text| text.replace(' ', "").contains(&title));
    };
    counts(&mut screen, "2", many);
    counts(&mut screen, "/user=nobody\r", 0);
    counts(&mut screen, "/\x15user=anonymous\r", many);
    // The first one first: to the last one, which is one question away.
    screen.type_in(":sort start\r");
    screen.type_in("G");
    screen.wait_for(&format!("Session {} ", ids[many - 1]));
    screen.type_in("p");
    screen.wait_for("HOLD");
    screen.type_in("k");
    screen.wait_for(&format!("Session {} ", ids[many - 2]));
    screen.type_in("k");
    screen.wait_for(&format!("Session {} ", ids[many - 3]));
    screen.type_in("k");
    screen.wait_for(&format!("Session {} ", ids[many - 4]));
    screen.type_in("   ");
    screen.wait_for("3 marked");
    screen.type_in("K");
    screen.wait_for("End 3 sessions?");
    for id in &ids[many - 4..many - 1] {
        assert!(named(&screen.text()).contains(id), "{id} is meant:\n{}", screen.text());
    }
    screen.type_in("y");
    screen.wait_for("ended 3");
    wait_for_sessions(&socket, many as u64 - 3);
    // Nobody else hears anything.
    let over = all
        .iter()
        .filter(|wire| wire.stream().peek(&mut [0]).is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
    assert_eq!(over.count(), 3);
    let left = document(&socket, &["sessions", "list"])["rows"].as_array().expect("rows").clone();
    let left: Vec<&str> = left.iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(left.contains(&ids[many - 1].as_str()) && left.contains(&ids[many - 5].as_str()), "the neighbours stay");
    assert!(ids[many - 4..many - 1].iter().all(|id| !left.contains(&id.as_str())));
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn what_is_meant_stays_so_while_others_come_and_go_around_it() {
    let service = daemon();
    let socket = socket(&service);
    let echo = Target::listen().serve(echo);
    let (mut meant, _far) = tunnel(service.addr());
    let (mut other, mut other_far) = tunnel(service.addr());
    wait_for_sessions(&socket, 2);
    let id = id_of(&socket, meant.local());
    let mut screen = Screen::open(&socket, SIZE, &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("2");
    screen.wait_for("Sessions 2/2");
    screen.type_in(&format!("Fid={id}\r"));
    screen.wait_for(&format!("Session {id} "));
    let visitors = Crowd::of_visitors(service.addr(), echo, 100);
    // The order turns around, and the daemon's windows come and go.
    for key in ["S", "s\r", "S", "s\r"] {
        screen.type_in(key);
        screen.wait_for(&format!("Session {id} "));
    }
    screen.type_in("K");
    screen.wait_for("End 1 session?");
    assert!(named(&screen.text()).contains(&id), "{}", screen.text());
    screen.type_in("y");
    screen.wait_for("ended 1");
    assert_eq!(meant.end(), End::Reset);
    other.send(b"still here");
    assert_eq!(other_far.receive_all(10), b"still here");
    let came = visitors.stop();
    assert!(came > 1.0, "{came} came in a second");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
