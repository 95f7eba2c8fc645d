//! Requests that mean no good: each is refused within its bounds, and neither the process nor a relay notices.

use std::io::Read;
use std::net::{IpAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::scrape::{Answer, Endpoint};
use rig::target::tunnel;
use rig::usage::{own_memory, raise_own_descriptor_limit, threads};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{House, start};

/// What each of these bytes is answered, by status and by the word of the problem.
const REFUSED: &[(&str, u16, &str)] = &[
    // Two readers, two meanings.
    (
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    (
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "transfer_encoding",
    ),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n", 400, "not_http"),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\tchunked\r\n\r\n", 400, "transfer_encoding"),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n", 400, "field_twice"),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, 44\r\n\r\n", 400, "content_length"),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n", 400, "content_length"),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400, "folded_line"),
    ("GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n", 400, "bare_line_end"),
    ("GET / HTTP/1.1\r\nHost: localhost\rX: a\r\n\r\n", 400, "bare_line_end"),
    ("GET / HTTP/1.1\nHost: localhost\n\n", 400, "bare_line_end"),
    // A second request behind the first.
    (
        "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        400,
        "more_than_one",
    ),
    ("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nabc", 400, "more_than_one"),
    // Other forms.
    ("GET http://localhost/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "target_form"),
    ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "target_form"),
    ("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 400, "target_form"),
    ("GET /metrics HTTP/2.0\r\nHost: localhost\r\n\r\n", 400, "version"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "version"),
    ("GET /metrics\r\n\r\n", 400, "not_http"),
    ("\x05\x01\x00", 400, "not_http"),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03", 400, "not_http"),
    // Somebody else's name.
    ("GET /metrics HTTP/1.1\r\n\r\n", 400, "no_host"),
    ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400, "field_twice"),
    ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "wrong_host"),
    ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example:9090\r\n\r\n", 421, "wrong_host"),
    ("GET /metrics HTTP/1.1\r\nHost:\r\n\r\n", 421, "wrong_host"),
    // What is not there.
    ("GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "no_route"),
    ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "no_route"),
    ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 405, "method"),
    ("BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "method"),
    // More than there is room for.
    ("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000000\r\n\r\n", 413, "body_too_large"),
    ("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551616\r\n\r\n", 413, "body_too_large"),
    ("GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: the-worst\r\n\r\n", 400, "expectation"),
];

#[test]
fn every_doubtful_request_is_refused_with_its_reason() {
    let house = start("");
    let mut relay = tunnel(house.service.addr());
    for (request, status, code) in REFUSED {
        let answer = house.http.answer_to(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!((answer.status, code_of(&answer)), (*status, Some(*code)), "{request:?}: {}", answer.body);
        assert_eq!(answer.field("Content-Type"), Some("application/problem+json"));
        assert_eq!(answer.field("Connection"), Some("close"));
        assert_eq!(
            answer.field("Content-Length"),
            Some(&*answer.body.len().to_string()),
            "there is one answer: {answer:?}"
        );
    }
    let allowed = house.http.answer_to(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("an answer");
    assert_eq!(allowed.field("Allow"), Some("GET, HEAD"));
    assert_unharmed(&house, &mut relay);
    let scrape = house.http.scrape();
    assert!(scrape.count("rustsocks_http_requests_total{route=\"none\",status=\"400\"}") > 10);
}

fn code_of(answer: &Answer) -> Option<&str> {
    answer.body.split("\"code\":\"").nth(1)?.split('"').next()
}

/// Requests that are unusual and right.
#[test]
fn every_right_request_is_served_however_it_comes() {
    let house = start("allowed_hosts = [\"proxy.example.com\"]\n");
    let port = house.http.addr().port();
    for request in [
        "GET /health HTTP/1.1\r\nhost:localhost\r\n\r\n".to_owned(),
        format!("GET /health?verbose=1&x=%20 HTTP/1.1\r\nHost: LOCALHOST:{port}\r\nUser-Agent: x\r\n\r\n"),
        format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n\r\n"),
        "GET /health HTTP/1.1\r\nHost: Proxy.Example.com:80\r\n\r\n".to_owned(),
        // Balancers of old speak HTTP/1.0 without a Host; browsers do not.
        "GET /health HTTP/1.0\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody".to_owned(),
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "a".repeat(16_000)),
    ] {
        let answer = house.http.answer_to(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!(answer.status, 200, "{request:?}: {}", answer.body);
    }
    let head = house.http.answer_to(b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("an answer");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(
        head.field("Content-Length")
            .and_then(|length| length.parse::<usize>().ok())
            .is_some_and(|length| length > 1000)
    );

    let mut bytewise = Wire::connect(house.http.addr());
    bytewise.send_bytewise(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(Answer::parse(&bytewise.rest().0).map(|answer| answer.status), Some(200));

    let mut expecting = Wire::connect(house.http.addr());
    expecting.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(expecting.http_head().status, 100);
    expecting.send(b"yes");
    assert_eq!(expecting.http_head().status, 200);
}

#[test]
fn a_head_that_never_ends_is_refused_at_its_bound_and_a_slow_one_in_time() {
    let house = start("");
    let mut relay = tunnel(house.service.addr());
    let memory = own_memory(house.service.worker_pid());
    let mut endless = Wire::connect(house.http.addr());
    endless.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ");
    // As long as somebody takes it, up to 200 MB.
    let piece = vec![b'a'; 64 * 1024];
    let sent = (0..3_200).take_while(|_| endless.try_send(&piece).is_ok()).count();
    measured(format!("{} KiB of an endless head were taken", sent * 64));
    assert!(sent < 200, "{sent} pieces of an endless head were taken");
    let grown = own_memory(house.service.worker_pid()).saturating_sub(memory);
    assert!(grown < 8 << 20, "the worker grew by {grown} bytes");

    let began = Instant::now();
    let (mut slow, mut silent) = (Wire::connect(house.http.addr()), Wire::connect(house.http.addr()));
    for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost".iter().take(12) {
        thread::sleep(Duration::from_millis(500));
        if slow.try_send(&[*byte]).is_err() {
            break;
        }
    }
    assert_eq!(status_of(&slow.rest().0), Some(408));
    assert_eq!(status_of(&silent.rest().0), Some(408));
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    assert_unharmed(&house, &mut relay);
}

#[test]
fn a_body_that_comes_slowly_is_given_up() {
    let house = start("");
    let began = Instant::now();
    let mut slow = Wire::connect(house.http.addr());
    slow.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nbeginning");
    let (answer, _) = slow.rest();
    assert_eq!(status_of(&answer), Some(408));
    let taken = began.elapsed();
    assert!((Duration::from_secs(9)..PATIENCE).contains(&taken), "after {taken:?}");

    let megabyte = vec![b'x'; 1 << 20];
    let request = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", megabyte.len());
    let answer = house.http.answer_to(&[request.as_bytes(), &megabyte].concat()).expect("an answer");
    assert_eq!(answer.status, 200, "as much as fits is taken");
}

/// A thousand who connect and say nothing: a few wait for their time to be over, the others hear at once that there is no room.
#[test]
fn a_thousand_connections_leave_threads_memory_and_relays_as_they_were() {
    raise_own_descriptor_limit();
    let house = start("");
    let mut relay = tunnel(house.service.addr());
    let worker = house.service.worker_pid();
    let (before, memory) = (threads(worker).len(), own_memory(worker));
    let mut crowd: Vec<_> = (0..1_000).map(|number| connect_from(&house.http, number)).collect();
    relay.0.send(b"still here");
    assert_eq!(&relay.1.receive(), b"still here");
    let scrape_from_elsewhere =
        || connect_from_source(&house.http, IpAddr::from([127, 9, 9, 9])).is_some_and(|answer| answer.status == 200);
    assert!(eventually(PATIENCE, scrape_from_elsewhere), "there is room again within seconds");
    let (now, grown) = (threads(worker).len(), own_memory(worker).saturating_sub(memory));
    measured(format!("1,000 connections: {before} threads became {now}, {grown} bytes more"));
    assert!(now <= before + 8, "{before} threads became {now}");
    assert!(grown < 16 << 20, "the worker grew by {grown} bytes");
    let statuses: Vec<_> = crowd.iter_mut().map(status_at_the_end).collect();
    assert!(statuses.iter().all(|status| matches!(status, None | Some(408 | 503))), "{statuses:?}");
    assert!(statuses.contains(&Some(503)) && statuses.contains(&Some(408)), "{statuses:?}");
    drop(crowd);
    assert_unharmed(&house, &mut relay);
    assert!(eventually(PATIENCE, || threads(worker).len() <= before + 1), "the threads are gone");
}

/// One source takes its share and leaves room for others.
#[test]
fn one_source_cannot_take_all_places() {
    let house = start("");
    let mut crowd: Vec<_> = (0..20).map(|_| connect_silently(&house.http, [127, 0, 0, 1].into())).collect();
    let answer = connect_from_source(&house.http, [127, 0, 0, 2].into()).expect("another source has room");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let refused = house.http.answer_to(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("an answer");
    assert_eq!((refused.status, refused.field("Retry-After")), (503, Some("1")));
    crowd.clear();
    assert!(eventually(PATIENCE, || house
        .http
        .answer_to(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .is_some_and(|answer| answer.status == 200)));
}

/// Sources are many, so that not only the bound of one source is tried.
fn connect_from(http: &Endpoint, number: u32) -> TcpStream {
    let [.., high, low] = number.to_be_bytes();
    connect_silently(http, [127, 1, high, low / 4].into())
}

fn connect_silently(http: &Endpoint, source: IpAddr) -> TcpStream {
    Wire::connect_from(source, http.addr()).stream().try_clone().expect("a descriptor can be had")
}

fn connect_from_source(http: &Endpoint, source: IpAddr) -> Option<Answer> {
    let mut wire = Wire::try_connect_from(source, http.addr()).ok()?;
    wire.try_send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
    let (answer, _) = wire.hear(1 << 20, PATIENCE);
    Answer::parse(&answer)
}

fn status_at_the_end(stream: &mut TcpStream) -> Option<u16> {
    stream.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    status_of(&bytes)
}

fn status_of(bytes: &[u8]) -> Option<u16> {
    Answer::parse(bytes).map(|answer| answer.status)
}

/// The process is the one that it was, the relay relays, and whoever asks properly is answered.
fn assert_unharmed(house: &House, (client, target): &mut (Wire, Wire)) {
    client.send(b"unharmed");
    assert_eq!(&target.receive(), b"unharmed");
    let is_well = || {
        house
            .http
            .answer_to(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .is_some_and(|answer| answer.status == 200)
    };
    assert!(eventually(PATIENCE, is_well), "the front answers");
    let deaths = house.service.log.lines().iter().filter(|line| line.text("message") == "the worker died").count();
    assert_eq!(deaths, 0);
}
