//! Greeting, requests and reply codes.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Instant;

use rig::server::Server;
use rig::socks5::{CONNECT, greeting, request};
use rig::target::{Target, Vacant, echo};
use rig::wire::Wire;

use crate::Check;
use crate::hearing::{MOMENT, REPLY, asked, bound, greeted, hear, say, word};

pub(crate) const CHECKS: &[Check] = &[
    Check { what: "REP, connection refused", should_be: "5", answer: connection_refused },
    Check { what: "REP, name does not exist", should_be: "4", answer: no_such_name },
    Check { what: "REP, no IPv6 route", should_be: "3, at once", answer: no_route },
    Check { what: "unknown CMD", should_be: "7", answer: unknown_command },
    Check { what: "unknown ATYP", should_be: "8", answer: unknown_address_type },
    Check { what: "no acceptable method", should_be: "FF, close", answer: no_acceptable_method },
    Check { what: "greeting + request in one segment", should_be: "ok", answer: one_segment },
    Check { what: "payload in the same segment as the request", should_be: "kept", answer: early_payload },
    Check { what: "one byte at a time", should_be: "ok", answer: bytewise },
    Check { what: "one byte then silence", should_be: "bounded", answer: one_byte_then_silence },
    Check { what: "CONNECT BND", should_be: "real", answer: connect_bound },
];

fn connection_refused(server: &Server) -> String {
    code(server, &request(CONNECT, Vacant::port().addr()))
}

fn no_such_name(server: &Server) -> String {
    code(server, &request(CONNECT, ("does-not-exist.test", 80)))
}

fn no_route(server: &Server) -> String {
    let unreachable = SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 80));
    let began = Instant::now();
    let code = code(server, &request(CONNECT, unreachable));
    let taken = began.elapsed();
    if taken.as_secs() == 0 { format!("{code}, at once") } else { format!("{code} after {} s", taken.as_secs()) }
}

fn unknown_command(server: &Server) -> String {
    code(server, &request(9, Vacant::port().addr()))
}

fn unknown_address_type(server: &Server) -> String {
    code(server, &[5, CONNECT, 0, 9, 127, 0, 0, 1, 0, 80])
}

fn no_acceptable_method(server: &Server) -> String {
    let mut client = Wire::connect(server.addr());
    say(&mut client, &greeting(&[0x80]));
    match client.hear(3, MOMENT) {
        (bytes, Some(_)) if bytes == [5, 0xff] => "FF, close".to_owned(),
        (bytes, Some(_)) if bytes.is_empty() => "closed, silent".to_owned(),
        (bytes, None) if bytes.is_empty() => "silence".to_owned(),
        (bytes, _) => format!("{bytes:02x?}"),
    }
}

fn one_segment(server: &Server) -> String {
    let target = Target::listen();
    let mut client = Wire::connect(server.addr());
    say(&mut client, &[greeting(&[0]), request(CONNECT, target.addr())].concat());
    word(hear(&mut client, 2 + REPLY).map(|_| "ok"))
}

fn early_payload(server: &Server) -> String {
    let echo = Target::listen().serve(echo);
    word(greeted(server).and_then(|mut client| {
        say(&mut client, &[&request(CONNECT, echo)[..], b"early"].concat());
        hear(&mut client, REPLY)?;
        let (heard, _) = client.hear(5, MOMENT);
        if heard == b"early" { Ok("kept") } else { Err("lost") }
    }))
}

fn bytewise(server: &Server) -> String {
    let echo = Target::listen().serve(echo);
    let mut client = Wire::connect(server.addr());
    let _ = client.try_send_bytewise(&greeting(&[0]));
    word(hear(&mut client, 2).and_then(|_| {
        let _ = client.try_send_bytewise(&request(CONNECT, echo));
        let reply = hear(&mut client, REPLY)?;
        if reply[1] == 0 { Ok("ok") } else { Err("broken") }
    }))
}

fn one_byte_then_silence(server: &Server) -> String {
    let mut client = Wire::connect(server.addr());
    say(&mut client, &[5]);
    match client.hear(1, MOMENT) {
        (_, Some(_)) => "bounded".to_owned(),
        (_, None) => format!("> {} s", MOMENT.as_secs()),
    }
}

fn connect_bound(server: &Server) -> String {
    let target = Target::listen();
    word(asked(server, &request(CONNECT, target.addr())).map(|(_client, reply)| {
        let seen = target.accept().peer();
        match bound(&reply) {
            bound if bound == seen => "real",
            bound if bound.ip().is_unspecified() => "zeros",
            _ => "another address",
        }
    }))
}

fn code(server: &Server, request: &[u8]) -> String {
    match asked(server, request) {
        Ok((_, reply)) => reply[1].to_string(),
        Err(word) => word.to_owned(),
    }
}
