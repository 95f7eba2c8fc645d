//! Reloads: ordered, rehearsed, and waited for.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::acl::INVALID;
use super::files::faults;
use super::{Desk, idem};
use crate::args::{Reload, What};
use crate::failure::Failure;
use crate::output::{Output, raw};

/// How long `wait` waits if nobody says.
const USUALLY: &str = "20s";

const SCHEMA: &str = "rustsocks.reload/1";

impl Desk {
    pub(super) fn reload(&mut self, reload: &Reload) -> Result<ExitCode, Failure> {
        let Reload { what, behind, dry_run, timeout, since } = reload;
        if let Some(behind) = behind {
            let is_wait = *what == What::Wait;
            let words = if is_wait {
                format!("type reload wait --timeout {behind}")
            } else {
                format!("{behind} is too much; one reload has one name, and all is without any")
            };
            return Err(Failure::Usage(words));
        }
        if *what != What::Wait && (timeout.is_some() || since.is_some()) {
            return Err(Failure::Usage("--timeout and --since are of `reload wait` alone".to_owned()));
        }
        let what = match what {
            What::All => "all",
            What::Config => "config",
            What::Acl => "acl",
            What::Users => "users",
            What::Logs => {
                let words = "a log that was renamed or removed is opened anew within a second, without an order; \
                             SIGHUP to the service does it at once";
                return Err(Failure::Usage(words.to_owned()));
            }
            What::Wait if *dry_run => {
                return Err(Failure::Usage("`reload wait` reads nothing, so that there is nothing to try".to_owned()));
            }
            What::Wait => return self.wait_for_reload(*since, patience(timeout.as_deref().unwrap_or(USUALLY))?),
        };
        if *dry_run { self.rehearse(what) } else { self.reloaded(what) }
    }

    fn reloaded(&mut self, what: &str) -> Result<ExitCode, Failure> {
        let answer = self.connection.call("reload.run", &json!({ "what": what, "idem": idem() }));
        match answer {
            Ok(told) => self.came_of_it(&told),
            // What came of it is an answer too.
            Err(Failure::Refused(Refusal { code: Code::Invalid, data: Some(data), .. }))
                if data["reload"].is_object() =>
            {
                self.came_of_it(&data["reload"])
            }
            Err(failure) => Err(failure),
        }
    }

    /// What a reload would do; what is wrong is the exit code.
    fn rehearse(&mut self, what: &str) -> Result<ExitCode, Failure> {
        let told: Value = self.connection.call("reload.run", &json!({ "what": what, "dry": true }))?;
        if self.is_read_by_people() {
            report(&told).iter().try_for_each(|line| Output::line(line))?;
        } else {
            self.output.record("rustsocks.rehearsal/1", &told)?;
        }
        Ok(if told["success"] == true { ExitCode::SUCCESS } else { ExitCode::from(INVALID) })
    }

    /// Behind that generation, or the next one.
    fn wait_for_reload(&mut self, since: Option<u64>, patience: Duration) -> Result<ExitCode, Failure> {
        let p = since.map_or_else(|| json!({}), |since| json!({ "since": since }));
        let until = Instant::now().checked_add(patience);
        let until = until.ok_or_else(|| Failure::Usage(format!("nobody can wait for {} s", patience.as_secs())))?;
        let sub: Value = self.connection.call("reload.sub", &p)?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let push = if left.is_zero() { None } else { self.connection.next_push_within(left)? };
            let Some(push) = push else {
                return Err(Failure::Refused(Refusal::new(Code::Timeout, "no reload was over in time")));
            };
            if sub["sub"] == push.sub && push.ev == "reload" {
                return self.came_of_it(&push.d);
            }
        }
    }

    /// What came of it; if anything failed, that is the failure.
    fn came_of_it(&self, reload: &Value) -> Result<ExitCode, Failure> {
        if self.is_read_by_people() {
            report(reload).iter().try_for_each(|line| Output::line(line))?;
            let of = |name: &str| raw(&reload[name]);
            let ended =
                if reload["revoked"] == 0 { String::new() } else { format!(", {} sessions ended", of("revoked")) };
            Output::line(&format!("reload {}, trigger {}{ended}", of("generation"), of("trigger")))?;
        } else {
            self.output.record(SCHEMA, reload)?;
        }
        let bad = || Failure::Refused(Refusal::new(Code::Invalid, "something of it stayed as it was"));
        if reload["success"] == true { Ok(ExitCode::SUCCESS) } else { Err(bad()) }
    }

    fn is_read_by_people(&self) -> bool {
        self.output.is_for_people() && self.output.fields.is_none()
    }
}

/// What a reload did, or with `dry` would do: a line for each component and for each fault.
pub(crate) fn report(told: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let is_dry = told["dry"] == true;
    for component in told["components"].as_array().into_iter().flatten() {
        let of = |name: &str| raw(&component[name]);
        let part = |words: &str, what: String| if what.is_empty() { what } else { format!("  {words} {what}") };
        let result = match component["result"].as_str() {
            Some("applied") if is_dry => "would be applied",
            Some("applied") => "applied",
            Some("failed") if is_dry => "WOULD FAIL",
            Some("failed") => "FAILED",
            Some(_) | None => "says what is in force",
        };
        let (changes, restart) = (part("changes", of("changes")), part("waits for a start:", of("needs_restart")));
        lines.push(format!("{:<20} {result}{changes}{restart}", of("component")));
        lines.extend(faults(component).into_iter().map(|fault| format!("! {fault}")));
    }
    lines
}

/// `20s`, or in seconds `20`.
fn patience(text: &str) -> Result<Duration, Failure> {
    let patience = filter::read_duration(text).map(Duration::from_micros);
    patience.ok_or_else(|| Failure::Usage(format!("{text:?} is no time to wait; write 20s or 2m")))
}
