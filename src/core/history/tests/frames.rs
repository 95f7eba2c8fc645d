//! The frames of the spool: there and back, cut anywhere, and broken anywhere.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use history::{
    Asked, Damage, Encoder, FLOWS_MAX, Flow, Flows, HEADER, Host, Kind, MAX_PAYLOAD, Phases, Record, Status, TEXT_MAX,
    Traffic, VERSION, clipped, decode,
};
use proptest::prelude::*;

#[test]
fn a_record_with_everything_in_it_comes_back() {
    let record = full("the-listener");
    assert_eq!(round_trip(Kind::Closed, &record), (Kind::Closed, record));
}

#[test]
fn a_record_with_nothing_in_it_comes_back() {
    assert_eq!(round_trip(Kind::Checkpoint, &bare()), (Kind::Checkpoint, bare()));
}

#[test]
fn the_longest_texts_fit() {
    let text = "ż".repeat(TEXT_MAX);
    let long = clipped(&text);
    assert_eq!(long.len(), TEXT_MAX);
    let most = Traffic { bytes: u64::MAX, packets: u64::MAX };
    let longest = Flow { peer: SocketAddr::from((Ipv6Addr::LOCALHOST, u16::MAX)), sent: most, received: most };
    let mut room = Vec::new();
    let asked = Asked { host: Some(Host::Name(long)), ..full("").asked.unwrap() };
    let record = Record {
        listener: long,
        flows: Flows::packed(&[longest; FLOWS_MAX], &mut room),
        user: Some(long),
        claimed: Some(long),
        auth: Some(long),
        asked: Some(asked),
        close_reason: Some(long),
        rule: Some(long),
        remark: Some(long),
        ..full("")
    };
    let frame = encoded(Kind::Opened, &record);
    assert!(frame.len() <= HEADER + MAX_PAYLOAD);
    assert_eq!(decode(&frame).unwrap().unwrap().record().unwrap(), record);
}

#[test]
fn frames_follow_one_another() {
    let mut bytes = encoded(Kind::Opened, &full("one"));
    bytes.extend(encoded(Kind::Closed, &full("two")));
    let first = decode(&bytes).unwrap().unwrap();
    let second = decode(&bytes[first.bytes.len()..]).unwrap().unwrap();
    assert_eq!([first, second].map(|frame| frame.record().unwrap().listener), ["one", "two"]);
    assert_eq!(first.bytes.len() + second.bytes.len(), bytes.len());
}

#[test]
fn a_frame_that_is_cut_anywhere_is_not_whole() {
    let frame = encoded(Kind::Closed, &full("cut"));
    for length in 0..frame.len() {
        assert_eq!(decode(&frame[..length]), Ok(None), "{length} of {} bytes", frame.len());
    }
}

#[test]
fn a_frame_with_any_bit_turned_is_damaged_or_not_whole() {
    let frame = encoded(Kind::Closed, &full("turned"));
    for bit in 0..frame.len() * 8 {
        let mut turned = frame.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        // A greater length announces bytes that are not there.
        assert!(matches!(decode(&turned), Err(_) | Ok(None)), "bit {bit}");
    }
}

#[test]
fn what_never_was_a_frame_is_told() {
    assert_eq!(decode(b"no frame at all"), Err(Damage::Mark));
    assert_eq!(decode(&[0; 4096]), Err(Damage::Mark));
    assert_eq!(decode(b"X"), Err(Damage::Mark));
    assert_eq!(decode(b"RS\x01\x09\0\0\0\0\0\0\0\0"), Err(Damage::Kind(9)));
    assert_eq!(decode(b"RS\x01\x01\xff\xff\xff\xff\0\0\0\0"), Err(Damage::Length(u32::MAX)));
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let newer = sealed(VERSION + 1, &[1, 2, 3]);
    let frame = decode(&newer).unwrap().unwrap();
    assert_eq!((frame.id(), frame.record()), (None, Err(Damage::Version(VERSION + 1))));
    assert_eq!(Damage::Version(4).to_string(), "version 4, written by a newer program");
}

#[test]
fn a_record_of_the_first_version_is_read_without_what_came_later() {
    let Record { phases, .. } = full("first");
    let record = Record { phases: Phases { rules: None, ..phases }, ..full("first") };
    let frame = encoded(Kind::Closed, &record);
    // Versions 2 and 3 end with what the one before did not have: here a nothing of one byte each.
    for (version, missing) in [(1, 2), (2, 1)] {
        let earlier = sealed(version, &frame[HEADER..frame.len() - missing]);
        let read = decode(&earlier).unwrap().unwrap();
        assert_eq!((read.id(), read.record()), (Some(record.id), Ok(record)));
    }
}

#[test]
fn the_flows_of_an_association_come_back_in_their_order_and_no_more_than_fit() {
    let flow = |number: u16| Flow {
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, number)),
        sent: Traffic { bytes: number.into(), packets: 1 },
        received: Traffic { bytes: 7, packets: u64::from(number) << 32 },
    };
    let flows: Vec<Flow> = (0..100).map(flow).collect();
    let mut room = b"what lay there before".to_vec();
    let record = Record { flows: Flows::packed(&flows[..3], &mut room), ..full("flows") };
    let frame = encoded(Kind::Closed, &record);
    let read = decode(&frame).unwrap().unwrap().record().unwrap();
    assert_eq!(read.flows.iter().collect::<Vec<_>>(), flows[..3]);
    let mut room = Vec::new();
    assert_eq!(Flows::packed(&flows, &mut room).iter().collect::<Vec<_>>(), flows[..FLOWS_MAX]);
    assert!(bare().flows.is_empty());
}

#[test]
fn flows_that_are_cut_are_damage() {
    let flow = Flow {
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
        sent: Traffic::default(),
        received: Traffic::default(),
    };
    let mut room = Vec::new();
    let record = Record { flows: Flows::packed(&[flow], &mut room), ..full("cut") };
    let frame = encoded(Kind::Closed, &record);
    let flow_length = room.len();
    let mut payload = frame[HEADER..].to_vec();
    payload.truncate(payload.len() - 1);
    let length = payload.len() - flow_length;
    payload[length] -= 1;
    assert_eq!(decode(&sealed(VERSION, &payload)).unwrap().unwrap().record(), Err(Damage::Record));
}

#[test]
fn a_record_that_is_too_short_or_too_long_is_damaged() {
    let record = encoded(Kind::Closed, &full("whole"));
    let payload = &record[HEADER..];
    for payload in [&payload[..payload.len() - 1], &[payload, b"!"].concat()] {
        assert_eq!(decode(&sealed(VERSION, payload)).unwrap().unwrap().record(), Err(Damage::Record));
    }
}

#[test]
fn a_status_reads_back_from_its_word() {
    for status in Status::ALL {
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    let error = "open".parse::<Status>().unwrap_err();
    assert!(error.to_string().starts_with("\"open\" is no status"), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), version in 0..=VERSION + 1) {
        let _whatever = decode(&bytes);
        if let Ok(Some(frame)) = decode(&sealed(version, &bytes)) {
            let _whatever = frame.record();
        }
    }
}

/// A payload in an envelope that is right.
fn sealed(version: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [b"RS".as_slice(), &[version, 3]].concat();
    frame.extend(u32::try_from(payload.len()).expect("it is short").to_le_bytes());
    let checksum = crc32fast::hash(&[&frame, payload].concat());
    frame.extend(checksum.to_le_bytes());
    frame.extend(payload);
    frame
}

fn round_trip<'a>(kind: Kind, record: &Record<'a>) -> (Kind, Record<'a>) {
    let bytes: &'static [u8] = encoded(kind, record).leak();
    let frame = decode(bytes).expect("it is sane").expect("it is whole");
    assert_eq!(frame.bytes, bytes);
    assert_eq!(frame.id(), Some(record.id));
    (frame.kind, frame.record().expect("it is of our version"))
}

fn encoded(kind: Kind, record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::default().encode(kind, record, &mut bytes);
    bytes
}

fn full(listener: &str) -> Record<'_> {
    Record {
        id: [7; 16],
        status: Status::Closed,
        started: 1_700_000_000_123_000,
        seen: i64::MAX,
        listener,
        source: Some(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 40_000))),
        user: Some("alice"),
        claimed: Some("mallory"),
        auth: Some("userpass"),
        asked: Some(Asked {
            dialect: "socks5",
            command: "connect",
            protocol: "tcp",
            host: Some(Host::Name("www.example.com")),
            port: Some(443),
        }),
        peer: Some(SocketAddr::from((Ipv6Addr::LOCALHOST, 443))),
        exit: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))),
        sent: Traffic { bytes: u64::MAX, packets: 0 },
        received: Traffic { bytes: 1, packets: 2 },
        phases: Phases {
            handshake: Some(1),
            auth: Some(2),
            rules: Some(6),
            dns: Some(3),
            connect: Some(4),
            first_byte: Some(5),
        },
        generation: 3,
        close_reason: Some("client_closed"),
        rule: Some("users/alice#2"),
        decision: Some("allow"),
        remark: Some("a remark"),
        flows: Flows::default(),
    }
}

fn bare() -> Record<'static> {
    Record {
        source: None,
        user: None,
        claimed: None,
        auth: None,
        asked: None,
        peer: None,
        exit: None,
        phases: Phases::default(),
        close_reason: None,
        rule: None,
        decision: None,
        remark: None,
        status: Status::Active,
        ..full("")
    }
}
