//! Penalties per source: they add up, are enforced, and end; who is exempt, and who is counted as one.

use std::thread;
use std::time::Duration;

use rig::service::Service;
use rig::socks5::{NO_AUTHENTICATION, USERPASS, greeting, login};
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;

use crate::Answer::{LetIn, Refused, TurnedAway};
use crate::{ALICE, Answer, balanced, introduced, launch, log_in, log_in_from, loopback, start};

const WRONG: (&[u8], &[u8]) = (b"alice", b"looking-glass");

/// Two failures are enough, however slow the machine is.
const TWO_FAILURES: &str = "exempt = []\nauthfail_secs = 300\nenforce_from_secs = 500\nfailure_delay_ms = 0\n";

/// A connection that asked for nothing has its line there.
const DEBUG: &str = "[logging]\nlevel = \"debug\"\n";

#[test]
fn a_source_that_fails_too_often_is_turned_away_for_a_while_and_others_are_not() {
    let service = start("exempt = []\nauthfail_secs = 2\nenforce_from_secs = 4\nmax_secs = 6\nfailure_delay_ms = 0\n");
    let (guesser, other) = (loopback(1, 1), loopback(1, 2));
    let answers: Vec<Answer> = std::iter::repeat_with(|| log_in_from(guesser, service.addr(), WRONG))
        .take(50)
        .scan(false, |is_over, answer| (!std::mem::replace(is_over, answer == TurnedAway)).then_some(answer))
        .collect();
    assert!(answers.len() > 2 && answers.last() == Some(&TurnedAway), "{answers:?}");
    assert_eq!(log_in_from(other, service.addr(), ALICE), LetIn);
    let begin = service.event("source turned away");
    assert_eq!((begin.text("source"), begin.text("offence")), ("127.0.1.1", "failed_login"));
    assert!((4..=6).contains(&begin.number("for_secs")), "{begin:?}");

    assert!(eventually(PATIENCE, || log_in_from(guesser, service.addr(), ALICE) == LetIn), "it ends");
    let end = service.event("source may come again");
    assert_eq!(end.text("source"), "127.0.1.1");
    assert!(end.number("turned_away") >= 1, "{end:?}");
    assert!((4..=12).contains(&end.number("after_secs")), "{end:?}");
}

/// From outside, nobody can tell by the price whether a name exists.
#[test]
fn an_unknown_name_costs_as_much_as_a_wrong_password() {
    let service = start(TWO_FAILURES);
    for (host, name) in [(1, &b"alice"[..]), (2, b"mallory")] {
        let answers = [(); 3].map(|()| log_in_from(loopback(1, host), service.addr(), (name, b"looking-glass")));
        assert_eq!(answers, [Refused, Refused, TurnedAway], "{}", name.escape_ascii());
    }
}

#[test]
fn a_right_password_between_wrong_ones_pays_nothing_off() {
    let service = start(TWO_FAILURES);
    let answers = [WRONG, ALICE, WRONG, ALICE].map(|login| log_in_from(loopback(1, 1), service.addr(), login));
    assert_eq!(answers, [Refused, LetIn, Refused, TurnedAway]);
}

/// What waits for its turn when the source is found out is not checked any more.
#[test]
fn a_source_that_guesses_with_many_connections_at_once_gets_no_more_guesses() {
    let service = start(TWO_FAILURES);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let guess = || log_in_from(loopback(1, 1), service.addr(), WRONG);
        let threads: Vec<_> = (0..40).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a guess does not panic")).collect()
    });
    assert!(!answers.contains(&LetIn));
    assert!(eventually(PATIENCE, || failures(&service) == 2), "{} passwords were checked", failures(&service));
    let unchecked = service.log.sessions().iter().filter(|line| line.text("reason") == "source_penalised").count();
    assert_eq!(unchecked, 0, "that is for the debug level");
}

#[test]
fn loopback_and_exempt_networks_are_never_penalised() {
    for exempt in ["", "exempt = [\"127.0.1.0/24\"]\n"] {
        let service = start(&[exempt, "authfail_secs = 300\nfailure_delay_ms = 0\nuser_lock_failures = 0\n"].concat());
        let answers = [(); 8].map(|()| log_in_from(loopback(1, 1), service.addr(), WRONG));
        assert_eq!(answers, [Refused; 8]);
        assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), LetIn);
        assert_eq!(failures(&service), 8, "exempt is not unseen");
    }
}

#[test]
fn switched_off_nobody_is_penalised() {
    let service = start(&["enabled = false\n", TWO_FAILURES].concat());
    let answers = [(); 20].map(|()| log_in_from(loopback(1, 1), service.addr(), WRONG));
    assert_eq!(answers, [Refused; 20]);
    assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), LetIn);
}

/// A customer has a whole /64, and may take another address of it for each guess.
#[test]
fn an_ipv6_network_of_64_bits_is_one_source_and_the_balancer_none() {
    let (balancer, listen) = balanced();
    let service = start(&[TWO_FAILURES, &listen].concat());
    let fail = |source| log_in(introduced(balancer.addr(), source), WRONG);
    let answers = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8::3"].map(fail);
    assert_eq!(answers, [Refused, Refused, TurnedAway]);
    let begin = service.event("source turned away");
    assert_eq!(begin.text("source"), "2001:db8::/64");

    let answers = ["2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"].map(fail);
    assert_eq!(answers, [Refused; 4], "other networks have done nothing");
    assert_eq!(log_in(introduced(balancer.addr(), "198.51.100.1"), ALICE), LetIn);
}

#[test]
fn the_prefixes_say_who_is_one_source() {
    let service = start(&[TWO_FAILURES, "ipv4_prefix = 24\n"].concat());
    let answers = [1, 2, 3].map(|host| log_in_from(loopback(1, host), service.addr(), WRONG));
    assert_eq!(answers, [Refused, Refused, TurnedAway]);
    assert_eq!(log_in_from(loopback(2, 1), service.addr(), WRONG), Refused);
}

/// Before the header nobody knows who it is, and a balancer's health checks are no offence.
#[test]
fn what_happens_before_a_balancer_introduces_its_client_is_held_against_nobody() {
    let (balancer, listen) = balanced();
    let prices = "exempt = []\nnoauth_secs = 600\ngrace_exceeded_secs = 600\nfailure_delay_ms = 0\n";
    let service = start(&[prices, &listen, "[timeouts]\nhandshake_secs = 1\n"].concat());
    drop(Wire::connect(balancer.addr()));
    let mut garbled = Wire::connect(balancer.addr());
    garbled.send(b"no header\r\n");
    let _ = garbled.end();
    let silent = Wire::connect(balancer.addr());
    let _ = service.session_of(silent.local());
    assert_eq!(log_in(introduced(balancer.addr(), "198.51.100.1"), ALICE), LetIn);
    assert!(events(&service, "source turned away") == 0);

    // Introduced, it is the client who pays.
    drop(introduced(balancer.addr(), "192.0.2.1"));
    let begin = service.event("source turned away");
    assert_eq!((begin.text("source"), begin.text("offence")), ("192.0.2.1", "no_login"));
}

#[test]
fn leaving_without_a_login_costs_where_one_must_log_in_and_nowhere_else() {
    let service =
        start(&["exempt = []\nnoauth_secs = 300\nenforce_from_secs = 500\nfailure_delay_ms = 0\n", DEBUG].concat());
    let come_and_go = |host: u8, bytes: &[u8]| {
        let mut wire = Wire::connect_from(loopback(1, host), service.addr());
        wire.send(bytes);
        let (_, _) = wire.hear(1, Duration::from_millis(1));
        let _ = service.session_of(wire.leave());
    };
    for (host, bytes) in
        [(1, &b""[..]), (2, &greeting(&[USERPASS])), (3, &greeting(&[NO_AUTHENTICATION])), (4, b"junk")]
    {
        come_and_go(host, bytes);
        come_and_go(host, bytes);
        let turned_away = || log_in_from(loopback(1, host), service.addr(), ALICE) == TurnedAway;
        assert!(eventually(PATIENCE, turned_away), "{host}: {}", bytes.escape_ascii());
    }

    let open = ["exempt = []\nnoauth_secs = 600\nfailure_delay_ms = 0\n", DEBUG].concat();
    let open = launch(&open).env("RUSTSOCKS_AUTH_SOCKS_METHOD", "none").start();
    for _ in 0..5 {
        let wire = Wire::connect_from(loopback(1, 1), open.addr());
        let _ = open.session_of(wire.leave());
    }
    let mut client = Wire::connect_from(loopback(1, 1), open.addr());
    client.greet();
}

/// In HTTP a login begins with the question for it (RFC 9110 §15.5.8).
#[test]
fn asking_for_credentials_in_http_costs_nothing() {
    let service = start("exempt = []\nnoauth_secs = 600\nfailure_delay_ms = 0\n");
    for _ in 0..5 {
        let mut client = Wire::connect_from(loopback(1, 1), service.addr());
        client.send(&rig::http::connect("127.0.0.1:1", &[]));
        assert_eq!(client.http_head().status, 407);
        let line = service.session_of(client.leave());
        assert_eq!((line.text("ending"), line.text("reason")), ("refused", "credentials_missing"));
    }
    assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), LetIn);
}

/// A browser opens connections ahead, and closes those that it does not need.
#[test]
fn a_source_that_somebody_logged_in_from_may_leave_without_a_login() {
    let service = start(&["exempt = []\nnoauth_secs = 600\nfailure_delay_ms = 0\n", DEBUG].concat());
    assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), LetIn);
    for _ in 0..5 {
        let wire = Wire::connect_from(loopback(1, 1), service.addr());
        let _ = service.session_of(wire.leave());
    }
    assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), LetIn);
}

#[test]
fn dawdling_costs_also_where_nobody_must_log_in() {
    for method in ["userpass", "none"] {
        let prices = "exempt = []\ngrace_exceeded_secs = 600\n[timeouts]\nhandshake_secs = 1\n";
        let service =
            launch(&["failure_delay_ms = 0\n", prices].concat()).env("RUSTSOCKS_AUTH_SOCKS_METHOD", method).start();
        let mut slow = Wire::connect_from(loopback(1, 1), service.addr());
        slow.send(&[5]);
        assert_eq!(service.session_of(slow.local()).text("ending"), "handshake_timeout");
        assert_eq!(service.event("source turned away").text("offence"), "too_slow");
        assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), TurnedAway);
    }
}

/// The daemon takes its time over a login, and that is not the client's fault.
#[test]
fn whoever_waits_for_the_answer_to_a_login_does_not_dawdle() {
    let slow_answer = "exempt = []\nfailure_delay_ms = 900\nauthfail_secs = 0\ngrace_exceeded_secs = 600\n\
                       [timeouts]\nhandshake_secs = 1\n";
    let service = start(slow_answer);
    let mut patient = Wire::connect_from(loopback(1, 1), service.addr());
    patient.send(&[greeting(&[USERPASS]), login(WRONG.0, WRONG.1)].concat());
    // Whether the answer or the deadline comes first, the session stays until both are over.
    let _ = service.session_of(patient.local());
    let mut next = Wire::connect_from(loopback(1, 1), service.addr());
    assert_eq!(next.offer(&[USERPASS]), [5, USERPASS], "nothing is held against it");
}

/// The kernel tells no address there; a name is guarded all the same.
#[test]
fn a_client_on_a_unix_socket_is_never_penalised() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    let listen = "[[listen]]\naddress = \"unix:{dir}/socks\"\n";
    let service = start(&[TWO_FAILURES, listen].concat());
    for _ in 0..6 {
        let mut client = UnixStream::connect(service.directory().join("socks")).expect("somebody listens");
        client.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
        let said = [greeting(&[USERPASS]), login(WRONG.0, WRONG.1)].concat();
        client.write_all(&said).expect("it is not turned away");
        let mut heard = [0; 4];
        client.read_exact(&mut heard).expect("it is answered");
        assert_eq!(heard, [5, USERPASS, 1, 1]);
    }
    assert_eq!(service.event("authentication failed").text("source"), "local");
}

fn failures(service: &Service) -> usize {
    events(service, "authentication failed")
}

fn events(service: &Service, message: &str) -> usize {
    service.log.lines().iter().filter(|line| line.text("message") == message).count()
}

/// A failed login has one line, with the fields that docs/logging.md promises.
#[test]
fn a_failure_has_one_line_with_its_address_and_its_reason() {
    let service = start("exempt = []\nfailure_delay_ms = 0\n");
    assert_eq!(log_in_from(loopback(1, 7), service.addr(), WRONG), Refused);
    assert_eq!(log_in_from(loopback(1, 8), service.addr(), (b"mallory", b"x")), Refused);
    let lines = found(PATIENCE, || Some(service.log.lines()).filter(|_| service.log.sessions().len() == 2));
    let lines = lines.expect("both sessions have their lines");
    let failed: Vec<_> = lines.iter().filter(|line| line.text("message") == "authentication failed").collect();
    let [first, second] = failed.as_slice() else { panic!("one line each: {failed:?}") };
    let fields = ["level", "target", "source", "listener", "method", "reason", "user"];
    let listener = service.addr().to_string();
    let expected = ["WARN", "auth", "127.0.1.7", &listener, "userpass", "wrong_password", "alice"];
    assert_eq!(fields.map(|field| first.text(field)), expected);
    assert_eq!((second.text("source"), second.text("reason")), ("127.0.1.8", "unknown_user"));
    let sessions = service.log.sessions();
    assert!(sessions.iter().any(|line| line.text("session") == first.text("session")));
    assert!(sessions.iter().all(|line| line.text("reason") == "bad_credentials"), "it tells nobody more");
}
