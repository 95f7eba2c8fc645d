//! Views: what patches make of a window is what a fresh look shows.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use rig::admin::Conversation;
use rig::rules::Rules;
use rig::service::Service;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{id_of, root, start};

/// A client of a view that believes nothing but what it is told.
struct Client {
    conversation: Conversation,
    sub: Value,
    columns: Vec<(String, bool)>,
    order: Vec<String>,
    rows: HashMap<String, Vec<Value>>,
    gone: HashMap<String, String>,
    matched: u64,
}

impl Client {
    fn open(service: &Service, p: Value) -> Self {
        let mut conversation = root(service);
        let opened = conversation.ask("view.open", p);
        let mut this = Self {
            conversation,
            sub: opened["sub"].clone(),
            columns: Vec::new(),
            order: Vec::new(),
            rows: HashMap::new(),
            gone: HashMap::new(),
            matched: 0,
        };
        this.show(&opened);
        this
    }

    fn set(&mut self, mut p: Value) -> Value {
        p["sub"] = self.sub.clone();
        let opened = self.conversation.ask("view.set", p);
        self.show(&opened);
        opened
    }

    fn show(&mut self, opened: &Value) {
        let column = |column: &Value| (text(&column["name"]), column["dynamic"] == true);
        self.columns = list(&opened["cols"]).iter().map(column).collect();
        let rows: Vec<Vec<Value>> = list(&opened["rows"]).iter().map(|row| list(row).to_vec()).collect();
        self.order = rows.iter().map(|row| text(&row[0])).collect();
        self.rows = rows.into_iter().map(|row| (text(&row[0]), row)).collect();
        self.matched = opened["matched"].as_u64().expect("a number");
    }

    /// Takes the next patch up, as docs/admin-protocol.md says.
    fn patch(&mut self) {
        let push = self.conversation.push();
        assert_eq!((&push["ev"], &push["sub"]), (&json!("patch"), &self.sub));
        let patch = &push["d"];
        for row in list(&patch["add"]) {
            self.rows.insert(text(&row[0]), list(row).to_vec());
        }
        for changed in list(&patch["upd"]) {
            let row = self.rows.get_mut(&text(&changed[0])).expect("only what is known changes");
            let dynamic = self.columns.iter().enumerate().filter(|(_, (_, is_dynamic))| *is_dynamic);
            for ((place, _), value) in dynamic.zip(&list(changed)[1..]) {
                row[place] = value.clone();
            }
        }
        for gone in list(&patch["gone"]) {
            self.gone.insert(text(&gone[0]), text(&gone[1]));
        }
        if let Some(order) = patch["order"].as_array() {
            self.order = order.iter().map(text).collect();
        }
        self.matched = patch["matched"].as_u64().unwrap_or(self.matched);
    }

    /// Takes patches up until this holds.
    fn until(&mut self, claim: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !claim(self) {
            assert!(began.elapsed() < PATIENCE, "{:?} {:?}", self.order, self.rows);
            self.patch();
        }
    }

    fn column(&self, name: &str) -> Vec<&Value> {
        let place = self.columns.iter().position(|(column, _)| column == name).expect("a column");
        self.order.iter().map(|id| &self.rows[id][place]).collect()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} should be a text")).to_owned()
}

fn upload(client: &mut Wire, target: &mut Wire, bytes: usize) {
    client.send(&vec![7; bytes]);
    let _all = target.receive_all(bytes);
}

#[test]
fn a_view_shows_who_comes_what_they_carry_and_why_they_go() {
    let service = start("");
    let (mut first, mut its_target) = tunnel(service.addr());
    let cols = json!(["user", "dst", "state", "up", "down"]);
    let mut view = Client::open(&service, json!({ "of": "sessions", "cols": cols, "every_ms": 200 }));
    assert_eq!(view.columns[0], ("id".to_owned(), false));
    view.until(|view| view.column("state") == [&json!("relaying")]);
    assert_eq!(view.column("dst"), [&json!(its_target.local().to_string())]);
    let id = view.order[0].clone();

    upload(&mut first, &mut its_target, 12_345);
    view.until(|view| view.column("up") == [&json!(12_345)]);
    let second = tunnel(service.addr());
    view.until(|view| view.order.len() == 2 && view.column("state")[1] == "relaying");
    assert_eq!((view.matched, &view.order[0]), (2, &id), "who came first is first");
    drop((first, its_target));
    view.until(|view| view.order.len() == 1);
    assert!(view.gone.contains_key(&id), "it is said why: {:?}", view.gone);
    drop(second);
    view.until(|view| view.order.is_empty() && view.matched == 0);
}

#[test]
fn classes_come_with_who_is_in_them_and_are_gone_with_the_last() {
    let rules = Rules::of(
        "[[users]]\nusername = \"*\"\n\
         [[users.rules]]\naction = \"allow\"\ndescription = \"All of it\"\ndestinations = [\"*\"]\nbandwidth_per_user_mbps = \"40:80\"\n",
    );
    let service = start(&rules.settings());
    let cols = json!(["kind", "parent", "sessions"]);
    let mut view = Client::open(&service, json!({ "of": "limits", "cols": cols, "every_ms": 200 }));
    let (client, target) = tunnel(service.addr());
    let (source, by_rule) = ("127.0.0.1", "127.0.0.1 by users/*#1");
    view.until(|view| view.rows.get(by_rule).is_some_and(|row| row[3] == 1));
    assert_eq!(view.rows[by_rule], [json!(by_rule), json!("rule"), json!(source), json!(1)]);
    assert_eq!(view.rows[source], [json!(source), json!("source"), json!("global"), json!(1)]);
    let classes = view.conversation.ask("limits.tree", json!({}))["classes"].clone();
    let ceilings = |name: &str| {
        let mut found = list(&classes).iter().filter(|class| class["name"] == name);
        let class = found.next().unwrap_or_else(|| panic!("{name} is missing in {classes}"));
        assert_eq!(found.next(), None, "each class comes once");
        [class["ceiling_up"].clone(), class["ceiling_down"].clone()]
    };
    assert_eq!(ceilings(by_rule), [5_000_000, 10_000_000]);
    assert_eq!(ceilings("global"), [Value::Null, Value::Null]);
    let origins: Vec<&Value> = list(&classes).iter().map(|class| &class["origin"]).filter(|it| !it.is_null()).collect();
    assert_eq!(origins, [&json!("rule")], "nothing else is limited: {classes}");
    // A rule is meant by its name alone, and shown with its description.
    let p = json!({ "of": "sessions", "cols": ["rule"], "filter": "rule=\"users/*#1\"" });
    let by_name = view.conversation.ask("view.open", p);
    assert_eq!(by_name["rows"][0][1], "users/*#1: All of it", "{by_name}");
    let limited = |filter: &str| json!({ "of": "sessions", "cols": ["limit"], "filter": filter });
    let held = view.conversation.ask("view.open", limited(&format!("limit=\"{by_rule}\"")));
    assert_eq!(held["rows"][0][1], by_rule, "{held}");
    assert_eq!(view.conversation.ask("view.open", limited("limit=global"))["matched"], 0, "nothing limits all");
    drop((client, target));
    view.until(|view| view.order == ["global"]);
    assert_eq!(view.gone.keys().collect::<HashSet<_>>(), HashSet::from([&source.to_owned(), &by_rule.to_owned()]));
}

#[test]
fn the_daemon_filters_sorts_and_cuts_the_window_out() {
    let service = start("");
    let mut tunnels: Vec<_> = (0..5).map(|_| tunnel(service.addr())).collect();
    for (size, (client, target)) in (1..).zip(&mut tunnels) {
        upload(client, target, 1_000 * size);
    }
    let mut conversation = root(&service);
    let ids: Vec<String> = tunnels.iter().map(|(client, _)| id_of(&mut conversation, client)).collect();
    let p = json!({ "of": "sessions", "cols": ["up"], "sort": [["up", "desc"]], "win": { "off": 0, "len": 2 }, "every_ms": 200 });
    let mut view = Client::open(&service, p);
    view.until(|view| view.column("up") == [&json!(5_000), &json!(4_000)]);
    assert_eq!((&view.order[0], view.matched), (&ids[4], 5));
    view.set(json!({ "win": { "anchor": ids[1], "before": 1, "after": 0 } }));
    view.until(|view| view.order == [ids[2].clone(), ids[1].clone()]);
    view.set(json!({ "filter": "up>2.5K", "sort": [["up", "asc"]], "win": { "off": 1, "len": 9 } }));
    view.until(|view| view.order == [ids[3].clone(), ids[4].clone()] && view.matched == 3);
    let asked = json!({ "sub": view.sub, "max": 2 });
    let marked = view.conversation.ask("view.ids", asked);
    assert_eq!(marked, json!({ "ids": [ids[2], ids[3]], "matched": 3, "truncated": true }), "behind the window too");
    let find = |view: &mut Client, from: &str, back: bool| {
        let hunt = json!({ "sub": view.sub, "filter": "up>3.5K", "from": from, "back": back });
        view.conversation.ask("view.find", hunt)
    };
    let found = |at: usize, id: &str| json!({ "id": id, "at": at });
    assert_eq!(find(&mut view, &ids[2], false), found(1, &ids[3]), "the next one, whatever the window shows");
    assert_eq!(find(&mut view, &ids[2], true), found(2, &ids[4]), "the one before the first is the last");
    assert_eq!(find(&mut view, &ids[4], false), found(1, &ids[3]), "and on from the first again");
    let nobody = json!({ "sub": view.sub, "filter": "user=nobody" });
    assert_eq!(view.conversation.ask("view.find", nobody), json!({}));
    let (code, why) = view.conversation.refused("view.find", json!({ "sub": view.sub, "filter": "up>" }));
    assert!(code == "bad_request" && why["msg"].as_str().is_some_and(|msg| msg.contains("column 4")), "{code}: {why}");
    let opened = view.set(json!({ "filter": "up>" }));
    assert_eq!(
        (&opened["matched"], &opened["filter_error"]["col"]),
        (&json!(3), &json!(4)),
        "the last valid one holds: {opened}"
    );
    let (code, _) = view.conversation.refused("view.set", json!({ "sub": view.sub, "sort": [["shoe", "asc"]] }));
    assert_eq!(code, "bad_request");
    let rows: u64 = 1_001;
    assert_eq!(
        view.conversation.refused("view.set", json!({ "sub": view.sub, "win": { "off": 0, "len": rows } })).0,
        "too_large"
    );
    assert_eq!(view.conversation.ask("view.close", json!({ "sub": view.sub }))["closed"], true);
    assert_eq!(view.conversation.refused("view.set", json!({ "sub": view.sub })).0, "not_found");
}

#[test]
fn a_held_order_stays_and_says_what_it_does_not_show() {
    let service = start("");
    let mut tunnels: Vec<_> = (0..3).map(|_| tunnel(service.addr())).collect();
    let mut view =
        Client::open(&service, json!({ "of": "sessions", "cols": ["up"], "sort": [["up", "desc"]], "every_ms": 200 }));
    view.until(|view| view.order.len() == 3);
    view.set(json!({ "hold": true }));
    let held = view.order.clone();
    let (client, target) = &mut tunnels[2];
    upload(client, target, 9_000);
    view.until(|view| view.column("up").contains(&&json!(9_000)));
    let newcomer = tunnel(service.addr());
    let leaver = tunnels.remove(0);
    drop(leaver);
    view.until(|view| !view.gone.is_empty());
    assert_eq!(view.order, held);
    let everything = view.conversation.ask("view.ids", json!({ "sub": view.sub }));
    assert_eq!(everything["ids"], json!(held));
    let opened = view.set(json!({ "hold": false }));
    assert_eq!(list(&opened["rows"]).len(), 3, "two of before and the newcomer");
    assert_eq!(view.column("up")[0], 9_000);
    drop(newcomer);
}

#[test]
fn a_first_look_has_rates() {
    let service = start("");
    let (mut client, mut target) = tunnel(service.addr());
    let mut conversation = root(&service);
    let mut seconds = || {
        upload(&mut client, &mut target, 50_000);
        let up = conversation.ask("series.get", json!({ "keys": ["up"] }))["data"]["up"].clone();
        list(&up).iter().filter(|rate| rate.as_f64() > Some(0.0)).count()
    };
    // The daemon has looked before and after.
    assert!(eventually(PATIENCE, || seconds() > 3));
    let classes = root(&service).ask("limits.tree", json!({}))["classes"].clone();
    assert!(classes[0]["name"] == "global" && classes[0]["using_up"].as_u64() > Some(0), "{classes}");
}

#[test]
fn rates_come_while_somebody_looks() {
    let service = start("");
    let (mut client, mut target) = tunnel(service.addr());
    let mut view = Client::open(&service, json!({ "of": "sessions", "cols": ["rate"], "every_ms": 200 }));
    let began = Instant::now();
    loop {
        upload(&mut client, &mut target, 50_000);
        view.patch();
        if view.column("rate")[0].as_u64().is_some_and(|rate| rate > 0) {
            return;
        }
        assert!(began.elapsed() < PATIENCE);
    }
}
