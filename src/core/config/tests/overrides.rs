//! What the environment and flags change, what they may not, and how each value's origin is shown.

use std::time::Duration;

use config::{Loaded, LogLevel, Method, Origin, Override, Settings, Source, load};

const FILE: &str = "[server]\nbind_port = 1081\n\n[logging]\n  level = \"warn\"\n";

#[test]
fn a_flag_outranks_the_environment_which_outranks_the_file() {
    let environment = [("RUSTSOCKS_SERVER_BIND_PORT", "1082"), ("RUSTSOCKS_LOGGING_LEVEL", "debug")];
    let flag = Override::flag("--port", "server.bind_port", "1083");

    let file_only = read(FILE, &[]);
    assert_eq!((file_only.settings.server.bind_port, file_only.settings.logging.level), (1081, LogLevel::Warn));

    let with_environment = read(FILE, &variables(&environment));
    assert_eq!(with_environment.settings.server.bind_port, 1082);

    for with_flag in [[vec![flag.clone()], variables(&environment)], [variables(&environment), vec![flag]]] {
        let loaded = read(FILE, &with_flag.concat());
        assert_eq!((loaded.settings.server.bind_port, loaded.settings.logging.level), (1083, LogLevel::Debug));
    }
}

#[test]
fn every_value_knows_its_origin() {
    let mut overrides = variables(&[("RUSTSOCKS_LIMITS_MAX_CONNECTIONS", "7")]);
    overrides.push(Override::flag("--bind", "server.bind_address", "::1"));
    let loaded = read(FILE, &overrides);
    let origin = |key| loaded.origin(key).to_string();
    assert_eq!(origin("server.bind_port"), "rustsocks.toml:2");
    assert_eq!(origin("logging.level"), "rustsocks.toml:5");
    assert_eq!(origin("limits.max_connections"), "environment RUSTSOCKS_LIMITS_MAX_CONNECTIONS");
    assert_eq!(origin("server.bind_address"), "flag --bind");
    assert_eq!(origin("server.backlog"), "default");
    let expected = Origin::File { path: "rustsocks.toml".to_owned(), line: 5, column: 11 };
    assert_eq!(loaded.origin("logging.level"), &expected);
}

#[test]
fn columns_count_characters() {
    let loaded =
        read("server = { \"bind_address\" = \"::1\", bind_port = 1 }\n# żółw\nudp = { replies = \"any\" }", &[]);
    assert_eq!(column(&loaded, "server.bind_port"), 48);
    assert_eq!(column(&loaded, "udp.replies"), 19);
    let loaded = read("logging = { file = \"żółw\", level = \"info\" }", &[]);
    assert_eq!(column(&loaded, "logging.level"), 36);
}

#[test]
fn the_environment_can_set_every_shape_of_value() {
    let loaded = read(
        "",
        &variables(&[
            ("RUSTSOCKS_SERVER_WORKER_THREADS", "3"),
            ("RUSTSOCKS_COMMANDS_BIND", "true"),
            ("RUSTSOCKS_AUTH_SOCKS_METHOD", "userpass, none"),
            ("RUSTSOCKS_AUTH_PAM_DEFAULT_USER", "nobody"),
            ("RUSTSOCKS_AUTH_USERS_FILE", "/etc/rustsocks/users.toml"),
            ("RUSTSOCKS_TIMEOUTS_MAX_AGE_SECS", "3600"),
            ("RUSTSOCKS_OUTBOUND_ATTEMPT_DELAY_MS", "100"),
            ("RUSTSOCKS_OUTBOUND_ADDRESS_V6", "2001:db8::2"),
            ("RUSTSOCKS_UDP_PORT_RANGE", "20000"),
            ("RUSTSOCKS_GUARD_ALLOW", "127.0.0.1:53,10.0.0.0/8, ::1"),
            ("PATH", "/usr/bin"),
            ("RUSTSOCKSX", "not ours"),
        ]),
    );
    let settings = &loaded.settings;
    assert_eq!(settings.server.worker_threads.map(std::num::NonZeroUsize::get), Some(3));
    assert!(settings.commands.bind);
    assert_eq!(settings.auth.socks_method.as_slice(), [Method::UserPass, Method::None]);
    assert_eq!(settings.pam.default_user.as_str(), "nobody");
    assert_eq!(settings.timeouts.max_age, Some(Duration::from_hours(1)));
    assert_eq!(settings.outbound.attempt_delay, Duration::from_millis(100));
    assert_eq!(settings.outbound.address_v6, "2001:db8::2".parse().ok());
    assert_eq!(settings.udp.ports.map(config::Ports::range), Some(20_000..=20_000));
    assert_eq!(settings.guard.allow.len(), 3);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn an_empty_list_can_be_given() {
    let loaded = read("[guard]\nallow = [\"::1\"]", &variables(&[("RUSTSOCKS_GUARD_ALLOW", "")]));
    assert_eq!(loaded.settings.guard.allow, []);
}

#[test]
fn problems_of_overrides_name_the_variable_or_flag() {
    let mut overrides = variables(&[
        ("RUSTSOCKS_SERVER_BIND_PORT", "many"),
        ("RUSTSOCKS_AUTH_PAM_HELPRS", "3"),
        ("RUSTSOCKS_COMMANDS_CONNECT", "1"),
        ("RUSTSOCKS_SERVER_BIND_PROT", "1080"),
        ("RUSTSOCKS_GUARD_ALLOW", "::1,x"),
        ("RUSTSOCKS_LISTEN_ADDRESS", "127.0.0.1:1"),
    ]);
    overrides.push(Override::flag("--bind", "server.bind_address", "0.0.0.0"));
    overrides.push(Override::flag("--verbose", "log.level", "debug"));
    let expected = [
        "RUSTSOCKS_AUTH_PAM_HELPRS: auth.pam_helprs: unknown key; did you mean \"pam_helpers\"?",
        "RUSTSOCKS_COMMANDS_CONNECT: commands.connect: must be true or false, not \"1\"",
        "RUSTSOCKS_GUARD_ALLOW: guard.allow: \"x\" is not an address, a network or an address with a port; \
         write \"192.0.2.1\", \"192.0.2.0/24\", \"192.0.2.1:53\" or \"[2001:db8::1]:53\"",
        "RUSTSOCKS_LISTEN_ADDRESS: listen.address: unknown key; write [[listen]] tables in the file",
        "RUSTSOCKS_SERVER_BIND_PORT: server.bind_port: must be a whole number from 0 to 65535, not \"many\"",
        "RUSTSOCKS_SERVER_BIND_PROT: server.bind_prot: unknown key; did you mean \"bind_port\"?",
        "--bind: server.bind_address: 0.0.0.0:1080 can be reached by others and asks for no authentication; \
         set socks_method = \"userpass\", or listen on 127.0.0.1, or set server.i_understand_open_proxy = true",
        "--verbose: log.level: unknown key; did you mean \"logging\"?",
    ];
    assert_eq!(problems("", &overrides), expected);
}

#[test]
fn a_wrong_value_in_the_file_is_reported_even_when_it_is_overridden() {
    let overrides = [Override::flag("--port", "server.bind_port", "1080")];
    let expected = ["rustsocks.toml:2:13: server.bind_port: must be a whole number from 0 to 65535, not 70000"];
    assert_eq!(problems("[server]\nbind_port = 70000", &overrides), expected);
}

#[test]
fn variables_of_kubernetes_services_are_warnings() {
    let foreign = [
        ("RUSTSOCKS_PORT", "tcp://10.0.0.1:1080"),
        ("RUSTSOCKS_PORT_1080_TCP_ADDR", "10.0.0.1"),
        ("RUSTSOCKS_SERVICE_HOST", "10.0.0.1"),
        ("RUSTSOCKS_UDP_PORT", "udp://10.0.0.1:1080"),
        ("RUSTSOCKS_UDP_PORT_1080_UDP", "udp://10.0.0.1:1080"),
        ("RUSTSOCKS_UDP_SERVICE_PORT", "1080"),
        ("RUSTSOCKS_", "x"),
    ];
    let loaded = read("", &variables(&foreign));
    assert_eq!(loaded.warnings.len(), foreign.len(), "{:#?}", loaded.warnings);
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let expected = "RUSTSOCKS_UDP_PORT: udp.port: is not a setting and is ignored".to_owned();
    assert!(warnings.contains(&expected), "{warnings:#?}");
}

/// Whoever has it exported for the client may start a daemon, too.
#[test]
fn the_variable_of_the_client_is_nobodys_setting() {
    let loaded = read("", &variables(&[("RUSTSOCKS_ADMIN", "/run/rustsocks/admin.sock")]));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.settings, Settings::default());
}

fn variables(pairs: &[(&str, &str)]) -> Vec<Override> {
    Override::environment(pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
}

fn read(text: &str, overrides: &[Override]) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, overrides).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str, overrides: &[Override]) -> Vec<String> {
    let problems = load(Source::File { path: "rustsocks.toml", text }, overrides).expect_err("the table is wrong");
    problems.as_slice().iter().map(ToString::to_string).collect()
}

fn column(loaded: &Loaded, key: &str) -> usize {
    match loaded.origin(key) {
        Origin::File { column, .. } => *column,
        other @ (Origin::Default | Origin::Environment { .. } | Origin::Flag { .. }) => panic!("{key} is from {other}"),
    }
}
