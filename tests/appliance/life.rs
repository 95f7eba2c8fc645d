//! From the installation to the purge.

use rig::target::{Target, echo, tunnel};
use rig::visitor::{Visitors, visit};
use rig::wait::{PATIENCE, eventually};

use crate::machine::Machine;
use crate::package::{NEXT, Packages, install};
use crate::{CONFIGURATION, PROXY, edit, on_each_bare_release, on_each_release, open_loopback};

/// Connections that are open during an upgrade.
const RELAYS: usize = 200;

#[test]
fn users_of_the_system_log_in_through_the_services_that_ship() {
    on_each_release(|machine| {
        machine.shell("useradd --create-home alice && echo alice:Correct-horse9 | chpasswd");
        edit(machine, r#"s|^socks_method = "none"$|socks_method = "pam.username"|"#);
        open_loopback(machine);
        machine.run(&["systemctl", "restart", "rustsocks"]);
        let page = Target::listen().serve(|stream| drop(answer(stream)));
        let ask = |password: &str| {
            let proxy = format!("socks5h://alice:{password}@{PROXY}");
            machine.inside(&[
                "curl",
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--proxy",
                &proxy,
                &format!("http://{page}/"),
            ])
        };
        let asked = ask("Correct-horse9");
        assert!(asked.success && asked.text == "page", "{asked:?}\n{}", machine.journal());
        assert!(!ask("wrong").success);
        machine.hears("authentication failed");
    });
}

#[test]
fn an_upgrade_under_live_relays_drops_nobody_and_keeps_what_was_edited() {
    on_each_release(|machine| {
        open_loopback(machine);
        let edited = machine.run(&["cat", CONFIGURATION]);
        upgraded_under_live_relays(machine, || install(machine, "next"));
        assert_eq!(machine.run(&["cat", CONFIGURATION]), edited);
        assert_eq!(machine.shell("dpkg-query --show --showformat '${Version}' rustsocks"), NEXT);
    });
}

#[test]
fn a_removal_keeps_the_configuration_and_a_purge_nothing() {
    on_each_release(|machine| {
        let left = || {
            machine.shell(
                "ls -d /etc/rustsocks /etc/pam.d/rustsocks* /var/lib/rustsocks /var/log/rustsocks 2>/dev/null || true",
            )
        };
        assert!(!machine.workers().is_empty());
        machine.run(&["dpkg", "--remove", "rustsocks"]);
        assert!(machine.workers().is_empty());
        assert!(left().contains("/etc/rustsocks\n") && left().contains("/var/lib/rustsocks\n"), "{}", left());
        machine.run(&["dpkg", "--purge", "rustsocks"]);
        assert_eq!(left(), "");
    });
}

#[test]
fn the_rpm_installs_serves_drops_nobody_in_an_upgrade_and_goes() {
    let packages = Packages::prepare();
    packages.add_next_rpm();
    on_each_bare_release(&packages, |machine| {
        // The dependencies stand in Debian's database, which rpm does not read.
        machine.shell("rpm --initdb && rpm --install --nodeps /mnt/this.rpm");
        machine.run(&["systemctl", "enable", "--now", "rustsocks"]);
        machine.hears("the worker is confined: user socks");
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        assert!(eventually(PATIENCE, || visit(PROXY, target, b"open").is_ok()), "{}", machine.journal());
        let changed = machine.inside(&["rpm", "--verify", "--nodeps", "rustsocks"]).text;
        assert!(changed.lines().all(|line| line.ends_with(CONFIGURATION)), "{changed}");
        upgraded_under_live_relays(machine, || machine.run(&["rpm", "--upgrade", "--nodeps", "/mnt/next.rpm"]));
        machine.run(&["rpm", "--erase", "--nodeps", "rustsocks"]);
        assert!(machine.workers().is_empty());
        assert!(machine.shell("ls /etc/rustsocks").contains("rustsocks.toml.rpmsave"));
    });
}

#[test]
fn it_can_be_installed_and_taken_away_without_a_package() {
    on_each_bare_release(&Packages::prepare(), |machine| {
        let installer = "/root/source/install.sh";
        machine.shell("cp -r /mnt/source /root/source");
        machine.run(&[installer]);
        machine.run(&["systemctl", "enable", "--now", "rustsocks"]);
        machine.hears("the worker is confined: user socks");
        edit(machine, "s|^level = \"info\"$|level = \"debug\"|");
        let edited = machine.run(&["cat", CONFIGURATION]);
        assert!(machine.run(&[installer]).contains("stays as it is"));
        assert_eq!(machine.run(&["cat", CONFIGURATION]), edited);
        machine.run(&[installer, "--uninstall"]);
        assert!(machine.workers().is_empty());
        let left = machine.shell("find /usr/local /etc -path '*rustsocks*' -type f");
        assert!(
            left.lines().all(|file| file.starts_with("/etc/rustsocks/") || file.starts_with("/etc/pam.d/")),
            "{left}"
        );
        assert_eq!(machine.run(&["cat", CONFIGURATION]), edited);
    });
}

/// Installs another package while connections are open and others come, and sees that none of them notices.
fn upgraded_under_live_relays<T>(machine: &Machine, install_next: impl FnOnce() -> T) {
    let target = Target::listen().serve(echo);
    assert!(eventually(PATIENCE, || visit(PROXY, target, b"open").is_ok()), "{}", machine.journal());
    let before = (machine.property("MainPID"), machine.workers());
    let mut relays: Vec<_> = (0..RELAYS).map(|_| tunnel(PROXY)).collect();
    let visitors = Visitors::come(PROXY, target);

    install_next();
    machine.hears("the former worker retires");
    assert!(visit(PROXY, target, b"after").is_ok(), "{}", machine.journal());
    let visits = visitors.stop();
    assert!(visits.iter().all(Result::is_ok), "{visits:?}\n{}", machine.journal());
    for (seed, (client, target)) in relays.iter_mut().enumerate() {
        let block = [u8::try_from(seed % 256).expect("a byte"); 3000];
        client.send(&block);
        assert!(target.receive::<3000>() == block);
        target.send(&block);
        assert!(client.receive::<3000>() == block);
    }
    assert_eq!(machine.property("MainPID"), before.0);
    assert_eq!(machine.property("NRestarts"), "0");
    assert_eq!(machine.property("ActiveState"), "active");
    let workers = machine.workers();
    assert!(workers.len() == 2 && workers.contains(&before.1[0]), "{workers:?}");
    drop(relays);
    machine.hears("a retired worker has ended");
    assert_ne!(machine.workers(), before.1);
}

/// One page for whoever asks.
fn answer(mut stream: std::net::TcpStream) -> std::io::Result<()> {
    use std::io::{Read, Write};
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage")
}
