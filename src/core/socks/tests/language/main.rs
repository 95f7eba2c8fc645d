//! The language as its clients speak it, through the public types only.
//!
//! Every conversation here is bytes in, bytes out; nothing of it touches a socket.

#![expect(clippy::unwrap_used, reason = "the lint knows test functions, but not the helpers beside them")]

mod driver;
mod http_connect;
mod opening;
mod properties;
mod proxy_protocol;
mod reference;
mod replies;
mod requests;
mod socks4;
mod udp;

use socks::{Fault, Method, Offer, Socks4};

use crate::driver::{End, Judge, Outcome, converse};

/// All languages, and a password preferred.
fn everything() -> Offer {
    accepts(&[Method::UserPass, Method::None])
}

/// All languages, and these methods.
fn accepts(methods: &[Method]) -> Offer {
    Offer {
        socks5: true,
        socks4: if methods.contains(&Method::None) { Socks4::Spoken } else { Socks4::Refused },
        http_connect: true,
        methods: methods.into(),
    }
}

fn run<'a>(offer: &Offer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    run_as(Judge::Believes, offer, pieces)
}

fn run_as<'a>(judge: Judge, offer: &Offer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    converse(offer, judge, pieces)
}

/// The conversation ends in this fault, after these bytes have been sent, however the input is cut.
fn broken(offer: &Offer, input: &[u8], fault: Fault, sent: &[u8]) {
    let at_once = run(offer, [input]);
    assert_eq!(at_once, run(offer, input.chunks(1)));
    assert_eq!(at_once.end, End::Broken(fault));
    assert_eq!(at_once.sent, sent);
}

fn requests(outcome: &Outcome, expected: &str) {
    let End::Requested(request) = &outcome.end else { panic!("no request: {outcome:?}") };
    assert_eq!(format!("{:?} {}", request.command, request.target), expected);
}
