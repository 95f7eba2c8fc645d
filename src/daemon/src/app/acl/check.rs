//! `rustsocks acl-check`: may this client go there, and what says so?

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::process::ExitCode;

use acl::{Command, Destination, HostName, Protocol};
use anyhow::{Context, ensure};
use jiff::Timestamp;

use super::super::args::Selection;
use super::super::commands::{EX_CONFIG, complain, print};
use super::args::Check;
use super::book;
use crate::frontends::office::acl::trial::Trial;
use crate::frontends::office::acl::{Book, shown};

/// The request would be refused.
const DENIED: u8 = 10;

/// The command line makes no sense, as clap says it.
const EX_USAGE: u8 = 2;

/// sysexits(3): something that is needed is not there.
const EX_UNAVAILABLE: u8 = 69;

pub(in crate::app) fn check(selection: &Selection, check: &Check) -> ExitCode {
    let failed = |error: anyhow::Error, code| {
        complain(&format!("{error:#}"));
        ExitCode::from(code)
    };
    let command = match command(check) {
        Ok(command) => command,
        Err(error) => return failed(error, EX_USAGE),
    };
    let book = match book::open(selection) {
        Ok(book) => book,
        Err(error) => return failed(error, EX_CONFIG),
    };
    match addresses(check) {
        Ok(addresses) => tried(&book, check, command, &addresses).unwrap_or_else(|error| failed(error, 1)),
        Err(error) => failed(error, EX_UNAVAILABLE),
    }
}

fn tried(book: &Book, check: &Check, command: Command, addresses: &[IpAddr]) -> anyhow::Result<ExitCode> {
    let trial = Trial {
        user: check.user.as_deref(),
        groups: &check.group,
        destination: &check.dest,
        addresses,
        port: check.port.unwrap_or(0),
        command,
        source: check.source,
        method: check.auth_method,
        services: &check.pam_service,
        at: check.at.unwrap_or_else(Timestamp::now),
    };
    let outcome = trial.run(book);
    if check.json {
        print(&format!("{:#}\n", shown::json(book, &trial, &outcome, check.explain)))?;
    } else {
        print(&shown::text(book, &trial, &outcome, check.explain))?;
    }
    Ok(if outcome.is_allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
}

/// The command, which a protocol may stand for; what does not go together is refused.
fn command(check: &Check) -> anyhow::Result<Command> {
    let by_protocol = match check.protocol {
        Some(Protocol::Udp) => Command::UdpAssociate,
        Some(Protocol::Tcp) | None => Command::Connect,
    };
    let command = check.command.unwrap_or(by_protocol);
    let is_lookup = command == Command::Resolve;
    ensure!(!is_lookup || check.port.is_none(), "a lookup has no port: leave --port out");
    ensure!(is_lookup || check.port.is_some(), "--port is missing");
    let is_address = matches!(check.dest, Destination::Address(_));
    ensure!(!is_address || check.address.is_empty(), "--address is for names");
    Ok(command)
}

fn addresses(check: &Check) -> anyhow::Result<Vec<IpAddr>> {
    match &check.dest {
        Destination::Name(name) if check.resolve => resolved(name).with_context(|| format!("cannot resolve {name}")),
        Destination::Name(_) | Destination::Address(_) => Ok(check.address.clone()),
    }
}

/// Each address once, in the order of the resolver.
fn resolved(name: &HostName) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in (name.as_str(), 0).to_socket_addrs()? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}
