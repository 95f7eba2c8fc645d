//! Sessions and sums in the form that was asked for.

use std::io::Write;

use jiff::fmt::strtime;
use uuid::Uuid;

use super::args::By;
use crate::engine::history::archive::flows::Whole;
use crate::engine::history::archive::row::Row;
use crate::engine::history::archive::sum::Sum;

/// Prints one answer, page by page.
pub(super) trait Printer {
    fn rows(&mut self, rows: &[Whole]) -> anyhow::Result<()>;
    fn sums(&mut self, by: By, sums: &[Sum]) -> anyhow::Result<()>;
    /// `cut` is the last session of a full page, behind which there may be more.
    fn finish(self, cut: Option<Uuid>) -> anyhow::Result<()>;
}

/// One object per line.
pub(super) struct Json<W>(W);

impl<W: Write> Json<W> {
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    fn lines<T: serde::Serialize>(&mut self, items: &[T]) -> anyhow::Result<()> {
        for item in items {
            serde_json::to_writer(&mut self.0, item)?;
            self.0.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Printer for Json<W> {
    fn rows(&mut self, rows: &[Whole]) -> anyhow::Result<()> {
        self.lines(rows)
    }

    fn sums(&mut self, _by: By, sums: &[Sum]) -> anyhow::Result<()> {
        self.lines(sums)
    }

    fn finish(mut self, _cut: Option<Uuid>) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// A header, then one record per line, which has no room for what an association exchanged with each peer.
pub(super) struct Csv<W: Write>(csv::Writer<W>);

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> Self {
        Self(csv::Writer::from_writer(out))
    }
}

impl<W: Write> Printer for Csv<W> {
    fn rows(&mut self, rows: &[Whole]) -> anyhow::Result<()> {
        rows.iter().try_for_each(|whole| self.0.serialize(&whole.row)).map_err(Into::into)
    }

    fn sums(&mut self, _by: By, sums: &[Sum]) -> anyhow::Result<()> {
        sums.iter().try_for_each(|sum| self.0.serialize(sum)).map_err(Into::into)
    }

    fn finish(mut self, _cut: Option<Uuid>) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// Columns for people; what a terminal would obey is escaped.
pub(super) struct Table<W> {
    out: W,
    has_head: bool,
}

impl<W: Write> Table<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, has_head: false }
    }

    fn row(&mut self, row: &Row) -> std::io::Result<()> {
        let start = strtime::format("%Y-%m-%d %H:%M:%S", row.start_time).unwrap_or_default();
        let duration = row.duration_secs.map_or_else(|| "-".to_owned(), |secs| format!("{secs}s"));
        writeln!(
            self.out,
            "{start:<19}  {duration:>8}  {:<11}  {:<20}  {:<15}  {:<15}  {:>12}  {:>12}  {}",
            row.status,
            shown(row.close_reason.as_ref()),
            who(row),
            shown(row.source_ip.as_ref()),
            row.bytes_sent,
            row.bytes_received,
            destination(row),
        )
    }
}

const HEAD: &str = "START (UTC)          DURATION  STATUS       REASON                USER             SOURCE                   SENT      RECEIVED  DESTINATION";

impl<W: Write> Printer for Table<W> {
    fn rows(&mut self, rows: &[Whole]) -> anyhow::Result<()> {
        if !std::mem::replace(&mut self.has_head, true) {
            writeln!(self.out, "{HEAD}")?;
        }
        Ok(rows.iter().try_for_each(|whole| self.row(&whole.row))?)
    }

    fn sums(&mut self, by: By, sums: &[Sum]) -> anyhow::Result<()> {
        let by = match by {
            By::User => "USER",
            By::Destination => "DESTINATION",
            By::Rule => "RULE",
            By::Status => "STATUS",
            By::Hour => "HOUR (UTC)",
            By::Day => "DAY (UTC)",
        };
        writeln!(self.out, "SESSIONS  REJECTED    FAILED          SENT      RECEIVED  {by}")?;
        for Sum { of, sessions, bytes_sent, bytes_received, rejected, failed } in sums {
            let of = shown(of.as_ref());
            writeln!(
                self.out,
                "{sessions:>8}  {rejected:>8}  {failed:>8}  {bytes_sent:>12}  {bytes_received:>12}  {of}"
            )?;
        }
        Ok(())
    }

    fn finish(mut self, cut: Option<Uuid>) -> anyhow::Result<()> {
        if let Some(last) = cut {
            writeln!(self.out, "(go on with --after {last})")?;
        }
        Ok(self.out.flush()?)
    }
}

/// A name that was not proven stands in parentheses.
fn who(row: &Row) -> String {
    match (&row.user, &row.claimed) {
        (None, Some(claimed)) => format!("({})", claimed.escape_debug()),
        (user, _) => shown(user.as_ref()),
    }
}

fn destination(row: &Row) -> String {
    let host = row.dest_host.as_ref().or(row.dest_ip.as_ref());
    let place = match (host, row.dest_port) {
        (Some(host), Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => shown(host),
    };
    match &row.dest_ip {
        Some(dialled) if row.dest_host.as_ref().is_some_and(|host| host != dialled) => {
            format!("{} ({dialled})", place.escape_debug())
        }
        Some(_) | None => place.escape_debug().to_string(),
    }
}

fn shown(text: Option<&String>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.escape_debug().to_string())
}
