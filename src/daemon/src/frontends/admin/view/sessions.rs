//! The table of live sessions.

use std::sync::Arc;

use filter::Field;

use super::super::desk::{Asker, Desk};
use super::table::{All, Summed, Table};
use crate::frontends::office::Office;
use crate::frontends::office::sight::{Cell, Column, Glimpse, Light, SESSIONS, Sight};
use crate::state::history::record::reason;

#[derive(Debug, Default)]
pub(super) struct Sessions;

/// Everybody who is in.
#[derive(Debug)]
pub(super) struct Everybody {
    office: Arc<Office>,
    light: Arc<Light>,
}

impl All for Everybody {
    type Row = Sight;
    type Seen<'r> = Glimpse<'r>;

    fn each(&self, is_quick: bool, mut visit: impl FnMut(Glimpse<'_>)) {
        if is_quick {
            self.office.glimpses(&self.light, visit);
        } else {
            self.office.sights(&self.light).iter().for_each(|sight| visit(sight.glimpse()));
        }
    }

    fn seen(row: &Sight) -> Glimpse<'_> {
        row.glimpse()
    }

    fn kept(seen: Glimpse<'_>) -> Sight {
        seen.kept()
    }
}

impl Table for Sessions {
    type All = Everybody;
    type Row = Sight;
    type Id = u64;

    const COLUMNS: &'static [Column] = SESSIONS;
    const FIELDS: &'static [Field] = filter::SESSIONS;
    const SUMS: &'static [Summed<Self>] = &[
        ("up", |row| row.read.up),
        ("down", |row| row.read.down),
        ("rup", |row| row.read.rates().0),
        ("rdown", |row| row.read.rates().1),
    ];
    const QUICK: &'static [&'static str] =
        &["state", "start", "idle", "up", "down", "pup", "pdown", "rup", "rdown", "rate"];

    fn all(&self, desk: &Desk, asker: &Asker) -> Everybody {
        Everybody { office: Arc::clone(&desk.office), light: desk.office.light(asker.is_masked) }
    }

    fn id(row: Glimpse<'_>) -> u64 {
        row.read.number
    }

    fn name(id: &u64) -> String {
        format!("{id:x}")
    }

    fn cell(row: Glimpse<'_>, column: &str) -> Cell {
        row.cell(column)
    }

    fn gone(&self, _: &Desk, was: &[&Sight], _: &Everybody) -> Vec<(u64, String)> {
        let ended = |row: &&Sight| Some((row.session.number, reason(row.session.ended()?).to_owned()));
        was.iter().filter_map(ended).collect()
    }
}
