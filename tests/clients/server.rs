//! The proxy under test: the daemon, or a server of others in its place.
//!
//! Knows nothing of the clients.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::host::Host;
use crate::program::Program;

/// Who may log in where a login is asked for.
pub(crate) const USER: &str = "alice";
/// Her password.
pub(crate) const PASSWORD: &str = "correct-horse";

/// What the proxy lets its clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy {
    /// CONNECT, BIND and UDP ASSOCIATE, for everyone.
    Open,
    /// The same, and Tor's RESOLVE.
    Resolving,
    /// CONNECT, for [`USER`] with [`PASSWORD`].
    Login,
}

/// A SOCKS server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Product {
    Rustsocks,
    Dante,
    Microsocks,
}

impl Product {
    /// The daemon, unless `RUSTSOCKS_CLIENTS_AGAINST` names another.
    pub(crate) fn under_test() -> Self {
        match env::var("RUSTSOCKS_CLIENTS_AGAINST").as_deref() {
            Err(_) | Ok("rustsocks") => Self::Rustsocks,
            Ok("dante") => Self::Dante,
            Ok("microsocks") => Self::Microsocks,
            Ok(other) => panic!("RUSTSOCKS_CLIENTS_AGAINST is rustsocks, dante or microsocks, not {other}"),
        }
    }

    /// The program that serves port 1080 of `host`, its files written to `scratch`.
    ///
    /// What another product cannot do it is not asked to: the tests that need it fail against that product.
    pub(crate) fn program(self, policy: Policy, host: &Host, scratch: &Path) -> Program {
        match self {
            Self::Rustsocks => {
                let config = scratch.join("rustsocks.toml");
                fs::write(&config, rustsocks_toml(policy, scratch)).expect("scratch can be written");
                host.program(env!("CARGO_BIN_EXE_rustsocks"))
                    .args([OsString::from("--config"), config.into()])
                    .env("STATE_DIRECTORY", scratch)
            }
            Self::Dante => {
                let config = scratch.join("danted.conf");
                fs::write(&config, DANTED_CONF).expect("scratch can be written");
                host.program("danted").args([OsString::from("-f"), config.into()])
            }
            Self::Microsocks => host.program("microsocks").args(microsocks_arguments(policy)),
        }
    }
}

const DANTED_CONF: &str = "\
logoutput: stderr
internal: inside port = 1080
external: outside
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 log: error }
socks pass { from: 0/0 to: 0/0
  command: connect bind bindreply udpassociate udpreply
  log: connect error }
";

/// The target has no route to the address by which clients reach the proxy, so BIND must tell it another.
const RUSTSOCKS_TOML: &str = r#"
[server]
bind_address = "0.0.0.0"
bind_port = 1080
i_understand_open_proxy = true

[[listen]]
address = "[::]:1080"

[commands]
bind = true

[bind]
advertised_address_v4 = "10.77.2.1"

[logging]
level = "debug"
"#;

fn rustsocks_toml(policy: Policy, scratch: &Path) -> String {
    match policy {
        Policy::Open => RUSTSOCKS_TOML.to_owned(),
        Policy::Resolving => RUSTSOCKS_TOML.replace("[commands]", "[commands]\nresolve = true"),
        Policy::Login => {
            let users_file = scratch.join("users.toml");
            rig::place::write_secret(&users_file, &users_toml());
            format!(
                "{RUSTSOCKS_TOML}\n[auth]\nsocks_method = \"userpass\"\nusers_file = \"{}\"\n\
                 # One host plays every client here, the wrong ones too.\n\
                 [penalties]\nexempt = [\"10.77.1.0/24\"]\n",
                users_file.display()
            )
        }
    }
}

fn users_toml() -> String {
    format!("[[users]]\nname = {USER:?}\npassword_hash = {:?}\n", hash(PASSWORD))
}

fn hash(password: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rustsocks"));
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("cargo built it");
    writeln!(child.stdin.take().expect("it was piped"), "{password}").expect("it reads one line");
    let output = child.wait_with_output().expect("its pipe can be read");
    assert!(output.status.success(), "rustsocks hash-password ended with {}", output.status);
    String::from_utf8(output.stdout).expect("a PHC string is ASCII").trim_end().to_owned()
}

fn microsocks_arguments(policy: Policy) -> Vec<&'static str> {
    let mut arguments = vec!["-i", "::", "-p", "1080"];
    match policy {
        Policy::Open | Policy::Resolving => {}
        Policy::Login => arguments.extend(["-u", USER, "-P", PASSWORD]),
    }
    arguments
}
