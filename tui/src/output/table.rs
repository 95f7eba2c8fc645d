//! Tables for people.

use std::io::{self, Write};

use super::sheet::Sheet;
use crate::shown::{fitted, visible, width};

/// The least that a column of texts is cut to.
const NARROWEST: usize = 8;

/// Columns under each other; cut to `limit` cells where there is one.
pub(super) fn aligned(out: &mut impl Write, sheet: &Sheet, has_header: bool, limit: Option<usize>) -> io::Result<()> {
    let lines = lines(sheet, has_header);
    let widths = widths(sheet, &lines, limit);
    for line in lines {
        let cells = line.iter().zip(&widths).zip(&sheet.columns);
        let cells: Vec<String> =
            cells.map(|((cell, width), (_, kind))| fitted(cell, *width, kind.is_number())).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// Values with a space between them.
pub(super) fn plain(out: &mut impl Write, sheet: &Sheet, has_header: bool) -> io::Result<()> {
    lines(sheet, has_header).iter().try_for_each(|line| writeln!(out, "{}", line.join(" ")))
}

fn lines(sheet: &Sheet, has_header: bool) -> Vec<Vec<String>> {
    let header = has_header.then(|| sheet.columns.iter().map(|(name, _)| name.to_uppercase()).collect());
    let rows = sheet.rows.iter().map(|row| {
        let cells = row.iter().zip(&sheet.columns);
        cells.map(|(value, (_, kind))| visible(&kind.shown(value)).into_owned()).collect()
    });
    header.into_iter().chain(rows).collect()
}

/// What each column needs; the widest texts give up what does not fit.
fn widths(sheet: &Sheet, lines: &[Vec<String>], limit: Option<usize>) -> Vec<usize> {
    let needed =
        |place: usize| lines.iter().filter_map(|line| line.get(place)).map(|cell| width(cell)).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..sheet.columns.len()).map(needed).collect();
    let Some(limit) = limit else { return widths };
    let gaps = 2 * sheet.columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > limit {
        let texts = widths
            .iter()
            .enumerate()
            .filter(|(place, width)| !sheet.columns[*place].1.is_number() && **width > NARROWEST);
        let Some((widest, _)) = texts.max_by_key(|(_, width)| **width) else { break };
        widths[widest] -= 1;
    }
    widths
}
