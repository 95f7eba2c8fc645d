//! Logins: how they go, who is turned away, and whether one would work.

use std::process::ExitCode;

use filter::{BANS, LOGINS};
use serde_json::{Value, json};
use wire::admin::{Direction, ViewOpen, Window};
use zeroize::Zeroize;

use super::ask::tell;
use super::list::{WINDOW, checked};
use super::people::one_password;
use super::{DENIED, Desk, idem};
use crate::args::Auth;
use crate::failure::Failure;
use crate::output::{Format, Kind, Output, Sheet, raw, with_dates};

const COLUMNS: &[(&str, Kind)] = &[
    ("t", Kind::Time),
    ("result", Kind::Text),
    ("user", Kind::Text),
    ("src", Kind::Text),
    ("listener", Kind::Text),
    ("method", Kind::Text),
    ("why", Kind::Text),
    ("ms", Kind::Count),
];

/// Logins of the time before.
const BACKLOG: usize = 20;

impl Desk {
    pub(super) fn auth(&mut self, command: Auth) -> Result<ExitCode, Failure> {
        match command {
            Auth::Status => self.record("auth.status", &json!({}), "rustsocks.logins/1")?,
            Auth::Test { user, source, listener, stdin } => {
                let mut p = json!({ "user": user, "src": source, "listener": listener });
                p["secret"] = one_password(stdin)?.as_str().into();
                return self.tried(p);
            }
            Auth::Bans { filter } => self.bans(filter)?,
            Auth::Unban { address, reason } => {
                let p = json!({ "src": address, "reason": reason, "idem": idem() });
                self.record("auth.unban", &p, "rustsocks.forgiven/1")?;
            }
            Auth::Log { failures, filter } => self.logins(failures, filter.as_deref())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tried(&mut self, mut p: Value) -> Result<ExitCode, Failure> {
        let told: Result<Value, Failure> = self.connection.call("auth.test", &p);
        if let Value::String(secret) = &mut p["secret"] {
            secret.zeroize();
        }
        let told = told?;
        self.output.record("rustsocks.tried/1", &told)?;
        Ok(if told["result"] == "ok" { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
    }

    fn bans(&mut self, filter: Option<String>) -> Result<(), Failure> {
        checked(filter.as_deref(), BANS)?;
        let open = ViewOpen {
            of: "bans".to_owned(),
            filter,
            sort: vec![("left".to_owned(), Direction::Asc)],
            cols: None,
            win: Window::At { off: 0, len: WINDOW },
            every_ms: Some(60_000),
            hold: Some(true),
            digest: None,
        };
        let sheet = self.all_of(&open, usize::MAX)?;
        self.output.rows("rustsocks.bans/1", sheet)
    }

    /// Until nobody reads it any more.
    fn logins(&mut self, failures_only: bool, filter: Option<&str>) -> Result<(), Failure> {
        checked(filter, LOGINS)?;
        let p = json!({ "failures_only": failures_only, "filter": filter.unwrap_or_default(), "backlog": BACKLOG });
        let told: Value = self.connection.call("auth.sub", &p)?;
        for login in told["logins"].as_array().into_iter().flatten() {
            self.login(login)?;
        }
        loop {
            let push = self.connection.next_push()?;
            match push.ev.as_str() {
                _ if told["sub"] != push.sub => {}
                "auth" => self.login(&push.d)?,
                "gap" => self.missed_logins(&push.d["lost"])?,
                _ => {}
            }
        }
    }

    /// So many logins that were forgotten before they could be told.
    fn missed_logins(&self, lost: &Value) -> Result<(), Failure> {
        let words = format!("-- {} logins are missing here --", raw(lost));
        match self.output.format {
            Format::Json | Format::Ndjson => Output::document(&json!({ "gap": { "lost": lost } })),
            Format::Csv | Format::Tsv => {
                tell(&words);
                Ok(())
            }
            Format::Table | Format::Plain => Output::line(&words),
        }
    }

    fn login(&mut self, login: &Value) -> Result<(), Failure> {
        match self.output.format {
            Format::Json | Format::Ndjson => {
                let mut exact = login.clone();
                with_dates(&mut exact);
                self.output.next_document(COLUMNS, &exact)
            }
            Format::Csv | Format::Tsv => self.output.next_row(COLUMNS, login),
            Format::Table | Format::Plain => {
                let of = |name: &str| raw(&login[name]);
                let time = login["t"].as_f64().map(crate::shown::time).unwrap_or_default();
                let words = ["result", "user", "src", "method", "why"].map(of);
                let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
                Output::line(&format!("{time} {} {} ms", words.join(" "), of("ms")))
            }
        }
    }

    /// Every key, or those that are not what they would be without the operator.
    pub(super) fn effective(&mut self, changed: bool) -> Result<(), Failure> {
        let answer: Value = self.connection.call("config.effective", &json!({}))?;
        let mut settings = answer["settings"].as_array().cloned().unwrap_or_default();
        settings.retain(|setting| !changed || setting["from"] != "default" || !setting["waiting"].is_null());
        let columns = ["key", "value", "from", "reload", "waiting", "place"].map(|name| (name, Kind::Text));
        self.output.rows("rustsocks.settings/1", Sheet::of_objects(&columns, &settings))
    }
}
