//! The API for programs and for people, made from the route table.

use std::fmt::Write;

use config::tokens::Scope;
use serde_json::{Map, Value, json};

use super::problem::title;
use super::routes::{Needs, ROUTES, Route, Shape};

/// The schemas that routes name.
const SCHEMAS: &str = include_str!("schemas.json");

/// Refusals that every route has: what can be wrong with a request, and when there is no answer.
///
/// 401 and 403 are among them: a token that is wrong and a web page that may not ask are refused where none is needed, too. 500 is a
/// fault of ours, which the log has.
const COMMON: [u16; 11] = [400, 401, 403, 405, 408, 413, 421, 429, 431, 500, 503];

/// Parameters that a route has both of and a request may not.
const APART: [&str; 2] = ["hours", "start"];

/// Version 3.1 of `OpenAPI`.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "RustSocks",
            "description": "Sessions, history, statistics and rules of a SOCKS proxy.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": serde_json::from_str::<Value>(SCHEMAS).expect("a test reads the schemas"),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "a token of api.tokens_file" },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let named = route.path.split('{').nth(1).and_then(|rest| rest.split('}').next());
    let in_path = named.map(|name| {
        let schema = if name == "id" { "SessionId" } else { "Segment" };
        json!({ "name": name, "in": "path", "required": true, "schema": reference(schema) })
    });
    let in_query = route.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "required": parameter.is_required,
            "schema": reference(parameter.schema),
        })
    });
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.description,
        "parameters": in_path.into_iter().chain(in_query).collect::<Vec<_>>(),
        "responses": responses(route),
    });
    let mut words = Vec::new();
    if let Needs::Token(scope) = route.needs {
        operation["security"] = json!([{ "token": [] }]);
        words.push(format!("Takes a token with the scope {scope}."));
    }
    if APART.iter().all(|name| route.parameters.iter().any(|parameter| parameter.name == *name)) {
        words.push(format!("{} exclude each other: both together are refused with 400.", APART.join(" and ")));
    }
    if !words.is_empty() {
        operation["description"] = words.join(" ").into();
    }
    if let Some(schema) = route.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(schema) } } });
    }
    operation
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let content = match route.answer {
        Shape::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
        Shape::Page => json!({ "text/html": { "schema": { "type": "string" } } }),
        Shape::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
    };
    responses.insert("200".to_owned(), json!({ "description": title(200), "content": content }));
    let not_json: &[u16] = if route.body.is_some() { &[415] } else { &[] };
    for status in COMMON.iter().chain(not_json).chain(route.refusals) {
        let is_of_reload = (*status, route.answer) == (422, Shape::Json("Reload"));
        let problem = if is_of_reload { "ReloadProblem" } else { "Problem" };
        let mut content = json!({ "application/problem+json": { "schema": reference(problem) } });
        // It says with 503 what it says with 200.
        if let (503, "/health/ready") = (*status, route.path) {
            content["application/json"] = json!({ "schema": reference("Ready") });
        }
        responses.insert(status.to_string(), json!({ "description": title(*status), "content": content }));
    }
    Value::Object(responses)
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(|byte: char| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = route.method.to_ascii_lowercase();
    for word in words {
        let _never_fails = write!(id, "_{word}");
    }
    id
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The same in one page that needs nothing besides.
pub(super) fn page() -> String {
    let mut rows = String::new();
    for route in &ROUTES {
        let needs = match route.needs {
            Needs::Nothing => "–",
            Needs::Token(Scope::Read) => "read",
            Needs::Token(Scope::Operate) => "operate",
            Needs::Token(Scope::Admin) => "admin",
        };
        let parameters: Vec<String> = route
            .parameters
            .iter()
            .map(|parameter| format!("<code>{}</code>: {}", parameter.name, parameter.description))
            .collect();
        let _never_fails = writeln!(
            rows,
            "<tr><td><code>{} {}</code><td>{needs}<td>{}<p>{}",
            route.method,
            route.path,
            route.description,
            parameters.join("<br>")
        );
    }
    format!("{PAGE}<table><tr><th>route<th>scope<th>answer and parameters\n{rows}</table>\n")
}

const PAGE: &str = "<!doctype html>\n<html lang=en><meta charset=utf-8><title>RustSocks API</title>\n\
<style>body{font:16px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}table{border-collapse:collapse}\
td,th{text-align:left;vertical-align:top;padding:.4em .8em;border-top:1px solid #ccc}p{margin:.2em 0;color:#555}</style>\n\
<h1>RustSocks API</h1>\n\
<p>A token goes into <code>Authorization: Bearer …</code>; a refusal is <code>application/problem+json</code> (RFC 9457).\n\
<p>For programs: <a href=\"/api/openapi.json\">/api/openapi.json</a>.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_a_route_or_a_schema_names_is_there() {
        let document = document();
        let text = document.to_string();
        let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in named {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_refused_together_is_said_where_it_can_be_asked_together() {
        let document = document();
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
        let mut said = 0;
        for operation in operations {
            let has = |name: &str| operation["parameters"].as_array().unwrap().iter().any(|one| one["name"] == name);
            let is_said =
                operation["description"].as_str().is_some_and(|words| words.contains("hours and start exclude"));
            assert_eq!(has("hours") && has("start"), is_said, "{operation}");
            assert!(operation["responses"]["400"].is_object() && operation["responses"]["500"].is_object());
            said += usize::from(is_said);
        }
        assert!(said >= 4, "{said} of history, stats, sums and a user's sessions");
    }

    #[test]
    fn the_page_has_every_route_and_asks_nobody_for_anything() {
        let page = page();
        assert!(ROUTES.iter().all(|route| page.contains(&format!("{} {}", route.method, route.path))));
        assert!(!page.contains("src=") && !page.contains("http:") && !page.contains("<script"));
    }
}
