//! The table of live sessions.

use std::sync::Arc;

use filter::Field;

use super::super::desk::{Asker, Desk};
use super::table::{All, Summed, Table};
use crate::frontends::office::Office;
use crate::frontends::office::sight::{Cell, Column, Glimpse, Light, Reading, SESSIONS, Sight, short};
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
    type Mark = Reading;

    fn each(&self, is_quick: bool, mut visit: impl FnMut(Glimpse<'_>, &Reading)) {
        if is_quick {
            self.office.glimpses(&self.light, |glimpse| visit(glimpse, glimpse.read));
        } else {
            self.office.sights(&self.light).iter().for_each(|sight| visit(sight.glimpse(), &sight.read));
        }
    }

    fn marked(&self, read: &Reading) -> Option<Sight> {
        self.office.read_once(read, &self.light)
    }

    fn seen(row: &Sight) -> Glimpse<'_> {
        row.glimpse()
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
    const SLOW: &'static [&'static str] = &["limit"];

    fn all(&self, desk: &Desk, asker: &Asker) -> Everybody {
        Everybody { office: Arc::clone(&desk.office), light: desk.office.light(asker.is_masked) }
    }

    fn id(row: Glimpse<'_>) -> u64 {
        row.read.number
    }

    fn name(id: &u64) -> String {
        short(*id)
    }

    fn is_called(row: Glimpse<'_>, name: &str) -> bool {
        u64::from_str_radix(name, 16) == Ok(row.read.number)
    }

    fn cell(row: Glimpse<'_>, column: &str) -> Cell {
        row.cell(column)
    }

    fn gone(&self, _: &Desk, was: &[&Sight], _: &Everybody) -> Vec<(u64, String)> {
        let ended = |row: &&Sight| Some((row.session.number, reason(row.session.ended()?).to_owned()));
        was.iter().filter_map(ended).collect()
    }
}
