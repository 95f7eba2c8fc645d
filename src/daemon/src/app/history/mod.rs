//! `rustsocks history`: questions to the database of sessions, whether or not a daemon is writing to it.

pub(super) mod args;
mod shown;

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use config::Settings;
use jiff::Timestamp;
use uuid::Uuid;

use self::args::{Ask, Format};
use self::shown::{Csv, Json, Printer, Table};
use super::args::Selection;
use super::commands::{self, EX_CONFIG};
use super::{build, configuration};
use crate::engine::history::archive::Archive;
use crate::engine::history::archive::filter::Filter;

/// Rows of one question; whoever wants more asks again, so that each answer is quick.
const PAGE: u32 = 1_000;

pub(super) fn ask(selection: &Selection, ask: &Ask) -> ExitCode {
    let settings = match settings(selection) {
        Ok(settings) => settings,
        Err(error) => return commands::outcome(Err(error), EX_CONFIG),
    };
    match answered(&settings, ask) {
        // Whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        result => commands::outcome(result, 1),
    }
}

fn settings(selection: &Selection) -> anyhow::Result<Settings> {
    let text = configuration::read_file(selection)?;
    Ok(configuration::load(selection, text.as_deref())?.settings)
}

fn answered(settings: &Settings, ask: &Ask) -> anyhow::Result<()> {
    let place = build::database(settings.sessions.database_url.as_ref(), None);
    let place = place.context("there is no home directory to look in; set sessions.database_url")?;
    let mut archive = Archive::open(&place, ask.deadline())?;
    let filter = ask.filter(Timestamp::now())?;
    let out = io::BufWriter::new(io::stdout().lock());
    match ask.format {
        Format::Table => print(&mut archive, filter, ask, Table::new(out)),
        Format::Json => print(&mut archive, filter, ask, Json::new(out)),
        Format::Csv => print(&mut archive, filter, ask, Csv::new(out)),
    }
}

fn print(archive: &mut Archive, filter: Filter, ask: &Ask, mut printer: impl Printer) -> anyhow::Result<()> {
    let cut = match ask.by {
        Some(by) => {
            let limit = ask.limit().map_or(i32::MAX.unsigned_abs(), Into::into);
            printer.sums(by, &archive.sums(&filter, by.into(), limit)?)?;
            None
        }
        None => print_pages(archive, filter, ask.limit().map(Into::into), &mut printer)?,
    };
    printer.finish(cut)
}

/// Returns the last session, if there may be more than were to be printed.
fn print_pages(
    archive: &mut Archive,
    mut filter: Filter,
    limit: Option<u32>,
    printer: &mut impl Printer,
) -> anyhow::Result<Option<Uuid>> {
    let mut left = limit;
    loop {
        let wanted = left.map_or(PAGE, |left| left.min(PAGE));
        let rows = archive.whole(&filter, wanted)?;
        printer.rows(&rows)?;
        left = left.map(|left| left - wanted);
        let last = rows.last().filter(|_| rows.len() == wanted as usize).map(|last| last.row.session_id);
        if last.is_none() || left == Some(0) {
            return Ok(last);
        }
        filter.after = last;
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_it = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    error.chain().any(is_it)
}
