//! A program that tries everything that the document allows, and much that it does not: nothing fails, and nothing is answered
//! that the document does not say.

use std::path::Path;
use std::process::Command;

use rig::api::Api;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};

use crate::{launch, program};

/// Requests of each kind that are tried for each route.
const EXAMPLES: &str = "25";

#[test]
fn schemathesis_finds_nothing() {
    let api = Api::reserve(program());
    let fast = "token_requests_per_sec = 100000\nsource_requests_per_sec = 100000\n";
    let service = launch(&[&api.settings(), fast].concat());
    let target = Target::listen().serve(echo);
    let mut client = greeted(service.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);

    let here = format!("http://{}", api.endpoint().addr());
    let mut schemathesis = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/schemathesis"));
    schemathesis.args(["run", &format!("{here}/api/openapi.json"), "--url", &here]);
    schemathesis.args(["--header", &format!("Authorization: Bearer {}", api.token("admin"))]);
    schemathesis.args(["--max-examples", EXAMPLES, "--workers", "1", "--no-color", "--seed", "1"]);
    schemathesis.args(["--checks", CHECKS, "--request-timeout", "30"]);
    let output = schemathesis.output().expect("schemathesis is installed (scripts/test-deps)");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    assert!(service.worker_pid() > 0, "the worker is the one that began");
}

/// No 5xx, no status, content type or body that the document does not have, no token that is not asked for.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,ignored_auth";
