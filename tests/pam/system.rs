//! A system with accounts and PAM services of its own: files that the daemon sees in the place of this host's.

use std::fmt::{self, Write as _};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use rig::service::{Launch, Service};
use rig::socks5::{USERPASS, login};
use rig::wire::Wire;
use tempfile::TempDir;

/// Longer than any module may take.
const VERDICT: Duration = Duration::from_mins(1);

pub(crate) const PASSWORD: &str = "correct-horse";

/// Checks accounts like a login does, without the delay after a failure.
pub(crate) const PAM_UNIX: &str = "auth required pam_unix.so nodelay\naccount required pam_unix.so\n";

/// Lets everybody in.
pub(crate) const PERMIT: &str = "auth required pam_permit.so\naccount required pam_permit.so\n";

/// What crypt(3) makes of the password.
const HASH: &str =
    "$6$rustsocks$o11ZK/lQ.y5OFputgo7hYZJ2wZ7oXEpobP1MUtl5yIDWHWxceb0eSXrMobLmXNogBa4VK7Y6ssDNpLYYARZcJ0";

/// Name, what stands before the hash, day of the last change and day of expiry (shadow(5)).
const ACCOUNTS: [(&str, Secret, u32, &str); 6] = [
    ("alice", Secret::Hash, 19_000, ""),
    // As `chage --expiredate 1970-01-02` leaves it.
    ("carol", Secret::Hash, 19_000, "1"),
    // As `usermod --lock` leaves it.
    ("dave", Secret::Locked, 19_000, ""),
    // As `chage --lastday 0` leaves it: the password must be changed.
    ("erin", Secret::Hash, 0, ""),
    ("frank", Secret::None, 19_000, ""),
    ("grace", Secret::Hash, 19_000, ""),
];

#[derive(Clone, Copy)]
enum Secret {
    Hash,
    Locked,
    None,
}

/// Alice and the others, and the services that a test writes.
pub(crate) struct System {
    directory: TempDir,
}

impl System {
    /// With one service, `rustsocks`.
    pub(crate) fn with(service: &str) -> Self {
        let system = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        let (mut users, mut secrets, mut groups) = (host("passwd"), host("shadow"), host("group"));
        for (id, (name, secret, changed, expires)) in (5001..).zip(ACCOUNTS) {
            add(&mut users, format_args!("{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin"));
            let secret = match secret {
                Secret::Hash => HASH.to_owned(),
                Secret::Locked => format!("!{HASH}"),
                Secret::None => String::new(),
            };
            add(&mut secrets, format_args!("{name}:{secret}:{changed}:0:99999:7::{expires}:"));
            add(&mut groups, format_args!("{name}:x:{id}:"));
        }
        // The account of a service, with a password all the same.
        add(&mut users, format_args!("service-account:x:501:501::/nonexistent:/usr/sbin/nologin"));
        add(&mut secrets, format_args!("service-account:{HASH}:19000:0:99999:7:::"));
        groups += "proxyusers:x:6001:carol,alice\n";
        for (file, text) in [("passwd", users), ("shadow", secrets), ("group", groups)] {
            system.write(file, &text);
        }
        system.write("enter", ENTER);
        fs::create_dir(system.path("pam.d")).expect("a temporary directory can be written");
        system.service("rustsocks", service);
        system
    }

    /// Writes a service; `{dir}` in it is this system's directory.
    pub(crate) fn service(&self, name: &str, lines: &str) {
        self.write(&format!("pam.d/{name}"), &lines.replace("{dir}", &self.directory.path().to_string_lossy()));
    }

    /// Writes any other file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a temporary directory can be written");
    }

    pub(crate) fn script(&self, name: &str, text: &str) {
        self.write(name, &text.replace("{dir}", &self.directory.path().to_string_lossy()));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Compiles the module `hostile.so`.
    pub(crate) fn hostile_module(&self) {
        self.write("hostile.c", include_str!("hostile.c"));
        let (source, module) = (self.path("hostile.c"), self.path("hostile.so"));
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-Wall", "-o"]).args([module, source]).status();
        assert!(compiled.expect("a C compiler is installed").success(), "the module cannot be compiled");
    }

    /// A daemon in this system that asks for names and passwords, unless `auth` says otherwise.
    pub(crate) fn launch(&self, auth: &str, rest: &str) -> Launch {
        self.launch_of(super::program(), auth, rest)
    }

    pub(crate) fn launch_of(&self, program: &Path, auth: &str, rest: &str) -> Launch {
        let directory = self.directory.path().display();
        let auth = if auth.is_empty() { "socks_method = \"pam.username\"" } else { auth };
        let config = format!(
            "[guard]\nallow = [\"127.0.0.0/8\"]\n[auth]\n{auth}\n{rest}\n[auth.pam]\nconfig_dir = \"{directory}/pam.d\"\n"
        );
        Launch::of(program).config(&config).behind(&format!("unshare --mount sh {directory}/enter"))
    }

    /// That daemon once it is ready.
    pub(crate) fn start(&self, rest: &str) -> Service {
        self.launch("", rest).start()
    }
}

const ENTER: &str = r#"set -e
mount --make-rprivate /
here=$(dirname "$0")
for file in passwd shadow group; do
    mount --bind "$here/$file" "/etc/$file"
done
exec "$@"
"#;

fn add(file: &mut String, line: fmt::Arguments<'_>) {
    writeln!(file, "{line}").expect("a String takes any text");
}

fn host(file: &str) -> String {
    fs::read_to_string(Path::new("/etc").join(file)).expect("root may read it")
}

/// An address of this host that no other login of this test program comes from: failures of one must not count for another.
pub(crate) fn somewhere() -> IpAddr {
    static LAST: AtomicU8 = AtomicU8::new(1);
    Ipv4Addr::new(127, 0, 9, LAST.fetch_add(1, Relaxed)).into()
}

/// What became of one login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Accepted,
    Refused,
}

/// Logs in from an address of its own and leaves; returns from where.
pub(crate) fn log_in(service: &Service, name: &[u8], password: &[u8]) -> (Login, SocketAddr) {
    attempt(Wire::connect_from(somewhere(), service.addr()), name, password)
}

/// Logs in from this address.
pub(crate) fn log_in_from(service: &Service, source: &str, name: &[u8], password: &[u8]) -> Login {
    let source = source.parse().expect("an address");
    attempt(Wire::connect_from(source, service.addr()), name, password).0
}

fn attempt(mut client: Wire, name: &[u8], password: &[u8]) -> (Login, SocketAddr) {
    assert_eq!(client.offer(&[USERPASS]), [5, USERPASS], "a password should be asked for");
    client.send(&login(name, password));
    let login = match client.hear(2, VERDICT).0.as_slice() {
        [1, 0] => Login::Accepted,
        [1, _] => Login::Refused,
        other => panic!("RFC 1929 knows no {other:?}"),
    };
    (login, client.leave())
}

/// Logs in with the right password.
pub(crate) fn accepts(service: &Service, name: &str) -> bool {
    log_in(service, name.as_bytes(), PASSWORD.as_bytes()).0 == Login::Accepted
}
