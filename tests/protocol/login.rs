//! User name and password (RFC 1929).

use std::time::{Duration, Instant};

use rig::daemon::Daemon;
use rig::socks5::{NO_AUTHENTICATION, USERPASS, greeting, login, rep};
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::start;

#[test]
fn auth_1929_limits() {
    let (long_name, long_password) = ("n".repeat(255), [0xfe; 255]);
    let users = Users::of(&[
        (&long_name, &long_password),
        ("a", b"a"),
        ("empty", b""),
        ("ünïcödé", b"wonderland"),
        ("binary", b"\x00\xff\r\n\x80"),
    ]);
    let daemon = start(&users.settings(&["userpass"]));
    let right: [(&[u8], &[u8]); 5] = [
        (long_name.as_bytes(), &long_password),
        (b"a", b"a"),
        (b"empty", b""),
        ("ünïcödé".as_bytes(), b"wonderland"),
        (b"binary", b"\x00\xff\r\n\x80"),
    ];
    for (name, password) in right {
        let mut client = Wire::connect(daemon.addr());
        assert_eq!(client.log_in(name, password), [1, 0], "{}", name.escape_ascii());
    }
    let wrong: [(&[u8], &[u8]); 5] =
        [(b"", b"wonderland"), (b"", b""), (b"\xff\xfe\x00", b"x"), (&[0x80; 255], &[0; 255]), (b"a", b"")];
    for (name, password) in wrong {
        assert_refused(&daemon, name, password);
    }
}

#[test]
fn auth_1929_subversion() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let daemon = start(&users.settings(&["userpass"]));
    for (password, is_right) in [(&b"wonderland"[..], true), (b"looking-glass", false)] {
        let [version, status] = Wire::connect(daemon.addr()).log_in(b"alice", password);
        assert_eq!((version, status == 0), (1, is_right));
    }
}

#[test]
fn auth_unoffered_userpass() {
    let daemon = start("");
    let mut unasked = Wire::connect(daemon.addr());
    unasked.send(&[greeting(&[NO_AUTHENTICATION]), login(b"alice", b"wonderland")].concat());
    assert_eq!(unasked.receive(), [5, NO_AUTHENTICATION]);
    assert_eq!(unasked.reply().code, rep::GENERAL);
    assert_eq!(unasked.end(), End::Closed);
    let remark = daemon.session_of(unasked.leave());
    assert!(remark.text("remark").contains("not asked for"), "the administrator is told what the client did");
}

#[test]
fn auth_fail_constant_shape() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let daemon = start(&[&users.settings(&["userpass"]), "[logging]\nlevel = \"trace\"\n"].concat());
    let secret = "xyzzy-looking-glass";
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        unknown.push(assert_refused(&daemon, b"mallory", secret.as_bytes()));
        wrong.push(assert_refused(&daemon, b"alice", secret.as_bytes()));
    }
    let (unknown, wrong) = (median(unknown), median(wrong));
    let (faster, slower) = (unknown.min(wrong), unknown.max(wrong));
    // Without an equal amount of work the two differ by a factor of 50 and more.
    assert!(slower < faster * 3, "unknown user {unknown:?}, wrong password {wrong:?}");
    let seen = [daemon.log.text(), daemon.process.errors()].concat();
    assert!(seen.contains("mallory") || seen.contains("bad_credentials"), "the log tells of the attempts");
    assert!(!seen.contains(secret), "a password is in the log");
}

/// Logs in wrongly: the answer has one shape. Returns how long it took.
fn assert_refused(daemon: &Daemon, name: &[u8], password: &[u8]) -> Duration {
    let mut client = Wire::connect(daemon.addr());
    assert_eq!(client.offer(&[USERPASS]), [5, USERPASS]);
    let asked = Instant::now();
    client.send(&login(name, password));
    assert_eq!(client.receive(), [1, 1], "{} / {}", name.escape_ascii(), password.escape_ascii());
    let taken = asked.elapsed();
    assert_eq!(client.end(), End::Closed);
    taken
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
