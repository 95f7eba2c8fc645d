//! `rustsocks health`: asks the service for its health over HTTP, for those who look after processes and have no other client at hand.

pub(super) mod args;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use config::Binding;

use self::args::{Question, What};
use super::args::Selection;
use super::commands::{self, EX_CONFIG, complain, print};
use super::configuration;
use crate::engine::sys::interfaces;

/// How long each step of a request may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// The most that an answer may have; it is a line.
const LONGEST: u64 = 64 * 1024;

pub(super) fn health(selection: &Selection, question: &Question) -> ExitCode {
    match place(selection) {
        Ok(place) => commands::outcome(ask(place, question.what), 1),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(EX_CONFIG)
        }
    }
}

/// Where the routes of health are.
fn place(selection: &Selection) -> anyhow::Result<Binding> {
    let text = configuration::read_file(selection)?;
    let settings = configuration::load(selection, text.as_deref())?.settings;
    ensure!(
        settings.metrics.tls_cert.is_none(),
        "the metrics speak TLS (metrics.tls_cert), which this command does not: ask with a client that does"
    );
    settings.metrics_binding().context("health is told where the metrics are, and metrics.enabled is false")
}

fn ask(place: Binding, what: What) -> anyhow::Result<()> {
    match place {
        Binding::Tcp(address) => {
            let address = interfaces::reached_here(address);
            let stream = TcpStream::connect_timeout(&address, PATIENCE)
                .with_context(|| format!("nobody answers at {address}"))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            judge(stream, what)
        }
        Binding::Unix { path, .. } => {
            let stream = UnixStream::connect(&path).with_context(|| format!("nobody answers at {}", path.display()))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            judge(stream, what)
        }
    }
}

/// Shows what the service says of itself; anything but 200 is a failure.
fn judge(mut stream: impl Read + Write, what: What) -> anyhow::Result<()> {
    let path = match what {
        What::Live => "/health/live",
        What::Ready => "/health/ready",
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).context("no answer comes")?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("what answers is no service of ours")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    print(&format!("{}\n", body.trim_end()))?;
    if status != "200" {
        bail!("{path} says {status}");
    }
    Ok(())
}
