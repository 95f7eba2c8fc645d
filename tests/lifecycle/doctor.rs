//! `rustsocks doctor`: what it says of a healthy host, and of each thing that can be broken.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rig::certificates::Certificates;
use rig::disk::Disk;
use rig::dns::{Answer, Dns, Zone};
use rig::network::{add_black_holes, alone, ip};
use rig::place::open_to_everybody;
use rig::users::Users;
use tempfile::TempDir;

use crate::{Ran, command, launch, ran};

#[test]
fn a_healthy_host_has_nothing_to_repair() {
    alone(|| {
        let world = World::new();
        let service = launch("").start();
        let port = service.addr().port().to_string();
        let few = "[limits]\nmax_connections = 1000\n";
        let report = world.visit(few, &["--port", &port]);
        assert_eq!(report.code, Some(0), "{report:?}");
        assert!(report.finding("problem").is_none(), "{report:?}");
        assert!(report.says("loops", "ok", "refuses to be led back to itself (reply 2)"), "{report:?}");
        // How long it took is the machine's business.
        assert!(
            ["ok", "warning"].iter().any(|severity| report.says("names", severity, "was resolved after")),
            "{report:?}"
        );
        let as_text = world.examine(few, &["--port", &port]);
        assert!(as_text.stdout.contains("ok       loops: "), "{}", as_text.stdout);
        assert!(as_text.stdout.contains("\n0 to repair, "), "{}", as_text.stdout);
    });
}

/// What is broken in the configuration or beside it, the words about it, and where the change is to be made.
#[test]
fn what_is_broken_is_named_with_the_line_to_change() {
    alone(|| {
        let world = World::new();
        world.write(
            "pam.d/broken",
            "# a service\nauth required pam_no_such_module.so\naccount required pam_permit.so\n",
        );
        world.write("open.toml", &Users::of(&[("alice", b"a")]).text());
        let users =
            |name: &str| format!("[auth]\nsocks_method = \"userpass\"\nusers_file = \"{}\"\n", world.shown(name));
        let pam = |service: &str| {
            let directory = world.shown("pam.d");
            format!(
                "[auth]\nsocks_method = \"pam.username\"\nsocks_pam_service = \"{service}\"\n[auth.pam]\nconfig_dir = \"{directory}\"\n"
            )
        };
        let file = world.shown("rustsocks.toml");
        for (config, subject, words, place, line, change) in [
            (
                "[server]\nbind_prot = 1\n",
                "configuration",
                "server.bind_prot: unknown key",
                &file,
                Some(2),
                "did you mean \"bind_port\"?",
            ),
            (&*users("open.toml"), "files", "everybody can read it", &world.shown("open.toml"), None, "chmod o-rwx "),
            (&*users("missing.toml"), "files", "cannot read auth.users_file", &file, Some(3), "[auth] users_file"),
            (
                "[server]\nuser_unprivileged = \"nobody-at-all\"\n",
                "files",
                "there is no user",
                &file,
                Some(2),
                "user_unprivileged",
            ),
            (
                "[logging]\nfile = \"/proc/log\"\n",
                "files",
                "cannot write /proc/log",
                &"/proc".to_owned(),
                None,
                "install --directory --owner nobody /proc",
            ),
            (
                "[[listen]]\naddress = \"unix:/run/no-such/socket\"\n",
                "files",
                "there is no directory /run/no-such",
                &file,
                Some(2),
                "/run/rustsocks/socket",
            ),
            (&*pam("absent"), "pam", "has no file", &world.shown("pam.d"), None, "auth required pam_unix.so"),
            (
                &*pam("broken"),
                "pam",
                "pam_no_such_module.so is not installed",
                &world.shown("pam.d/broken"),
                Some(2),
                "installed",
            ),
            (
                "[guard]\nallow = [\"10.0.0.0/8\", \"127.0.0.1:1080\"]\n",
                "loops",
                "opens 127.0.0.1:1080, where this proxy listens",
                &file,
                Some(2),
                "[guard] allow = [\"10.0.0.0/8\"]",
            ),
            (
                "[server]\nbind_address = \"0.0.0.0\"\ni_understand_open_proxy = true\n[udp]\nadvertised_address_v4 = \"127.0.0.9\"\n",
                "advertised",
                "are told 127.0.0.9, which is their own machine",
                &file,
                Some(5),
                "[udp] advertised_address_v4",
            ),
        ] {
            let report = world.visit(config, &[]);
            assert_ne!(report.code, Some(0), "{config}: {report:?}");
            let found =
                report.findings.iter().find(|found| found["subject"] == subject && found["severity"] == "problem");
            let found = found.unwrap_or_else(|| panic!("{config}: {report:?}"));
            assert!(found["finding"].as_str().is_some_and(|said| said.contains(words)), "{config}: {found}");
            let remedy = &found["remedy"];
            assert_eq!(
                (remedy["place"].as_str(), remedy["line"].as_u64()),
                (Some(place.as_str()), line),
                "{config}: {found}"
            );
            assert!(remedy["change"].as_str().is_some_and(|said| said.contains(change)), "{config}: {found}");
        }
    });
}

#[test]
fn a_wrong_configuration_ends_with_78_another_problem_with_1_and_a_wrong_target_is_none() {
    alone(|| {
        let world = World::new();
        assert_eq!(world.visit("[server]\nbind_port = 99999\n", &[]).code, Some(78));
        assert_eq!(world.visit("[guard]\nallow = [\"127.0.0.1:1080\"]\n", &[]).code, Some(1));
        assert_eq!(world.examine("", &["--target", "nonsense"]).code, Some(2));
        let elsewhere = world.visit("", &["--target", "no-such-host.test:80"]);
        assert!(elsewhere.says("names", "warning", "has no address"), "{elsewhere:?}");
    });
}

#[test]
fn too_few_descriptors_are_told_with_the_limit_that_suffices() {
    alone(|| {
        let world = World::new();
        world.write("rustsocks.toml", "[limits]\nmax_connections = 9000\nmax_handshakes = 1000\n");
        let mut limited = Command::new("prlimit");
        limited.args(["--nofile=4096:4096"]).arg(crate::program()).args(world.arguments(&["--json"]));
        let report = Report::of(&ran(&mut limited));
        let found = report.finding("problem").expect("something is wrong");
        assert_eq!(found["subject"], "limits");
        let change = found["remedy"]["change"].as_str().expect("there is a remedy");
        let needed: u64 =
            change.strip_prefix("[Service] LimitNOFILE=").and_then(|limit| limit.parse().ok()).expect(change);
        let mut raised = Command::new("prlimit");
        raised.arg(format!("--nofile={needed}:{needed}")).arg(crate::program()).args(world.arguments(&["--json"]));
        assert!(Report::of(&ran(&mut raised)).says("limits", "ok", "9000 sessions fit"), "{needed}");
    });
}

/// A shell's limits are not those of the service.
#[test]
fn the_limit_of_the_service_that_runs_is_the_one_that_counts() {
    alone(|| {
        let world = World::new();
        let few = "[limits]\nmax_connections = 9000\n";
        let service = launch(few).behind("prlimit --nofile=4096:4096").start();
        let mut command = command(&["doctor", "--json", "--target", "127.0.0.1:9", "--config"]);
        let report = Report::of(&ran(command.arg(service.config()).env("STATE_DIRECTORY", world.directory.path())));
        assert!(report.says("limits", "problem", "the service that runs may have too few"), "{report:?}");
    });
}

#[test]
fn name_servers_that_are_late_or_silent_are_told() {
    alone(|| {
        let late = Answer::Slow(Duration::from_millis(800), vec![Ipv4Addr::LOCALHOST.into()]);
        for (answer, severity, words) in [
            (late, "warning", "was resolved after"),
            (Answer::Silence, "problem", "no "),
            (Answer::Failure, "problem", "no name server gives an answer"),
        ] {
            let world = World::with(Zone::default().with("host.test", answer));
            let report = world.visit("[timeouts]\nconnect_secs = 3\n", &[]);
            assert!(report.says("names", severity, words), "{severity}: {report:?}");
        }
    });
}

#[test]
fn ipv6_that_is_only_half_there_is_told() {
    alone(|| {
        ip("-6 address add 2001:db8:1::1/64 dev lo nodad");
        add_black_holes(&["2001:db8:2::/64"]);
        let addresses = vec!["2001:db8:2::1".parse().expect("an address"), Ipv4Addr::LOCALHOST.into()];
        let world = World::with(Zone::default().with("host.test", Answer::Addresses(addresses)));
        let report = world.visit("", &[]);
        assert!(report.says("ipv6", "problem", "IPv6 is half there"), "{report:?}");
    });
}

#[test]
fn certificates_are_told_that_expire_soon_or_are_not_valid() {
    alone(|| {
        let world = World::new();
        let metrics = |certificates: &Certificates| ["[metrics]\nenabled = true\n", &certificates.settings()].concat();
        let (short, long) = (Certificates::issue(), Certificates::issue_for_days(400));
        for (certificates, when, severity, words) in [
            (&long, "+0", "ok", "metrics.tls_cert: it is valid until 2"),
            (&short, "+0", "warning", "metrics.tls_cert: it expires at 2"),
            (&short, "+3d", "problem", "metrics.tls_cert: it expired at 2"),
            (&short, "-3d", "problem", "metrics.tls_cert: it is valid from 2"),
        ] {
            let report = world.visit_at(when, &metrics(certificates));
            assert!(report.says("certificates", severity, words), "{when}: {words}: {report:?}");
            let found = report.findings.iter().find(|found| found["subject"] == "certificates").expect("it is there");
            let place = found["remedy"]["place"].as_str();
            let chain = certificates.chain().display().to_string();
            assert_eq!(place, (severity != "ok").then_some(chain.as_str()), "{found}");
        }
        assert!(!world.visit("", &[]).findings.iter().any(|found| found["subject"] == "certificates"));
    });
}

#[test]
fn a_clock_that_is_years_behind_is_told() {
    alone(|| {
        let report = World::new().visit_at("2001-02-03 04:05:06", "");
        assert!(report.says("clock", "problem", "before this program was installed"), "{report:?}");
    });
}

#[test]
fn a_history_without_room_or_rights_is_told() {
    alone(|| {
        let world = World::new();
        let disk = Disk::of_kib(64);
        let history =
            |directory: &Path| format!("[sessions]\ndatabase_url = \"sqlite://{}/sessions.db\"\n", directory.display());
        disk.fill();
        let report = world.visit(&history(disk.path()), &[]);
        assert!(report.says("database", "problem", "a database cannot be written"), "{report:?}");
        let report = world.visit(&history(&world.path("later")), &[]);
        assert!(report.says("database", "ok", "the start of the service makes it"), "{report:?}");
        let foreign = world.path("foreign");
        fs::create_dir(&foreign).expect("a directory can be made");
        let report = world.visit(&history(&foreign), &[]);
        assert!(report.says("database", "problem", "nobody cannot make files in"), "{report:?}");
        open_to_everybody(&foreign);
        let report = world.visit(&history(&foreign), &[]);
        assert!(!report.says("database", "problem", ""), "{report:?}");
        assert_eq!(fs::read_dir(&foreign).expect("it is there").count(), 0, "nothing is left behind");
    });
}

/// A host with a name server, a target that takes connections, and a directory for the configuration.
struct World {
    dns: Dns,
    directory: TempDir,
    target: TcpListener,
}

impl World {
    fn new() -> Self {
        Self::with(Zone::default().at("host.test", Ipv4Addr::LOCALHOST))
    }

    fn with(zone: Zone) -> Self {
        let directory = rig::place::for_everybody();
        fs::create_dir(directory.path().join("pam.d")).expect("a directory can be made");
        let target = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
        Self { dns: Dns::serve(zone), directory, target }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The configuration gets this world's name server.
    fn write(&self, name: &str, text: &str) {
        let dns = if name == "rustsocks.toml" { self.dns.settings() } else { String::new() };
        fs::write(self.path(name), [text, &dns].concat()).expect("a temporary directory can be written");
        command_of("chmod", &["0644", &self.shown(name)]);
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let port = self.target.local_addr().expect("it is bound").port();
        let (file, target) = (self.shown("rustsocks.toml"), format!("host.test:{port}"));
        let target = if more.contains(&"--target") { vec![] } else { vec!["--target", &target] };
        let own = ["doctor", "--config", &file];
        own.iter().chain(&target).chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn visit(&self, config: &str, more: &[&str]) -> Report {
        Report::of(&self.examine(config, &[&["--json"], more].concat()))
    }

    /// The same with another clock, as libfaketime reads it.
    fn visit_at(&self, when: &str, config: &str) -> Report {
        self.write("rustsocks.toml", config);
        let arguments = self.arguments(&["--json"]);
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1").env("STATE_DIRECTORY", self.directory.path());
        command.env("FAKETIME", when).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Report::of(&ran(&mut command))
    }

    /// What a person reads.
    fn examine(&self, config: &str, more: &[&str]) -> Ran {
        self.write("rustsocks.toml", config);
        let arguments = self.arguments(more);
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        ran(command.env("STATE_DIRECTORY", self.directory.path()))
    }
}

#[derive(Debug)]
struct Report {
    code: Option<i32>,
    findings: Vec<serde_json::Value>,
}

impl Report {
    fn of(ran: &Ran) -> Self {
        let report: serde_json::Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        let findings = report["findings"].as_array().expect("a list").clone();
        assert_eq!(report["well"], ran.code == Some(0), "{ran:?}");
        Self { code: ran.code, findings }
    }

    /// The first of this severity.
    fn finding(&self, severity: &str) -> Option<&serde_json::Value> {
        self.findings.iter().find(|found| found["severity"] == severity)
    }

    fn says(&self, subject: &str, severity: &str, words: &str) -> bool {
        self.findings.iter().any(|found| {
            found["subject"] == subject
                && found["severity"] == severity
                && found["finding"].as_str().is_some_and(|said| said.contains(words))
        })
    }
}

fn command_of(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).status().expect("it can be started");
    assert!(done.success(), "{program} {arguments:?}");
}
