//! The table of sources that are turned away because they guessed.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::super::sessions::masked_network;
use super::table::{Summed, Table};
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};
use crate::state::penalties::source::Source;

#[derive(Debug, Default)]
pub(super) struct Bans {
    /// Whoever may not see whole addresses tells sources apart by what this makes of them.
    veil: RandomState,
}

#[derive(Debug, Clone)]
pub(super) struct Ban {
    id: String,
    source: Source,
    shown: String,
    /// Nothing for a Unix socket, and for whoever may not see it.
    address: Option<IpAddr>,
    age: Duration,
    left: Duration,
    turned_away: u64,
}

impl Table for Bans {
    type All = Vec<Ban>;
    type Row = Ban;
    type Id = String;

    const COLUMNS: &'static [Column] = &[
        fixed("id", "text"),
        fixed("src", "text"),
        dynamic("age", "seconds"),
        dynamic("left", "seconds"),
        dynamic("turned_away", "number"),
    ];
    const FIELDS: &'static [Field] = filter::BANS;
    const SUMS: &'static [Summed<Self>] = &[("turned_away", |row| row.turned_away)];

    fn all(&self, desk: &Desk, asker: &Asker) -> Vec<Ban> {
        let bans = desk.office.world.penalties.bans(Instant::now());
        bans.into_iter().map(|ban| self.row(&ban, asker)).collect()
    }

    fn id(row: &Ban) -> String {
        row.id.clone()
    }

    fn name(id: &String) -> String {
        id.clone()
    }

    fn cell(row: &Ban, column: &str) -> Cell {
        match column {
            "id" => Cell::text(&row.id),
            "src" => Cell::source(&row.shown),
            "age" => Cell::Number(row.age.as_secs()),
            "left" => Cell::Number(row.left.as_secs()),
            "turned_away" => Cell::Number(row.turned_away),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, desk: &Desk, was: &[&Ban], _: &Vec<Ban>) -> Vec<(String, String)> {
        let bans = desk.office.world.penalties.bans(Instant::now());
        let there: HashSet<Source> = bans.iter().map(|ban| ban.source).collect();
        let over = was.iter().filter(|row| !there.contains(&row.source));
        over.map(|row| (row.id.clone(), "over".to_owned())).collect()
    }
}

impl Bans {
    fn row(&self, ban: &crate::state::penalties::Ban, asker: &Asker) -> Ban {
        let (id, shown, address) = match ban.source {
            Source::Network(network) if asker.is_masked => {
                (format!("{:x}", self.veil.hash_one(network)), masked_network(network), None)
            }
            Source::Network(network) => (ban.source.to_string(), ban.source.to_string(), Some(network.addr())),
            Source::Local => (ban.source.to_string(), ban.source.to_string(), None),
        };
        let (source, age, left, turned_away) = (ban.source, ban.since, ban.left, ban.turned_away);
        Ban { id, source, shown, address, age, left, turned_away }
    }
}

impl filter::Row for Ban {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        let micros = |time: Duration| Value::Number(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        match field {
            "src" => self.address.map(Value::Address),
            "age" => Some(micros(self.age)),
            "left" => Some(micros(self.left)),
            "turned_away" => Some(Value::Number(self.turned_away)),
            _ => None,
        }
    }
}
