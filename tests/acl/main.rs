//! The rules on live traffic: every way round them that peers leave open is tried against the real program.
//!
//! Needs root, for name servers on port 53.

mod conditions;
mod evasion;
mod refusals;
mod subjects;

use std::path::Path;

use rig::daemon::Daemon;
use rig::rules::Rules;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// The network that the rules of these tests block, and an address in it.
const BLOCKED: [u8; 4] = [127, 0, 66, 1];

/// Everyone may go everywhere, but not there.
const ALL_BUT_BLOCKED: &str = r#"
[global]
default_policy = "deny"

[[users]]
username = "*"

  [[users.rules]]
  action = "allow"
  description = "everywhere"
  destinations = ["*"]

  [[users.rules]]
  action = "block"
  description = "the blocked network"
  destinations = ["127.0.66.0/24"]
"#;

/// A daemon that obeys the rules, with further settings.
fn ruled(rules: &Rules, settings: &str) -> Daemon {
    Daemon::start(program(), &[LOOPBACK, &rules.settings(), settings].concat())
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
