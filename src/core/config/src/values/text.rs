//! Texts with a shape of their own: labels, names of interfaces, accounts and PAM services, and paths.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::problem::Fault;
use crate::values::{Parsed, Written};

/// What a listener is called in logs and messages: 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The text of the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Parsed for Label {
    fn parse(text: &str) -> Result<Self, Fault> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(format!("{text:?} is not a name")).hint("use 1 to 64 visible ASCII characters without spaces"))
    }
}

impl Written for Label {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// The name of a PAM service, which is the name of its file (pam.d(5)): 1 to 64 lower-case letters, digits, `-`, `_` and `.`.
///
/// libpam turns capitals into small letters and follows a path; neither may happen behind the operator's back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PamService(String);

impl PamService {
    /// The name, for `pam_start(3)`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

impl Parsed for PamService {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(is_name) && !text.starts_with(['.', '-']) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(format!("{text:?} cannot be the name of a PAM service"))
            .hint("write the name of its file, in small letters and without the directory: \"rustsocks\""))
    }
}

impl Written for PamService {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// What an HTTP client may call this host, in lower case and without a port: a name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLabel(String);

impl HostLabel {
    /// The text, as it is compared with the `Host` of a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parsed for HostLabel {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if text.parse::<IpAddr>().is_ok() || (1..=253).contains(&text.len()) && text.bytes().all(is_name) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(Fault::new(format!("{text:?} is not the name or the address of a host"))
            .hint("write it without scheme, port and brackets: \"proxy.example.com\" or \"2001:db8::1\""))
    }
}

impl Written for HostLabel {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// Where a web page comes from, as browsers say it (RFC 6454 §6.2): scheme, host and port, and nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The text, as it is compared with the `Origin` of a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parsed for WebOrigin {
    fn parse(text: &str) -> Result<Self, Fault> {
        let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
        if rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_part)) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(format!("{text:?} is not the origin of a web page")).hint(
            "write scheme, host and port in small letters and nothing behind them: \"https://console.example.com\"",
        ))
    }
}

impl Written for WebOrigin {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// The name of a network interface: 1 to 15 bytes, no slash, colon or space (`IFNAMSIZ`, netdevice(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface(String);

impl Interface {
    /// The name, for `SO_BINDTODEVICE` (socket(7)).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parsed for Interface {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
        if (1..=15).contains(&text.len()) && text.bytes().all(is_name) && text != "." && text != ".." {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(format!("{text:?} cannot be the name of an interface"))
            .hint("`ip link` lists the names: \"eth0\""))
    }
}

impl Written for Interface {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// The name of a user or a group of the system: 1 to 32 bytes that useradd(8) would accept somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    /// The name, for getpwnam(3) or getgrnam(3).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

impl Parsed for AccountName {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-@\\$".contains(&byte);
        if (1..=32).contains(&text.len()) && text.bytes().all(is_name) && !text.starts_with('-') {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new(format!("{text:?} cannot be the name of a user or group"))
            .hint("`getent passwd` and `getent group` list the names: \"socks\""))
    }
}

impl Written for AccountName {
    fn written(&self) -> String {
        self.0.clone()
    }
}

impl Parsed for PathBuf {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() || text.contains('\0') {
            return Err(Fault::new(format!("{text:?} is not a path")).hint("write a path, or leave the key out"));
        }
        Ok(Self::from(text))
    }
}

impl Written for PathBuf {
    fn written(&self) -> String {
        self.to_str().expect("a path that was parsed from text is text").to_owned()
    }
}
