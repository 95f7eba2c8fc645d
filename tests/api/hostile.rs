//! The API's listener has the bounds of the metrics' one: requests that mean no good and crowds are refused, and it goes on.

use std::net::TcpStream;

use rig::target::tunnel;
use rig::usage::threads;
use rig::wait::{PATIENCE, eventually};

use crate::start;

/// Connections that say nothing; one source may have eight at once.
const CROWD: usize = 1_000;

#[test]
fn doubtful_requests_and_a_crowd_are_refused_and_the_api_goes_on() {
    let house = start("");
    let (mut client, mut target) = tunnel(house.service.addr());
    let before = threads(house.service.worker_pid()).len();
    let endless = format!("GET /stats HTTP/1.1\r\nHost: localhost\r\nX: {}", "a".repeat(20_000));
    for (request, status, code) in [
        (
            "GET /stats HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "transfer_encoding",
        ),
        (
            "POST /api/acl/test HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\n",
            400,
            "field_twice",
        ),
        (
            "POST /api/acl/test HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000000\r\n\r\n",
            413,
            "body_too_large",
        ),
        (
            "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nDELETE /api/sessions/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
            "more_than_one",
        ),
        (&endless, 431, "head_too_large"),
    ] {
        let answer =
            house.api.endpoint().answer_to(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {code}"));
        assert_eq!(answer.status, status, "{code}: {}", answer.body);
        assert!(answer.body.contains(&format!("\"code\":\"{code}\"")), "{}", answer.body);
    }

    let crowd: Vec<TcpStream> =
        (0..CROWD).filter_map(|_| TcpStream::connect(house.api.endpoint().addr()).ok()).collect();
    let now = threads(house.service.worker_pid()).len();
    assert!(now < before + 16, "no thread for each of the crowd: {now}, and {before} before");
    client.send(b"there");
    assert_eq!(&target.receive::<5>(), b"there");
    drop(crowd);
    // Whoever comes while the crowd leaves may be closed without a word.
    let health = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let is_served = || house.api.endpoint().answer_to(health).is_some_and(|answer| answer.status == 200);
    assert!(eventually(PATIENCE, is_served), "the API answers again");
}
