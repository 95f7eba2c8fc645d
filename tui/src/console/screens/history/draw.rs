//! What was asked for, how many that are, when they were, and the page itself.

use ratatui::layout::{Position, Rect};
use serde_json::Value;
use wire::admin::Direction;

use super::{GROUPS, History, RANGES};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::model::number;
use crate::console::theme::Role;
use crate::shown;

/// Bars of one curve.
const MOST_BARS: u64 = 400;

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let history = &app.history;
    let group = history.group.map_or("none", |group| GROUPS[group].0);
    let (by, direction) = history.order();
    let sorted = if direction == Direction::Asc { format!("{by} (least first)") } else { by.to_owned() };
    let question = format!("range {}   {}   sort {sorted}   group {group}", RANGES[history.range].0, page(history));
    canvas.facts(area, (1, 0), &question, Role::Text);
    canvas.facts(area, (1, 1), &totals(&history.numbers["total"]), Role::Accent);
    let place = Rect { x: area.x + 1, y: area.y + 2, width: area.width.saturating_sub(2), height: 1 };
    canvas.curve(place, 0, 0, bars(history, app.model.now).into_iter());
    let rest = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    listing::draw(app, canvas, rest, &history.listing)
}

fn page(history: &History) -> String {
    if history.listing.is_waiting || !history.listing.has_come {
        return "asking ...".to_owned();
    }
    let more = if history.next.is_null() { "" } else { ", n for more" };
    let rows = history.listing.objects.len();
    let total = &history.numbers["total"]["sessions"];
    let of = if total.is_null() { String::new() } else { format!(" of {}", shown::count(number(total))) };
    let what = if history.group.is_some() { format!("{rows} groups") } else { format!("{rows} rows{of}") };
    format!("page {}, {what}{more}, {} ms", history.before.len() + 1, history.took)
}

fn totals(total: &Value) -> String {
    if total.is_null() {
        return "counting ...".to_owned();
    }
    let bytes = number(&total["bytes_sent"]).saturating_add(number(&total["bytes_received"]));
    let count = |name: &str| shown::count(number(&total[name]));
    format!(
        "{} sessions   {}   users {}   destinations {}   rejected {}   failed {}",
        count("sessions"),
        shown::bytes(bytes),
        count("users"),
        count("destinations"),
        count("rejected"),
        count("failed")
    )
}

/// A value for each span from the first to now, the empty ones too.
fn bars(history: &History, now: f64) -> Vec<u64> {
    let span = RANGES[history.range].2;
    let buckets = history.numbers["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = |bucket: &Value| number(&bucket["t"]) / span;
    let Some(first) = buckets.first().map(place) else { return Vec::new() };
    let last = number(&Value::from(now)) / span;
    let first = first.max(last.saturating_sub(MOST_BARS));
    let mut bars = vec![0; usize::try_from(last.saturating_sub(first) + 1).unwrap_or(0)];
    for bucket in buckets {
        let at = place(bucket).checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(bar) = at.and_then(|at| bars.get_mut(at)) {
            *bar = number(&bucket["sessions"]);
        }
    }
    bars
}
