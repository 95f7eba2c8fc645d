//! A bundle for somebody who helps: what the daemon says of itself, each answer as it comes, with addresses masked.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tar::{Builder, Header};

use crate::connection::Connection;
use crate::failure::Failure;

/// What is asked, and the file that its answer becomes.
const PARTS: &[(&str, &str)] = &[
    ("operations", "meta.ops"),
    ("status", "status.get"),
    ("health", "health.get"),
    ("incidents", "incidents.list"),
    ("logins", "auth.status"),
    ("settings", "config.effective"),
    ("files", "config.drift"),
    ("reloads", "reload.history"),
    ("hits", "acl.hits"),
    ("logs", "logs.get"),
];

/// Where everything lies in the bundle.
const FOLDER: &str = "rustsocks-support";

/// What addresses in it look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    Masked,
    Whole,
}

/// Writes a bundle into a new file that only its owner reads, and says how many files are in it. An answer that the role does not
/// allow, or that this daemon does not know, is in it as what it was refused with.
///
/// # Errors
/// The file is there already or cannot be written, or the daemon is gone.
pub(crate) fn write(connection: &mut Connection, path: &Path, addresses: Addresses) -> Result<usize, Failure> {
    let unwritten = || Failure::here(format!("cannot write {}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritten())?;
    let mut bundle = Builder::new(BufWriter::new(file));
    let welcome = serde_json::to_value(&connection.welcome).unwrap_or_default();
    add(&mut bundle, "daemon", welcome, addresses).map_err(unwritten())?;
    for (name, op) in PARTS {
        let answer = match connection.call(op, &json!({})) {
            Err(Failure::Refused(refusal)) => json!({ "refused": refusal.msg, "code": refusal.code.word() }),
            answer => answer?,
        };
        add(&mut bundle, name, answer, addresses).map_err(unwritten())?;
    }
    bundle.into_inner().and_then(|mut file| file.flush()).map_err(unwritten())?;
    Ok(PARTS.len() + 1)
}

fn add(bundle: &mut Builder<impl Write>, name: &str, mut answer: Value, addresses: Addresses) -> io::Result<()> {
    if addresses == Addresses::Masked {
        mask(&mut answer);
    }
    let text = format!("{answer:#}\n");
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0));
    bundle.append_data(&mut header, format!("{FOLDER}/{name}.json"), text.as_bytes())
}

/// Leaves of every address in every text only the network.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(properties) => {
            for (name, mut property) in std::mem::take(properties) {
                mask(&mut property);
                let mut name = masked(&name);
                // Two of one network stay two.
                while properties.contains_key(&name) {
                    name.push('+');
                }
                properties.insert(name, property);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn masked(text: &str) -> String {
    let is_of_address = |letter: char| letter.is_ascii_hexdigit() || letter == '.' || letter == ':';
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let word = rest.find(|letter| !is_of_address(letter)).unwrap_or(rest.len());
        shown.push_str(&networks(&rest[..word]));
        let gap = rest[word..].find(is_of_address).unwrap_or(rest.len() - word);
        shown.push_str(&rest[word..word + gap]);
        rest = &rest[word + gap..];
    }
    shown
}

/// Letters of the longest address.
const LONGEST: usize = 45;

/// A word with the addresses in it, wherever colons and dots around them let them begin and end.
fn networks(word: &str) -> String {
    let is_joint = |letter: char| letter == '.' || letter == ':';
    let (mut shown, mut rest) = (String::with_capacity(word.len()), word);
    while !rest.is_empty() {
        let ends = rest.match_indices(is_joint).flat_map(|(at, _)| [at, at + 1]).chain([rest.len()]);
        let ends = ends.take_while(|end| *end <= LONGEST);
        let found = ends.filter_map(|end| Some((end, rest[..end].parse().ok()?))).last();
        let joint = || rest.find(is_joint).map_or(rest.len(), |joint| joint + 1);
        let (taken, text) = found.map_or_else(
            || (joint(), rest[..joint()].to_owned()),
            |(end, address): (usize, IpAddr)| (end, network(address)),
        );
        shown.push_str(&text);
        rest = &rest[taken..];
    }
    shown
}

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{}.{}.x.x", v4.octets()[0], v4.octets()[1]),
        IpAddr::V6(v6) => format!("{:x}:{:x}:x", v6.segments()[0], v6.segments()[1]),
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
            ("from 10.8.0.14.", "from 10.8.x.x."),
            ("from:10.0.0.1", "from:10.0.x.x"),
            ("src:10.0.0.1:443: refused", "src:10.0.x.x:443: refused"),
            ("2001:db8:1:2:3:4:5:6:443", "2001:db8:x:443"),
            ("at fe80::.", "at fe80:0:x."),
            ("::ffff:10.0.0.1", "0:0:x"),
            ("src=192.0.2.7", "src=192.0.x.x"),
            ("2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"),
            ("żółw abc.def 1.2.3 0.1.0", "żółw abc.def 1.2.3 0.1.0"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn names_of_properties_are_masked_too() {
        let mut hits = json!({ "by_source": { "10.8.0.14": 7, "10.8.0.15": 8 } });
        mask(&mut hits);
        assert_eq!(hits, json!({ "by_source": { "10.8.x.x": 7, "10.8.x.x+": 8 } }));
    }
}
