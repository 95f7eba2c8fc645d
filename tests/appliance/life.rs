//! From the installation to the purge.

use rig::target::{Target, echo};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::package::{NEXT, install};
use crate::{CONFIGURATION, PROXY, edit, on_each_bare_release, on_each_release, open_loopback};

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
fn an_upgrade_keeps_what_was_edited_and_serves_again() {
    on_each_release(|machine| {
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        let edited = machine.run(&["cat", CONFIGURATION]);
        install(machine, "next");
        assert_eq!(machine.run(&["cat", CONFIGURATION]), edited);
        assert_eq!(machine.shell("dpkg-query --show --showformat '${Version}' rustsocks"), NEXT);
        assert!(visit(PROXY, target, b"after").is_ok(), "{}", machine.journal());
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
fn the_rpm_installs_serves_and_goes() {
    on_each_bare_release(|machine| {
        // The dependencies stand in Debian's database, which rpm does not read.
        machine.shell("rpm --initdb && rpm --install --nodeps /mnt/this.rpm");
        machine.run(&["systemctl", "enable", "--now", "rustsocks"]);
        machine.hears("the worker is confined: user socks");
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        assert!(eventually(PATIENCE, || visit(PROXY, target, b"open").is_ok()), "{}", machine.journal());
        let changed = machine.inside(&["rpm", "--verify", "--nodeps", "rustsocks"]).text;
        assert!(changed.lines().all(|line| line.ends_with(CONFIGURATION)), "{changed}");
        machine.run(&["rpm", "--erase", "--nodeps", "rustsocks"]);
        assert!(machine.workers().is_empty());
        assert!(machine.shell("ls /etc/rustsocks").contains("rustsocks.toml.rpmsave"));
    });
}

#[test]
fn it_can_be_installed_and_taken_away_without_a_package() {
    on_each_bare_release(|machine| {
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
