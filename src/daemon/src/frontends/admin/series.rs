//! What was measured each second, for charts that have a past when they are opened.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{Op, Takes, look, read, watch};
use super::outbox::GAP;
use super::subscription::Source;
use crate::state::vitals::series::{Key, Resolution, Sample};

const WANTED: Takes = (
    "keys",
    "some of sessions, new, up, down, denied, conn_p99 (ms), auth_ok, auth_fail, auth_err, lag (ms), cpu (percent of one processor), rss (bytes); authfail is auth_fail; rates are a second; each once",
);

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "series.get",
        get,
        &[
            WANTED,
            ("res", "1, 10 or 60 seconds; 1 without it"),
            ("n", "how many values; all that are kept without it: 300, 360 or 1440"),
        ],
        "t0: when the first began, res, data: for each key its values, the oldest first, null where nothing was measured",
        "what was measured in the last 5 minutes, hour or day",
    ),
    watch(
        "series.sub",
        subscribe,
        &[WANTED],
        "sub; pushes series with t, v: a value for each key in their order; and gap with lost, in seconds",
        "what is measured from now on, a push each second",
    ),
];

/// How often somebody looks whether a second is over.
const EVERY_MS: u64 = 1_000;

#[derive(Deserialize)]
struct Get {
    keys: Vec<String>,
    res: Option<i64>,
    n: Option<usize>,
}

#[derive(Deserialize)]
struct Subscribe {
    keys: Vec<String>,
}

fn get(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Get { keys, res, n } = read(p)?;
    let (keys, seconds) = (known(&keys)?, res.unwrap_or(1));
    let resolution = Resolution::ALL.into_iter().find(|resolution| resolution.seconds() == seconds);
    let resolution = resolution.ok_or_else(|| Refusal::new(Code::BadRequest, "res: 1, 10 or 60"))?;
    let (t0, samples) = desk.office.vitals.series.last(resolution, n.unwrap_or(usize::MAX));
    let of = |key: Key| -> Value { samples.iter().map(|sample| told(sample, key)).collect() };
    let data: Map<String, Value> = keys.into_iter().map(|(name, key)| (name, of(key))).collect();
    Ok(json!({ "t0": t0, "res": seconds, "data": data }))
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { keys } = read(p)?;
    let keys = known(&keys)?.into_iter().map(|(_, key)| key).collect();
    let told = conversation.desk.office.vitals.series.last(Resolution::Second, 0).0 - 1;
    let sub = conversation.follow(Follower { keys, told }, Some(EVERY_MS))?;
    Ok(json!({ "sub": sub }))
}

/// Somebody who is told each second.
#[derive(Debug)]
struct Follower {
    keys: Vec<Key>,
    /// The last second that was told.
    told: i64,
}

impl Source for Follower {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        let mut news = Vec::new();
        for (second, sample) in desk.office.vitals.series.since(self.told) {
            let lost = second - self.told - 1;
            if lost > 0 {
                news.push((GAP, json!({ "lost": lost })));
            }
            let values: Vec<Value> = self.keys.iter().map(|key| told(&sample, *key)).collect();
            news.push(("series", json!({ "t": second, "v": values })));
            self.told = second;
        }
        news
    }
}

/// To three digits behind the point: more is noise.
fn told(sample: &Sample, key: Key) -> Value {
    let rounded = |value: f32| (f64::from(value) * 1e3).round() / 1e3;
    sample.of(key).map_or(Value::Null, |value| json!(rounded(value)))
}

/// Each key under the name by which it was asked for.
fn known(names: &[String]) -> Result<Vec<(String, Key)>, Refusal> {
    let key = |name: &String| {
        let label = if name == "authfail" { Key::NotLoggedIn.label() } else { name };
        let key = Key::ALL.into_iter().find(|key| key.label() == label);
        let known = || Key::ALL.map(Key::label).join(", ");
        let key = key.ok_or_else(|| Refusal::new(Code::BadRequest, format!("keys: {}; not {name:?}", known())))?;
        Ok((name.clone(), key))
    };
    let mut keys: Vec<(String, Key)> = Vec::new();
    for name in names {
        let key = key(name)?;
        if keys.iter().any(|(_, known)| *known == key.1) {
            return Err(Refusal::new(Code::BadRequest, format!("keys: {name:?} is there twice")));
        }
        keys.push(key);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_asked_for_once_under_either_name() {
        let asked = |names: &[&str]| known(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(asked(&["up", "authfail", "rss"]).unwrap().len(), 3);
        for bad in [&["up", "up"][..], &["authfail", "auth_fail"], &["moon"]] {
            assert_eq!(asked(bad).unwrap_err().code, Code::BadRequest, "{bad:?}");
        }
    }
}
