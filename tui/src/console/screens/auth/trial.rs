//! A login that is tried: a name, a password that nobody sees, and what comes of it.

use serde_json::{Value, json};
use wire::admin::Role;

use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::screen::Screen;
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::output::raw;

#[derive(Debug)]
struct Trial;

pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "trying a login") {
        return Vec::new();
    }
    let entries = vec![
        Entry::text("user", "name", ""),
        Entry::secret("secret", "password"),
        Entry::text("src", "as if from", ""),
        Entry::button("try"),
    ];
    app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Try a login", entries, Trial))));
    Vec::new()
}

impl Purpose for Trial {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("user").is_empty().then(|| ("user", "a name is needed".to_owned()));
        let source = entries.text("src");
        let is_wrong = !source.is_empty() && source.parse::<std::net::IpAddr>().is_err();
        is_missing.into_iter().chain(is_wrong.then(|| ("src", "an address, or nothing".to_owned()))).collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli auth test {}{}", word(&entries.text("user")), flag("source", &entries.text("src")))
    }

    fn preview(&self, _entries: &Entries) -> Vec<String> {
        vec![
            "The backends of clients are asked; no source pays for it, and the password is written nowhere.".to_owned(),
        ]
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let mut p = json!({ "user": entries.text("user"), "secret": entries.secret("secret") });
        if !entries.text("src").is_empty() {
            p["src"] = entries.text("src").into();
        }
        vec![Effect::ask("auth.test", &p, About::Own(Screen::Auth, "test"))]
    }
}

/// What came of it, to be read until somebody closes it.
pub(crate) fn tried(app: &mut App, told: &Value) {
    let of = |name: &str| raw(&told[name]);
    let mut lines = vec![format!("{} by {} in {} ms", of("result"), of("method"), of("ms"))];
    lines.extend(["why", "remark"].map(of).into_iter().filter(|line| !line.is_empty()));
    lines.extend((told["banned"] == true).then(|| "but clients from there are turned away".to_owned()));
    lines.extend((told["name_locked"] == true).then(|| "but the name is locked for strangers".to_owned()));
    app.ui.done();
    app.ui.lay("The login that was tried   Esc back", lines);
}
