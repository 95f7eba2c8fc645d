//! The tables that daemon, command line and console share: what can be asked about live sessions, and about past ones.

use crate::fields::{Field, Kind};

const PROTOCOLS: &[&str] = &["tcp", "udp"];
const COMMANDS: &[&str] = &["connect", "bind", "udp_associate", "resolve", "resolve_ptr"];
const VERDICTS: &[&str] = &["allow", "deny"];
const DECISIONS: &[&str] = &["allow", "block"];

/// What a session is known by, `$whose` after the user, and what else a table of sessions has.
macro_rules! of_sessions {
    ($whose:expr; $($further:expr,)*) => {
        &[
            Field::bare("id", Kind::Name),
            Field::bare("user", Kind::Text),
            $whose,
            Field::bare("src", Kind::Address),
            Field::bare("dst", Kind::Destination),
            Field::bare("host", Kind::Name),
            Field::bare("ip", Kind::Address),
            Field::new("port", Kind::Count),
            Field::new("proto", Kind::Word(PROTOCOLS)),
            $($further,)*
        ]
    };
}

/// Live sessions.
pub const SESSIONS: &[Field] = of_sessions![
    Field::bare("group", Kind::Text);
    Field::new("cmd", Kind::Word(COMMANDS)),
    Field::new("state", Kind::Name),
    Field::new("age", Kind::Duration),
    Field::new("idle", Kind::Duration),
    Field::new("start", Kind::Time),
    Field::new("up", Kind::Bytes),
    Field::new("down", Kind::Bytes),
    Field::new("total", Kind::Bytes),
    Field::new("rate", Kind::Rate),
    Field::new("limit", Kind::Text),
    Field::bare("rule", Kind::Text),
    Field::new("decision", Kind::Word(DECISIONS)),
    Field::new("auth", Kind::Name),
    Field::bare("listener", Kind::Text),
    Field::new("gen", Kind::Count),
];

/// Live sessions for whom other rules would decide otherwise.
pub const WHATIF: &[Field] = of_sessions![
    Field::bare("group", Kind::Text);
    Field::new("age", Kind::Duration),
    Field::new("before", Kind::Word(VERDICTS)),
    Field::bare("rule_before", Kind::Text),
    Field::new("after", Kind::Word(VERDICTS)),
    Field::bare("rule_after", Kind::Text),
    Field::new("own", Kind::Word(&["yes", "no"])),
];

/// Users: those of the users file, whoever else is in, and names that nobody got in by. What ends in 24 is of the last 24 hours.
pub const USERS: &[Field] = &[
    Field::bare("name", Kind::Text),
    Field::bare("group", Kind::Text),
    Field::new("state", Kind::Word(&["enabled", "disabled", "elsewhere", "unknown"])),
    Field::new("from", Kind::Word(&["file", "pam"])),
    Field::new("sessions", Kind::Count),
    Field::new("rate", Kind::Rate),
    Field::new("up", Kind::Bytes),
    Field::new("down", Kind::Bytes),
    Field::new("up24", Kind::Bytes),
    Field::new("down24", Kind::Bytes),
    Field::new("denied24", Kind::Count),
    Field::new("fails24", Kind::Count),
];

/// Classes that share the bandwidth.
pub const LIMITS: &[Field] = &[
    Field::bare("name", Kind::Text),
    Field::new("kind", Kind::Word(&["global", "group", "user", "source", "rule", "session"])),
    Field::new("using", Kind::Rate),
    Field::new("limit", Kind::Rate),
    Field::new("pct", Kind::Count),
    Field::new("sessions", Kind::Count),
    Field::new("waiting", Kind::Count),
    Field::new("origin", Kind::Word(&["users", "config", "rule", "override", "quota"])),
    Field::new("throttled", Kind::Count),
    Field::new("held_by", Kind::Word(&["own", "parent", "siblings", "below"])),
    Field::new("refused", Kind::Count),
    Field::new("quota", Kind::Count),
];

/// Sources that are turned away because they guessed.
pub const BANS: &[Field] = &[
    Field::bare("src", Kind::Address),
    Field::new("age", Kind::Duration),
    Field::new("left", Kind::Duration),
    Field::new("turned_away", Kind::Count),
];

/// Logins that were tried.
pub const LOGINS: &[Field] = &[
    Field::new("result", Kind::Word(&["ok", "fail", "error", "blocked"])),
    Field::bare("user", Kind::Text),
    Field::bare("src", Kind::Address),
    Field::new("method", Kind::Name),
    Field::bare("listener", Kind::Text),
    Field::bare("why", Kind::Name),
    Field::new("took", Kind::Duration),
];

/// Records of the audit log.
pub const AUDIT: &[Field] = &[
    Field::new("seq", Kind::Count),
    Field::new("t", Kind::Time),
    Field::bare("id", Kind::Name),
    Field::new("phase", Kind::Word(&["intent", "done", "failed", "denied"])),
    Field::bare("user", Kind::Text),
    Field::bare("login", Kind::Text),
    Field::bare("token", Kind::Text),
    Field::bare("trigger", Kind::Text),
    Field::new("role", Kind::Name),
    Field::bare("op", Kind::Name),
    Field::bare("target", Kind::Text),
    Field::bare("changes", Kind::Text),
    Field::bare("result", Kind::Text),
    Field::bare("comment", Kind::Text),
    Field::bare("idem", Kind::Text),
];

/// Sessions as the history keeps them; `user=alice` is answered from an index, `user~alice` is not.
pub const HISTORY: &[Field] = of_sessions![
    Field::bare("claimed", Kind::Text);
    Field::new("cmd", Kind::Word(COMMANDS)),
    Field::new("status", Kind::Word(&["active", "closed", "failed", "rejected", "interrupted"])),
    Field::new("start", Kind::Time),
    Field::new("end", Kind::Time),
    Field::new("dur", Kind::Duration),
    Field::new("up", Kind::Bytes),
    Field::new("down", Kind::Bytes),
    Field::new("total", Kind::Bytes),
    Field::bare("rule", Kind::Text),
    Field::new("decision", Kind::Word(DECISIONS)),
    Field::bare("reason", Kind::Text),
    Field::new("auth", Kind::Name),
    Field::bare("listener", Kind::Text),
    Field::new("gen", Kind::Count),
];
