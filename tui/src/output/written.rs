//! Tables for programs that split lines: exact values, times as RFC 3339.

use std::io::{self, Write};

use super::sheet::{Sheet, raw};
use crate::shown::visible;

pub(crate) fn csv(out: &mut impl Write, sheet: &Sheet, has_header: bool) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    for line in lines(sheet, has_header) {
        writer.write_record(line).map_err(io::Error::from)?;
    }
    writer.flush()
}

/// A tab or an end of a line in a value is written as an escape.
pub(super) fn tsv(out: &mut impl Write, sheet: &Sheet, has_header: bool) -> io::Result<()> {
    lines(sheet, has_header).try_for_each(|line| writeln!(out, "{}", line.join("\t")))
}

fn lines(sheet: &Sheet, has_header: bool) -> impl Iterator<Item = Vec<String>> {
    let header = has_header.then(|| sheet.columns.iter().map(|(name, _)| name.clone()).collect());
    let rows = sheet.rows.iter().map(|row| {
        let cells = row.iter().zip(&sheet.columns);
        cells.map(|(value, (_, kind))| visible(&raw(&kind.exact(value))).into_owned()).collect()
    });
    header.into_iter().chain(rows)
}
