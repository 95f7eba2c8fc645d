//! Who may ask for what: tokens and their scopes, web pages, hosts, and how fast.

use rig::api::{Api, make_token};
use rig::service::Launch;
use serde_json::json;

use crate::{House, LOOPBACK, launch, program, start};

const SOMEBODY: &str = "/api/sessions/01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn each_scope_opens_what_it_says_and_what_those_below_it_open() {
    let house = start("");
    let api = &house.api;
    let status = |scope: &str, method: &str, path: &str| api.ask(scope, method, path, None).status;
    for path in ["/health", "/health/live", "/health/ready", "/api/docs", "/api/openapi.json", "/"] {
        assert_eq!(status("", "GET", path), 200, "{path}");
    }
    for path in ["/metrics", "/stats", "/api/sessions/active", "/api/sessions/history", "/api/acl/rules"] {
        assert_eq!(status("", "GET", path), 401, "{path}");
        for scope in ["read", "operate", "admin"] {
            assert_eq!(status(scope, "GET", path), 200, "{path} with {scope}");
        }
    }
    let deletes = ["", "read", "operate", "admin"].map(|scope| status(scope, "DELETE", SOMEBODY));
    assert_eq!(deletes, [401, 403, 404, 404]);
    let nobody = api.ask("", "GET", "/stats", None);
    assert_eq!(nobody.field("WWW-Authenticate"), Some("Bearer"));
    assert!(nobody.body.contains("\"code\":\"no_token\""), "{}", nobody.body);
}

#[test]
fn a_token_that_is_not_one_opens_nothing_not_even_what_is_open() {
    let house = start("");
    let api = &house.api;
    let right = api.token("read").to_owned();
    let wrong = [
        format!("Authorization: Bearer {}0\r\n", &right[..right.len() - 1]),
        format!("Authorization: Bearer {right}0\r\n"),
        format!("Authorization: Basic {right}\r\n"),
        format!("Authorization: {right}\r\n"),
        "Authorization: Bearer \r\n".to_owned(),
        "Authorization:\r\n".to_owned(),
    ];
    for line in wrong.iter().filter(|line| **line != format!("Authorization: Bearer {right}\r\n")) {
        for path in ["/stats", "/health"] {
            assert_eq!(api.ask_with("GET", path, line, "").status, 401, "{path} {line}");
        }
    }
    assert_eq!(api.ask_with("GET", "/stats", &format!("Authorization: bearer {right}\r\n"), "").status, 200);
    let twice = format!("Authorization: Bearer {right}\r\nAuthorization: Bearer {right}\r\n");
    assert_eq!(api.ask_with("GET", "/stats", &twice, "").status, 400);
}

#[test]
fn without_a_tokens_file_everybody_may_read_and_nobody_more() {
    let api = Api::reserve(program());
    let _service = launch(&api.settings_without_tokens());
    assert_eq!(api.ask("", "GET", "/stats", None).status, 200);
    let refused = api.ask("", "DELETE", SOMEBODY, None);
    assert!(refused.status == 403 && refused.body.contains("no_tokens_file"), "{}", refused.body);
}

#[test]
fn tokens_come_and_go_with_a_reload() {
    let House { service, api } = start("");
    let (table, token) = make_token(program(), "read");
    let new = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(api.ask_with("GET", "/stats", &new, "").status, 401);
    api.write_tokens(&table);
    assert_eq!(service.reload().text("tokens"), "applied");
    assert_eq!(api.ask_with("GET", "/stats", &new, "").status, 200);
    assert_eq!(api.ask("admin", "GET", "/stats", None).status, 401);
    api.write_tokens("[[tokens]]\nname = 1\n");
    assert_eq!(service.reload().text("tokens"), "failed");
    assert_eq!(api.ask_with("GET", "/stats", &new, "").status, 200, "the old ones stay");
}

#[test]
fn web_pages_may_ask_only_from_where_the_operator_says() {
    let api = Api::reserve(program());
    let _service = launch(&[&api.settings(), "cors_origins = [\"https://console.example.com\"]\n"].concat());
    let token = format!("Authorization: Bearer {}\r\n", api.token("read"));
    let from = |origin: &str| api.ask_with("GET", "/stats", &format!("{token}Origin: {origin}\r\n"), "");
    let ours = from("https://console.example.com");
    assert_eq!((ours.status, ours.field("Access-Control-Allow-Origin")), (200, Some("https://console.example.com")));
    assert_eq!(ours.field("Vary"), Some("Origin"));
    for origin in ["https://evil.test", "http://console.example.com", "https://console.example.com.evil.test", "null"] {
        let theirs = from(origin);
        assert_eq!((theirs.status, theirs.field("Access-Control-Allow-Origin")), (403, None), "{origin}");
    }
    let asked = "Origin: https://console.example.com\r\nAccess-Control-Request-Method: DELETE\r\n";
    let preflight = api.ask_with("OPTIONS", SOMEBODY, asked, "");
    assert_eq!((preflight.status, preflight.field("Access-Control-Allow-Methods")), (204, Some("GET, HEAD, DELETE")));
    assert_eq!(preflight.field("Access-Control-Allow-Headers"), Some("Authorization, Content-Type"));
    let stranger = api.ask_with("OPTIONS", SOMEBODY, "Origin: https://evil.test\r\n", "");
    assert_eq!((stranger.status, stranger.field("Access-Control-Allow-Methods")), (403, None));
}

#[test]
fn a_body_without_its_type_is_not_read() {
    let house = start("");
    let api = &house.api;
    let token = format!("Authorization: Bearer {}\r\n", api.token("read"));
    let body = json!({ "dest": "example.com", "port": 443 }).to_string();
    assert_eq!(api.ask_with("POST", "/api/acl/test", &token, &body).status, 415);
    let plain = format!("{token}Content-Type: text/plain\r\n");
    assert_eq!(api.ask_with("POST", "/api/acl/test", &plain, &body).status, 415);
    let typed = format!("{token}Content-Type: application/json; charset=utf-8\r\n");
    assert_eq!(api.ask_with("POST", "/api/acl/test", &typed, &body).status, 200);
}

#[test]
fn whoever_asks_too_fast_is_told_when_to_come_again() {
    let api = Api::reserve(program());
    let _service = launch(&[&api.settings(), "token_requests_per_sec = 1\n"].concat());
    let answers: Vec<_> = (0..20).map(|_| api.ask("read", "GET", "/stats", None)).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(answers[0].status == 200 && answers[1].status == 200 && refused.len() >= 5, "{}", refused.len());
    assert_eq!(refused[0].field("Retry-After"), Some("1"));
    assert_eq!(api.ask("operate", "GET", "/stats", None).status, 200, "another token has its own");
}

#[test]
fn only_this_host_may_be_asked_and_by_its_name() {
    let house = start("");
    let api = &house.api;
    let request =
        format!("GET /stats HTTP/1.1\r\nHost: evil.test\r\nAuthorization: Bearer {}\r\n\r\n", api.token("read"));
    let answer = api.endpoint().answer_to(request.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 421);
    let open = "[api]\nenabled = true\nbind_address = \"0.0.0.0\"\n";
    let refused = Launch::of(program()).config(&[LOOPBACK, open].concat()).refused();
    let refusal = refused.map_err(drop).expect("the start should be refused");
    assert!(format!("{refusal:?}").contains("neither TLS nor tokens"), "{refusal:?}");
}
