//! Ending sessions: first which, then the question, then the order with the number that was shown.

use wire::admin::{Kill as Order, Killed};

use super::ask::{asked, tell};
use super::{Desk, idem};
use crate::args::Kill;
use crate::failure::Failure;
use crate::output::{Output, raw};
use crate::shown;

/// From how many on a "y" does not suffice.
const MANY: u64 = 10;

impl Desk {
    pub(super) fn kill(&mut self, kill: &Kill) -> Result<(), Failure> {
        let ids = (!kill.ids.is_empty()).then(|| kill.ids.clone());
        let epoch = ids.is_some().then(|| self.connection.welcome.epoch.clone());
        let order = Order { ids, filter: kill.filter.clone(), reason: kill.reason.clone(), epoch, ..Order::default() };
        let meant: Killed =
            self.connection.call("sessions.kill", &Order { dry: true, expect: kill.expect, ..order.clone() })?;
        if kill.dry_run && self.output.is_for_people() && self.output.fields.is_none() {
            return listed(&meant).iter().try_for_each(|line| Output::line(line));
        }
        if kill.dry_run || meant.matched == 0 {
            return self.came_of(&meant);
        }
        self.kill_confirmed(&meant)?;
        let expect = Some(kill.expect.unwrap_or(meant.matched));
        // Of ids there can only be fewer by now; what matters there is that they are the same sessions.
        let expect = if order.ids.is_some() { kill.expect } else { expect };
        let killed: Killed = self.connection.call("sessions.kill", &Order { expect, idem: Some(idem()), ..order })?;
        self.came_of(&killed)
    }

    /// In numbers, and for programs some of them.
    pub(super) fn came_of(&self, killed: &Killed) -> Result<(), Failure> {
        let mut answer = serde_json::to_value(killed).unwrap_or_default();
        if let (true, Some(answer)) = (self.output.is_for_people(), answer.as_object_mut()) {
            answer.remove("sample");
        }
        self.output.record("rustsocks.killed/1", &answer)
    }

    fn kill_confirmed(&self, meant: &Killed) -> Result<(), Failure> {
        if self.may_do_without_asking {
            return Ok(());
        }
        for line in listed(meant) {
            tell(&line);
        }
        if meant.matched > MANY {
            let number = meant.matched.to_string();
            return asked(&format!("end {number} sessions? type the number: "), &number);
        }
        asked(&format!("end {} sessions? [y/N] ", meant.matched), "y")
    }
}

/// Some of them, and what they are together.
fn listed(meant: &Killed) -> Vec<String> {
    let mut lines = Vec::new();
    for session in &meant.sample {
        let of = |name: &str| raw(&session[name]);
        lines.push(format!("  {}  {}  {} > {}", of("id"), of("user"), of("src"), of("dst")));
    }
    let Killed { matched, users, destinations, bytes, .. } = meant;
    let more = matched.saturating_sub(meant.sample.len() as u64);
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    lines.push(format!(
        "sessions {matched}, users {users}, destinations {destinations}, {} so far",
        shown::bytes(*bytes)
    ));
    lines
}
