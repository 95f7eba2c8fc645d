//! The table of live sessions.

use filter::Field;

use super::super::desk::{Asker, Desk};
use super::table::{Summed, Table};
use crate::frontends::office::sight::{Cell, Column, SESSIONS, Sight};
use crate::state::history::record::reason;

#[derive(Debug, Default)]
pub(super) struct Sessions;

impl Table for Sessions {
    type Row = Sight;
    type Id = u64;

    const COLUMNS: &'static [Column] = SESSIONS;
    const FIELDS: &'static [Field] = filter::SESSIONS;
    const SUMS: &'static [Summed<Sight>] =
        &[("up", |row| row.up), ("down", |row| row.down), ("rup", |row| row.rates().0), ("rdown", |row| row.rates().1)];

    fn rows(&self, desk: &Desk, asker: &Asker) -> Vec<Sight> {
        desk.office.sights(asker.is_masked)
    }

    fn id(row: &Sight) -> u64 {
        row.number
    }

    fn name(id: &u64) -> String {
        format!("{id:x}")
    }

    fn cell(row: &Sight, column: &str) -> Cell {
        row.cell(column)
    }

    fn gone(&self, _: &Desk, was: &[&Sight], _: &[Sight]) -> Vec<(u64, String)> {
        let ended = |row: &&Sight| Some((row.session.number, reason(row.session.ended()?).to_owned()));
        was.iter().filter_map(ended).collect()
    }
}
