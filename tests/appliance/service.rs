//! The unit: started and enabled by the installation, confined, reloaded, and replaced when it hangs.

use std::time::Duration;

use rig::target::{Target, echo, tunnel};
use rig::visitor::{Failure, Visitors, visit};
use rig::wait::{PATIENCE, eventually};

use crate::package::install;
use crate::{CONFIGURATION, PROXY, edit, on_each_release, open_loopback};

#[test]
fn it_runs_once_it_is_installed_and_confines_itself() {
    on_each_release(|machine| {
        assert_eq!(machine.run(&["systemctl", "is-enabled", "rustsocks"]).trim(), "enabled");
        assert_eq!(machine.property("ActiveState"), "active");
        machine.hears("the worker is confined: user socks");
        let security = machine.run(&["systemd-analyze", "security", "--no-pager", "rustsocks"]);
        let exposure = security.rsplit_once("Overall exposure level for rustsocks.service: ").expect("it has a sum").1;
        let exposure: f64 = exposure.split(' ').next().and_then(|number| number.parse().ok()).expect("it is a number");
        assert!(exposure <= 3.0, "{security}");
        let complaints = machine.run(&["systemd-analyze", "verify", "--man=no", "rustsocks.service"]);
        assert_eq!(complaints, "");
        assert!(machine.property("StatusText").starts_with("Serving: worker "), "{}", machine.property("StatusText"));
        // Nothing of that keeps a thread from asking for short turns, where the kernel has them.
        let relays = format!(
            "grep --no-messages --files-with-matches ^relay- /proc/{}/task/*/comm | xargs dirname",
            machine.workers()[0]
        );
        let turns =
            machine.shell(&format!("for task in $({relays}); do grep --no-messages ^se.slice $task/sched; done; true"));
        assert!(turns.lines().all(|turn| turn.ends_with(" 100000")), "{turns}");
    });
}

#[test]
fn a_reload_changes_what_it_does_and_ends_nobody() {
    on_each_release(|machine| {
        let target = Target::listen().serve(echo);
        assert!(matches!(visit(PROXY, target, b"guarded"), Err(Failure::Refused(2))));
        open_loopback(machine);
        let became_open = || visit(PROXY, target, b"open").is_ok();
        assert!(eventually(PATIENCE, became_open), "{}", machine.journal());
        let (mut client, mut peer) = tunnel(PROXY);
        machine.run(&["systemctl", "reload", "rustsocks"]);
        client.send(b"still here");
        assert_eq!(&peer.receive::<10>(), b"still here");
        assert_eq!(machine.property("NRestarts"), "0");
    });
}

#[test]
fn what_operators_order_is_written_into_its_files_although_all_else_is_closed_to_it() {
    on_each_release(|machine| {
        machine.run(&["rustsocks-cli", "config", "set", "limits.max_connections", "4321", "--yes"]);
        assert_eq!(machine.shell(&format!("grep '^max_connections =' {CONFIGURATION}")), "max_connections = 4321\n");
        machine.run(&["rustsocks-cli", "config", "rollback", "1", "--yes"]);
        assert_eq!(machine.shell(&format!("grep '^max_connections =' {CONFIGURATION}")), "max_connections = 10000\n");
        assert_eq!(machine.shell(&format!("stat -c %U:%G:%a {CONFIGURATION}")), "root:root:644\n");
    });
}

#[test]
fn a_reload_of_nonsense_fails_with_the_reason_and_changes_nothing() {
    on_each_release(|machine| {
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        assert!(eventually(PATIENCE, || visit(PROXY, target, b"open").is_ok()));
        edit(machine, "s|^bind_port = 1080$|bind_prot = 1080|");
        assert!(!machine.inside(&["systemctl", "reload", "rustsocks"]).success);
        machine.hears(&format!("{CONFIGURATION}:"));
        machine.hears("server.bind_prot: unknown key; did you mean \"bind_port\"?");
        assert!(visit(PROXY, target, b"as before").is_ok());
        assert_eq!(machine.property("ActiveState"), "active");
    });
}

#[test]
fn with_its_socket_unit_the_first_client_starts_it_and_restart_and_upgrade_refuse_nobody() {
    on_each_release(|machine| {
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        machine.run(&["systemctl", "stop", "rustsocks.service"]);
        assert!(matches!(visit(PROXY, target, b"nobody"), Err(Failure::NotConnected(_))));
        machine.run(&["systemctl", "enable", "--now", "rustsocks.socket"]);
        assert_eq!(machine.property("ActiveState"), "inactive");
        let first = visit(PROXY, target, b"the first client starts it");
        assert!(first.is_ok(), "{first:?}: {}", machine.journal());
        machine.hears("socket taken over from the service manager name=\"socks\" place=127.0.0.1:1080");
        let visitors = Visitors::come(PROXY, target);
        machine.run(&["systemctl", "restart", "rustsocks.service"]);
        machine.run(&["systemctl", "reload", "rustsocks.service"]);
        let main = machine.property("MainPID");
        install(machine, "next");
        machine.hears("the former worker retires");
        assert_eq!(machine.property("MainPID"), main, "an upgrade is no restart");
        let failed: Vec<_> = visitors.stop().into_iter().filter_map(Result::err).collect();
        assert!(failed.is_empty(), "{failed:?}: {}", machine.journal());
        machine.run(&["dpkg", "--remove", "rustsocks"]);
        assert_eq!(machine.inside(&["systemctl", "is-active", "rustsocks.socket"]).text.trim(), "inactive");
        assert!(matches!(visit(PROXY, target, b"nobody"), Err(Failure::NotConnected(_))));
    });
}

#[test]
fn a_worker_that_hangs_is_replaced_without_a_restart_of_the_service() {
    on_each_release(|machine| {
        let target = Target::listen().serve(echo);
        edit(machine, "s|^watchdog_secs = 10$|watchdog_secs = 2|");
        open_loopback(machine);
        machine.run(&["systemctl", "restart", "rustsocks"]);
        let main = machine.property("MainPID");
        let hung = machine.workers();
        machine.run(&["kill", "-STOP", &hung[0]]);
        // The threads stop one after another.
        let states = || machine.shell(&format!("grep -h ^State: /proc/{}/task/*/status", hung[0]));
        assert!(eventually(PATIENCE, || states().lines().all(|state| state.contains('T'))), "{}", states());
        let visited = visit(PROXY, target, b"served by the next one");
        assert!(visited.is_ok(), "{visited:?}: {}", machine.journal());
        assert_ne!(machine.workers(), hung);
        assert_eq!((machine.property("MainPID"), machine.property("NRestarts")), (main, "0".to_owned()));
    });
}

#[test]
fn a_monitor_that_hangs_is_replaced_by_systemd() {
    on_each_release(|machine| {
        machine.shell("mkdir -p /run/systemd/system/rustsocks.service.d");
        machine.shell("printf '[Service]\\nWatchdogSec=2\\n' > /run/systemd/system/rustsocks.service.d/watchdog.conf");
        edit(machine, "s|^watchdog_secs = 10$|watchdog_secs = 2|");
        machine.run(&["systemctl", "daemon-reload"]);
        machine.run(&["systemctl", "restart", "rustsocks"]);
        let main = machine.property("MainPID");
        machine.run(&["kill", "-STOP", &main]);
        let restarted = || machine.property("NRestarts") == "1" && machine.property("ActiveState") == "active";
        assert!(eventually(Duration::from_secs(90), restarted), "{}", machine.journal());
        assert_ne!(machine.property("MainPID"), main);
        machine.hears("Watchdog timeout");
    });
}
