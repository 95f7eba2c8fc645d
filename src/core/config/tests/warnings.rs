//! What may be loaded and is hardly meant.

use config::{Source, load};

#[test]
fn an_idle_users_file_is_only_a_warning() {
    let text = "[auth]\nusers_file = \"users.toml\"";
    let loaded = load(Source::File { path: "rustsocks.toml", text }, &[]).expect("a warning stops nothing");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let expected = "rustsocks.toml:2:14: auth.users_file: is not read: no listener uses \"userpass\"; \
                    set auth.socks_method = \"userpass\", or remove it";
    assert_eq!(warnings, [expected]);
}

#[test]
fn a_user_timeout_that_cuts_probes_short_is_a_warning() {
    let cases = [
        ("user_timeout_secs = 60", Some(("rustsocks.toml:2:21: ", 1, 120))),
        ("user_timeout_secs = 76", Some(("rustsocks.toml:2:21: ", 2, 120))),
        ("user_timeout_secs = 119", Some(("rustsocks.toml:2:21: ", 4, 120))),
        ("keepalive_secs = 300", Some(("rustsocks.toml:2:18: ", 1, 360))),
        ("keepalive_secs = 300\nuser_timeout_secs = 360", None),
        ("keepalive_secs = 0\nuser_timeout_secs = 10", None),
        ("user_timeout_secs = 0", None),
        ("", None),
    ];
    for (lines, expected) in cases {
        let text = format!("[outbound]\n{lines}");
        let loaded = load(Source::File { path: "rustsocks.toml", text: &text }, &[]).expect("a warning stops nothing");
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        let expected = expected.map(|(place, sent, all)| {
            format!(
                "{place}outbound.user_timeout_secs: ends idle connections, too, after {sent} of 4 unanswered probes; \
                 {all} s let all of them be sent, and 0 leaves it to the kernel"
            )
        });
        assert_eq!(warnings, Vec::from_iter(expected), "{lines}");
    }
}

#[test]
fn an_idle_pam_service_is_only_a_warning() {
    let text = "[[listen]]\naddress = \"127.0.0.1:1\"\npam_service = \"office\"";
    let loaded = load(Source::File { path: "rustsocks.toml", text }, &[]).expect("a warning stops nothing");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let expected = "rustsocks.toml:3:15: listen[0].pam_service: is not asked: no method of this listener asks PAM; \
                    set socks_method = \"pam.username\", or remove it";
    assert_eq!(warnings, [expected]);
}

#[test]
fn guarantees_that_cannot_all_be_kept_are_warnings() {
    let groups = "[[limits.groups]]\nname = \"a\"\nbandwidth_guaranteed_mbps = 80\n\
                  [[limits.groups]]\nname = \"b\"\nbandwidth_guaranteed_mbps = 80\nbandwidth_per_user_guaranteed_mbps = 5\n";
    let told = |limits: &str| {
        let text = format!("[limits]\n{limits}\n{groups}");
        let loaded = load(Source::File { path: "rustsocks.toml", text: &text }, &[]).expect("it is no error");
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = "rustsocks.toml:2:24: limits.bandwidth_limit_mbps: is less than what bandwidth_guaranteed_mbps of all groups is together; raise it, or guarantee less";
    assert_eq!(told("bandwidth_limit_mbps = 100"), [all]);
    assert_eq!(told("bandwidth_limit_mbps = \"200:159\""), [all]);
    let user = "rustsocks.toml:9:38: limits.groups[1].bandwidth_per_user_guaranteed_mbps: more is guaranteed to each user than bandwidth_per_user_mbps lets pass; lower this one or raise the other";
    assert_eq!(told("bandwidth_per_user_mbps = 4"), [user]);
    for kept in ["bandwidth_limit_mbps = 160", "bandwidth_limit_mbps = 0", "bandwidth_per_user_mbps = 5"] {
        assert_eq!(told(kept), [""; 0], "{kept}");
    }
    assert_eq!(told("bandwidth_limit_mbps = \"200:159\"\nbandwidth_directions = \"together\""), [""; 0]);
}
