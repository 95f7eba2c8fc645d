//! What is said of an owner beside its rules: a user's groups, and what holds where no rule fits.

use policy::Owner;
use serde_json::{Value, json};

use super::deeds::changed;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::ui::Overlay;

/// What is written.
#[derive(Debug)]
struct Writing {
    /// Nothing for what is nobody's.
    owner: Option<Owner>,
    /// The generation on which the text builds that was seen.
    base: u64,
}

/// Opens the form for the owner that is meant.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let owner = app.acl.holder();
    let Some(outline) = app.acl.shown().map(|shown| shown.outline.clone()) else { return Vec::new() };
    let (title, entry) = match &owner {
        None => {
            let policy = outline.default_policy.unwrap_or_else(|| "deny".to_owned());
            let choice = Entry::choice("default_policy", "no rule fits", &["deny", "allow"], &policy);
            ("What no rule decides".to_owned(), choice)
        }
        Some(Owner::Group(_)) => {
            app.ui.say("a group is in no groups; Tab goes to its rules");
            return Vec::new();
        }
        Some(user @ Owner::User(_)) => {
            let groups = outline.share(user).and_then(|share| share.groups.clone()).unwrap_or_default();
            (format!("Groups of {user}, whose rules hold too"), Entry::list("groups", "groups", &groups))
        }
    };
    let writing = Writing { owner, base: app.acl.base() };
    let form = Form::new(title, vec![entry, Entry::button("into the draft")], writing);
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

impl Purpose for Writing {
    /// It names what a draft has.
    fn is_of_run(&self) -> bool {
        true
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        match (&self.owner, entries.text("default_policy").as_str()) {
            (None, "allow") => vec!["! whatever no rule blocks is allowed then".to_owned()],
            (None, _) => vec!["whatever no rule allows is refused then".to_owned()],
            (Some(_), _) => Vec::new(),
        }
    }

    fn command(&self, _entries: &Entries) -> String {
        "rustsocks-cli acl edit".to_owned()
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        changed(app, self.base, vec![self.op(entries)])
    }
}

impl Writing {
    fn op(&self, entries: &Entries) -> Value {
        let Some(owner) = &self.owner else {
            return json!({ "op": "global.set", "default_policy": entries.text("default_policy") });
        };
        let groups = Some(entries.lines("groups")).filter(|groups| !groups.is_empty());
        json!({ "op": "owner.set", "owner": owner, "groups": groups })
    }
}
