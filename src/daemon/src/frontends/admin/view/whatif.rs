//! The table of live sessions for whom other rules would decide otherwise, of one answer of `acl.whatif`.

use std::sync::Arc;
use std::time::Instant;

use filter::{Field, Value};
use wire::admin::{Code, Refusal, ViewOpen};

use super::super::desk::{Asker, Desk};
use super::table::{Summed, Table};
use crate::frontends::office::policy::{Affected, Digest, Turned};
use crate::frontends::office::sight::{Cell, Column, Sight, dynamic, fixed, short};
use crate::state::history::record::reason;

#[derive(Debug, Default)]
pub(super) struct WhatIf {
    affected: Arc<Affected>,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    sight: Sight,
    turned: Turned,
}

impl Table for WhatIf {
    type All = Vec<Row>;
    type Row = Row;
    type Id = u64;

    const COLUMNS: &'static [Column] = &[
        fixed("id", "text"),
        fixed("user", "text"),
        fixed("src", "text"),
        fixed("dst", "text"),
        fixed("ip", "text"),
        fixed("proto", "text"),
        fixed("start", "time"),
        dynamic("up", "bytes"),
        dynamic("down", "bytes"),
        fixed("before", "text"),
        fixed("rule_before", "text"),
        fixed("after", "text"),
        fixed("rule_after", "text"),
        fixed("own", "text"),
        fixed("uuid", "text"),
    ];
    const FIELDS: &'static [Field] = filter::WHATIF;
    const SUMS: &'static [Summed<Self>] = &[("up", |row| row.sight.read.up), ("down", |row| row.sight.read.down)];

    fn of(desk: &Desk, open: &ViewOpen) -> Result<Self, Refusal> {
        let gone = || Refusal::new(Code::NotFound, "there is no such answer of acl.whatif; the last four are kept");
        let missing = || Refusal::new(Code::BadRequest, "digest: it is missing");
        let digest = open.digest.clone().ok_or_else(missing)?;
        let digest =
            Digest::try_from(digest).map_err(|error| Refusal::new(Code::BadRequest, format!("digest: {error}")))?;
        Ok(Self { affected: desk.office.affected(digest).ok_or_else(gone)? })
    }

    /// Those that are still in.
    fn all(&self, desk: &Desk, asker: &Asker) -> Vec<Row> {
        desk.office.paces.look(&desk.office.world.roster, Instant::now());
        let light = desk.office.light(asker.is_masked);
        let row = |turned: &Turned| {
            let session = turned.session.upgrade().filter(|session| session.ended().is_none())?;
            Some(Row { sight: Sight::of(&session, &light), turned: turned.clone() })
        };
        self.affected.sessions.iter().filter_map(row).collect()
    }

    fn id(row: &Row) -> u64 {
        row.sight.session.number
    }

    fn name(id: &u64) -> String {
        short(*id)
    }

    fn cell(row: &Row, column: &str) -> Cell {
        let Row { sight, turned: Turned { session: _, before, after, is_mine } } = row;
        let rule = |rule: &Option<Arc<str>>| rule.as_ref().map_or(Cell::Nothing, |rule| Cell::text(rule));
        match column {
            "before" => Cell::Word(before.verdict),
            "rule_before" => rule(&before.rule),
            "after" => Cell::Word(after.verdict),
            "rule_after" => rule(&after.rule),
            "own" => Cell::Word(own(*is_mine)),
            other => sight.cell(other),
        }
    }

    fn gone(&self, _: &Desk, was: &[&Row], _: &Vec<Row>) -> Vec<(u64, String)> {
        let ended = |row: &&Row| Some((Self::id(row), reason(row.sight.session.ended()?).to_owned()));
        was.iter().filter_map(ended).collect()
    }
}

/// Whether it comes from where the operator is.
fn own(is_mine: bool) -> &'static str {
    if is_mine { "yes" } else { "no" }
}

impl filter::Row for Row {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        let text = |text: &'static str| Some(Value::Text(text.into()));
        let rule = |rule: &Option<Arc<str>>| rule.as_ref().map(|rule| Value::Text(rule.to_string().into()));
        match field {
            "before" => text(self.turned.before.verdict),
            "rule_before" => rule(&self.turned.before.rule),
            "after" => text(self.turned.after.verdict),
            "rule_after" => rule(&self.turned.after.rule),
            "own" => text(own(self.turned.is_mine)),
            other => self.sight.value(other),
        }
    }
}
