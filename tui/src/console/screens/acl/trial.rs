//! A request that nobody makes, told to the rules in force and to the draft: what both would say, and why.

use serde_json::{Value, json};

use super::answers::{Topic, ask};
use super::deeds::picked;
use super::model::Page;
use super::saved;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::output::raw;

/// The request.
#[derive(Debug)]
struct Trying;

/// Opens the form with the request of before; on the page of a merge, `t` takes theirs.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    if app.acl.page == Page::Merge {
        return picked(app, "theirs");
    }
    let is_new = app.acl.page != Page::Trial;
    app.acl.page = Page::Trial;
    let of = |name: &str| raw(&app.acl.request[name]);
    let user = match app.acl.holder() {
        Some(policy::Owner::User(name)) if app.acl.request.is_null() && name != "*" => name,
        Some(_) | None => of("user"),
    };
    let fields = vec![
        Entry::text("user", "user", &user),
        Entry::text("source", "source", &of("source")),
        Entry::text("dest", "destination", &of("dest")),
        Entry::text("port", "port", &of("port")),
        Entry::choice("protocol", "protocol", &["tcp", "udp"], &of("protocol")),
        Entry::text("addresses", "leads to", &of("addresses")),
        Entry::button("ask both"),
    ];
    app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("What would the rules say?", fields, Trying))));
    if is_new { saved::wanted(app) } else { Vec::new() }
}

/// The request of the session that is meant on the screen of sessions.
pub(super) fn of_live(app: &mut App) -> Vec<Effect> {
    let live = &app.sessions.live;
    let Some(meant) = live.line() else {
        app.ui.say("no session is meant on the second screen");
        return Vec::new();
    };
    let cell = |name: &str| live.table.cell(meant, name).map(raw).unwrap_or_default();
    let source = cell("src");
    let source = source.rsplit_once(':').map_or(source.as_str(), |(address, _)| address);
    let (host, port) = destination(&cell("dst"));
    app.acl.request = json!({
        "user": cell("user"), "source": source.trim_matches(['[', ']']), "dest": host, "port": port,
        "protocol": cell("proto"), "addresses": cell("ip"),
    });
    open(app)
}

fn destination(text: &str) -> (String, String) {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    (host.trim_matches(['[', ']']).to_owned(), port.to_owned())
}

impl Purpose for Trying {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        faults(entries)
    }

    fn command(&self, entries: &Entries) -> String {
        let of = |name: &str| entries.text(name);
        // The command looks a name up, and takes nobody's word for what it leads to.
        if !addresses(entries).is_empty() {
            let request = json!({ "op": "acl.explain", "p": question(entries) });
            return format!("rustsocks-cli raw {}", word(&request.to_string()));
        }
        let destination = format!("{}:{}", of("dest"), of("port"));
        // TCP is what is meant without a word.
        let protocol = if of("protocol") == "tcp" { String::new() } else { flag("protocol", &of("protocol")) };
        let source = flag("source", &of("source"));
        format!("rustsocks-cli acl explain {} {}{source}{protocol}", word(&of("user")), word(&destination))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let of = |name: &str| entries.text(name);
        app.acl.request = json!({
            "user": of("user"), "source": of("source"), "dest": of("dest"), "port": of("port"),
            "protocol": of("protocol"), "addresses": of("addresses"),
        });
        app.acl.page = Page::Trial;
        app.acl.line = 0;
        app.acl.trials = [None, None];
        let mut question = question(entries);
        let mut effects = vec![ask("acl.explain", &question, Topic::Trial)];
        if let Some(draft) = &app.acl.draft {
            question["draft"] = Value::from(draft.id);
            effects.push(ask("acl.explain", &question, Topic::DraftTrial));
        }
        effects
    }
}

/// What the daemon is asked.
fn question(entries: &Entries) -> Value {
    let of = |name: &str| entries.text(name);
    let mut question = json!({
        "dest": of("dest"), "port": of("port").parse::<u16>().unwrap_or(0), "protocol": of("protocol"),
        "addresses": addresses(entries), "explain": true,
    });
    for name in ["user", "source"].into_iter().filter(|name| !of(name).is_empty()) {
        question[name] = of(name).into();
    }
    question
}

/// What cannot be meant by a request.
pub(super) fn faults(entries: &Entries) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if entries.text("dest").is_empty() {
        faults.push(("dest", "a name or an address".to_owned()));
    }
    if entries.text("port").parse::<u16>().is_err() {
        faults.push(("port", "a number, 0 to 65535".to_owned()));
    }
    if let Some(address) = addresses(entries).iter().find(|text| text.parse::<std::net::IpAddr>().is_err()) {
        faults.push(("addresses", format!("{address:?} is no address")));
    }
    faults
}

pub(super) fn addresses(entries: &Entries) -> Vec<String> {
    let text = entries.text("addresses");
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}
