//! Everything about the session that is meant: asked for once the cursor rests on it, and how fast it was while it did.

use serde_json::{Map, Value, json};

use super::Sessions;
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::live::Row;
use crate::console::model::number;
use crate::console::rest::Rest;
use crate::console::ui::Overlay;
use crate::console::update::TICKS;
use crate::output::raw;
use crate::shown;

/// Seconds after which it is asked about again, while it stands below the table.
const AGAIN: u32 = 3;

/// Seconds of the curves.
const PAST: usize = 60;

/// What is known beside the row.
#[derive(Debug, Default)]
pub(crate) struct Known {
    rest: Rest,
    /// Whether the daemon was asked and has not answered.
    is_asking: bool,
    /// The id, and everything about it.
    told: Option<(String, Value)>,
    /// Bytes a second from the client and to it, second by second while the cursor rests.
    pub(super) rates: Vec<(u64, u64)>,
}

impl Known {
    /// The daemon has answered, or will not.
    pub(crate) fn told(&mut self, id: String, answer: Option<Value>) {
        self.is_asking = false;
        if let Some(answer) = answer {
            self.told = Some((id, answer));
        }
    }

    /// Ids of another run mean nothing in this one.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn of(&self, id: &str) -> Option<&Value> {
        self.told.as_ref().filter(|(of, _)| of == id).map(|(_, told)| told)
    }
}

pub(super) fn ticked(app: &mut App) -> Vec<Effect> {
    let is_open = matches!(app.ui.overlay, Some(Overlay::Detail { .. }));
    let is_shown = is_open || app.has_boxes();
    let Sessions { live, known, comings: _ } = &mut app.sessions;
    let living = live.line().filter(|line| line.over.is_none());
    let again = if is_open { TICKS } else { AGAIN * TICKS };
    let is_time = known.rest.ticked(living.map(|line| line.id.as_str()), again);
    if known.rest.ticks() == 0 {
        known.rates.clear();
    }
    let Some(line) = living else { return Vec::new() };
    if known.rest.ticks() % TICKS == 1 {
        let rate = |name: &str| live.table.cell(line, name).map_or(0, number);
        known.rates.push((rate("rup"), rate("rdown")));
        let surplus = known.rates.len().saturating_sub(PAST);
        known.rates.drain(..surplus);
    }
    let id = line.id.clone();
    if is_time && is_shown { ask(app, &id) } else { Vec::new() }
}

/// Unless it is asked about already.
pub(super) fn ask(app: &mut App, id: &str) -> Vec<Effect> {
    if app.sessions.known.is_asking || !app.model.knows("sessions.get") {
        return Vec::new();
    }
    app.sessions.known.is_asking = true;
    vec![Effect::ask("sessions.get", &json!({ "id": id }), About::Session(id.to_owned()))]
}

/// Whether the daemon was asked or will be.
pub(super) fn is_coming(app: &App) -> bool {
    let Sessions { live, known, comings: _ } = &app.sessions;
    let is_asked_again = live.line().is_some_and(|line| line.over.is_none()) && app.model.knows("sessions.get");
    known.is_asking || is_asked_again || live.is_coming()
}

/// Short facts, the most telling first; the columns of the row, and what else is known.
pub(super) fn facts(row: &Row<'_>, told: Option<&Value>) -> Vec<(&'static str, String)> {
    let of = |name: &str| row.text(name);
    let unknown = Value::Null;
    let told = told.unwrap_or(&unknown);
    let packets = |name: &str| match row.value(name).map_or(0, number) {
        0 => String::new(),
        count => format!(" / {} pkt", shown::count(count)),
    };
    vec![
        ("asked", format!("{} {}", of("cmd"), of("dst"))),
        ("address", format!("{} by {}", of("ip"), of("proto"))),
        ("client", format!("{} from {}", of("user"), of("src"))),
        ("proof", format!("{} at {}", of("auth"), of("listener"))),
        ("rule", format!("{} by {}", of("decision"), of("rule"))),
        ("policy", policy(&told["would"], &of("gen"))),
        ("up", format!("{}{}", row.bytes("up"), packets("pup"))),
        ("down", format!("{}{}", row.bytes("down"), packets("pdown"))),
        ("state", state(row)),
        ("took", times(&told["live"])),
        ("limit", told["classes"][0].as_object().map_or_else(|| "...".to_owned(), class)),
        ("rate", row.rate("rate")),
    ]
}

/// Everything, in words where it is more than one value.
pub(super) fn record(told: &Value) -> Value {
    let mut record = told.clone();
    let classes = told["classes"].as_array().into_iter().flatten().filter_map(Value::as_object);
    record["classes"] = classes.map(|one| (raw(&one["name"]), Value::from(class(one)))).collect::<Map<_, _>>().into();
    let line = |line: &Value| format!("{} {} {}", time(&line["t"]), raw(&line["level"]), raw(&line["msg"]));
    let lines = told["log"].as_array().into_iter().flatten().enumerate();
    record["log"] =
        lines.map(|(place, it)| (format!("{}", place + 1), Value::from(line(it)))).collect::<Map<_, _>>().into();
    record
}

fn state(row: &Row<'_>) -> String {
    if let Some((ended, why)) = &row.line.over {
        let began = row.value("start").and_then(Value::as_f64).unwrap_or(*ended);
        return format!("over: {why}, after {}", shown::age(number(&Value::from((ended - began).max(0.0)))));
    }
    let idle = shown::age(row.value("idle").map_or(0, number));
    format!("{} for {}, idle {idle}", row.text("state"), row.since("start"))
}

/// What the rules in force would say to it, and by which reload it was let in; what is against it needs the room.
fn policy(would: &Value, reload: &str) -> String {
    match (would["decision"].as_str(), would["by"].as_str()) {
        (Some("allow"), _) => format!("allowed now too, reload {reload}"),
        (Some(_), Some(by)) if by.starts_with("the users: ") => "blocked now: may log in no more".to_owned(),
        (Some(_), by) => format!("blocked now by {}", by.unwrap_or("the default")),
        (None, _) => format!("..., reload {reload}"),
    }
}

/// How long the steps of its beginning took, those that there were.
fn times(live: &Value) -> String {
    let step = |(name, label): (&str, &str)| {
        let millis = live[name].as_u64()? / 1_000;
        Some(format!("{label} {millis}"))
    };
    let steps = [("dns_us", "dns"), ("connect_us", "connect"), ("first_byte_us", "first byte")];
    let steps: Vec<String> = steps.into_iter().filter_map(step).collect();
    if steps.is_empty() { "...".to_owned() } else { format!("{} ms", steps.join(", ")) }
}

fn class(class: &Map<String, Value>) -> String {
    let limit = |name: &str| class.get(name).and_then(Value::as_u64);
    let least = [limit("ceiling_up"), limit("ceiling_down")].into_iter().flatten().min();
    let limit = least.map_or_else(|| "no limit".to_owned(), |rate| format!("{}/s", shown::bytes(rate)));
    let waiting = class.get("waiting").map_or(0, number);
    let name = class.get("name").map(raw).unwrap_or_default();
    if waiting > 0 { format!("{name} {limit}, {waiting} wait") } else { format!("{name} {limit}") }
}

/// The clock of a time that is a number or a text.
fn time(value: &Value) -> String {
    value.as_f64().map_or_else(|| raw(value), shown::clock)
}
