//! What somebody may have, whichever file says it and by which keys.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use toml_edit::{Item, RawString};

use super::{Misuse, NAME, Sheet};

/// What is said of somebody; what is not named stays as it is, and 0 is no limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Megabits a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_mbps: Option<Rate>,
    /// Those that somebody has in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guaranteed_mbps: Option<f64>,
    /// Kibibytes that may pass at once after a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_kib: Option<u32>,
    /// Sessions at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conns: Option<u32>,
}

/// A rate as the files have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a rate is a number of megabits a second, or \"up:down\" with one for each direction")]
pub enum Rate {
    /// The same in both directions.
    Both(f64),
    /// `up:down`; whoever reads the file says whether these are rates.
    Each(String),
}

/// Of whom something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everybody together.
    Global,
    /// Each user.
    Users,
    /// Each source.
    Source,
    /// The users of a group together.
    Group(String),
}

/// A key and what it says, if anything is said.
type Keys = Vec<(&'static str, Option<Json>)>;

impl Limits {
    /// Those of one user, or of one group.
    pub(super) const KEYS_OF_ONE: &'static [&'static str] =
        &["bandwidth_limit_mbps", "bandwidth_guaranteed_mbps", "bandwidth_burst_kib", "max_connections"];

    pub(super) fn keys_of_one(&self) -> Keys {
        Self::KEYS_OF_ONE.iter().copied().zip(self.values()).collect()
    }

    pub(super) fn keys_for(&self, target: &Target, written: &str) -> Result<Keys, Misuse> {
        let Self { rate_mbps, guaranteed_mbps, burst_kib, conns: _ } = self;
        let refused = |why| Misuse::Target { target: written.to_owned(), why };
        match target {
            Target::Group(_) => Ok(self.keys_of_one()),
            Target::Global | Target::Users | Target::Source if guaranteed_mbps.is_some() || burst_kib.is_some() => {
                Err(refused("only a user or a group has something guaranteed, or a burst"))
            }
            Target::Source if rate_mbps.is_some() => Err(refused("a source has no rate, only sessions at once")),
            Target::Global | Target::Users | Target::Source => {
                let [rate, _, _, conns] = self.values();
                let said = if *target == Target::Source { vec![conns] } else { vec![rate, conns] };
                Ok(target.keys().iter().copied().zip(said).collect())
            }
        }
    }

    fn values(&self) -> [Option<Json>; 4] {
        let Self { rate_mbps, guaranteed_mbps, burst_kib, conns } = self;
        let rate = rate_mbps.as_ref().map(|rate| match rate {
            Rate::Both(megabits) => number(*megabits),
            Rate::Each(each) => json!(each),
        });
        [rate, guaranteed_mbps.map(number), burst_kib.map(|it| json!(it)), conns.map(|it| json!(it))]
    }
}

impl Target {
    /// The user of a target that the users file has.
    pub(super) fn of_users_file(target: &str) -> Result<String, Misuse> {
        let user = target.strip_prefix("user/").filter(|name| !name.is_empty());
        let why = "the users file says what user/NAME may have; the store config has the rest";
        user.map(str::to_owned).ok_or_else(|| Misuse::Target { target: target.to_owned(), why })
    }

    /// A target that the configuration has.
    pub(super) fn of_configuration(target: &str) -> Result<Self, Misuse> {
        match (target, target.strip_prefix("group/")) {
            ("global", _) => Ok(Self::Global),
            ("users", _) => Ok(Self::Users),
            ("source", _) => Ok(Self::Source),
            (_, Some(group)) if !group.is_empty() => Ok(Self::Group(group.to_owned())),
            _ => {
                let why = "write global, users, source or group/NAME; what user/NAME may have is in the store users";
                Err(Misuse::Target { target: target.to_owned(), why })
            }
        }
    }

    pub(super) fn table(&self) -> String {
        match self {
            Self::Global | Self::Users | Self::Source => "limits".to_owned(),
            Self::Group(name) => format!("limits.groups/{name}"),
        }
    }

    /// What can be said of it.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Global => &["bandwidth_limit_mbps", "max_connections"],
            Self::Users => &["bandwidth_per_user_mbps", "max_connections_per_user"],
            Self::Source => &["max_connections_per_source"],
            Self::Group(_) => Limits::KEYS_OF_ONE,
        }
    }
}

impl Sheet {
    pub(super) fn limit(&mut self, table: &str, keys: Keys, target: &str) -> Result<(), Misuse> {
        let said: Vec<_> = keys.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        if said.is_empty() {
            return Err(Misuse::Target { target: target.to_owned(), why: "nothing is said of it" });
        }
        said.iter().try_for_each(|(key, value)| self.set(table, key, value))
    }

    /// Whether any of the keys was there.
    pub(super) fn lift(&mut self, table: &str, keys: &[&str]) -> bool {
        let Some(table) = self.find_mut(table) else { return false };
        let before = table.len();
        for key in keys {
            table.remove(key);
        }
        table.len() < before
    }

    /// Whether this table has nothing but its name, and no words of the operator's.
    pub(super) fn is_hollow(&self, table: &str) -> bool {
        self.find(table).is_some_and(|table| {
            let above = text(table.decor().prefix());
            let above = above.rsplit_once("\n\n").map_or(above, |(_alone, its_own)| its_own);
            let is_mute = |(key, item): (&str, &Item)| {
                let around = table.key(key).map(|key| text(key.leaf_decor().prefix())).unwrap_or_default();
                let behind = item.as_value().map(|value| text(value.decor().suffix())).unwrap_or_default();
                key == NAME && !around.contains('#') && !behind.contains('#')
            };
            !above.contains('#') && !text(table.decor().suffix()).contains('#') && table.iter().all(is_mute)
        })
    }
}

fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Without a fraction where there is none: that is how people write it.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
fn number(rate: f64) -> Json {
    let is_whole = rate.fract() == 0.0 && rate.abs() < 1e9;
    if is_whole { json!(rate as i64) } else { json!(rate) }
}
