//! SOCKS5 as it is written on the wire: greeting, user name and password, request (RFC 1928, RFC 1929).
//!
//! Knows nothing of the order in which these messages come.

use crate::accepted::{Command, Request};
use crate::address::{AddressFault, Target};
use crate::dialect::Dialect;
use crate::opening::{Claim, Password};
use crate::reader::Reader;
use crate::violation::{Fault, Stop};

pub(crate) const VERSION: u8 = 5;

/// Returns the METHODS bytes (RFC 1928 §3).
pub(crate) fn greeting<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Stop> {
    let _version = reader.byte()?;
    let methods = match reader.byte()? {
        0 => return Err(Fault::NoMethods.into()),
        count => reader.take(usize::from(count))?,
    };
    Ok(methods)
}

/// Reads the username/password message (RFC 1929 §2); the password may be empty, the user name may not.
pub(crate) fn password(reader: &mut Reader<'_>) -> Result<Claim, Stop> {
    match reader.byte()? {
        PASSWORD_VERSION => {}
        other => return Err(Fault::PasswordVersion(other).into()),
    }
    let user = match reader.byte()? {
        0 => return Err(Fault::EmptyUser.into()),
        length => reader.take(usize::from(length))?.to_vec(),
    };
    let password = Password::from(reader.counted()?);
    Ok(Claim::Password { user, password })
}

/// Reads a request (RFC 1928 §4). RSV is not looked at; an unknown CMD is a fault before ATYP is.
pub(crate) fn request(reader: &mut Reader<'_>) -> Result<Request, Stop> {
    match reader.byte()? {
        VERSION => {}
        PASSWORD_VERSION => return Err(Fault::UnaskedPassword.into()),
        other => return Err(Fault::RequestVersion(other).into()),
    }
    let command = command(reader.byte()?)?;
    let _reserved = reader.byte()?;
    let target = Target::decode(reader)?;
    Ok(Request { dialect: Dialect::Socks5, command, target })
}

fn command(code: u8) -> Result<Command, Fault> {
    Ok(match code {
        1 => Command::Connect,
        2 => Command::Bind,
        3 => Command::UdpAssociate,
        0xf0 => Command::Resolve,
        0xf1 => Command::ResolvePtr,
        other => return Err(Fault::Command(other)),
    })
}

/// RFC 1929 §2; no request starts with it.
const PASSWORD_VERSION: u8 = 1;

impl From<AddressFault> for Stop {
    fn from(fault: AddressFault) -> Self {
        match fault {
            AddressFault::Short => Self::NeedMore,
            AddressFault::Type(byte) => Self::Fault(Fault::AddressType(byte)),
            AddressFault::EmptyName => Self::Fault(Fault::EmptyName),
        }
    }
}
