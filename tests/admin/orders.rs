//! Operators end sessions: those they mean, as many as they think, once, and it is written down before.

use rig::service::Service;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{OPERATE, READ, id_of, root, somebody, start};

fn records(service: &Service) -> Vec<Value> {
    root(service).ask("audit.tail", json!({}))["records"].as_array().expect("records").clone()
}

#[test]
fn a_session_ends_by_its_id_and_the_log_says_who_wanted_it() {
    let service = start("");
    let [(ours, _t1), (other, _t2)] = [tunnel(service.addr()), tunnel(service.addr())];
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let id = id_of(&mut operator, &ours);
    assert_ne!(id, id_of(&mut operator, &other));
    let order = json!({ "ids": [id], "reason": "left the company", "dry": true });
    let rehearsed = operator.ask("sessions.kill", order);
    assert_eq!((&rehearsed["matched"], &rehearsed["killed"]), (&json!(1), &json!(0)));
    assert_eq!(rehearsed["sample"][0]["sport"], ours.local().port());
    let sums = ["users", "user", "enabled", "destinations", "bytes"].map(|name| rehearsed[name].clone());
    assert_eq!(sums, [json!(1), json!("anonymous"), Value::Null, json!(1), json!(0)]);
    assert!(rehearsed["oldest"].is_f64(), "{rehearsed}");
    let one = operator.ask("sessions.get", json!({ "id": id }));
    assert_eq!((&one["would"], one["log"].is_array()), (&json!({ "decision": "allow" }), true), "{one}");
    assert_eq!(records(&service), Vec::<Value>::new(), "nothing was done");

    let killed = operator.ask("sessions.kill", json!({ "ids": [id, "ffffff"], "reason": "left the company" }));
    assert_eq!((&killed["killed"], &killed["gone"]), (&json!(1), &json!(1)));
    assert_eq!(service.session_of(ours.local()).text("ending"), "killed");
    let records = records(&service);
    let phases: Vec<_> = records.iter().map(|record| record["phase"].as_str().expect("a word")).collect();
    assert_eq!(phases, ["intent", "done"]);
    for record in &records {
        assert_eq!((&record["id"], &record["who"]["uid"]), (&killed["audit"], &json!(4321)));
        assert_eq!((&record["role"], &record["comment"]), (&json!("operate"), &json!("left the company")));
        assert_eq!(record["target"]["ids"][0], id.as_str());
    }
    let audit = service.event("ordered by an operator");
    assert_eq!((audit.text("op"), audit.text("caller")), ("sessions.kill", "4321"));
    assert!(eventually(PATIENCE, || operator.refused("sessions.get", json!({ "id": id })).0 == "not_found"));
}

#[test]
fn a_filter_ends_those_it_means_if_they_are_as_many_as_expected() {
    let service = start("");
    let tunnels: Vec<_> = (0..3).map(|_| tunnel(service.addr())).collect();
    let mut operator = root(&service);
    let spared = tunnels[2].0.local().port();
    for (client, _) in &tunnels {
        let _it_is_in = id_of(&mut operator, client);
    }
    let target = |number: usize| tunnels[number].1.local().port();
    let filter = format!("cmd=connect not port={}", target(2));
    let (code, refusal) = operator.refused("sessions.kill", json!({ "filter": filter, "expect": 5 }));
    assert_eq!((code.as_str(), &refusal["data"]["matched"]), ("conflict", &json!(2)));
    assert_eq!(operator.ask("sessions.kill", json!({ "filter": filter, "expect": 2 }))["killed"], 2);
    let several = operator.ask("sessions.kill", json!({ "filter": "", "dry": true, "sample": 1 }));
    assert_eq!(several["sample"].as_array().map(Vec::len), Some(1), "{several}");
    let (_, parts) = operator.answers_to("sessions.export", json!({ "filter": format!("port={}", target(2)) }));
    assert_eq!(parts[0]["rows"][0]["sport"], spared);
    let (code, refusal) = operator.refused("sessions.kill", json!({ "filter": "usr=alice" }));
    assert_eq!((code.as_str(), &refusal["data"]["col"]), ("bad_request", &json!(1)));
    assert_eq!(operator.refused("sessions.kill", json!({})).0, "bad_request");
    assert_eq!(operator.refused("sessions.kill", json!({ "ids": ["1"], "filter": "" })).0, "bad_request");
}

#[test]
fn an_order_with_a_name_is_carried_out_once() {
    let service = start("");
    let mut operator = root(&service);
    let first = tunnel(service.addr());
    let _there = id_of(&mut operator, &first.0);
    let order = json!({ "filter": "cmd=connect", "idem": "01JD" });
    let done = operator.ask("sessions.kill", order.clone());
    assert_eq!(done["killed"], 1);
    assert_eq!(service.session_of(first.0.local()).text("ending"), "killed");
    let second = tunnel(service.addr());
    let _there = id_of(&mut operator, &second.0);
    let mut again = root(&service);
    assert_eq!(again.ask("sessions.kill", order), done, "also after a broken connection");
    assert_eq!(again.ask("meta.outcome", json!({ "idem": "01JD" })), json!({ "state": "applied", "ok": done }));
    assert_eq!(again.ask("meta.outcome", json!({ "idem": "never" })), json!({ "state": "unknown" }));
    let _still_there = id_of(&mut again, &second.0);
    for (op, p) in [
        ("sessions.kill", json!({ "filter": "cmd=connect", "idem": "01JD", "expect": 1 })),
        ("auth.unban", json!({ "src": "192.0.2.7", "idem": "01JD" })),
    ] {
        assert_eq!(
            again.refused(op, p).0,
            "conflict",
            "another order, which is not answered with what came of this one"
        );
    }
    let _still_there = id_of(&mut again, &second.0);
}

#[test]
fn ids_of_another_run_hit_nobody() {
    let service = start("");
    let (client, _target) = tunnel(service.addr());
    let mut operator = root(&service);
    let epoch = operator.greet()["epoch"].clone();
    let id = id_of(&mut operator, &client);
    assert_eq!(operator.refused("sessions.kill", json!({ "ids": [id], "epoch": "00000000" })).0, "epoch");
    assert_eq!(operator.ask("sessions.kill", json!({ "ids": [id], "epoch": epoch }))["killed"], 1);
}
