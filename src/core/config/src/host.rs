//! Keys that say with which rights the service runs, who may look at it and give it orders, or which files of the host it opens.
//!
//! They are nobody's to change but theirs who may write the file: a service in foreign hands that could would give itself the host.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// Whole tables, and keys of others; `listen` is compared apart.
const TABLES: [&str; 4] = ["auth.pam", "metrics", "api", "admin"];
const KEYS: [&str; 13] = [
    "server.user_privileged",
    "server.user_unprivileged",
    "server.group_unprivileged",
    "server.sandbox",
    "auth.users_file",
    "auth.client_pam_service",
    "auth.socks_pam_service",
    "acl.config_file",
    "dns.resolv_conf",
    "dns.hosts_file",
    "sessions.database_url",
    "logging.file",
    "logging.session_log",
];

/// The keys of this kind by which two texts of a configuration differ (`admin.socket`, `listen.pam_service`), in the order of the
/// alphabet. A text that is no TOML has none.
#[must_use]
pub fn host_keys_changed(before: &str, after: &str) -> Vec<String> {
    let [before, after] = [before, after].map(host_keys);
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

fn host_keys(text: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found = BTreeMap::new();
    if let Ok(root) = text.parse::<Table>() {
        collect("", &root, &mut found);
        for listener in root.get("listen").and_then(Value::as_array).into_iter().flatten() {
            collect_listener(listener, &mut found);
        }
    }
    for values in found.values_mut() {
        values.sort_by_key(Value::to_string);
    }
    found
}

fn collect(within: &str, table: &Table, found: &mut BTreeMap<String, Vec<Value>>) {
    for (name, value) in table {
        let key = if within.is_empty() { name.clone() } else { format!("{within}.{name}") };
        if let Value::Table(inner) = value {
            collect(&key, inner, found);
        } else if is_of_host(&key) {
            found.entry(key).or_default().push(value.clone());
        }
    }
}

fn is_of_host(key: &str) -> bool {
    KEYS.contains(&key) || key.rsplit_once('.').is_some_and(|(table, _)| TABLES.contains(&table))
}

/// A password is asked about with the rights of root, and a socket in the file system is made with them.
fn collect_listener(listener: &Value, found: &mut BTreeMap<String, Vec<Value>>) {
    let address = listener.get("address").and_then(Value::as_str).unwrap_or_default();
    let is_in_files = address.starts_with("unix:");
    let of_host = [("address", is_in_files), ("mode", is_in_files), ("pam_service", true)];
    for (name, _) in of_host.into_iter().filter(|(_, counts)| *counts) {
        if let Some(value) = listener.get(name) {
            found.entry(format!("listen.{name}")).or_default().push(value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_give_the_service_the_host_is_found() {
        let before = "[admin]\nsocket = \"/run/a\"\n[server]\nuser_unprivileged = \"socks\"\n";
        for (after, key) in [
            ("[admin]\nsocket = \"/run/b\"\n[server]\nuser_unprivileged = \"socks\"", "admin.socket"),
            ("admin = { socket = \"/run/a\" }\nserver.user_unprivileged = \"root\"", "server.user_unprivileged"),
            ("[admin]\nsocket = \"/run/a\"", "server.user_unprivileged"),
            (&format!("{before}[auth]\nusers_file = \"/etc/shadow\""), "auth.users_file"),
            (&format!("{before}[auth.pam]\nconfig_dir = \"/tmp\""), "auth.pam.config_dir"),
            (&format!("{before}[[listen]]\naddress = \"unix:/run/docker.sock\""), "listen.address"),
            (&format!("{before}[[listen]]\naddress = \"127.0.0.1:1\"\npam_service = \"other\""), "listen.pam_service"),
        ] {
            assert_eq!(host_keys_changed(before, after), [key], "{after}");
        }
    }

    #[test]
    fn other_keys_order_and_manner_of_writing_are_free() {
        let before =
            "[admin]\nsocket = \"/run/a\"\n[[listen]]\naddress = \"unix:/a\"\n[[listen]]\naddress = \"unix:/b\"\n";
        let after = "listen = [{ address = \"unix:/b\" }, { address = \"unix:/a\" }, { address = \"0.0.0.0:1080\" }]\n\
                     admin.socket = '/run/a'\nlimits.max_connections = 5\nserver.worker_threads = 2\nlogging.level = \"warn\"";
        assert_eq!(host_keys_changed(before, after), [""; 0]);
    }

    #[test]
    fn every_key_of_the_list_is_one_of_the_configuration() {
        let all = include_str!("../../../../config/rustsocks.toml");
        for key in KEYS {
            let (table, name) = key.rsplit_once('.').expect("a key of a table");
            assert!(all.contains(&format!("\n[{table}]\n")), "{table}");
            let is_line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{name} = "));
            assert!(all.lines().any(is_line), "{key}");
        }
        assert!(TABLES.iter().all(|table| all.contains(&format!("\n[{table}]\n"))));
    }
}
