//! A bundle for somebody who helps: what the daemon says of itself, each answer as it comes, with addresses masked.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tar::{Builder, Header};

use super::Desk;
use crate::failure::Failure;

/// What is asked, and the file that its answer becomes.
const PARTS: &[(&str, &str)] = &[
    ("operations", "meta.ops"),
    ("status", "status.get"),
    ("health", "health.get"),
    ("logins", "auth.status"),
    ("settings", "config.effective"),
    ("reloads", "reload.history"),
    ("hits", "acl.hits"),
    ("logs", "logs.get"),
];

/// Where everything lies in the bundle.
const FOLDER: &str = "rustsocks-support";

impl Desk {
    /// An answer that the role does not allow, or that this daemon does not know, is in the bundle as what it was refused with.
    pub(super) fn bundle(&mut self, path: &Path, whole_addresses: bool) -> Result<(), Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut bundle = Builder::new(BufWriter::new(file));
        let welcome = serde_json::to_value(&self.connection.welcome).unwrap_or_default();
        add(&mut bundle, "daemon", welcome, whole_addresses)?;
        for (name, op) in PARTS {
            let answer = match self.connection.call(op, &json!({})) {
                Err(Failure::Refused(refusal)) => json!({ "refused": refusal.msg, "code": refusal.code.word() }),
                answer => answer?,
            };
            add(&mut bundle, name, answer, whole_addresses)?;
        }
        bundle.into_inner()?.flush()?;
        let files = PARTS.len() + 1;
        self.output.record("rustsocks.bundle/1", &json!({ "file": path.display().to_string(), "files": files }))
    }
}

fn add(bundle: &mut Builder<impl Write>, name: &str, mut answer: Value, whole_addresses: bool) -> Result<(), Failure> {
    if !whole_addresses {
        mask(&mut answer);
    }
    let text = format!("{answer:#}\n");
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0));
    Ok(bundle.append_data(&mut header, format!("{FOLDER}/{name}.json"), text.as_bytes())?)
}

/// Leaves of every address in every text only the network.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(properties) => properties.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn masked(text: &str) -> String {
    let is_of_address = |letter: char| letter.is_ascii_hexdigit() || letter == '.' || letter == ':';
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let word = rest.find(|letter| !is_of_address(letter)).unwrap_or(rest.len());
        shown.push_str(&network(&rest[..word]));
        let gap = rest[word..].find(is_of_address).unwrap_or(rest.len() - word);
        shown.push_str(&rest[word..word + gap]);
        rest = &rest[word + gap..];
    }
    shown
}

/// An address with or without its port, or whatever else it is.
fn network(word: &str) -> String {
    let (address, port) = match word.rsplit_once(':') {
        Some((address, port)) if address.parse::<std::net::Ipv4Addr>().is_ok() => (address, format!(":{port}")),
        Some(_) | None => (word, String::new()),
    };
    match address.parse() {
        Ok(IpAddr::V4(v4)) => format!("{}.{}.x.x{port}", v4.octets()[0], v4.octets()[1]),
        Ok(IpAddr::V6(v6)) => format!("{:x}:{:x}:x", v6.segments()[0], v6.segments()[1]),
        Err(_) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_changed_but_its_addresses() {
        for (text, expected) in [
            ("10.8.0.14", "10.8.x.x"),
            ("from 10.8.0.14:5432 to [2001:db8::7]:443, done", "from 10.8.x.x:5432 to [2001:db8:x]:443, done"),
            ("::1", "0:0:x"),
            ("src=192.0.2.7", "src=192.0.x.x"),
            ("2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"),
            ("żółw abc.def 1.2.3 0.1.0", "żółw abc.def 1.2.3 0.1.0"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
