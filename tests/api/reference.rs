//! Every example of docs/api-reference.md, run as it stands there, with the shape of the answer that stands under it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::Value;

use crate::{House, start};

/// What the page calls the API.
const THERE: &str = "http://127.0.0.1:8080";

/// A route with its example, and what is answered.
struct Example {
    route: String,
    command: String,
    answer: Option<Value>,
}

#[test]
fn every_route_has_an_example_and_every_example_is_right() {
    // Only of what there is more can be granted.
    let house = start("[[limits.quotas]]\nname = \"monthly\"\ngigabytes = 50\n");
    let target = Target::listen().serve(echo);
    let _rows = visited(&house, target);
    let examples = examples();
    let document = house.api.read("/api/openapi.json");
    let routes: BTreeSet<String> = document["paths"].as_object().expect("paths").iter().flat_map(routes).collect();
    let shown: BTreeSet<String> = examples.iter().map(|example| example.route.clone()).collect();
    assert_eq!(shown, routes);
    for example in examples {
        let client = visitor(&house, target);
        let id = id_of(&house, &client);
        let said = run(&house, &example.command, &id);
        if let Some(expected) = example.answer {
            let answer: Value =
                serde_json::from_str(&said).unwrap_or_else(|error| panic!("{}: {error}: {said}", example.route));
            assert_eq!(shape(&answer), shape(&expected), "{}: {said}", example.route);
        }
    }
}

/// A session that is over and in the history.
fn visited(house: &House, target: std::net::SocketAddr) -> usize {
    drop(visitor(house, target));
    let rows = || house.api.read("/api/sessions/history?status=closed").as_array().map_or(0, Vec::len);
    assert!(eventually(PATIENCE, || rows() > 0));
    rows()
}

fn visitor(house: &House, target: std::net::SocketAddr) -> Wire {
    let mut client = greeted(house.service.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    client
}

fn id_of(house: &House, client: &Wire) -> String {
    let all = house.api.read("/api/sessions/active");
    let port = client.local().port();
    let session = all.as_array().expect("a list").iter().find(|session| session["source_port"] == port);
    session.expect("it is in")["session_id"].as_str().expect("an id").to_owned()
}

/// Runs a command of the page in a shell, as its reader would.
fn run(house: &House, command: &str, id: &str) -> String {
    let here = format!("http://{}", house.api.endpoint().addr());
    let command =
        format!("set -e; {}", command.replace(THERE, &here).replace("curl ", "curl --silent --fail-with-body "));
    let output =
        Command::new("sh").args(["-c", &command]).env("TOKEN", house.api.token("admin")).env("SESSION", id).output();
    let output = output.expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn routes((path, methods): (&String, &Value)) -> Vec<String> {
    let methods = methods.as_object().expect("methods").keys();
    methods.map(|method| format!("{} {path}", method.to_uppercase())).collect()
}

/// The headings that are routes, each with its first command and, if there is one, the answer under it.
fn examples() -> Vec<Example> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api-reference.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let sections = page.split("\n### `").skip(1);
    let example = |section: &str| {
        let block = |kind: &str| {
            let text = section.split(&format!("```{kind}\n")).nth(1)?.split("```").next()?;
            Some(text.trim().to_owned())
        };
        let route = section.split('`').next().expect("a heading").to_owned();
        let answer =
            block("json").map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{route}: {error}")));
        Example { command: block("sh").unwrap_or_else(|| panic!("{route} has no example")), route, answer }
    };
    sections.map(example).collect()
}

/// The keys of an object, or of the first item of a list.
fn shape(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.first().map(shape).unwrap_or_default(),
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::from([value.to_string()]),
    }
}
