//! A daemon's API, as programs with and without tokens see it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::scrape::{Answer, Endpoint};

/// Where one daemon's API will be, and its tokens: one for each scope, named like it.
#[derive(Debug)]
pub struct Api {
    endpoint: Endpoint,
    directory: TempDir,
    tokens: Vec<(&'static str, String)>,
}

impl Api {
    /// A port of 127.0.0.1, and tokens that this program makes.
    #[must_use]
    pub fn reserve(program: &Path) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut tables = String::new();
        let tokens = ["read", "operate", "admin"].map(|scope| {
            let (table, token) = make_token(program, scope);
            tables += &table;
            (scope, token)
        });
        let this = Self { endpoint: Endpoint::reserve(), directory, tokens: tokens.into() };
        this.write_tokens(&tables);
        this
    }

    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    #[must_use]
    pub fn tokens_file(&self) -> PathBuf {
        self.directory.path().join("tokens.toml")
    }

    /// Replaces the tokens file.
    pub fn write_tokens(&self, text: &str) {
        fs::write(self.tokens_file(), text).expect("the directory can be written");
        fs::set_permissions(self.tokens_file(), Permissions::from_mode(0o600)).expect("it is ours");
    }

    /// The daemon's `[api]` table, to which further keys may be added.
    #[must_use]
    pub fn settings(&self) -> String {
        let tokens = self.tokens_file();
        format!("{}tokens_file = \"{}\"\n", self.settings_without_tokens(), tokens.display())
    }

    /// The same for an API that wants no tokens.
    #[must_use]
    pub fn settings_without_tokens(&self) -> String {
        let address = self.endpoint.addr();
        format!("[api]\nenabled = true\nbind_address = \"{}\"\nbind_port = {}\n", address.ip(), address.port())
    }

    /// The token with this scope.
    #[must_use]
    pub fn token(&self, scope: &str) -> &str {
        let found = self.tokens.iter().find(|(known, _)| *known == scope);
        &found.unwrap_or_else(|| panic!("no token for {scope}")).1
    }

    /// What a request with a token of this scope is answered; without one if it is empty.
    #[must_use]
    pub fn ask(&self, scope: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = (!scope.is_empty()).then(|| format!("Authorization: Bearer {}\r\n", self.token(scope)));
        let mut lines = token.unwrap_or_default();
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            lines += "Content-Type: application/json\r\n";
        }
        self.ask_with(method, path, &lines, &body)
    }

    /// The same with header lines as they are given, each with its end.
    #[must_use]
    pub fn ask_with(&self, method: &str, path: &str, lines: &str, body: &str) -> Answer {
        let (host, length) = (self.endpoint.addr(), body.len());
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{lines}\r\n{body}");
        self.endpoint.answer_to(request.as_bytes()).unwrap_or_else(|| panic!("{method} {path} should be answered"))
    }

    /// The JSON that a reader gets.
    #[must_use]
    pub fn read(&self, path: &str) -> Value {
        let answer = self.ask("read", "GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.body))
    }
}

/// A table for the tokens file, and the token.
#[must_use]
pub fn make_token(program: &Path, scope: &str) -> (String, String) {
    let output = Command::new(program).args(["api-token", scope, scope]).output().expect("the program can be run");
    assert!(output.status.success(), "{output:?}");
    let [table, said] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("it is text"));
    let token = said.lines().last().expect("it says the token").to_owned();
    (table, token)
}
