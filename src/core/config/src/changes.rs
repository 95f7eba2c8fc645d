//! What another configuration changes, by key, and what of it only a restart can change.

use crate::render::Shown;
use crate::settings::{Dns, Logging, Server, Settings};

/// What differs between two configurations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Every key whose value differs: `limits.max_connections`, `listen[0].name`; a table that came or went is one change.
    pub keys: Vec<String>,
}

impl Settings {
    /// Puts everything that cannot change while the service runs back to what it was at its start, and says which keys that were.
    ///
    /// Whatever is not named here takes effect with a reload.
    #[must_use]
    pub fn keep_fixed(&mut self, start: &Self) -> Changes {
        let wanted = self.clone();
        let Self { server, pam, outbound, dns, sessions, metrics, api, admin, logging, .. } = self;
        *server = Server {
            user_privileged: start.server.user_privileged.clone(),
            user_unprivileged: start.server.user_unprivileged.clone(),
            group_unprivileged: start.server.group_unprivileged.clone(),
            sandbox: start.server.sandbox,
            worker_threads: start.server.worker_threads,
            ..server.clone()
        };
        // The helpers were started with these.
        pam.clone_from(&start.pam);
        // Only a worker that was started for it may give marks.
        outbound.mark = outbound.mark.filter(|_| start.outbound.mark.is_some());
        // The sandbox opens these and no others.
        *dns = Dns {
            resolver: start.dns.resolver,
            resolv_conf: start.dns.resolv_conf.clone(),
            hosts_file: start.dns.hosts_file.clone(),
            ..dns.clone()
        };
        // The history has its place in the sandbox, too.
        sessions.clone_from(&start.sessions);
        metrics.clone_from(&start.metrics);
        api.clone_from(&start.api);
        admin.clone_from(&start.admin);
        *logging = Logging { level: logging.level, ..start.logging.clone() };
        wanted.changes(self)
    }

    /// Whether only a start changes this key (`server.sandbox`), as [`keep_fixed`](Self::keep_fixed) has it.
    #[must_use]
    pub fn is_fixed(key: &str) -> bool {
        let (table, name) = key.rsplit_once('.').unwrap_or((key, ""));
        match table {
            "auth.pam" | "sessions" | "metrics" | "api" | "admin" => true,
            "server" => ["user_privileged", "user_unprivileged", "group_unprivileged", "sandbox", "worker_threads"]
                .contains(&name),
            "dns" => ["resolver", "resolv_conf", "hosts_file"].contains(&name),
            "outbound" => name == "mark",
            "logging" => name != "level",
            _ => false,
        }
    }

    /// Every key (`server.bind_port`, `listen[0].mode`) and its value as TOML, if it has one.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, Option<String>)> {
        let tables = self.shown().into_iter();
        tables
            .flat_map(|(table, keys)| keys.into_iter().map(move |(key, value)| (format!("{table}.{key}"), value)))
            .collect()
    }

    /// What is different from before. The `[[listen]]` tables of one address are compared with each other.
    #[must_use]
    pub fn changes(&self, before: &Self) -> Changes {
        let mut keys = Vec::new();
        let mut left = before.shown();
        for (name, table) in self.shown() {
            match left.iter().position(|(other, former)| is_same_table(&name, &table, other, former)) {
                Some(at) => {
                    let (_, former) = left.remove(at);
                    let pairs = table.iter().zip(&former).filter(|(now, then)| now != then);
                    keys.extend(pairs.map(|((key, _), _)| format!("{name}.{key}")));
                }
                None => keys.push(format!("{name} added")),
            }
        }
        keys.extend(left.into_iter().map(|(name, _)| format!("{name} removed")));
        Changes { keys }
    }
}

/// Those of `[[listen]]` are known by their address, every other by its name.
fn is_same_table(name: &str, table: &[Shown], other: &str, former: &[Shown]) -> bool {
    let address = |table: &[Shown]| table.iter().find(|(key, _)| *key == "address").map(|(_, value)| value.clone());
    match (name.starts_with("listen["), other.starts_with("listen[")) {
        (true, true) => address(table) == address(former),
        (false, false) => name == other,
        (true, false) | (false, true) => false,
    }
}
