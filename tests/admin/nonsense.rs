//! Parameters that make no sense: each operation answers, and the daemon is none the worse for it.

use rig::admin::Conversation;
use rig::target::tunnel;
use serde_json::{Value, json};

use crate::{root, start};

/// Requests for each operation.
const TIMES: u64 = 6;

/// What may stand where a number, a name, a list or a table should.
fn values() -> Vec<Value> {
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let wide: Value = (0..2_000).map(|number| (number.to_string(), json!(number))).collect();
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("\u{0}"),
        json!("e\u{1b}[2J\u{202e}"),
        json!("x".repeat(70_000)),
        json!("99999999999h"),
        json!("users"),
        json!("%"),
        json!([]),
        json!({}),
        json!([null, [], {}]),
        json!([{ "op": "rule.add" }, { "op": 7 }]),
        json!({ "off": u64::MAX, "len": u64::MAX }),
        json!({ "anchor": "", "before": 1_000_000, "after": 1 }),
        deep,
        wide,
    ]
}

/// The names in a list such as `draft, text or gen`.
fn names(op: &Value) -> Vec<String> {
    let takes = op["p"].as_array().unwrap_or_else(|| panic!("{op} says what it takes"));
    let listed = takes.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>();
    let words =
        listed.iter().flat_map(|names| names.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'));
    words.filter(|word| !word.is_empty() && *word != "or").map(str::to_owned).collect()
}

#[test]
fn no_parameters_make_the_daemon_fall_silent_or_over() {
    let service = start("");
    let (mut client, mut far) = tunnel(service.addr());
    let worker = service.worker_pid();
    let ops = root(&service).ask("meta.ops", json!({}))["ops"].as_array().expect("a list").clone();
    let values = values();
    // The same each time; every value comes to every place sooner or later.
    let mut chance = 7_u64;
    let mut choose = |among: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).expect("31 bits") % among
    };
    let mut asked = 0;
    for op in ops {
        let name = op["op"].as_str().expect("a name");
        // Ends the session that is to outlive all of this.
        let is_harmless = name != "sessions.kill";
        let mut conversation = root(&service);
        for _ in 0..if is_harmless { TIMES } else { 0 } {
            let mut p = json!({});
            for parameter in names(&op) {
                if choose(4) > 0 {
                    p[parameter] = values[choose(values.len())].clone();
                }
            }
            asked += 1;
            if !is_answered(&mut conversation, name, p) {
                conversation = root(&service);
            }
        }
    }
    assert!(asked > 400, "{asked}");
    assert_eq!(service.worker_pid(), worker, "it is the same worker");
    client.send(b"still here");
    assert_eq!(far.receive_all(10), b"still here");
    assert!(root(&service).ask("status", json!({}))["sessions"].is_u64());
}

/// Whether the conversation goes on; that the request is answered is what the test is about.
fn is_answered(conversation: &mut Conversation, op: &str, p: Value) -> bool {
    let answer = conversation.answer_to(op, p);
    assert!(answer.get("ok").is_some() || answer["err"]["code"].is_string(), "{op}: {answer}");
    assert_ne!(answer["err"]["code"], "internal", "{op}: {answer}");
    !answer["id"].is_null()
}
