//! Saved tests: requests with what is expected of the rules, run whenever a draft is judged and before it is applied.

use serde_json::{Map, Value, json};
use wire::admin::Role;

use super::answers::{Topic, ask};
use super::model::Page;
use super::trial;
use crate::command::tests_of_rules::word as verdict;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::output::raw;

const WRITING: &str = "changing saved tests";

/// A test that is written: a new one, or one that is there already.
#[derive(Debug)]
struct Saving {
    number: Option<u64>,
    /// Of the file in which it has its number.
    sha: Value,
}

/// Asks what the draft says to each of them, or the rules in force; who may not have them run sees what they are.
pub(super) fn wanted(app: &App) -> Vec<Effect> {
    if !app.model.knows("acl.tests.get") {
        return Vec::new();
    }
    let mut effects = vec![ask("acl.tests.get", &json!({}), Topic::Tests)];
    if app.model.welcome.as_ref().is_some_and(|welcome| welcome.role >= Role::Operate) {
        let subject = app.acl.draft.as_ref().map_or_else(|| json!({}), |draft| json!({ "draft": draft.id }));
        effects.push(ask("acl.tests.run", &subject, Topic::TestsRun));
    }
    effects
}

/// The request that was tried, as a test that expects what the rules in force say.
pub(super) fn save(app: &mut App) -> Vec<Effect> {
    if app.acl.page != Page::Trial || app.acl.request.is_null() {
        app.ui.say("try a request first: t asks for one");
        return Vec::new();
    }
    let mut test = app.acl.request.clone();
    let said = app.acl.trials[0].as_ref().map(|answer| raw(&answer["verdict"]));
    test["expect"] = said.unwrap_or_else(|| "allow".to_owned()).into();
    test["destination"] = test["dest"].clone();
    open(app, None, &test)
}

pub(super) fn add(app: &mut App) -> Vec<Effect> {
    open(app, None, &json!({}))
}

/// The test that is meant, with other values.
pub(super) fn edit(app: &mut App) -> Vec<Effect> {
    let Some(test) = meant(app) else { return Vec::new() };
    open(app, test["test"].as_u64(), &test)
}

pub(super) fn remove(app: &mut App) -> Vec<Effect> {
    let Some(test) = meant(app) else { return Vec::new() };
    if !app.may(Role::Admin, WRITING) {
        return Vec::new();
    }
    let number = &test["test"];
    let deed = vec![put(&json!({ "op": "test.del", "test": number }), &app.acl.tests_sha)];
    let lines = vec![request(&test), "Rules will not have to pass it any more.".to_owned()];
    let command = format!("rustsocks-cli acl test del {number}");
    let question = Question::new("Remove the test?", lines, command, deed);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

/// Into the form of requests.
pub(super) fn load(app: &mut App) -> Vec<Effect> {
    let Some(test) = meant(app) else { return Vec::new() };
    let addresses: Vec<String> = test["addresses"].as_array().into_iter().flatten().map(raw).collect();
    app.acl.request = json!({
        "user": test["user"], "source": test["source"], "dest": test["destination"],
        "port": raw(&test["port"]), "protocol": test["protocol"], "addresses": addresses.join(", "),
    });
    trial::open(app)
}

/// The tests of the daemon are these now.
pub(super) fn written(app: &mut App, count: u64) -> Vec<Effect> {
    app.ui.answered(Ok(&format!("{count} tests are beside the rules")));
    let mut effects = wanted(app);
    effects.extend(super::answers::about_draft(app, "txn.validate", Topic::Remarks));
    effects
}

fn meant(app: &mut App) -> Option<Value> {
    let test = app.acl.tests.get(app.acl.test).filter(|_| app.ui.pane == 1).cloned();
    if test.is_none() {
        app.ui.say("no saved test is meant; Tab goes to them");
    }
    test
}

fn open(app: &mut App, number: Option<u64>, test: &Value) -> Vec<Effect> {
    if !app.may(Role::Admin, WRITING) {
        return Vec::new();
    }
    let of = |name: &str| raw(&test[name]);
    let several = test["addresses"].as_array();
    let addresses =
        several.map_or_else(|| of("addresses"), |items| items.iter().map(raw).collect::<Vec<_>>().join(", "));
    let fields = vec![
        Entry::text("description", "description", &of("description")),
        Entry::text("user", "user", &of("user")),
        Entry::text("source", "source", &of("source")),
        Entry::text("dest", "destination", &of("destination")),
        Entry::text("port", "port", &of("port")),
        Entry::choice("protocol", "protocol", &["tcp", "udp"], &of("protocol")),
        Entry::text("addresses", "leads to", &addresses),
        Entry::choice("expect", "expected", &["allow", "deny"], &of("expect")),
        Entry::check("enabled", "counts", test["enabled"] != false),
        Entry::button("save"),
    ];
    let title = number.map_or_else(|| "A test of the rules".to_owned(), |number| format!("Saved test {number}"));
    let form = Form::new(title, fields, Saving { number, sha: app.acl.tests_sha.clone() });
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

impl Purpose for Saving {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        trial::faults(entries)
    }

    fn preview(&self, _entries: &Entries) -> Vec<String> {
        vec![
            "The rules in force have to pass a test that counts;".to_owned(),
            "one for rules to come does not count yet.".to_owned(),
        ]
    }

    fn command(&self, entries: &Entries) -> String {
        let of = |name: &str| entries.text(name);
        if let Some(number) = self.number {
            return format!("rustsocks-cli acl test {} {number}", if entries.is_set("enabled") { "on" } else { "off" });
        }
        let user = Some(of("user")).filter(|user| !user.is_empty()).unwrap_or_else(|| "anonymous".to_owned());
        let destination = format!("{}:{}", of("dest"), of("port"));
        let mut flags = flag("description", &of("description")) + &flag("source", &of("source"));
        // TCP is what is meant without a word.
        flags += &flag("protocol", if of("protocol") == "tcp" { "" } else { "udp" });
        flags.extend(trial::addresses(entries).iter().map(|address| flag("address", address)));
        flags += if entries.is_set("enabled") { "" } else { " --off" };
        format!("rustsocks-cli acl test add {} {} {}{flags}", word(&user), word(&destination), of("expect"))
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let op = match self.number {
            Some(number) => json!({ "op": "test.set", "test": number, "set": self.keys(entries) }),
            None => json!({ "op": "test.add", "test": self.keys(entries) }),
        };
        vec![put(&op, &self.sha)]
    }
}

impl Saving {
    /// As they stand in the file; of one that is there already, a key that says nothing any more is null.
    fn keys(&self, entries: &Entries) -> Value {
        let text = |name: &str| Some(entries.text(name)).filter(|text| !text.is_empty()).map(Value::from);
        let addresses = trial::addresses(entries);
        let all = [
            ("enabled", (!entries.is_set("enabled")).then_some(Value::Bool(false))),
            ("description", text("description")),
            ("user", text("user")),
            ("source", text("source")),
            ("destination", text("dest")),
            ("addresses", (!addresses.is_empty()).then(|| json!(addresses))),
            ("port", entries.text("port").parse::<u16>().ok().map(Value::from)),
            ("protocol", text("protocol").filter(|protocol| protocol != "tcp")),
            ("expect", text("expect")),
        ];
        let is_new = self.number.is_none();
        let keys = all.into_iter().filter(|(_, value)| value.is_some() || !is_new);
        keys.map(|(key, value)| (key.to_owned(), value.unwrap_or_default())).collect::<Map<_, _>>().into()
    }
}

fn put(op: &Value, sha: &Value) -> Effect {
    let mut order = json!({ "ops": [op], "idem": uuid::Uuid::now_v7().to_string() });
    if !sha.is_null() {
        order["sha"] = sha.clone();
    }
    ask("acl.tests.put", &order, Topic::TestsPut)
}

/// Who wants to go where.
fn request(test: &Value) -> String {
    let user = Some(raw(&test["user"])).filter(|user| !user.is_empty()).unwrap_or_else(|| "anonymous".to_owned());
    format!("{user}  {}:{}", raw(&test["destination"]), raw(&test["port"]))
}

/// A line for each test, and for what is wrong with it.
pub(super) fn lines(app: &App) -> Vec<String> {
    let line = |test: &Value| {
        let ran = if test["pass"].is_null() { "-" } else { verdict(test) };
        let fault = if test["pass"] == false { format!("  {}", raw(&test["fault"])) } else { String::new() };
        let about = Some(raw(&test["description"])).filter(|text| !text.is_empty());
        let about = about.map(|text| format!("  \"{text}\"")).unwrap_or_default();
        format!("{ran:<4}  {:<40} {:<5}{about}{fault}", request(test), raw(&test["expect"]))
    };
    app.acl.tests.iter().map(line).collect()
}

/// How many there are, and how many fail.
pub(super) fn summary(app: &App) -> String {
    match (app.acl.tests.len(), app.acl.failing()) {
        (0, _) => "no saved tests; s saves the request as one".to_owned(),
        (count, 0) => format!("{count} saved tests"),
        (count, failing) => format!("{count} saved tests, {failing} failing: apply will ask again"),
    }
}
