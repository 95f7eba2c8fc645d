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
        assert_eq!(versions(machine), format!("{NEXT} {NEXT} "));
    });
}

/// Until then the client came with the daemon.
#[test]
fn an_upgrade_from_the_one_package_keeps_everything_and_makes_two_of_it() {
    let packages = Packages::prepare();
    packages.add_former();
    on_each_bare_release(&packages, |machine| {
        install(machine, "former");
        open_loopback(machine);
        let edited = machine.run(&["cat", CONFIGURATION]);
        let ask = ["rustsocks", "history", "--config", CONFIGURATION, "--format", "json", "--limit", "0"];
        let rows = || machine.run(&ask).lines().count();
        upgraded_under_live_relays(machine, || install(machine, "this"));
        assert_eq!(machine.run(&["cat", CONFIGURATION]), edited);
        assert!(eventually(PATIENCE, || rows() > RELAYS), "{} rows", rows());
        assert_eq!(machine.shell("dpkg --search /usr/bin/rustsocks-cli"), "rustsocks-cli: /usr/bin/rustsocks-cli\n");
        machine.run(&["rustsocks-cli", "status"]);
        assert_eq!(machine.shell("dpkg --audit"), "");
    });
}

#[test]
fn an_operator_has_a_socket_a_manual_page_and_completions() {
    on_each_release(|machine| {
        machine.run(&["rustsocks-cli", "status"]);
        machine.shell("useradd alice && usermod --append --groups rustsocks,rustsocks-op alice && useradd mallory");
        let as_user = |user: &str| machine.inside(&["runuser", "--user", user, "--", "rustsocks-cli", "status"]);
        // Groups are looked up when the service starts.
        machine.run(&["systemctl", "restart", "rustsocks"]);
        assert!(as_user("alice").success, "{:?}", as_user("alice"));
        assert!(!as_user("mallory").success);
        for program in ["rustsocks", "rustsocks-cli"] {
            let listed = machine.run(&["dpkg", "--listfiles", program]);
            for place in ["bash-completion/completions/", "zsh/vendor-completions/_", "fish/vendor_completions.d/"] {
                assert!(listed.contains(&format!("/usr/share/{place}{program}")), "no {place}{program}: {listed}");
            }
            machine.run(&["bash", "-n", &format!("/usr/share/bash-completion/completions/{program}")]);
        }
        let listed = machine.run(&["dpkg", "--listfiles", "rustsocks-cli"]);
        assert!(listed.contains("/usr/share/man/man1/rustsocks-cli.1.gz\n"), "{listed}");
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
        machine.run(&["dpkg", "--remove", "rustsocks", "rustsocks-cli"]);
        assert!(machine.workers().is_empty());
        assert!(left().contains("/etc/rustsocks\n") && left().contains("/var/lib/rustsocks\n"), "{}", left());
        machine.run(&["dpkg", "--purge", "rustsocks", "rustsocks-cli"]);
        assert_eq!(left(), "");
    });
}

/// What piuparts asks, on a machine that runs: installed, upgraded, used, removed and purged, and all files are as before.
#[test]
fn after_a_purge_the_machine_is_as_it_was() {
    on_each_bare_release(&Packages::prepare(), |machine| {
        // What every package and every boot changes is nobody's fault.
        let files = || {
            machine.shell(
                "find /etc /opt /root /srv /usr /var -not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' \
                 -not -path '/var/log/journal*' -not -path '/var/cache/*' -not -path '/var/tmp/*' \
                 -not -path '/var/lib/apt/*' -not -path '/var/log/apt/*' -not -path /var/log/dpkg.log -not -path '/etc/*-' \
                 -printf '%y %m %u %g %p\\n' | sort",
            )
        };
        let before = files();
        install(machine, "this");
        machine.hears("the worker is confined: user socks");
        install(machine, "next");
        machine.hears("the former worker retires");
        machine.run(&["rustsocks-cli", "status"]);
        machine.run(&["dpkg", "--remove", "rustsocks", "rustsocks-cli"]);
        machine.run(&["dpkg", "--purge", "rustsocks", "rustsocks-cli"]);
        let after = files();
        let new: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        let gone: Vec<&str> = before.lines().filter(|line| !after.lines().any(|now| now == *line)).collect();
        assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}, gone: {gone:#?}");
        let units = machine.shell("find /etc/systemd /var/lib/systemd /run/systemd -name '*rustsocks*'");
        assert_eq!(units, "");
    });
}

#[test]
fn the_rpm_installs_serves_drops_nobody_in_an_upgrade_and_goes() {
    let packages = Packages::prepare();
    packages.add_next_rpm();
    on_each_bare_release(&packages, |machine| {
        // The dependencies stand in Debian's database, which rpm does not read.
        machine.shell("rpm --initdb && rpm --install --nodeps /mnt/this-rpm/*.rpm");
        machine.run(&["systemctl", "enable", "--now", "rustsocks"]);
        machine.hears("the worker is confined: user socks");
        let target = Target::listen().serve(echo);
        open_loopback(machine);
        assert!(eventually(PATIENCE, || visit(PROXY, target, b"open").is_ok()), "{}", machine.journal());
        machine.run(&["rustsocks-cli", "status"]);
        let changed = machine.inside(&["rpm", "--verify", "--nodeps", "rustsocks", "rustsocks-cli"]).text;
        assert!(changed.lines().all(|line| line.ends_with(CONFIGURATION)), "{changed}");
        upgraded_under_live_relays(machine, || machine.shell("rpm --upgrade --nodeps /mnt/next-rpm/*.rpm"));
        machine.run(&["rpm", "--erase", "--nodeps", "rustsocks", "rustsocks-cli"]);
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

/// The versions of both packages that are installed.
fn versions(machine: &Machine) -> String {
    machine.shell("dpkg-query --show --showformat '${Version} ' rustsocks rustsocks-cli")
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
