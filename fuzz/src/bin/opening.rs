//! A whole handshake in any language, cut anywhere: cutting must change nothing, and no more may be consumed than there is.
//!
//! The first byte chooses the offer, the second where the conversation is cut.
#![no_main]

#[path = "../../../src/core/socks/tests/language/driver.rs"]
mod driver;

use libfuzzer_sys::fuzz_target;
use socks::{Method, Offer, Socks4};

use driver::{Judge, converse};

fuzz_target!(|input: &[u8]| {
    let [choice, cut, conversation @ ..] = input else { return };
    let (offer, judge) = (offer(*choice), judge(*choice));
    let (front, back) = conversation.split_at(usize::from(*cut).min(conversation.len()));
    let at_once = converse(&offer, judge, [conversation]);
    assert_eq!(at_once, converse(&offer, judge, [front, back]));
    assert_eq!(at_once, converse(&offer, judge, conversation.chunks(1)));
});

fn socks4(is_spoken: bool, methods: &[Method]) -> Socks4 {
    match (is_spoken, methods.contains(&Method::None)) {
        (false, _) => Socks4::Foreign,
        (true, false) => Socks4::Refused,
        (true, true) => Socks4::Spoken,
    }
}

/// One bit for each language, two for the methods.
fn offer(choice: u8) -> Offer {
    let methods = match choice >> 3 & 3 {
        0 => vec![Method::None],
        1 => vec![Method::UserPass],
        2 => vec![Method::None, Method::UserPass],
        _ => vec![Method::UserPass, Method::None],
    };
    Offer { socks5: choice & 1 == 0, socks4: socks4(choice & 2 == 0, &methods), http_connect: choice & 4 == 0, methods }
}

fn judge(choice: u8) -> Judge {
    if choice & 0x20 == 0 { Judge::Believes } else { Judge::Rejects }
}
