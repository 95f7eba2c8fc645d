//! Programs that carry one stream between their pipes and the target, alone and under ssh.
//!
//! The target sends back what it got only after the client has ended its sending:
//! everything arrives only if the proxy passes a half-close on and keeps the other half.

use std::fs;
use std::path::Path;

use crate::errands::comes_back;
use crate::program::Program;
use crate::server::{PASSWORD, Policy};
use crate::services;
use crate::world::{PROXY, TARGET, World};

#[test]
fn netcat_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for (protocol, target) in [("4", TARGET), ("5", TARGET), ("5", "target.test"), ("connect", "target.test")] {
        comes_back(&world, |port| {
            let netcat = world.client.program("nc.openbsd").args(["-N", "-X", protocol, "-x", PROXY]);
            netcat.args([target, port])
        });
    }
}

#[test]
fn ncat_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for (protocol, target) in
        [("socks4", TARGET), ("socks5", TARGET), ("socks5", "target.test"), ("http", "target.test")]
    {
        comes_back(&world, |port| ncat(&world, protocol).args([target, port]));
    }
}

#[test]
fn ncat_logs_in() {
    let world = World::with(Policy::Login);
    for protocol in ["socks5", "http"] {
        let login = ["--proxy-auth", "alice:correct-horse"];
        comes_back(&world, |port| ncat(&world, protocol).args(login).args(["target.test", port]));
    }
}

#[test]
fn connect_proxy_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for (protocol, target) in [(["-4", "-S"], TARGET), (["-5", "-S"], TARGET), (["-5", "-S"], "target.test")] {
        comes_back(&world, |port| connect_proxy(&world).args(protocol).args([PROXY, target, port]));
    }
}

#[test]
fn connect_proxy_logs_in() {
    let world = World::with(Policy::Login);
    comes_back(&world, |port| {
        let client = connect_proxy(&world).env("SOCKS5_PASSWORD", PASSWORD);
        client.args(["-5", "-S", "alice@10.77.1.1:1080", "target.test", port])
    });
}

#[test]
fn ssh_copies_three_megabytes_each_way() {
    let mut world = World::with(Policy::Open);
    serve_ssh(&mut world);
    let sent = services::payload(3_000_000);
    for proxy_command in [
        "nc.openbsd -X 5 -x 10.77.1.1:1080 %h %p",
        "ncat --proxy 10.77.1.1:1080 --proxy-type socks5 --proxy-dns remote %h %p",
        "connect-proxy -R remote -5 -S 10.77.1.1:1080 %h %p",
    ] {
        ssh(&world, proxy_command).args(["target.test", "cat"]).input(sent.clone()).run().prints(&sent);
    }
}

fn ncat(world: &World, protocol: &str) -> Program {
    let ncat = world.client.program("ncat").args(["--proxy", PROXY, "--proxy-type", protocol]);
    ncat.args(["--proxy-dns", "remote"])
}

fn connect_proxy(world: &World) -> Program {
    world.client.program("connect-proxy").args(["-R", "remote"])
}

/// Starts sshd on the target, with a host key of its own; it lets in whoever has the key `login`.
fn serve_ssh(world: &mut World) {
    let scratch = world.scratch();
    // Where sshd confines its unprivileged part; the package leaves the making of it to the service manager.
    fs::create_dir_all("/run/sshd").expect("root may write to /run");
    for key in ["host", "login"] {
        let keygen = world.target.program("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]);
        keygen.args([scratch.join(key)]).run().prints("");
    }
    let config = scratch.join("sshd_config");
    fs::write(&config, sshd_config(scratch)).expect("scratch can be written");
    let sshd = world.target.program("/usr/sbin/sshd").args(["-D", "-e", "-f"]).args([config]);
    world.serve(sshd, "10.77.2.2:22");
}

fn sshd_config(scratch: &Path) -> String {
    let (host_key, logins) = (scratch.join("host"), scratch.join("login.pub"));
    format!(
        "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPermitRootLogin yes\nPidFile none\nUsePAM no\n",
        host_key.display(),
        logins.display(),
    )
}

fn ssh(world: &World, proxy_command: &str) -> Program {
    let login = world.scratch().join("login");
    let ssh = world.client.program("ssh").args(["-F", "none", "-l", "root", "-i"]).args([login]);
    ssh.args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
        .args(["-o", &format!("ProxyCommand={proxy_command}")])
}
