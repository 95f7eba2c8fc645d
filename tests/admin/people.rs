//! Who is in, and what somebody is let have for a while.

use rig::socks5::CONNECT;
use rig::target::Target;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{OPERATE, READ, root, somebody, start};

#[test]
fn users_are_those_of_the_file_and_whoever_is_in() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]);
    let service = start(&users.settings(&["userpass"]));
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], 0);
    let target = Target::listen();
    assert_eq!(client.ask(CONNECT, target.addr()).code, 0);
    let mut reader = somebody(&service, 4321, &[READ]);
    let is_in =
        |reader: &mut rig::admin::Conversation| reader.ask("users.get", json!({ "name": "alice" }))["sessions"] == 1;
    assert!(eventually(PATIENCE, || is_in(&mut reader)));
    let list = reader.ask("users.list", json!({ "limit": 1 }));
    assert_eq!(
        (&list["total"], &list["users"][0]["name"], &list["next"]),
        (&json!(2), &json!("alice"), &json!("alice"))
    );
    let list = reader.ask("users.list", json!({ "after": "alice" }));
    assert_eq!((&list["users"][0]["name"], &list["users"][0]["state"]), (&json!("bob"), &json!("enabled")));
    assert_eq!(list["next"], Value::Null);
    assert_eq!(reader.refused("users.get", json!({ "name": "eve" })).0, "not_found");
}

#[test]
fn users_have_a_last_day_and_names_that_nobody_got_in_by_are_unknown() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(&[&users.settings(&["userpass"]), "[sessions]\nenabled = true\n"].concat());
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], 0);
    let target = Target::listen();
    assert_eq!(client.ask(CONNECT, target.addr()).code, 0);
    for name in ["alice", "mallory"] {
        assert_ne!(Wire::connect(service.addr()).log_in(name.as_bytes(), b"a guess")[1], 0, "{name}");
    }
    let mut reader = somebody(&service, 4321, &[READ]);
    let days = |reader: &mut rig::admin::Conversation| {
        let list = reader.ask("users.list", json!({}));
        let day = |user: &Value| {
            json!([user["name"], user["state"], user["from"], user["day"]["sessions"], user["day"]["fails"]])
        };
        list["users"].as_array().expect("a list").iter().map(day).collect::<Value>()
    };
    let expected = json!([["alice", "enabled", "file", 1, 1], ["mallory", "unknown", null, 0, 1]]);
    assert!(eventually(PATIENCE, || days(&mut reader) == expected), "{}", days(&mut reader));
    // The view asks the history aside, and has its answer at a later look.
    let cols = json!(["state", "denied24", "fails24"]);
    let view = reader.ask("view.open", json!({ "of": "users", "cols": cols, "filter": "state=unknown or fails24>0" }));
    let rows =
        |reader: &mut rig::admin::Conversation| reader.ask("view.set", json!({ "sub": view["sub"] }))["rows"].clone();
    let expected = json!([["alice", "enabled", 0, 1], ["mallory", "unknown", 0, 1]]);
    assert!(eventually(PATIENCE, || rows(&mut reader) == expected), "{}", rows(&mut reader));
    let alice = reader.ask("users.get", json!({ "name": "alice" }));
    assert_eq!(
        (&alice["written"]["password"]["kept_as"], &alice["day"]["fails"]),
        (&json!("argon2id"), &json!(1)),
        "{alice}"
    );
    assert!(alice["first_seen"].is_f64() && alice["last_session"]["user"] == "alice", "{alice}");
}

#[test]
fn users_groups_and_who_has_which_part_of_the_bandwidth_are_looked_at() {
    let further = |name: &str| if name == "alice" { "groups = [\"staff\"]\nbandwidth_limit_mbps = 8\n" } else { "" };
    let users = Users::crowd_with(["alice".to_owned(), "bob".to_owned()], b"wonderland", further);
    let service = start(&[&users.settings(&["userpass"]), "[limits]\nbandwidth_limit_mbps = 80\n"].concat());
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], 0);
    let target = Target::listen();
    assert_eq!(client.ask(CONNECT, target.addr()).code, 0);
    let mut reader = somebody(&service, 4321, &[READ]);
    let open = |reader: &mut rig::admin::Conversation, of: &str, filter: &str| {
        let p = json!({ "of": of, "filter": filter, "cols": ["name", "sessions"], "win": { "off": 0, "len": 10 } });
        reader.ask("view.open", p)["rows"].clone()
    };
    let is_in = |reader: &mut rig::admin::Conversation| {
        open(reader, "users", "group=staff sessions>0") == json!([["alice", "alice", 1]])
    };
    assert!(eventually(PATIENCE, || is_in(&mut reader)));
    assert_eq!(open(&mut reader, "users", "state=enabled sessions=0"), json!([["bob", "bob", 0]]));
    let class = |reader: &mut rig::admin::Conversation, name: &str| {
        let classes = reader.ask("limits.tree", json!({}))["classes"].clone();
        let found = classes.as_array().expect("a list").iter().find(|class| class["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("{name} is missing in {classes}"))
    };
    let alice = class(&mut reader, "user/alice");
    assert_eq!(
        (&alice["ceiling_up"], &alice["sessions"], &alice["parent"]),
        (&json!(1_000_000), &json!(1), &json!("global"))
    );
    assert_eq!(class(&mut reader, "global")["ceiling_down"], 10_000_000);
    assert_eq!(open(&mut reader, "limits", "kind=user"), json!([["user/alice", "user/alice", 1]]));
    let groups = reader.ask("groups.list", json!({}));
    assert_eq!(groups["groups"][0], json!({ "name": "staff", "members": ["alice"], "sessions": 1, "rules": 0 }));
    for (target, most) in [("user/alice", 12), ("group/staff", 24), ("user/bob", 36)] {
        let order = json!({ "target": target, "max_connections": most, "until": "2100-11-22T18:00" });
        root(&service).ask("limits.override", order);
    }
    let alice = reader.ask("users.get", json!({ "name": "alice" }));
    assert_eq!((&alice["limits"]["up_bps"], &alice["rules"]["own"]), (&json!(8_000_000), &json!(0)), "{alice}");
    assert_eq!(alice["last_src"], "127.0.0.1");
    let held: Vec<_> =
        alice["concessions"].as_array().expect("a list").iter().map(|it| &it["max_connections"]).collect();
    assert_eq!(held, [12], "{alice}");
}

#[test]
fn whoever_is_limited_by_a_number_or_a_quota_alone_is_shown_with_who_was_refused() {
    let further = |name: &str| if name == "alice" { "groups = [\"staff\"]\nmax_connections = 1\n" } else { "" };
    let users = Users::crowd_with(["alice".to_owned(), "bob".to_owned()], b"wonderland", further);
    let limits = "[[limits.groups]]\nname = \"staff\"\nmax_connections = 5\n\
                  [[limits.quotas]]\nname = \"monthly\"\ngigabytes = 50\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    let target = Target::listen();
    let enter = |name: &str| {
        let mut client = Wire::connect(service.addr());
        assert_eq!(client.log_in(name.as_bytes(), b"wonderland")[1], 0);
        let reply = client.ask(CONNECT, target.addr()).code;
        (client, reply)
    };
    let ((mut client, _), _bob) = (enter("alice"), enter("bob"));
    assert_eq!((enter("alice").1, enter("alice").1), (2, 2), "no more than one");
    client.send(&[7; 5_000]);
    let mut reader = somebody(&service, 4321, &[READ]);
    let get = |reader: &mut rig::admin::Conversation, name: &str| reader.ask("limits.get", json!({ "name": name }));
    let carried = |reader: &mut rig::admin::Conversation| get(reader, "user/alice")["class"]["bytes_up"] == 5_000;
    assert!(eventually(PATIENCE, || carried(&mut reader)), "{}", get(&mut reader, "user/alice"));
    let alice = get(&mut reader, "user/alice");
    let told = |of: &Value, keys: [&str; 5]| keys.map(|key| of["class"][key].clone());
    let keys = ["sessions", "most_sessions", "refused", "origin", "ceiling_up"];
    assert_eq!(told(&alice, keys), [json!(1), json!(1), json!(2), json!("users"), Value::Null], "{alice}");
    assert_eq!((&alice["quotas"][0]["quota"], &alice["class"]["quota_pct"]), (&json!("monthly"), &json!(0)));
    let staff = get(&mut reader, "group/staff");
    assert_eq!(told(&staff, keys), [json!(1), json!(5), json!(0), json!("config"), Value::Null], "{staff}");
    let bob = get(&mut reader, "user/bob");
    assert_eq!((&bob["class"]["origin"], &bob["quotas"][1]), (&json!("config"), &Value::Null), "{bob}");
    let tree = reader.ask("limits.tree", json!({ "limit": 1 }));
    assert_eq!((&tree["total"], tree["classes"].as_array().map(Vec::len)), (&json!(4), Some(1)), "{tree}");
    assert_eq!(reader.refused("limits.get", json!({ "name": "user/eve" })).0, "not_found");
}

#[test]
fn an_operator_grants_and_overrides_for_a_while_and_takes_it_back() {
    let quota = "[[limits.quotas]]\nname = \"monthly\"\ngigabytes = 50\n";
    let service = start(quota);
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let far = "2100-11-22T18:00";
    let grant =
        json!({ "target": "user/bob", "bytes": 2_000_000_000, "until": far, "reason": "a film", "idem": "g-1" });
    let granted = operator.ask("limits.grant", grant.clone());
    assert_eq!((&granted["bytes"], &granted["by"]), (&json!(2_000_000_000), &json!("4321")));
    assert_eq!(operator.ask("limits.grant", grant), granted, "once, however often it is asked for");
    let order = json!({ "target": "user/eve", "bandwidth_limit_mbps": 4, "until": far });
    assert_eq!(operator.ask("limits.override", order)["bandwidth_limit_mbps"], 4.0);
    let held = operator.ask("limits.concessions", json!({}));
    assert_eq!(held["concessions"].as_array().map(Vec::len), Some(2), "{held}");
    let (first, second) = (&held["concessions"][0], &held["concessions"][1]);
    let another = |id: &Value| json!({ "target": "user/bob", "id": id });
    assert_eq!(operator.refused("limits.reset", another(&second["id"])).0, "bad_request", "it is of somebody else");
    let more = json!({ "target": "user/bob", "bytes": 7, "quota": "monthly", "until": far });
    let more = operator.ask("limits.grant", more)["id"].clone();
    let reset = json!({ "target": "user/bob", "id": more, "idem": "r-1" });
    assert_eq!(operator.ask("limits.reset", reset.clone())["voided"], 1);
    assert_eq!(operator.ask("limits.reset", reset)["voided"], 1, "the same order");
    assert_eq!(operator.ask("limits.concessions", json!({})), held, "the others hold on");
    assert_eq!(operator.ask("limits.reset", json!({ "target": "user/bob" }))["voided"], 1);
    let written = root(&service).ask("audit.query", json!({ "filter": "phase=done", "n": 10 }))["records"].clone();
    let id = |it: &Value| it.as_str().expect("an id").to_owned();
    let expected = [
        (
            "limits.grant",
            format!("{}: 2000000000 bytes more of every quota until 2100-11-22T18:00:00Z", id(&first["id"])),
            json!("g-1"),
        ),
        (
            "limits.override",
            format!("{}: bandwidth_limit_mbps 4 until 2100-11-22T18:00:00Z", id(&second["id"])),
            Value::Null,
        ),
        ("limits.grant", format!("{}: 7 bytes more of monthly until 2100-11-22T18:00:00Z", id(&more)), Value::Null),
        (
            "limits.reset",
            format!("void now: {}: 7 bytes more of monthly until 2100-11-22T18:00:00Z", id(&more)),
            json!("r-1"),
        ),
    ];
    for (record, (op, result, idem)) in written.as_array().expect("records").iter().zip(expected) {
        assert_eq!(
            (&record["op"], &record["result"], &record["idem"]),
            (&json!(op), &json!(result), &idem),
            "{written}"
        );
    }
    assert_eq!(operator.ask("limits.quotas", json!({}))["quotas"].as_array().map(Vec::len), Some(0));
    for (op, p) in [
        ("limits.grant", json!({ "target": "bob", "bytes": 1, "until": far })),
        ("limits.override", json!({ "target": "user/eve", "until": far })),
    ] {
        assert_eq!(operator.refused(op, p).0, "bad_request", "{op}");
    }
    let mut reader = somebody(&service, 4321, &[READ]);
    assert_eq!(reader.refused("limits.reset", json!({ "target": "user/eve" })).0, "denied");
}
