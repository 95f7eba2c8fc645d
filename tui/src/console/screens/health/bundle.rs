//! A support bundle: where it is written, and whether addresses in it are whole.

use wire::admin::Role;

use crate::bundle::Addresses;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::shell::word;
use crate::console::ui::Overlay;

/// The file, if nothing else is written.
const USUAL: &str = "rustsocks-support.tar";

#[derive(Debug)]
struct Bundling;

impl Purpose for Bundling {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("file").is_empty();
        is_missing.then(|| ("file", "a name is needed".to_owned())).into_iter().collect()
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        let addresses = if entries.is_set("addresses") { "whole" } else { "cut to their networks" };
        vec![
            format!("What the daemon says of itself; addresses are {addresses}."),
            "Passwords and tokens are in no answer of the daemon. Only you can read the file.".to_owned(),
        ]
    }

    fn command(&self, entries: &Entries) -> String {
        let addresses = if entries.is_set("addresses") { " --addresses" } else { "" };
        format!("rustsocks-cli support bundle {}{addresses}", word(&entries.text("file")))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let addresses = if entries.is_set("addresses") { Addresses::Whole } else { Addresses::Masked };
        app.ui.say("writing ...");
        vec![Effect::Bundle(addresses, entries.text("file"))]
    }
}

pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "a support bundle") {
        return Vec::new();
    }
    let entries = vec![
        Entry::text("file", "file", USUAL),
        Entry::check("addresses", "whole addresses", false),
        Entry::button("write it"),
    ];
    app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Support bundle", entries, Bundling))));
    Vec::new()
}
