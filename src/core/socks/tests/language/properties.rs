//! What holds for every input: cutting changes nothing, arbitrary bytes do no harm, what is written can be read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use socks::proxy_protocol::{Path, Progress};
use socks::{
    Accepted, Command, Dialect, Escaped, Host, Method, Name, Offer, Opening, Plainly, Socks4, Step, Target,
    proxy_protocol, udp,
};

use crate::driver::{Judge, converse};
use crate::everything;
use crate::reference::{Reading, socks4_request, socks5_request};

proptest! {
    #[test]
    fn cutting_a_conversation_changes_nothing(
        offer in offer(), judge in judge(), input in conversation(), cuts in vec(any::<Index>(), 0..6),
    ) {
        let at_once = converse(&offer, judge, [&input[..]]);
        prop_assert_eq!(&at_once, &converse(&offer, judge, input.chunks(1)));
        prop_assert_eq!(&at_once, &converse(&offer, judge, pieces(&input, &cuts)));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(offer in offer(), judge in judge(), input in vec(any::<u8>(), 0..600)) {
        let outcome = converse(&offer, judge, [&input[..]]);
        prop_assert!(input.ends_with(&outcome.rest));
    }

    #[test]
    fn a_socks5_request_is_read_as_the_reference_reads_it(input in nearly_a_request(5)) {
        prop_assert_eq!(reading(&accepted(b"\x05\x01\x00"), &input), socks5_request(&input));
    }

    #[test]
    fn a_socks4_request_is_read_as_the_reference_reads_it(input in nearly_a_request(4), user_id in vec(1..=255u8, 0..=255)) {
        let input = [input.get(..8).unwrap_or(&input), &user_id, &[0], input.get(8..).unwrap_or_default()].concat();
        prop_assert_eq!(reading(&accepted(b"\x04\x01\0\0\0\0\0\0\0"), &input), socks4_request(&input));
    }

    #[test]
    fn a_request_that_is_written_can_be_read((code, command) in command(), target in target()) {
        let request = [&[5, code, 0][..], &wire(&target)].concat();
        let expected = Reading::Complete { consumed: request.len(), command, target };
        prop_assert_eq!(reading(&accepted(b"\x05\x01\x00"), &request), expected);
    }

    #[test]
    fn a_bound_address_that_is_written_can_be_read(bound in any::<SocketAddr>()) {
        let reply = Dialect::Socks5.granted(bound);
        let as_request = [b"\x05\x01\x00", &reply.as_bytes()[3..]].concat();
        let expected = Reading::Complete { consumed: as_request.len(), command: Command::Connect, target: canonical(bound).into() };
        prop_assert_eq!(reading(&accepted(b"\x05\x01\x00"), &as_request), expected);
    }

    #[test]
    fn a_datagram_that_is_written_can_be_read(from in any::<SocketAddr>(), payload in vec(any::<u8>(), 0..100)) {
        let datagram = [udp::encode_header(from).as_bytes(), &payload].concat();
        let decoded = udp::decode(&datagram).unwrap();
        prop_assert_eq!(decoded.target, canonical(from).into());
        prop_assert_eq!(decoded.payload, payload);
    }

    #[test]
    fn a_datagram_from_a_client_keeps_its_payload(target in target(), payload in vec(any::<u8>(), 0..100)) {
        let datagram = [b"\0\0\0", &wire(&target)[..], &payload].concat();
        let decoded = udp::decode(&datagram).unwrap();
        prop_assert_eq!(&decoded.target, &target);
        prop_assert_eq!(decoded.payload, &payload);
    }

    #[test]
    fn an_arbitrary_datagram_does_no_harm(datagram in vec(prop_oneof![0..6u8, any::<u8>()], 0..300)) {
        if let Ok(decoded) = udp::decode(&datagram) {
            prop_assert_eq!(decoded.payload, &datagram[decoded.header_length..]);
        }
    }

    #[test]
    fn a_proxy_header_that_is_written_can_be_read(source in any::<IpAddr>(), destination in any::<IpAddr>(), ports in any::<[u16; 2]>()) {
        let (source, destination) = same_family(source, destination);
        let path = Path::Proxied { source: (source, ports[0]).into(), destination: (destination, ports[1]).into() };
        for header in [version_1(source, destination, ports), version_2(source, destination, ports)] {
            prop_assert_eq!(proxy_protocol::decode(&header), Ok(Progress::Done { consumed: header.len(), path }));
        }
    }

    #[test]
    fn a_proxy_header_is_judged_the_same_at_every_length_that_suffices(input in nearly_a_proxy_header()) {
        let whole = proxy_protocol::decode(&input);
        for length in 0..input.len() {
            let part = proxy_protocol::decode(&input[..length]);
            prop_assert!(part == Ok(Progress::NeedMore) || part == whole, "{part:?} at {length}, later {whole:?}");
        }
    }

    #[test]
    fn escaped_bytes_are_one_field_of_a_log_line(bytes in vec(any::<u8>(), 0..300)) {
        let shown = Escaped(&bytes).to_string();
        prop_assert!(shown.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'), "{shown}");
    }

    #[test]
    fn an_address_is_written_as_it_shows_itself(ip in any::<IpAddr>(), port in any::<u16>()) {
        let address = SocketAddr::new(ip, port);
        prop_assert_eq!(Plainly(address).to_string(), address.to_string());
        prop_assert_eq!(Target::from(address).to_string(), address.to_string());
    }
}

fn offer() -> impl Strategy<Value = Offer> {
    let methods = subsequence(vec![Method::None, Method::UserPass], 0..=2).prop_shuffle();
    let socks4 = prop_oneof![Just(Socks4::Foreign), Just(Socks4::Refused), Just(Socks4::Spoken)];
    (any::<[bool; 2]>(), socks4, methods).prop_map(|([socks5, http_connect], socks4, methods)| Offer {
        socks5,
        socks4,
        http_connect,
        methods,
    })
}

fn judge() -> impl Strategy<Value = Judge> {
    prop_oneof![9 => Just(Judge::Believes), 1 => Just(Judge::Rejects)]
}

/// Whole conversations with something behind them, some of them damaged in one place.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![socks5_conversation(), socks4_conversation(), http_conversation()];
    let damage = proptest::option::weighted(0.3, any::<(Index, u8)>());
    (whole, vec(any::<u8>(), 0..20), damage).prop_map(|(whole, behind, damage)| {
        let mut input = [whole, behind].concat();
        if let Some((place, byte)) = damage {
            let place = place.index(input.len());
            input[place] = byte;
        }
        input
    })
}

fn socks5_conversation() -> impl Strategy<Value = Vec<u8>> {
    let methods = vec(0..4u8, 1..5);
    let password = proptest::option::of((vec(any::<u8>(), 1..=255), vec(any::<u8>(), 0..=255)));
    (methods, password, command(), target()).prop_map(|(methods, password, (code, _), target)| {
        let password = password.map(|(user, password)| [&[1], &counted(&user)[..], &counted(&password)].concat());
        let request = [&[5, code, 0][..], &wire(&target)].concat();
        [vec![5], counted(&methods), password.unwrap_or_default(), request].concat()
    })
}

fn socks4_conversation() -> impl Strategy<Value = Vec<u8>> {
    let fields = (1..3u8, any::<[u8; 2]>(), prop_oneof![any::<[u8; 4]>(), Just([0, 0, 0, 7])]);
    let strings = (vec(1..=255u8, 0..260), vec(1..=255u8, 0..260));
    (fields, strings).prop_map(|((code, port, address), (user_id, name))| {
        [&[4, code], &port[..], &address, &user_id, &[0], &name, &[0]].concat()
    })
}

fn http_conversation() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![4 => Just("CONNECT"), 1 => Just("GET")];
    let form = prop_oneof!["[a-z.]{1,20}:[0-9]{1,5}", "[a-z/@:\\[\\].0-9]{1,20}"];
    let fields =
        vec(prop_oneof!["[A-Za-z-]{1,10}: [ -~]{0,30}", "Proxy-Authorization: Basic [A-Za-z0-9+/]{4,20}={0,2}"], 0..4);
    let version = prop_oneof![4 => Just("1.1"), 1 => Just("1.0"), 1 => Just("2.0")];
    (method, form, version, fields).prop_map(|(method, form, version, fields)| {
        let request_line = format!("{method} {form} HTTP/{version}");
        let lines = [vec![request_line], fields, vec![String::new(), String::new()]].concat();
        lines.join("\r\n").into()
    })
}

/// Bytes that often look like a request of this version, and often stop being one somewhere.
fn nearly_a_request(version: u8) -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![9 => Just(version), 1 => any::<u8>()];
    let code = prop_oneof![6 => 1..4u8, 2 => Just(0xf0), 2 => Just(0xf1), 1 => any::<u8>()];
    let rest = vec(prop_oneof![3 => 0..6u8, 1 => any::<u8>()], 0..40);
    let behind = vec(any::<u8>(), 0..300);
    (first, code, rest, behind, any::<Index>()).prop_map(|(first, code, rest, behind, end)| {
        let mut input = [vec![first, code], rest, behind].concat();
        input.truncate(end.index(input.len() + 1));
        input
    })
}

fn nearly_a_proxy_header() -> impl Strategy<Value = Vec<u8>> {
    let words = vec("PROXY|TCP4|TCP6|UNKNOWN|[0-9.]{1,7}|::1|192\\.0\\.2\\.1", 0..8);
    let version_1 = words.prop_map(|words| format!("PROXY {}\r\n", words.join(" ")).into_bytes());
    let version_2 = (0x1f..0x23u8, any::<u8>(), any::<u16>(), vec(any::<u8>(), 0..300)).prop_map(
        |(command, transport, length, block)| {
            let length = (length % 400).to_be_bytes();
            [b"\r\n\r\n\0\r\nQUIT\n", &[command, transport][..], &length, &block].concat()
        },
    );
    prop_oneof![version_1, version_2, vec(any::<u8>(), 0..200)]
}

fn command() -> impl Strategy<Value = (u8, Command)> {
    prop_oneof![
        Just((1, Command::Connect)),
        Just((2, Command::Bind)),
        Just((3, Command::UdpAssociate)),
        Just((0xf0, Command::Resolve)),
        Just((0xf1, Command::ResolvePtr)),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let name = vec(any::<u8>(), 1..=255).prop_map(|bytes| Host::Name(Name::new(&bytes).unwrap()));
    let host = prop_oneof![any::<Ipv4Addr>().prop_map(Host::V4), any::<Ipv6Addr>().prop_map(Host::V6), name];
    (host, any::<u16>()).prop_map(|(host, port)| Target { host, port })
}

/// ATYP, address and port as a client writes them.
fn wire(target: &Target) -> Vec<u8> {
    let host = match &target.host {
        Host::V4(ip) => [&[1], &ip.octets()[..]].concat(),
        Host::V6(ip) => [&[4], &ip.octets()[..]].concat(),
        Host::Name(name) => [vec![3], counted(name.as_bytes())].concat(),
    };
    [&host[..], &target.port.to_be_bytes()].concat()
}

fn counted(field: &[u8]) -> Vec<u8> {
    [&[u8::try_from(field.len()).unwrap()], field].concat()
}

fn pieces<'a>(input: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

fn accepted(opening: &[u8]) -> Accepted<()> {
    let Ok(Step::Identify { claimant, .. }) = Opening::default().receive(&everything(), opening) else {
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

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn same_family(source: IpAddr, destination: IpAddr) -> (IpAddr, IpAddr) {
    if source.is_ipv4() == destination.is_ipv4() { (source, destination) } else { (source, source) }
}

fn version_1(source: IpAddr, destination: IpAddr, [from, to]: [u16; 2]) -> Vec<u8> {
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    format!("PROXY {family} {source} {destination} {from} {to}\r\n").into()
}

fn version_2(source: IpAddr, destination: IpAddr, [from, to]: [u16; 2]) -> Vec<u8> {
    let transport = if source.is_ipv4() { 0x11 } else { 0x21 };
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let block = [octets(source), octets(destination), from.to_be_bytes().into(), to.to_be_bytes().into()].concat();
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[0x21, transport][..], &length, &block].concat()
}
