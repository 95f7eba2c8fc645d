//! What has to be there before the service starts.

use std::fs;
use std::process::Command;

use crate::system::{PERMIT, System, accepts};

#[test]
fn a_service_without_a_file_refuses_the_start() {
    let system = System::with(PERMIT);
    let auth = "socks_method = \"pam.username\"\nsocks_pam_service = \"missing\"";
    let refusal = system.launch(auth, "").refused().expect("it does not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    for words in ["the PAM service \"missing\" has no file", "pam.d/missing", "auth.pam.verify_service_files"] {
        assert!(refusal.words.contains(words), "{words:?} is not in {}", refusal.words);
    }
}

#[test]
fn a_service_that_nobody_asks_needs_no_file() {
    let system = System::with(PERMIT);
    let service = system.launch("socks_method = \"pam.username\"\nclient_pam_service = \"missing\"", "").start();
    assert!(accepts(&service, "alice"));
}

#[test]
fn unverified_a_missing_service_is_the_service_other() {
    let system = System::with(PERMIT);
    system.service("other", "auth required pam_deny.so\naccount required pam_deny.so\n");
    let auth = "socks_method = \"pam.username\"\nsocks_pam_service = \"missing\"";
    let service = system.launch(auth, "").env("RUSTSOCKS_AUTH_PAM_VERIFY_SERVICE_FILES", "false").start();
    assert!(!accepts(&service, "alice"));
    system.service("other", PERMIT);
    assert!(accepts(&service, "alice"));
}

#[test]
fn check_finds_a_missing_service_without_starting_anything() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    fs::write(&config, "[auth]\nsocks_method = \"pam.username\"\n").expect("it can be written");
    let check = |pam_directory: &str| {
        let mut check = Command::new(super::program());
        check.arg("check").arg("--config").arg(&config).env("RUSTSOCKS_AUTH_PAM_CONFIG_DIR", pam_directory);
        check.output().expect("the program runs")
    };
    let missing = check("/nonexistent");
    assert_eq!(missing.status.code(), Some(78), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("has no file /nonexistent/rustsocks"), "{missing:?}");
    let shipped = check(concat!(env!("CARGO_MANIFEST_DIR"), "/config/pam.d"));
    assert_eq!(shipped.status.code(), Some(0), "{shipped:?}");
}

#[test]
fn without_the_helper_beside_it_the_daemon_refuses_the_start() {
    let system = System::with(PERMIT);
    let alone = system.path("rustsocks");
    let copied = Command::new("cp").arg(super::program()).arg(&alone).status().expect("cp is installed");
    assert!(copied.success());
    let refusal = system.launch_of(&alone, "", "").refused().expect("it does not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    assert!(refusal.words.contains("PAM needs the program rustsocks-pam"), "{}", refusal.words);
}

#[test]
fn a_helper_that_cannot_run_refuses_the_start() {
    let system = System::with(PERMIT);
    let alone = system.path("rustsocks");
    let copied = Command::new("cp").arg(super::program()).arg(&alone).status().expect("cp is installed");
    assert!(copied.success());
    system
        .script("rustsocks-pam", "#!/bin/sh\necho 'error while loading shared libraries: libpam.so.0' >&2\nexit 127\n");
    let refusal = system.launch_of(&alone, "", "").refused().expect("it does not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    for words in ["a PAM helper ended before the service was ready", "exit status: 127", "libpam.so.0"] {
        assert!(refusal.words.contains(words), "{words:?} is not in {}", refusal.words);
    }
}

#[test]
fn a_daemon_that_nobody_asks_for_pam_has_no_helpers() {
    let system = System::with(PERMIT);
    let service = system.launch("socks_method = \"none\"", "").start();
    assert_eq!(service.pam_helpers(), Vec::<u32>::new());
}
