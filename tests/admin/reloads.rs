//! Operators reload, and hear of every fault where it is.

use rig::service::Service;
use serde_json::json;

use crate::{LOOPBACK, OPERATE, READ, settings, somebody, start};

fn rewrite(service: &Service, more: &str) {
    service.rewrite(&[LOOPBACK, &settings(), more].concat());
}

#[test]
fn an_operator_reloads_and_is_told_what_changed_or_what_is_wrong() {
    let service = start("[server]\nwatch_files = false\n");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    rewrite(&service, "[server]\nwatch_files = false\n[limits]\nmax_connections_per_user = 7\n");
    let reload = operator.ask("reload.run", json!({ "idem": "first" }));
    let component = &reload["components"][0];
    assert_eq!((&reload["success"], &component["result"]), (&json!(true), &json!("applied")));
    assert_eq!(component["changes"], json!(["limits.max_connections_per_user"]));

    rewrite(&service, "[limits]\nmax_connections_per_user = \"many\"\n");
    let (code, refusal) = operator.refused("reload.run", json!({}));
    let problem = &refusal["data"]["reload"]["components"][0]["problems"][0];
    assert_eq!((code.as_str(), problem["line"].is_u64()), ("invalid", true), "{refusal}");
    let reloads = operator.ask("reload.history", json!({}))["reloads"].clone();
    let successes: Vec<_> =
        reloads.as_array().expect("a list").iter().map(|reload| reload["success"].clone()).collect();
    assert_eq!(successes, [json!(false), json!(true)]);
    assert_eq!(operator.refused("reload.run", json!({ "what": "moon" })).0, "bad_request");
    let records = crate::root(&service).ask("audit.tail", json!({}));
    let phases: Vec<_> =
        records["records"].as_array().expect("a list").iter().map(|record| record["phase"].clone()).collect();
    assert_eq!(phases, ["intent", "done", "intent", "failed"]);
}
