//! Everything about the user who is meant: asked for once the cursor rests there.

use serde_json::{Value, json};

use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::live::Row;
use crate::console::model::{moment, number, until};
use crate::console::screen::Screen;
use crate::console::screens::limits;
use crate::console::update::TICKS;
use crate::megabits;
use crate::output::raw;
use crate::shown;

/// Seconds after which it is asked again.
const AGAIN: u32 = 5;

pub(super) fn ticked(app: &mut App) -> Vec<Effect> {
    let name = app.users.name();
    let is_time = app.users.rest.ticked(name.as_deref(), AGAIN * TICKS);
    match name.filter(|_| is_time && app.has_boxes() && app.ui.pane == 0) {
        Some(name) => ask(app, &name),
        None => Vec::new(),
    }
}

/// What a file says of a user or a group, as the forms have it; empty where it says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) rate: String,
    pub(crate) conns: String,
    pub(crate) expires: String,
}

impl Written {
    /// Of what is told of a user who is in the file.
    pub(crate) fn of(told: &Value) -> Option<Self> {
        let (written, limits) = (told["written"].as_object()?, &told["limits"]);
        Some(Self {
            rate: rates(limits).map(|(up, down)| megabits::exact_each_way(up, down)).unwrap_or_default(),
            conns: raw(&limits["conns"]),
            expires: written.get("expires").map(raw).unwrap_or_default(),
        })
    }

    /// Of a group, as the text of a configuration has it; nothing where that cannot be read.
    pub(crate) fn of_group(text: &str, group: &str) -> Option<Self> {
        let file = serde_json::to_value(toml::from_str::<toml::Table>(text).ok()?).ok()?;
        let groups = file["limits"]["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(said) = groups.iter().find(|it| it["name"] == *group) else { return Some(Self::default()) };
        Some(Self {
            rate: megabits::of_file(&said["bandwidth_limit_mbps"]).unwrap_or_default(),
            conns: raw(&said["max_connections"]),
            ..Self::default()
        })
    }
}

/// What is known of a user by now.
pub(super) fn known<'a>(app: &'a App, name: &str) -> Option<&'a Value> {
    app.users.detail.as_ref().filter(|(of, _)| of == name).map(|(_, told)| told)
}

/// Unless somebody is asked about already.
pub(super) fn ask(app: &mut App, name: &str) -> Vec<Effect> {
    if app.users.is_asking || !app.model.knows("users.get") {
        return Vec::new();
    }
    app.users.is_asking = true;
    vec![Effect::ask("users.get", &json!({ "name": name }), About::Own(Screen::Users, "detail"))]
}

/// What is known of the user of a row, each fact with its label.
pub(super) fn facts(row: &Row<'_>, told: Option<&Value>) -> Vec<(&'static str, String)> {
    let unknown = Value::Null;
    let told = told.unwrap_or(&unknown);
    let day = |name: &str| row.value(name).filter(|value| !value.is_null()).map(number);
    let counted = |name: &str| day(name).map_or_else(|| "-".to_owned(), shown::count);
    let carried = |name: &str| day(name).map_or_else(|| "-".to_owned(), shown::bytes);
    let mut facts = vec![
        ("state", state(row)),
        ("password", password(&told["written"])),
        ("groups", row.text("groups")),
        ("rules", rules(&told["rules"])),
        ("limits", own(&told["limits"])),
    ];
    for (limits, left) in overrides(&told["concessions"], row.now) {
        facts.extend([("override", limits), ("", left)]);
    }
    facts.extend([
        ("sessions", format!("{}  {}", row.text("sessions"), row.rate("rate"))),
        ("24 h", format!("{} up {} down", carried("up24"), carried("down24"))),
        ("denied", format!("{}   failed logins {}", counted("denied24"), counted("fails24"))),
        ("first", told["first_seen"].as_f64().map_or_else(|| "-".to_owned(), day_of)),
        ("seen", format!("{} ago from {}", row.since("last_seen"), row.text("last_src"))),
    ]);
    facts
}

/// Whether this one may log in; who may not and is in still is worth a word.
fn state(row: &Row<'_>) -> String {
    let sessions = row.value("sessions").map_or(0, number);
    match row.text("state") {
        state if state == "disabled" && sessions > 0 => format!("DISABLED, K ends {sessions} sessions"),
        state => format!("{state}, from {}", row.text("from")),
    }
}

fn password(written: &Value) -> String {
    let password = &written["password"];
    if password.is_null() {
        return "-".to_owned();
    }
    let memory = number(&password["memory_kib"]).saturating_mul(1024);
    let until = written["expires"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
    format!("{} {} t={}{until}", raw(&password["kept_as"]), shown::bytes(memory), number(&password["passes"]))
}

fn rules(rules: &Value) -> String {
    let of = |name: &str| number(&rules[name]);
    if rules.is_null() {
        "...".to_owned()
    } else {
        format!("{} own, {} effective", of("own"), of("own") + of("groups") + of("everybody"))
    }
}

/// What the users file lets this one have.
fn own(limits: &Value) -> String {
    of(rates(limits), &limits["conns"]).unwrap_or_else(|| "none of their own".to_owned())
}

/// Bytes a second from this one and to them; 0 is no limit.
fn rates(limits: &Value) -> Option<(u64, u64)> {
    let rate = |name: &str| limits[name].as_u64().map(|bits| bits / 8);
    rate("up_bps").zip(rate("down_bps"))
}

/// What an operator lets this one have, and for how long still.
fn overrides(concessions: &Value, now: f64) -> Vec<(String, String)> {
    let shown = |held: &Value| {
        let rate = held["bandwidth_limit_mbps"].as_f64().map(megabits::bytes_a_second);
        let left = moment(&held["until"]).map(|end| format!("{} left", shown::age(until(end, now))));
        Some((of(rate.map(|rate| (rate, rate)), &held["max_connections"])?, left?))
    };
    concessions.as_array().into_iter().flatten().filter_map(shown).collect()
}

/// The overrides that hold, in words; a grant is none.
pub(super) fn laid_over(told: &Value) -> Vec<String> {
    let held = told["concessions"].as_array().into_iter().flatten();
    held.filter(|held| held["bytes"].is_null()).map(limits::told).collect()
}

/// A rate each way and a number of sessions, as far as there are any; 0 is no limit.
fn of(rates: Option<(u64, u64)>, conns: &Value) -> Option<String> {
    let rate = |bytes| if bytes == 0 { "no limit".to_owned() } else { shown::bytes(bytes) };
    let rates = rates.map(|rates| match rates {
        (0, 0) => "no rate limit".to_owned(),
        (up, down) if up == down => rate(down) + "/s",
        (up, down) => format!("{}:{}/s", rate(up), rate(down)),
    });
    let conns = conns.as_u64().map(|conns| match conns {
        0 => "any conns".to_owned(),
        conns => format!("{conns} conns"),
    });
    let all: Vec<String> = rates.into_iter().chain(conns).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn day_of(seconds: f64) -> String {
    shown::time(seconds).chars().take(10).collect()
}
