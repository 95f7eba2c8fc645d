//! Nothing is served with more rights than intended: a step that fails ends the start with code 78 and the reason.

use rig::service::Launch;

use crate::{NOBODY, assert_all_threads, assert_serves, confined, launch};

const CONFIGURATION: i32 = 78;

/// Logs to standard error, which needs no rights.
fn talking(launch: Launch) -> Launch {
    let stderr = launch.directory().join("stderr");
    launch.log_on_stderr(&stderr)
}

fn assert_refused(launch: Launch, words: &[&str]) {
    let refusal = launch.refused().expect("it must not start");
    assert_eq!(refusal.code, Some(CONFIGURATION), "{}", refusal.words);
    for expected in words {
        assert!(refusal.words.contains(expected), "{expected:?} should be in: {}", refusal.words);
    }
}

#[test]
fn users_and_groups_that_do_not_exist_or_are_root_are_refused_with_what_to_do() {
    for (keys, words) in [
        ("user_unprivileged = \"no-such-user\"", &["no user \"no-such-user\"", "useradd --system"][..]),
        ("group_unprivileged = \"no-such-group\"", &["no group \"no-such-group\"", "groupadd --system"]),
        ("user_unprivileged = \"root\"", &["server.user_unprivileged", "user root is root"]),
        ("group_unprivileged = \"root\"", &["server.group_unprivileged", "group root is root"]),
        ("user_privileged = \"nobody\"", &["server.user_privileged is \"nobody\"", "\"root\" has started rustsocks"]),
    ] {
        assert_refused(launch(&format!("[server]\n{keys}\n")), words);
    }
}

/// As under a unit whose `CapabilityBoundingSet=` is too small.
#[test]
fn root_without_the_capability_for_a_step_is_refused_with_the_step() {
    for (missing, words) in [
        ("setuid", &["cannot give up its user", "CAP_SETUID"]),
        ("setgid", &["cannot give up its groups", "CAP_SETGID"]),
        ("setpcap", &["cannot give up capabilities for good", "CAP_SETPCAP"]),
    ] {
        assert_refused(talking(launch("")).behind(&format!("setpriv --bounding-set=-{missing}")), words);
    }
}

/// As in a container without further ids: its root has every capability, and nobody to become.
#[test]
fn root_of_a_namespace_without_other_users_is_refused() {
    let words = ["cannot give up its groups", "start it as another user"];
    assert_refused(talking(launch("")).behind("unshare --user --map-root-user"), &words);
}

/// The log file is opened as the worker's user, before there is a worker.
#[test]
fn root_that_cannot_open_the_log_as_the_worker_says_what_it_lacks() {
    let words = ["cannot open logging.file", "as nobody", "root needs CAP_SETUID and CAP_SETGID"];
    assert_refused(launch("").behind("setpriv --bounding-set=-setuid"), &words);
}

/// Those of the unit in docs/hardening.md.
#[test]
fn root_with_seven_capabilities_serves() {
    let kept = "+setuid,+setgid,+setpcap,+kill,+net_bind_service,+dac_read_search,+audit_write";
    let service = launch("").behind(&format!("setpriv --bounding-set=-all,{kept}")).start();
    assert_serves(&service);
    assert_all_threads(service.worker_pid(), &confined(NOBODY, NOBODY));
}

/// Told to a person who starts the stage by hand, for nothing good can come of it.
#[test]
fn the_launchers_role_is_for_the_monitor() {
    for arguments in [&["--role", "launch"][..], &["--role", "launch", "worker:0:0", "/bin/true", "title"]] {
        let ran = std::process::Command::new(crate::program()).args(arguments).output().expect("the program runs");
        let words = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(CONFIGURATION), "{arguments:?}: {words}");
        assert!(words.contains("this role is for the monitor alone"), "{arguments:?}: {words}");
    }
}
