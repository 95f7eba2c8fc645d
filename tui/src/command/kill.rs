//! Ending sessions: first which, then the question, then the order with the number that was shown.

use wire::admin::{Kill as Order, Killed};

use super::ask::{asked, tell};
use super::{Desk, idem};
use crate::args::Kill;
use crate::failure::Failure;
use crate::output::raw;
use crate::shown::{self, visible};

/// From how many on a "y" does not suffice.
const MANY: u64 = 10;

impl Desk {
    pub(super) fn kill(&mut self, kill: &Kill) -> Result<(), Failure> {
        let ids = (!kill.ids.is_empty()).then(|| kill.ids.clone());
        let epoch = ids.is_some().then(|| self.connection.welcome.epoch.clone());
        let order = Order { ids, filter: kill.filter.clone(), reason: kill.reason.clone(), epoch, ..Order::default() };
        let meant: Killed =
            self.connection.call("sessions.kill", &Order { dry: true, expect: kill.expect, ..order.clone() })?;
        if kill.dry_run || meant.matched == 0 {
            return self.output.record("rustsocks.killed/1", &serde_json::to_value(&meant).unwrap_or_default());
        }
        self.kill_confirmed(&meant)?;
        let expect = Some(kill.expect.unwrap_or(meant.matched));
        // Of ids there can only be fewer by now; what matters there is that they are the same sessions.
        let expect = if order.ids.is_some() { kill.expect } else { expect };
        let killed: Killed = self.connection.call("sessions.kill", &Order { expect, idem: Some(idem()), ..order })?;
        self.output.record("rustsocks.killed/1", &serde_json::to_value(&killed).unwrap_or_default())
    }

    fn kill_confirmed(&self, meant: &Killed) -> Result<(), Failure> {
        if self.may_do_without_asking {
            return Ok(());
        }
        for session in &meant.sample {
            let of = |name: &str| visible(&raw(&session[name])).into_owned();
            tell(&format!("  {}  {}  {} > {}", of("id"), of("user"), of("src"), of("dst")));
        }
        let more = meant.matched.saturating_sub(meant.sample.len() as u64);
        if more > 0 {
            tell(&format!("  … and {more} more"));
        }
        let Killed { users, destinations, bytes, .. } = meant;
        tell(&format!("users {users}, destinations {destinations}, {} so far", shown::bytes(*bytes)));
        if meant.matched > MANY {
            let number = meant.matched.to_string();
            return asked(&format!("end {number} sessions? type the number: "), &number);
        }
        asked(&format!("end {} sessions? [y/N] ", meant.matched), "y")
    }
}
