//! The request decoders once more, written naively: whole slices, fixed offsets, no cursor.
//!
//! Slow and wordy on purpose; the properties compare it with the real decoders.

use std::net::{Ipv4Addr, Ipv6Addr};

use socks::{Command, Fault, Host, Name, Target};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Incomplete,
    Broken(Fault),
    Complete { consumed: usize, command: Command, target: Target },
}

/// RFC 1928 §4 and §5.
pub(crate) fn socks5_request(input: &[u8]) -> Reading {
    if input.is_empty() {
        return Reading::Incomplete;
    }
    if input[0] == 1 {
        return Reading::Broken(Fault::UnaskedPassword);
    }
    if input[0] != 5 {
        return Reading::Broken(Fault::RequestVersion(input[0]));
    }
    if input.len() < 2 {
        return Reading::Incomplete;
    }
    let commands = [
        (1, Command::Connect),
        (2, Command::Bind),
        (3, Command::UdpAssociate),
        (0xf0, Command::Resolve),
        (0xf1, Command::ResolvePtr),
    ];
    let Some(&(_, command)) = commands.iter().find(|(code, _)| *code == input[1]) else {
        return Reading::Broken(Fault::Command(input[1]));
    };
    if input.len() < 4 {
        return Reading::Incomplete;
    }
    let (start, length) = match input[3] {
        1 => (4, 4),
        4 => (4, 16),
        3 if input.len() < 5 => return Reading::Incomplete,
        3 => (5, usize::from(input[4])),
        other => return Reading::Broken(Fault::AddressType(other)),
    };
    if length == 0 {
        return Reading::Broken(Fault::EmptyName);
    }
    let consumed = start + length + 2;
    if input.len() < consumed {
        return Reading::Incomplete;
    }
    let address = &input[start..start + length];
    let host = match input[3] {
        1 => Host::V4(Ipv4Addr::new(address[0], address[1], address[2], address[3])),
        4 => Host::V6(Ipv6Addr::from(<[u8; 16]>::try_from(address).unwrap())),
        _ => Host::Name(Name::new(address).unwrap()),
    };
    let port = 256 * u16::from(input[consumed - 2]) + u16::from(input[consumed - 1]);
    Reading::Complete { consumed, command, target: Target { host, port } }
}

/// The request of SOCKS4 and 4a; a user id that is too long is a matter of the opening and does not occur here.
pub(crate) fn socks4_request(input: &[u8]) -> Reading {
    let command = match input.get(1) {
        None => return Reading::Incomplete,
        Some(1) => Command::Connect,
        Some(2) => Command::Bind,
        Some(0xf0) => Command::Resolve,
        Some(&other) => return Reading::Broken(Fault::Command(other)),
    };
    if input.len() < 8 {
        return Reading::Incomplete;
    }
    let port = 256 * u16::from(input[2]) + u16::from(input[3]);
    let Some(user_id) = input[8..].iter().position(|&byte| byte == 0) else {
        return Reading::Incomplete;
    };
    let after = 8 + user_id + 1;
    let complete = |consumed, host| Reading::Complete { consumed, command, target: Target { host, port } };
    if input[4..7] != [0, 0, 0] || input[7] == 0 {
        return complete(after, Host::V4(Ipv4Addr::new(input[4], input[5], input[6], input[7])));
    }
    match input[after..].iter().position(|&byte| byte == 0) {
        Some(0) => Reading::Broken(Fault::EmptyName),
        Some(length @ 1..=255) => {
            complete(after + length + 1, Host::Name(Name::new(&input[after..after + length]).unwrap()))
        }
        None if input.len() - after < 256 => Reading::Incomplete,
        Some(_) | None => Reading::Broken(Fault::NameTooLong),
    }
}
