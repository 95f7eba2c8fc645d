//! SOCKS4 and `SOCKS4a` as they are written on the wire: one request that carries a user id.
//!
//! Source: "SOCKS: A protocol for TCP proxy across firewalls" (Ying-Da Lee) and its extension 4A.
//! Knows nothing of what a user id is worth; it proves nothing.

use std::net::Ipv4Addr;

use crate::accepted::{Command, Request};
use crate::address::{Host, Name, Target};
use crate::dialect::Dialect;
use crate::reader::{Reader, Short};
use crate::violation::{Fault, Stop};

pub(crate) const VERSION: u8 = 4;

/// Reads as far as the user id, which may be empty.
pub(crate) fn user_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Stop> {
    let _fixed_part: [u8; 8] = reader.array()?;
    terminated(reader, Fault::UserIdTooLong)
}

/// Reads a whole request; in version 4a, 0.0.0.x announces a name behind the user id.
pub(crate) fn request(reader: &mut Reader<'_>) -> Result<Request, Stop> {
    let _version = reader.byte()?;
    let command = command(reader.byte()?)?;
    let port = reader.number()?;
    let address: [u8; 4] = reader.array()?;
    terminated(reader, Fault::UserIdTooLong)?;
    let host = match address {
        [0, 0, 0, last] if last != 0 => Host::Name(name(reader)?),
        address => Host::V4(Ipv4Addr::from(address)),
    };
    Ok(Request { dialect: Dialect::Socks4, command, target: Target { host, port } })
}

/// Tor's RESOLVE exists here too; `RESOLVE_PTR` does not, because a reply has no room for a name (Tor socks-extensions §2).
fn command(code: u8) -> Result<Command, Fault> {
    Ok(match code {
        1 => Command::Connect,
        2 => Command::Bind,
        0xf0 => Command::Resolve,
        other => return Err(Fault::Command(other)),
    })
}

fn name(reader: &mut Reader<'_>) -> Result<Name, Stop> {
    let bytes = terminated(reader, Fault::NameTooLong)?;
    Ok(Name::new(bytes).ok_or(Fault::EmptyName)?)
}

/// Takes up to 255 bytes and their NUL; a field that is already longer is a fault, whether or not its NUL has come.
fn terminated<'a>(reader: &mut Reader<'a>, too_long: Fault) -> Result<&'a [u8], Stop> {
    let rest = reader.rest();
    let window = &rest[..rest.len().min(Name::MAX + 1)];
    let Some(length) = window.iter().position(|&byte| byte == 0) else {
        return Err(if window.len() > Name::MAX { too_long.into() } else { Short.into() });
    };
    let field = reader.take(length)?;
    let _nul = reader.byte()?;
    Ok(field)
}
