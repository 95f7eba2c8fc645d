//! The request of an accepted client: the real decoder against the naive one, in SOCKS5 and SOCKS4.
#![no_main]

#[path = "../../../src/core/socks/tests/language/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;
use socks::{Accepted, Method, Offer, Opening, Socks4, Step};

use reference::{Reading, socks4_request, socks5_request};

fuzz_target!(|input: &[u8]| {
    assert_eq!(reading(&accepted(b"\x05\x01\x00"), input), socks5_request(input));
    if opened_as_socks4(input) {
        assert_eq!(reading(&accepted(input), input), socks4_request(input));
    }
});

/// The opening hands on no SOCKS4 request before its user id is complete and short enough.
fn opened_as_socks4(input: &[u8]) -> bool {
    let user_id = input.get(8..).and_then(|rest| rest.iter().position(|&byte| byte == 0));
    input.first() == Some(&4) && user_id.is_some_and(|length| length < 256)
}

fn accepted(opening: &[u8]) -> Accepted<()> {
    let offer = Offer { socks5: true, socks4: Socks4::Spoken, http_connect: false, methods: vec![Method::None] };
    let Ok(Step::Identify { claimant, .. }) = Opening::default().receive(&offer, opening) else {
        panic!("this opening identifies at once");
    };
    claimant.accept(())
}

fn reading(accepted: &Accepted<()>, input: &[u8]) -> Reading {
    match accepted.receive(input) {
        Ok(None) => Reading::Incomplete,
        Ok(Some((consumed, request))) => {
            Reading::Complete { consumed, command: request.command, target: request.target }
        }
        Err(violation) => Reading::Broken(violation.fault),
    }
}
