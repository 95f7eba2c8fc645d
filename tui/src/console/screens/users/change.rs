//! What can be done with users: each is a form or a question, and counts at once.

use serde_json::{Map, Value, json};
use wire::admin::{Kill, Killed, Refusal, Role};

use super::Room;
use super::detail::{self, Written};
use crate::console::app::App;
use crate::console::dialog::KillDialog;
use crate::console::event::{About, Effect};
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::room::{self, Room as _};
use crate::console::screen::Screen;
use crate::console::screens::limits;
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::megabits;
use crate::output::raw;

/// Characters of a password, as the daemon wants them.
const SHORTEST: usize = 8;

/// A new user.
#[derive(Debug)]
struct Add;

/// Another password for this one.
#[derive(Debug)]
struct Password(String);

/// The one that was made for this one, to be read.
#[derive(Debug)]
struct Made(String);

/// Whether a password is this one's.
#[derive(Debug)]
struct Login(String);

/// Groups and limits of this one, and all of that as it was.
#[derive(Debug)]
struct Edit {
    name: String,
    groups: Vec<String>,
    written: Written,
    /// What operators let this one have, in words.
    laid_over: Vec<String>,
}

/// Whether this one is let in no more.
#[derive(Debug)]
struct Disable(String);

pub(super) fn add(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "adding users") {
        return Vec::new();
    }
    let mut entries = vec![
        Entry::text("name", "name", ""),
        Entry::list("groups", "groups", &[]),
        Entry::text("expires", "expires", ""),
    ];
    entries.extend(secrets());
    entries.push(Entry::button("add"));
    open(app, Form::new("Add a user", entries, Add))
}

pub(super) fn password(app: &mut App) -> Vec<Effect> {
    let Some(name) = writable(app, "setting passwords") else { return Vec::new() };
    let mut entries: Vec<Entry> = secrets().into();
    entries.push(Entry::word("type the name to set it", name.clone()));
    open(app, Form::new(format!("Password of {name}"), entries, Password(name)))
}

pub(super) fn edit(app: &mut App) -> Vec<Effect> {
    let Some(name) = writable(app, "changing users") else { return Vec::new() };
    let is_fresh = app.has_boxes() && detail::known(app, &name).is_some();
    if is_fresh || !app.model.knows("users.get") {
        return edit_knowing(app, name);
    }
    vec![room::ask_latest(app, "users.get", &json!({ "name": name }), (Screen::Users, "edited"))]
}

/// The daemon has said what holds; of somebody else than who is meant by now nobody wants it.
pub(super) fn known(app: &mut App, record: Value) -> Vec<Effect> {
    let name = raw(&record["name"]);
    let is_meant = app.users.name().as_ref() == Some(&name);
    let is_here = app.ui.screen == Screen::Users && app.ui.pane == 0 && app.ui.overlay.is_none();
    app.users.detail = Some((name.clone(), record));
    if is_here && is_meant { edit_knowing(app, name) } else { Vec::new() }
}

fn edit_knowing(app: &mut App, name: String) -> Vec<Effect> {
    let told = detail::known(app, &name);
    let written = told.and_then(Written::of).unwrap_or_default();
    let laid_over = told.map(detail::laid_over).unwrap_or_default();
    let groups = app.users.meant("groups").and_then(Value::as_array);
    let groups: Vec<String> = groups.into_iter().flatten().map(raw).collect();
    let entries = vec![
        Entry::list("groups", "groups", &groups),
        Entry::text("expires", "expires", &written.expires),
        Entry::text("rate", "rate", &written.rate),
        Entry::text("conns", "sessions at once", &written.conns),
        Entry::button("apply"),
    ];
    let title = format!("User {name}, as the users file is to have it");
    open(app, Form::new(title, entries, Edit { name, groups, written, laid_over }))
}

pub(super) fn try_login(app: &mut App) -> Vec<Effect> {
    let Some(name) = app.users.name() else { return Vec::new() };
    if !app.model.knows("auth.test") {
        app.ui.say("this daemon tries no logins");
        return Vec::new();
    }
    if !app.may(Role::Admin, "trying logins") {
        return Vec::new();
    }
    let entries = vec![Entry::secret("secret", "password"), Entry::button("try it")];
    open(app, Form::new(format!("Try to log in as {name}"), entries, Login(name)))
}

/// Disables who may log in, and enables who may not.
pub(super) fn switch(app: &mut App) -> Vec<Effect> {
    let Some(name) = writable(app, "disabling users") else { return Vec::new() };
    if app.users.meant("state").map(raw).as_deref() == Some("disabled") {
        return enable(app, &name);
    }
    disable(app, &name)
}

/// Lets this one log in again, after a question.
pub(crate) fn enable(app: &mut App, name: &str) -> Vec<Effect> {
    let deed = vec![quick(&json!([{ "op": "user.enable", "name": name }]))];
    let lines = vec![format!("{name} may log in again.")];
    let command = format!("rustsocks-cli users enable {} --yes", word(name));
    app.ui.overlay = Some(Overlay::Question(Box::new(Question::new("Enable", lines, command, deed))));
    Vec::new()
}

/// Lets this one log in no more, once the name is typed.
pub(crate) fn disable(app: &mut App, name: &str) -> Vec<Effect> {
    let entries = vec![Entry::check("end", "end sessions", true), Entry::word("type the name", name)];
    open(app, Form::new(format!("Disable {name}"), entries, Disable(name.to_owned())))
}

pub(super) fn remove(app: &mut App) -> Vec<Effect> {
    let Some(name) = writable(app, "deleting users") else { return Vec::new() };
    let deed = vec![quick(&json!([{ "op": "user.del", "name": name }]))];
    let lines = vec![format!("{name} goes out of the users file; a rollback brings the user back.")];
    let command = format!("rustsocks-cli users del {} --yes", word(&name));
    let question = Question::new(format!("Delete {name}"), lines, command, deed).by_word(name);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

pub(super) fn end(app: &mut App) -> Vec<Effect> {
    let Some(name) = app.users.name() else { return Vec::new() };
    if !app.may(Role::Operate, "ending sessions") {
        return Vec::new();
    }
    KillDialog::open(app, Kill { filter: Some(format!("user={}", filter::quoted(&name))), ..Kill::default() })
}

/// Whether this one may log in no more; if so, the sessions end.
pub(crate) fn disabled(app: &mut App, name: &str, answer: Result<Value, Refusal>) -> Vec<Effect> {
    let is_done = answer.is_ok();
    let mut effects = Room.answered(app, "done", answer);
    if is_done {
        let kill = Kill {
            filter: Some(format!("user={}", filter::quoted(name))),
            reason: Some("the user was disabled".to_owned()),
            idem: Some(uuid::Uuid::now_v7().to_string()),
            ..Kill::default()
        };
        effects.push(Effect::ask("sessions.kill", &kill, About::Own(Screen::Users, "ended")));
    }
    effects
}

/// What became of the sessions of a leaver.
pub(super) fn ended(app: &mut App, answer: Value) {
    let Killed { killed, gone, .. } = serde_json::from_value(answer).unwrap_or_default();
    app.ui.say(format!("disabled; ended {killed}, over before {gone}"));
}

/// The daemon has another password for somebody, and says it if it made it.
pub(super) fn has_password(app: &mut App, answer: &Value, how: &str) {
    let name = raw(&answer["name"]);
    let done = format!("{name} {how}");
    match answer["secret"].as_str() {
        Some(secret) => {
            app.ui.answered(Ok(&done));
            let entries = vec![Entry::text("secret", "password", secret), Entry::button("close")];
            let form = Form::new(format!("The password of {name}, which is shown once"), entries, Made(name));
            app.ui.bring(Overlay::Form(Box::new(form)));
        }
        None => app.ui.answered(Ok(&done)),
    }
}

/// Who is meant, if that one is in the users file and the operator may write it.
pub(super) fn writable(app: &mut App, what: &str) -> Option<String> {
    let name = app.users.name()?;
    if !app.may(Role::Admin, what) {
        return None;
    }
    if matches!(app.users.meant("state").map(raw).as_deref(), Some("elsewhere" | "unknown")) {
        app.ui.warn(format!("{name} is not in the users file; somebody else keeps that password"));
        return None;
    }
    Some(name)
}

pub(super) fn open(app: &mut App, form: Form) -> Vec<Effect> {
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

pub(super) fn quick(ops: &Value) -> Effect {
    Effect::ask("txn.quick", &json!({ "store": "users", "ops": ops }), About::Own(Screen::Users, "done"))
}

fn secrets() -> [Entry; 3] {
    [Entry::secret("secret", "password"), Entry::secret("again", "again"), Entry::check("generate", "make one", false)]
}

fn faults_of_secrets(entries: &Entries) -> Option<(&'static str, String)> {
    let (secret, again) = (entries.secret("secret"), entries.secret("again"));
    match () {
        () if entries.is_set("generate") && secret.is_empty() => None,
        () if entries.is_set("generate") => Some(("secret", "the daemon makes one; leave it empty".to_owned())),
        () if secret.chars().count() < SHORTEST => Some(("secret", format!("at least {SHORTEST} characters"))),
        () if secret != again => Some(("again", "they are not the same".to_owned())),
        () => None,
    }
}

/// What says the password to the daemon.
fn with_secret(mut p: Map<String, Value>, entries: &Entries) -> Value {
    if entries.is_set("generate") {
        p.insert("generate".to_owned(), true.into());
    } else {
        p.insert("secret".to_owned(), entries.secret("secret").into());
    }
    Value::Object(p)
}

fn source(entries: &Entries) -> &'static str {
    if entries.is_set("generate") { " --generate" } else { "" }
}

impl Purpose for Add {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let nameless = entries.text("name").is_empty().then(|| ("name", "a name is needed".to_owned()));
        nameless.into_iter().chain(faults_of_secrets(entries)).collect()
    }

    fn command(&self, entries: &Entries) -> String {
        let groups: Vec<String> = entries.lines("groups").iter().map(|group| flag("group", group)).collect();
        let flags = groups.concat() + &flag("expires", &entries.text("expires")) + source(entries);
        format!("rustsocks-cli users add {}{flags}", word(&entries.text("name")))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let mut user = Map::new();
        if !entries.lines("groups").is_empty() {
            user.insert("groups".to_owned(), entries.lines("groups").into());
        }
        if !entries.text("expires").is_empty() {
            user.insert("expires".to_owned(), entries.text("expires").into());
        }
        let p = [("name".to_owned(), entries.text("name").into()), ("user".to_owned(), user.into())];
        let p = with_secret(p.into_iter().collect(), entries);
        vec![Effect::Ask { op: "users.add", p, about: About::Own(Screen::Users, "added") }]
    }
}

impl Purpose for Password {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        faults_of_secrets(entries).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli users passwd {}{}", word(&self.0), source(entries))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let p = with_secret([("name".to_owned(), self.0.as_str().into())].into_iter().collect(), entries);
        vec![Effect::Ask { op: "users.passwd", p, about: About::Own(Screen::Users, "password") }]
    }
}

impl Purpose for Login {
    fn command(&self, _: &Entries) -> String {
        format!("rustsocks-cli auth test {}", word(&self.0))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let p = json!({ "user": self.0, "secret": entries.secret("secret") });
        vec![Effect::Ask { op: "auth.test", p, about: About::Own(Screen::Users, "login") }]
    }
}

impl Purpose for Made {
    fn command(&self, _: &Entries) -> String {
        format!("rustsocks-cli users passwd {} --generate", word(&self.0))
    }

    fn taken(&self, _: &mut App, _: &Entries) -> Vec<Effect> {
        Vec::new()
    }
}

impl Purpose for Edit {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        limits::unreadable(entries).collect()
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        let set = self.set(entries);
        let line = |(key, value): (&String, &Value)| {
            if value.is_null() { format!("without {key}") } else { format!("{key} = {value}") }
        };
        let lines = set.iter().map(line);
        self.laid_over.iter().cloned().chain(lines).collect()
    }

    fn command(&self, entries: &Entries) -> String {
        let commands = self.commands(entries);
        if commands.is_empty() {
            format!("rustsocks-cli users get {}", word(&self.name))
        } else {
            commands.join(" && ")
        }
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let set = self.set(entries);
        if set.is_empty() {
            app.ui.say("nothing was changed");
            return Vec::new();
        }
        vec![quick(&json!([{ "op": "user.set", "name": self.name, "set": set }]))]
    }
}

impl Edit {
    /// What does the same, one after the other.
    fn commands(&self, entries: &Entries) -> Vec<String> {
        let (name, groups) = (word(&self.name), entries.lines("groups"));
        let mut commands = Vec::new();
        for group in groups.iter().filter(|group| !self.groups.contains(group)) {
            commands.push(format!("rustsocks-cli groups add {} {name}", word(group)));
        }
        for group in self.groups.iter().filter(|group| !groups.contains(group)) {
            commands.push(format!("rustsocks-cli groups del {} {name}", word(group)));
        }
        let set = self.set(entries);
        let changed = |key: &str| set.get(key).is_some_and(|value| !value.is_null());
        let limits = [("bandwidth_limit_mbps", "rate"), ("max_connections", "conns")];
        let limits =
            limits.map(|(key, name)| if changed(key) { flag(name, &entries.text(name)) } else { String::new() });
        let limits = limits.concat();
        if !limits.is_empty() {
            commands.push(format!("rustsocks-cli limits set {}{limits}", word(&format!("user/{}", self.name))));
        }
        let is_other = |(key, value): &(&String, &Value)| *key == "expires" || value.is_null();
        let others: Map<_, _> = set.iter().filter(is_other).map(|(key, value)| (key.clone(), value.clone())).collect();
        if !others.is_empty() {
            let op = json!({ "op": "user.set", "name": self.name, "set": others });
            let request = json!({ "op": "txn.quick", "p": { "store": "users", "ops": [op] } });
            commands.push(format!("rustsocks-cli raw {}", word(&request.to_string())));
        }
        commands
    }

    /// The keys of the table that are to be others than they were; null for one that is to go.
    fn set(&self, entries: &Entries) -> Map<String, Value> {
        let mut set = Map::new();
        if entries.lines("groups") != self.groups {
            set.insert("groups".to_owned(), entries.lines("groups").into());
        }
        let Written { rate, conns, expires } = &self.written;
        let rate_of = |text: &str| megabits::each_way(text).map(|rate| json!(rate));
        let conns_of = |text: &str| text.parse::<u32>().ok().map(Value::from);
        let text_of = |text: &str| (!text.is_empty()).then(|| Value::from(text));
        let mut look = |name: &str, key: &str, before: &str, read: &dyn Fn(&str) -> Option<Value>| {
            let text = entries.text(name);
            if text != before && (text.is_empty() || read(&text).is_some()) {
                set.insert(key.to_owned(), read(&text).into());
            }
        };
        look("expires", "expires", expires, &text_of);
        look("rate", "bandwidth_limit_mbps", rate, &rate_of);
        look("conns", "max_connections", conns, &conns_of);
        set
    }
}

impl Purpose for Disable {
    fn command(&self, entries: &Entries) -> String {
        let end = if entries.is_set("end") { " --end-sessions" } else { "" };
        format!("rustsocks-cli users disable {}{end}", word(&self.0))
    }

    /// Sessions end once nobody can begin another: see [`disabled`].
    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let ops = json!([{ "op": "user.disable", "name": self.0 }]);
        if !entries.is_set("end") {
            return vec![quick(&ops)];
        }
        vec![Effect::ask("txn.quick", &json!({ "store": "users", "ops": ops }), About::Leaver(self.0.clone()))]
    }
}
