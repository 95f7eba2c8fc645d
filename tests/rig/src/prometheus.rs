//! A real Prometheus and its promtool, from Debian's package.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::port::Port;
use crate::process::Process;
use crate::wait::{PATIENCE, eventually};

/// A Prometheus that scrapes, and is gone with its owner.
#[derive(Debug)]
pub struct Prometheus {
    port: Port,
    directory: TempDir,
    _process: Process,
}

impl Prometheus {
    /// Starts it with this configuration and waits until it is ready.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let port = Port::reserve(Ipv4Addr::LOCALHOST.into());
        let (file, data) = (directory.path().join("prometheus.yml"), directory.path().join("data"));
        fs::write(&file, config).expect("a temporary directory can be written");
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address={}", port.addr()));
        let process = Process::start(command, directory.path().join("stderr"));
        let this = Self { port, directory, _process: process };
        let is_ready = || this.fetch("/-/ready").is_some_and(|answer| answer.starts_with("HTTP/1.0 200"));
        assert!(eventually(PATIENCE, is_ready), "Prometheus is not ready: {}", this.errors());
        this
    }

    /// What an expression evaluates to now: each series with its labels, and its value.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let answer = self.ask(&format!("/api/v1/query?query={}", encoded(expression)));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let result = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let value = |sample: &Value| sample["value"][1].as_str().and_then(|number| number.parse().ok());
        result.into_iter().map(|sample| (sample["metric"].clone(), value(&sample).expect("a number"))).collect()
    }

    /// The names of all series that it has.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let answer = self.ask("/api/v1/label/__name__/values");
        let names = answer["data"].as_array().cloned().unwrap_or_default();
        names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// The rules that it evaluates: each with its name, and what is wrong with it.
    #[must_use]
    pub fn rules(&self) -> Vec<(String, String)> {
        let answer = self.ask("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default());
        let text = |rule: &Value, field: &str| rule[field].as_str().unwrap_or_default().to_owned();
        rules.map(|rule| (text(&rule, "name"), text(&rule, "health") + &text(&rule, "lastError"))).collect()
    }

    fn ask(&self, path: &str) -> Value {
        let answer = self.fetch(path).unwrap_or_else(|| panic!("Prometheus should answer {path}"));
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }

    /// In HTTP/1.0, so that the answer comes in one piece.
    fn fetch(&self, path: &str) -> Option<String> {
        let address: SocketAddr = self.port.addr();
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }
}

/// What promtool says when it is given this text; nothing when it has nothing to find fault with.
///
/// # Errors
/// The same, when it ended with another code than 0.
pub fn promtool(arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool (Debian's package prometheus) is installed");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Percent-encodes everything but letters and digits.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes any text");
        }
        encoded
    })
}
