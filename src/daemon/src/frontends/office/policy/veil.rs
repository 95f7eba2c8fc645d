//! Password hashes do not leave the daemon: whoever reads a users file here sees of each what it costs, and a mark by which it is
//! known again when the text comes back.

use std::collections::HashMap;

use serde_json::Value;

use super::digest::Digest;

/// What every hash begins with, see `config::users`.
const MARK: &str = "$argon2id$";

/// What every veil begins with.
const VEIL: &str = "argon2id ";

/// Digits of the mark; two hashes with the same one do not happen by chance.
const DIGITS: usize = 16;

/// The text with a veil over each hash: `argon2id m=19456 t=2 p=1 #9f86d081884c7d65`.
pub(super) fn veiled(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, from) = rest.split_at(at);
        let (hash, after) = from.split_at(length(from));
        shown.push_str(before);
        shown.push_str(&veil(hash));
        rest = after;
    }
    shown + rest
}

/// The same of every text in an answer.
pub(super) fn all_veiled(answer: Value) -> Value {
    match answer {
        Value::String(text) if text.contains(MARK) => Value::String(veiled(&text)),
        Value::Array(values) => values.into_iter().map(all_veiled).collect(),
        Value::Object(values) => {
            Value::Object(values.into_iter().map(|(key, value)| (key, all_veiled(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => answer,
    }
}

/// The text with the hashes of `known` texts where their veils are.
pub(super) fn unveiled<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if !text.contains(VEIL) {
        return text.to_owned();
    }
    let hashes: HashMap<String, &str> = known.into_iter().flat_map(hashes).map(|hash| (veil(hash), hash)).collect();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(VEIL) {
        let (before, from) = rest.split_at(at);
        let whole = from.find(['#', '\n']).and_then(|mark| from.get(..=mark + DIGITS));
        let (veil, hash) = whole.and_then(|veil| Some((veil, *hashes.get(veil)?))).unwrap_or((VEIL, VEIL));
        shown.push_str(before);
        shown.push_str(hash);
        rest = &from[veil.len()..];
    }
    shown + rest
}

/// Every hash in a text.
fn hashes(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let from = &text[text.find(MARK)?..];
        let (hash, after) = from.split_at(length(from));
        text = after;
        Some(hash)
    })
}

/// The same in every text of a request.
pub(super) fn all_unveiled(value: &Value, known: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::String(unveiled(text, known.iter().copied())),
        Value::Array(values) => values.iter().map(|value| all_unveiled(value, known)).collect(),
        Value::Object(values) => {
            Value::Object(values.iter().map(|(key, value)| (key.clone(), all_unveiled(value, known))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// What checking a hash costs, in the words of an answer: `argon2id m=19456 t=2 p=1`.
pub(crate) fn cost(hash: &str) -> String {
    let parameters = hash.strip_prefix(MARK).and_then(|rest| rest.split('$').find(|part| part.starts_with("m=")));
    format!("{VEIL}{}", parameters.unwrap_or_default().replace(',', " "))
}

fn veil(hash: &str) -> String {
    let digest = Digest::of(hash).to_string();
    format!("{} #{}", cost(hash), &digest[..DIGITS])
}

/// How much of the text, which begins with one, is the hash.
fn length(text: &str) -> usize {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "$+/=,".contains(char);
    text.find(|char| !is_part(char)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";

    #[test]
    fn a_hash_is_veiled_wherever_it_stands_and_comes_back() {
        let other = HASH.replace("aGF", "bGF");
        let text = format!("a = \"{HASH}\" # was {other}\n[[users]]\nname = 'x'\n");
        let shown = veiled(&text);
        assert!(!shown.contains("$argon2id"), "{shown}");
        assert!(shown.contains("a = \"argon2id m=19456 t=2 p=1 #"), "{shown}");
        assert_eq!(unveiled(&shown, [text.as_str()]), text);
        assert_eq!(unveiled(&shown, ["nothing known"]), shown);
        assert_eq!(veiled("no hash"), "no hash");
        let twice = format!("argon2id {shown} argon2id # {shown}");
        assert_eq!(unveiled(&twice, [text.as_str()]), format!("argon2id {text} argon2id # {text}"));
    }

    #[test]
    fn answers_and_requests_are_gone_through_to_the_last_text() {
        let answer = json!({ "a": [{ "b": HASH }], "n": 1 });
        let shown = all_veiled(answer.clone());
        assert!(!shown.to_string().contains("c2FsdHNhbHQ"), "{shown}");
        assert_eq!(all_unveiled(&shown, &[HASH]), answer);
    }

    #[test]
    fn what_is_damaged_is_veiled_too() {
        assert_eq!(&veiled("\"$argon2id$m\"")[..11], "\"argon2id  ");
    }
}
