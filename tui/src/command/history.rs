//! Sessions that were: page by page, in numbers, and all of them.

use filter::{Filter, HISTORY};
use serde_json::{Map, Value, json};

use super::Desk;
use super::ask::tell;
use super::list::{checked, sorted};
use crate::failure::Failure;
use crate::output::{Format, Output, Sheet};
use crate::past::{self, both};

/// Rows of one answer.
const PAGE: usize = 500;

/// When they began.
#[derive(Debug, Default)]
pub(super) struct Time {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

impl Desk {
    /// Page by page, until there are as many as are wanted.
    pub(super) fn past(
        &mut self,
        expr: Option<String>,
        time: Time,
        limit: usize,
        sort: Option<&str>,
    ) -> Result<(), Failure> {
        let mut p = asked(expr, time)?;
        if let Some(sort) = sort {
            p.insert("sort".to_owned(), json!(sorted(sort)));
        }
        let mut rows: Vec<Value> = Vec::new();
        loop {
            p.insert("limit".to_owned(), PAGE.min(limit - rows.len()).into());
            let mut page: Value = self.connection.call("history.query", &p)?;
            let Some(Value::Array(found)) = page.get_mut("rows").map(Value::take) else {
                return Err(Failure::Conversation("an answer without rows".to_owned()));
            };
            rows.extend(found);
            let next = page["next"].take();
            if next.is_null() || rows.len() >= limit {
                if !next.is_null() {
                    tell(&format!("there may be more than these {limit}; --limit says how many"));
                }
                return self.past_rows(rows);
            }
            p.insert("after".to_owned(), next);
        }
    }

    /// All of them for programs; people see what matters, and who was claimed to be there.
    fn past_rows(&self, mut rows: Vec<Value>) -> Result<(), Failure> {
        if self.output.is_for_people() && self.output.fields.is_none() {
            for row in &mut rows {
                row["user"] = past::name(row);
            }
            let shown = past::sheet(past::columns(), &rows).only(&past::FOR_PEOPLE.map(str::to_owned))?;
            return self.output.rows("rustsocks.history/1", shown);
        }
        self.output.rows("rustsocks.history/1", past::sheet(past::columns(), &rows))
    }

    /// Groups as rows, or all together.
    pub(super) fn past_numbers(
        &mut self,
        expr: Option<String>,
        time: Time,
        by: Option<&str>,
        limit: usize,
    ) -> Result<(), Failure> {
        let mut p = asked(expr, time)?;
        if let Some(by) = by {
            p.extend([("by".to_owned(), by.into()), ("n".to_owned(), limit.clamp(1, 1_000).into())]);
        }
        let answer: Value = self.connection.call("history.agg", &p)?;
        if by.is_none() {
            return self.output.record("rustsocks.aggregate/1", &answer["total"]);
        }
        let groups = answer["groups"].as_array().cloned().unwrap_or_default();
        self.output.rows("rustsocks.aggregate/1", Sheet::of_objects(past::GROUPS, &groups))
    }

    /// As they come: lines with commas or tabs if that is wanted, a document for each row otherwise.
    pub(super) fn export(self, expr: Option<String>, time: Time) -> Result<(), Failure> {
        let (p, output) = (asked(expr, time)?, self.output);
        let mut has_header = output.has_header;
        self.connection.stream("history.export", &p, |part| {
            let rows = part["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
            match output.format {
                Format::Csv | Format::Tsv => {
                    let sheet = past::sheet(past::columns(), rows);
                    let fields = output.fields.clone();
                    Output { has_header, fields, ..output }.rows("rustsocks.history/1", sheet)?;
                    has_header = false;
                    Ok(())
                }
                Format::Table | Format::Plain | Format::Json | Format::Ndjson => {
                    rows.iter().try_for_each(|row| output.next_document(past::COLUMNS, row))
                }
            }
        })?;
        Ok(())
    }
}

/// The parameters for these sessions.
fn asked(expr: Option<String>, time: Time) -> Result<Map<String, Value>, Failure> {
    let expr = expr.unwrap_or_default();
    checked(Some(&expr), HISTORY)?;
    let filter = both(&expr, &during(time)?);
    Ok(Map::from_iter([("filter".to_owned(), filter.into())]))
}

/// What holds of sessions that began in this time; a duration is so long ago.
fn during(time: Time) -> Result<String, Failure> {
    let bound = |sign: &str, time: String| {
        let ways = [format!("start{sign}-{time}"), format!("start{sign}\"{time}\"")];
        let meant = ways.into_iter().find(|way| Filter::parse(way, HISTORY).is_ok());
        meant.ok_or_else(|| Failure::Usage(format!("{time:?} is no time; write 24h, 2026-11-20 or 2026-11-20T19:20Z")))
    };
    let since = time.from.map(|time| bound(">=", time)).transpose()?;
    let until = time.to.map(|time| bound("<", time)).transpose()?;
    Ok(both(&since.unwrap_or_default(), &until.unwrap_or_default()))
}
