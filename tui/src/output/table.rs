//! Tables for people.

use std::io::{self, Write};

use serde_json::Value;

use super::sheet::{Kind, Sheet};
use crate::shown::{fitted, visible, width};

/// The least that a column of texts is cut to.
const NARROWEST: usize = 14;

/// Columns under each other; cut to `limit` cells where there is one. Returns the columns for which there was no room.
pub(super) fn aligned<'a>(
    out: &mut impl Write,
    sheet: &'a Sheet,
    has_header: bool,
    limit: Option<usize>,
) -> io::Result<Vec<&'a str>> {
    let lines = lines(sheet, has_header);
    let widths = widths(sheet, &lines, limit);
    for line in lines {
        let cells = line.iter().zip(&widths).zip(&sheet.columns);
        let cells: Vec<String> =
            cells.map(|((cell, width), (_, kind))| fitted(cell, *width, kind.is_number())).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(sheet.columns[widths.len()..].iter().map(|(name, _)| name.as_str()).collect())
}

/// Values with a space between them.
pub(super) fn plain(out: &mut impl Write, sheet: &Sheet, has_header: bool) -> io::Result<()> {
    lines(sheet, has_header).iter().try_for_each(|line| writeln!(out, "{}", line.join(" ")))
}

fn lines(sheet: &Sheet, has_header: bool) -> Vec<Vec<String>> {
    let header = has_header.then(|| sheet.columns.iter().map(|(name, _)| name.to_uppercase()).collect());
    let rows = sheet.rows.iter().map(|row| {
        let cells = row.iter().zip(&sheet.columns);
        cells.map(|(value, (_, kind))| cell(*kind, value)).collect()
    });
    header.into_iter().chain(rows).collect()
}

/// A value for people: something to see in any case.
fn cell(kind: Kind, value: &Value) -> String {
    let shown = kind.shown(value);
    if shown.is_empty() { "-".to_owned() } else { visible(&shown).into_owned() }
}

/// What each column needs; the widest texts give up what does not fit, and then the last columns.
fn widths(sheet: &Sheet, lines: &[Vec<String>], limit: Option<usize>) -> Vec<usize> {
    let needed =
        |place: usize| lines.iter().filter_map(|line| line.get(place)).map(|cell| width(cell)).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..sheet.columns.len()).map(needed).collect();
    let Some(limit) = limit else { return widths };
    let is_text = |place: usize| sheet.columns[place].1 == Kind::Text;
    let least = |(place, width): (usize, &usize)| if is_text(place) { NARROWEST.min(*width) } else { *width };
    let with_gaps = |widths: usize, columns: usize| widths + 2 * columns.saturating_sub(1);
    while widths.len() > 1 && with_gaps(widths.iter().enumerate().map(least).sum(), widths.len()) > limit {
        widths.pop();
    }
    while with_gaps(widths.iter().sum(), widths.len()) > limit {
        let texts = widths.iter().enumerate().filter(|(place, width)| is_text(*place) && **width > NARROWEST);
        let Some((widest, _)) = texts.max_by_key(|(_, width)| **width) else { break };
        widths[widest] -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_then_left_out_whole() {
        let columns = [("user", Kind::Text), ("start", Kind::Time), ("down", Kind::Bytes), ("rule", Kind::Text)];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
        let row =
            vec![json!("alice"), json!("2026-11-23T04:17:00.621924207Z"), json!(2048), json!("groups/staff#1: Staff")];
        let sheet = Sheet { columns, rows: vec![row] };
        let shown = |limit| {
            let mut out = Vec::new();
            let left_out = aligned(&mut out, &sheet, false, limit).expect("a vector takes everything");
            (String::from_utf8(out).expect("it is text"), left_out)
        };
        let whole = "alice  2026-11-23T04:17:00Z  2.0K  groups/staff#1: Staff\n".to_owned();
        assert_eq!(shown(None), (whole, vec![]));
        assert_eq!(shown(Some(52)), ("alice  2026-11-23T04:17:00Z  2.0K  groups/s..: Staff\n".to_owned(), vec![]));
        assert_eq!(shown(Some(40)), ("alice  2026-11-23T04:17:00Z  2.0K\n".to_owned(), vec!["rule"]));
        assert_eq!(shown(Some(5)), ("alice\n".to_owned(), vec!["start", "down", "rule"]));
    }

    #[test]
    fn nothing_is_a_dash() {
        assert_eq!([json!(""), json!([]), json!(null)].map(|value| cell(Kind::Text, &value)), ["-", "-", "-"]);
    }
}
