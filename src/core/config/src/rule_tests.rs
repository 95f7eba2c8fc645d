//! Tests of rules: requests with what is expected to become of them, in a file beside the rule file.
//!
//! Knows how a test is written, and nothing of how it is run.

use std::net::IpAddr;

use acl::{Action, AuthMethod, Command, Destination, Protocol};

use crate::kinds::numbers::count;
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe};
use crate::problem::{Fault, Problems};
use crate::reader::{Excerpt, Reader, Section, Table};
use crate::users::UserName;
use crate::users::expiry::Moment;
use crate::values::Parsed;

/// One `[[tests]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Whether rules have to pass it; one that is switched off is run and holds nothing up.
    pub enabled: bool,
    /// What it is about; may be empty.
    pub description: String,
    /// Who asks; nobody in particular when nothing is written.
    pub user: Option<String>,
    /// Groups that the authentication finds, besides those of the rule file.
    pub groups: Vec<String>,
    /// Where to.
    pub destination: Destination,
    /// What the destination resolves to, if it is a name.
    pub addresses: Vec<IpAddr>,
    /// 0 to 65 535.
    pub port: u16,
    /// What is asked for.
    pub command: Command,
    /// Where the client is.
    pub source: Option<IpAddr>,
    /// How the client proved who it is; name and password when nothing is written and there is a user.
    pub auth_method: Option<AuthMethod>,
    /// When, in seconds since 1970; the present when nothing is written.
    pub time: Option<i64>,
    /// The PAM services that accept the client; the others refuse it.
    pub pam_services: Vec<String>,
    /// What is expected.
    pub expect: Action,
    /// The rule that is expected to be credited: its description, or what it is called, as `users/alice#2`.
    pub rule: Option<String>,
    /// The line of the table, from 1.
    pub line: u32,
}

/// Reads a file of tests; the path is only for messages.
///
/// # Errors
/// Every problem of the file: syntax, unknown keys, values that cannot be meant, and a file without tests.
pub fn load(path: &str, text: &str) -> Result<Vec<Test>, Problems> {
    let mut reader = Reader::new(path, text, Excerpt::Quoted)?.forgetful();
    let entries: Vec<Entry> = reader.tables("tests");
    reader.leftovers(&["tests"]);
    if entries.is_empty() && reader.is_faultless() {
        let fault = Fault::new("the file has no test, so nothing would be found out").hint("add a [[tests]] table");
        reader.report(reader.start(), "tests", fault);
    }
    reader.finish().map(|_origins| entries.into_iter().filter_map(|entry| entry.0).collect())
}

/// A test, if nothing of it is missing.
struct Entry(Option<Test>);

impl Table for Entry {
    const KEYS: &'static [&'static str] = &[
        "enabled",
        "description",
        "user",
        "groups",
        "destination",
        "addresses",
        "port",
        "protocol",
        "command",
        "source",
        "auth_method",
        "time",
        "pam_services",
        "expect",
        "rule",
    ];

    fn read(section: &mut Section<'_, '_>) -> Self {
        Self(test(section))
    }
}

fn test(section: &mut Section<'_, '_>) -> Option<Test> {
    let destination: Option<Asked> = section.required("destination", &text(), "\"db.example.com\"");
    let port = section.required("port", &count(0, 65_535), "443");
    let expect: Option<Action> = section.required("expect", &text(), "\"allow\"");
    let user: Option<UserName> = section.key("user", &Maybe(text()), None);
    let time = section.key("time", &Maybe(Moment), None);
    let command = command(section);
    let test = Test {
        enabled: section.key("enabled", &Flag, true),
        description: section.key("description", &Maybe(text::<Line>()), None).map_or_else(String::new, |line| line.0),
        user: user.map(|user| user.as_str().to_owned()),
        groups: lines(section.key("groups", &list(), Vec::new())),
        addresses: section.key("addresses", &list::<IpAddr>(), Vec::new()),
        source: section.key("source", &Maybe(text()), None),
        auth_method: section.key("auth_method", &Maybe(text()), None),
        time: time.map(|time| time.timestamp().as_second()),
        pam_services: lines(section.key("pam_services", &list(), Vec::new())),
        rule: section.key("rule", &Maybe(text::<Line>()), None).map(|line| line.0),
        line: section.line(),
        destination: destination?.0,
        port: port?,
        expect: expect?,
        command,
    };
    refuse_contradictions(&test, section);
    Some(test)
}

/// The command, which a protocol may stand for.
fn command(section: &mut Section<'_, '_>) -> Command {
    let protocol = section.key("protocol", &Maybe(text()), None);
    let command: Option<Command> = section.key("command", &Maybe(text()), None);
    if let (Some(protocol), Some(command)) = (protocol, command)
        && command.protocol() != protocol
    {
        section
            .report("command", Fault::new(format!("{command} is not {protocol}")).hint("remove one of the two keys"));
    }
    let by_protocol = match protocol {
        Some(Protocol::Udp) => Command::UdpAssociate,
        Some(Protocol::Tcp) | None => Command::Connect,
    };
    command.unwrap_or(by_protocol)
}

fn refuse_contradictions(test: &Test, section: &mut Section<'_, '_>) {
    if matches!(test.destination, Destination::Address(_)) && !test.addresses.is_empty() {
        let fault = Fault::new("are for names, and the destination is an address");
        section.report("addresses", fault.hint("remove them"));
    }
}

fn lines(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.0).collect()
}

/// A name or an address, as a client would send it.
struct Asked(Destination);

impl Parsed for Asked {
    fn parse(text: &str) -> Result<Self, Fault> {
        let hint = "write \"db.example.com\" or \"192.0.2.1\"";
        Destination::parse_name(text.as_bytes())
            .map(Self)
            .map_err(|fault| Fault::new(format!("{text:?} cannot be asked for: {fault}")).hint(hint))
    }
}

/// At most 500 bytes on one line.
struct Line(String);

impl Parsed for Line {
    fn parse(text: &str) -> Result<Self, Fault> {
        if (1..=500).contains(&text.len()) && !text.contains(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new("cannot be used here").hint("use 1 to 500 bytes on one line"))
    }
}
