//! HTTP CONNECT as it is written on the wire (RFC 9110 §9.3.6), with the Basic scheme (RFC 7617).
//!
//! Knows no other method and no body: what follows the head belongs to the target.

pub(crate) mod answers;

use std::net::Ipv6Addr;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::accepted::{Command, Request};
use crate::address::{Host, Name, Target};
use crate::dialect::Dialect;
use crate::offer::{HTTP_HEAD, Method, Offer};
use crate::opening::{Claim, Password};
use crate::reader::Reader;
use crate::violation::{Fault, Stop};

/// Who the client claims to be: the server's order decides, and a client without credentials speaks only `none`.
pub(crate) fn claim(offer: &Offer, mut reader: Reader<'_>) -> Result<Claim, Stop> {
    let head = Head::read(&mut reader)?;
    let method = offer.choose(|method| match method {
        Method::None => true,
        Method::UserPass => head.authorization != Authorization::Absent,
    });
    match method {
        Some(Method::None) => Ok(Claim::Anonymous),
        Some(Method::UserPass) => Ok(head.authorization.credentials().ok_or(Fault::CredentialsMalformed)?),
        None => Err(Fault::CredentialsMissing.into()),
    }
}

pub(crate) fn request(reader: &mut Reader<'_>) -> Result<Request, Stop> {
    let Head { target, .. } = Head::read(reader)?;
    Ok(Request { dialect: Dialect::HttpConnect, command: Command::Connect, target })
}

/// What matters in the head of a CONNECT.
struct Head<'a> {
    target: Target,
    authorization: Authorization<'a>,
}

#[derive(PartialEq)]
enum Authorization<'a> {
    Absent,
    Header(&'a [u8]),
    /// More than one header; which of them counts would be a guess.
    Ambiguous,
}

impl<'a> Head<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Stop> {
        let window = &reader.rest()[..reader.rest().len().min(HTTP_HEAD)];
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(window) {
            Ok(httparse::Status::Complete(length)) => reader.take(length)?,
            Ok(httparse::Status::Partial) if window.len() == HTTP_HEAD => {
                return Err(Fault::HttpTooLong.into());
            }
            Ok(httparse::Status::Partial) => return Err(Stop::NeedMore),
            Err(httparse::Error::Version) => return Err(Fault::HttpVersion.into()),
            Err(_) => return Err(Fault::HttpMalformed.into()),
        };
        if request.method != Some("CONNECT") {
            return Err(Fault::HttpMethod.into());
        }
        let target = request.path.and_then(|path| authority(path.as_bytes())).ok_or(Fault::HttpTarget)?;
        let authorization = Authorization::find(request.headers);
        Ok(Self { target, authorization })
    }
}

/// Reads the authority-form (RFC 9112 §3.2.3): `name:port`, `1.2.3.4:port` or `[v6]:port`; the port is not optional.
fn authority(form: &[u8]) -> Option<Target> {
    let colon = form.iter().rposition(|&byte| byte == b':')?;
    let (host, port) = (&form[..colon], digits(&form[colon + 1..])?);
    Some(Target { host: literal_or_name(host)?, port })
}

fn literal_or_name(host: &[u8]) -> Option<Host> {
    if let Some(v6) = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        return parsed::<Ipv6Addr>(v6).map(Host::V6);
    }
    // None of these can be part of a host (RFC 3986 §3.2.2); a colon would be an address without its brackets.
    if host.iter().any(|byte| b":/?#[]@".contains(byte)) {
        return None;
    }
    parsed(host).map(Host::V4).or_else(|| Name::new(host).map(Host::Name))
}

fn digits(text: &[u8]) -> Option<u16> {
    // The standard parser would let a plus sign pass.
    text.iter().all(u8::is_ascii_digit).then(|| parsed(text))?
}

fn parsed<T: FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.parse().ok()
}

impl<'a> Authorization<'a> {
    fn find(fields: &[httparse::Header<'a>]) -> Self {
        let mut found = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("Proxy-Authorization"));
        match (found.next(), found.next()) {
            (None, _) => Self::Absent,
            (Some(field), None) => Self::Header(field.value),
            (Some(_), Some(_)) => Self::Ambiguous,
        }
    }

    /// `Basic` and the Base64 of `user:password` (RFC 7617 §2), within the lengths that RFC 1929 allows.
    fn credentials(self) -> Option<Claim> {
        let Self::Header(value) = self else {
            return None;
        };
        let (scheme, encoded) = value.split_at_checked(b"Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let decoded = Zeroizing::new(BASE64.decode(encoded.trim_ascii()).ok()?);
        let colon = decoded.iter().position(|&byte| byte == b':')?;
        let (user, password) = (&decoded[..colon], &decoded[colon + 1..]);
        if user.is_empty() || user.len().max(password.len()) > LONGEST_CREDENTIAL {
            return None;
        }
        Some(Claim::Password { user: user.to_vec(), password: Password::from(password) })
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// RFC 1929 §2, so that a user can log in the same way in both languages.
const LONGEST_CREDENTIAL: usize = 255;

/// More header fields than any client of a proxy sends.
const MOST_FIELDS: usize = 64;
