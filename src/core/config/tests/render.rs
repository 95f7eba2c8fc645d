//! The effective settings as TOML: complete, with origins, and readable again.

use config::{Loaded, Override, Source, load};
use proptest::prelude::*;

#[test]
fn every_line_carries_its_origin() {
    let text = "[udp]\nport_range = \"20000-29999\"\n[[listen]]\naddress = \"unix:/run/x.sock\"\n";
    let rendered = read(text, &[Override::flag("--port", "server.bind_port", "1081")]).render();
    let expected = [
        "[server]\nbind_address = \"127.0.0.1\"                  # default\n",
        "bind_port = 1081                            # flag --port\n",
        "\n[[listen]]\naddress = \"unix:/run/x.sock\"                # rustsocks.toml:4\n# name is not set",
        "port_range = \"20000-29999\"                  # rustsocks.toml:2\n",
        "# users_file is not set                     # default\n",
        "protocols = [\"socks5\", \"socks4\", \"http\"]    # default\n",
    ];
    for line in expected {
        assert!(rendered.contains(line), "{line:?} is not in\n{rendered}");
    }
}

#[test]
fn a_path_with_a_line_break_stays_inside_its_comment() {
    let source = Source::File { path: "a\n[evil]\nb.toml", text: "[server]\nbind_port = 1\n" };
    let rendered = load(source, &[]).expect("a right file").render();
    assert!(rendered.contains("# a\\n[evil]\\nb.toml:2\n"), "{rendered}");
}

#[test]
fn everything_that_can_be_written_is_read_back() {
    let text = r#"
[server]
bind_address = "none"
worker_threads = 256
drain_secs = 0
upgrade_drain_secs = 2592000
[[listen]]
address = "[2001:db8::1]:1080"
name = "office"
protocols = ["http", "socks5"]
socks_method = "userpass"
proxy_protocol_from = ["192.0.2.0/24", "192.0.2.1", "::/0"]
advertised_address_v4 = "203.0.113.1"
advertised_address_v6 = "2001:db8::1"
[[listen]]
address = "unix:/run/\"quoted\".sock"
mode = "600"
client_method = "none"
socks_method = "pam.username"
pam_service = "office"
[auth]
client_method = "pam.address"
client_pam_service = "doors"
socks_method = ["userpass", "pam.username", "none"]
socks_pam_service = "a-b_c.9"
users_file = 'C:\odd "path"'
[auth.pam]
default_user = "nobody"
default_ruser = "somebody else"
verbose = true
verify_service_files = false
helpers = 8
config_dir = "/srv/pam.d"
[timeouts]
max_age_secs = 1
[limits]
connection_timeout_secs = 0
max_connections_per_user = 1
max_connections_per_source = 1
max_sources_per_user = 2
new_connections_per_user = "20:100"
new_connections_per_source = "1:1"
bandwidth_limit_mbps = 1000
bandwidth_directions = "together"
bandwidth_per_user_mbps = 0.008
bandwidth_per_session_mbps = "1:0"
[[limits.groups]]
name = "developers"
max_connections = 500
max_connections_per_user = 20
max_sources_per_user = 0
max_age_secs = 0
connection_timeout_secs = 1
half_closed_secs = 2
udp_idle_secs = 3
bandwidth_limit_mbps = 100
bandwidth_guaranteed_mbps = 0.5
bandwidth_priority = 7
bandwidth_burst_kib = 64
bandwidth_per_user_mbps = "0.5:10.25"
bandwidth_per_user_guaranteed_mbps = 0.25
bandwidth_per_user_priority = 0
[[limits.groups]]
name = "guests"
[penalties]
exempt = []
early_drop = "none"
unauthenticated_per_source = 0
[outbound]
address_v4 = "198.51.100.2"
address_v6 = "2001:db8::2"
interface = "eth0.12"
mark = 0xffff_ffff
keepalive_secs = 0
user_timeout_secs = 0
attempt_delay_ms = 10
[dns]
resolver = "system"
[udp]
port_range = "1024"
client_address = "strict"
replies = "any"
[bind]
port_range = "1024-65535"
[guard]
allow = ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:53", "::1", "fe80::/10", "[::1]:53"]
[logging]
level = "trace"
format = "json"
file = "/var/log/rustsocks.log"
"#;
    let loaded = read(text, &[]);
    assert_eq!(read(&loaded.render(), &[]).settings, loaded.settings, "{}", loaded.render());
}

#[test]
fn quotas_that_can_be_written_are_read_back() {
    let text = r#"
[[limits.quotas]]
name = "monthly"
group = "guests"
shared = true
period = "week"
gigabytes = 0.25
counts = "received"
action = "refuse"
end_live = true
slow_mbps = 0.5
warn_at_percent = [50, 0x5f]
reset_hour = 6
reset_day = 7
time_zone = "Europe/Warsaw"
[[limits.quotas]]
name = "plain"
warn_at_percent = []
"#;
    let loaded = read(text, &[]);
    assert_eq!(loaded.settings.quotas.len(), 2);
    assert_eq!(read(&loaded.render(), &[]).settings, loaded.settings, "{}", loaded.render());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Err(problems) = load(Source::File { path: "x", text: &text }, &[]) {
            prop_assert!(!problems.as_slice().is_empty());
        }
    }

    #[test]
    fn any_text_that_looks_like_a_file_is_read_or_refused(
        lines in prop::collection::vec((table(), key(), "[^\r\n]{0,12}"), 0..8),
    ) {
        let lines: Vec<String> = lines.iter().map(|(table, key, value)| format!("[{table}]\n{key} = {value}")).collect();
        let text = lines.join("\n");
        if let Ok(loaded) = load(Source::File { path: "x", text: &text }, &[]) {
            prop_assert_eq!(read(&loaded.render(), &[]).settings, loaded.settings);
        }
    }

    #[test]
    fn any_override_is_read_or_refused(table in table(), key in key(), value in "\\PC{0,20}") {
        let over = Override::flag("--flag", &format!("{table}.{key}"), &value);
        match load(Source::Embedded, &[over]) {
            Ok(loaded) => prop_assert_eq!(read(&loaded.render(), &[]).settings, loaded.settings),
            Err(problems) => prop_assert!(problems.to_string().starts_with("--flag: "), "{problems}"),
        }
    }

    #[test]
    fn any_numbers_survive_being_rendered(port: u16, threads in 0..=256u16, idle in 0..=2_592_000u32, delay in 10..=2000u32) {
        let overrides = [
            Override::flag("a", "server.bind_port", &port.to_string()),
            Override::flag("b", "server.worker_threads", &threads.to_string()),
            Override::flag("c", "limits.connection_timeout_secs", &idle.to_string()),
            Override::flag("d", "outbound.attempt_delay_ms", &delay.to_string()),
        ];
        let loaded = read("", &overrides);
        prop_assert_eq!(loaded.settings.server.bind_port, port);
        prop_assert_eq!(read(&loaded.render(), &[]).settings, loaded.settings);
    }
}

fn table() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["server", "auth", "commands", "outbound", "udp", "guard", "logging", "dns", "[listen]"])
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "bind_address",
        "bind_port",
        "socks_method",
        "connect",
        "interface",
        "mark",
        "port_range",
        "replies",
        "allow",
        "level",
        "file",
        "resolver",
        "address",
        "users_file",
        "address_v6",
        "keepalive_secs",
    ])
}

fn read(text: &str, overrides: &[Override]) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, overrides)
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}
