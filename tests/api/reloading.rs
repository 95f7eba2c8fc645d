//! Reloads by order: whoever orders one is told what came of his own, with file, line and column if it was refused.

use std::net::SocketAddr;
use std::thread;

use rig::rules::Rules;
use rig::scrape::Answer;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use serde_json::{Value, json};

use crate::{House, start};

const QUIET: &str = "[server]\nwatch_files = false\n";
const OPEN: &str = "[global]\ndefault_policy = \"allow\"\n";
const CLOSED: &str = "[global]\ndefault_policy = \"deny\"\n";
const ALL: &str = "/api/admin/reload";
const RULES: &str = "/api/admin/reload-acl";

fn order(house: &House, path: &str) -> (u16, Value) {
    read(&house.api.ask("admin", "POST", path, None))
}

fn read(answer: &Answer) -> (u16, Value) {
    (answer.status, serde_json::from_str(&answer.body).expect("an object"))
}

/// What the report says came of a component.
fn result(report: &Value, component: &str) -> Value {
    let components = report["components"].as_array().expect("a list");
    let found = components.iter().find(|found| found["component"] == component);
    found.unwrap_or_else(|| panic!("no {component} in {report}"))["result"].clone()
}

fn code_for(house: &House, target: SocketAddr) -> u8 {
    greeted(house.service.addr()).ask(CONNECT, target).code
}

#[test]
fn rules_take_effect_before_the_answer_and_nothing_else_is_read() {
    let rules = Rules::of(OPEN);
    let house = start(&[QUIET, &rules.settings()].concat());
    let target = Target::listen();
    assert_eq!(code_for(&house, target.addr()), rep::SUCCEEDED);
    let whole = std::fs::read_to_string(house.service.config()).expect("the configuration is there");
    house.service.rewrite(&whole.replace("[server]\n", "[server]\nno_such_key = 1\n"));

    rules.rewrite(CLOSED);
    let (status, report) = order(&house, RULES);
    assert_eq!((status, &report["success"], &report["extent"]), (200, &json!(true), &json!("rules")), "{report}");
    assert_eq!(
        (&report["trigger"], &report["generation"], &report["serving"]),
        (&json!("operator"), &json!(2), &json!(2))
    );
    assert_eq!((result(&report, "rules"), result(&report, "configuration")), (json!("applied"), json!("same")));
    assert_eq!(code_for(&house, target.addr()), rep::NOT_ALLOWED);
    assert_eq!(house.api.read(ALL), report, "it is the last one");
}

#[test]
fn what_is_refused_is_told_with_its_place_and_changes_nothing() {
    let rules = Rules::of(OPEN);
    let house = start(&[QUIET, &rules.settings()].concat());
    let target = Target::listen();
    let never = read(&house.api.ask("read", "GET", ALL, None));
    assert_eq!((never.0, &never.1["code"]), (404, &json!("no_reload")));

    let whole = std::fs::read_to_string(house.service.config()).expect("the configuration is there");
    house.service.rewrite(&format!("no_such_key = 1\n{whole}"));
    rules.rewrite("[global]\ndefault_polcy = \"deny\"\n");
    for (path, component, file, line) in
        [(RULES, "rules", rules.path(), 2), (ALL, "configuration", house.service.config(), 1)]
    {
        let (status, problem) = order(&house, path);
        assert_eq!((status, &problem["code"]), (422, &json!("not_reloaded")), "{problem}");
        let report = &problem["reload"];
        assert_eq!((&report["success"], result(report, component)), (&json!(false), json!("failed")));
        let components = report["components"].as_array().expect("a list");
        let failed = components.iter().find(|found| found["component"] == component).expect("it is there");
        let place = &failed["problems"][0];
        assert_eq!(place["file"], json!(file), "{problem}");
        assert_eq!((&place["line"], &place["column"]), (&json!(line), &json!(1)), "{problem}");
        assert_eq!(&house.api.read(ALL), report);
        assert_eq!(code_for(&house, target.addr()), rep::SUCCEEDED);
    }

    house.service.rewrite(&whole);
    rules.rewrite(CLOSED);
    let (status, report) = order(&house, ALL);
    assert_eq!(
        (status, result(&report, "rules"), result(&report, "configuration")),
        (200, json!("applied"), json!("same"))
    );
    assert_eq!(code_for(&house, target.addr()), rep::NOT_ALLOWED);
}

#[test]
fn everybody_who_orders_at_once_is_answered_by_a_reload_that_began_afterwards() {
    let rules = Rules::of(OPEN);
    let house = start(&[QUIET, &rules.settings()].concat());
    thread::scope(|scope| {
        let orders = [ALL, RULES, ALL, RULES].map(|path| {
            let house = &house;
            scope.spawn(move || (0..5).map(|_| order(house, path)).collect::<Vec<_>>())
        });
        for (number, answers) in orders.into_iter().enumerate() {
            let answers = answers.join().expect("no panic");
            let extent = if number % 2 == 0 { "everything" } else { "rules" };
            let is_right = |(status, report): &(u16, Value)| *status == 200 && report["extent"] == extent;
            assert!(answers.iter().all(is_right), "{answers:?}");
            let generations: Vec<_> = answers.iter().map(|(_, report)| report["generation"].as_u64()).collect();
            assert!(generations.windows(2).all(|pair| pair[0] < pair[1]), "each its own: {generations:?}");
        }
    });
}

#[test]
fn only_admins_order_one_and_the_log_says_who() {
    let house = start(QUIET);
    for path in [ALL, RULES] {
        assert_eq!(house.api.ask("operate", "POST", path, None).status, 403);
        assert_eq!(house.api.ask("", "POST", path, None).status, 401);
    }
    assert_eq!(order(&house, ALL).0, 200);
    let line = house.service.event("reload ordered by an operator");
    assert_eq!((line.text("caller"), line.text("extent")), ("admin", "everything"));
}
