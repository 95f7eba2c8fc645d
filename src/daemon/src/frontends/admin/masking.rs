//! Addresses in whatever is said: only their networks are left of them.

use std::net::IpAddr;

use serde_json::Value;

use crate::frontends::office::sight;

/// Leaves of every address in every text only the network.
pub(super) fn mask(value: &mut Value) {
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
            |(end, address): (usize, IpAddr)| (end, sight::masked(address)),
        );
        shown.push_str(&text);
        rest = &rest[taken..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            ("::ffff:10.0.0.1", "10.0.x.x"),
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
