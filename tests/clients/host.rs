//! One host: a network namespace, what runs in it, and its own `/etc/hosts` and `/etc/resolv.conf`.
//!
//! Knows nothing of the other hosts and of what its programs are for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{panic, thread};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::{Program, demand};

/// A network namespace that ends, with every program in it, on drop.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
}

/// What a host believes about names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) hosts: &'static str,
    pub(crate) resolv_conf: &'static str,
}

/// One end of a cable between two hosts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Port<'a> {
    pub(crate) host: &'a Host,
    pub(crate) name: &'static str,
    /// Addresses with their prefix lengths, IPv4 and IPv6.
    pub(crate) addresses: [&'static str; 2],
}

impl Host {
    /// Makes the namespace, and in `/etc/netns` the files that `ip netns exec` lays over those in `/etc`.
    pub(crate) fn create(name: String, names: Names) -> Self {
        ip(&["netns", "add", &name]);
        let host = Self { name };
        host.ip("link set lo up");
        let etc = Path::new("/etc/netns").join(&host.name);
        fs::create_dir_all(&etc).expect("root may write below /etc");
        fs::write(etc.join("hosts"), names.hosts).expect("the directory was just made");
        fs::write(etc.join("resolv.conf"), names.resolv_conf).expect("the directory was just made");
        host
    }

    /// Runs `ip` on this host.
    pub(crate) fn ip(&self, words: &str) {
        let on_this_host = ["-n", &self.name];
        ip(&on_this_host.into_iter().chain(words.split_whitespace()).collect::<Vec<_>>());
    }

    /// Does `work` on a thread that lives on this host: the sockets it makes belong here.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(Path::new("/run/netns").join(&self.name)).expect("it exists until drop");
        let on_this_host = || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("root may enter a network namespace");
            work()
        };
        let done = thread::scope(|scope| scope.spawn(on_this_host).join());
        done.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }

    /// A program to run on this host: a name in `PATH`, or the path of an executable.
    pub(crate) fn program(&self, name: impl Into<OsString>) -> Program {
        Program::on(&self.name, name)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Lays a cable between two hosts.
pub(crate) fn connect(near: Port<'_>, far: Port<'_>) {
    near.host.ip(&format!("link add {} type veth peer name {} netns {}", near.name, far.name, far.host.name));
    for Port { host, name, addresses: [v4, v6] } in [near, far] {
        host.ip(&format!("address add {v4} dev {name}"));
        host.ip(&format!("address add {v6} dev {name} nodad"));
        // Link-local addresses are of no use here, and cannot be bound for a second after they have appeared.
        host.ip(&format!("link set {name} addrgenmode none up"));
    }
}

/// Removes the hosts of test runs that were killed before they could: each is named `rustsocks-PID-…`.
pub(crate) fn remove_orphans() {
    let Ok(namespaces) = fs::read_dir("/run/netns") else { return };
    let names = namespaces.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| is_orphan(name)).for_each(|name| remove(&name));
}

fn is_orphan(name: &str) -> bool {
    let maker = name.strip_prefix("rustsocks-").and_then(|rest| rest.split('-').next());
    maker.is_some_and(|pid| !PathBuf::from("/proc").join(pid).exists())
}

/// Two runs may find the same orphan, and programs end by themselves: what is gone already needs no removing.
fn remove(name: &str) {
    for pid in programs(name) {
        let _ = kill(pid, Signal::SIGKILL);
    }
    let _ = Command::new("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status();
    let _ = fs::remove_dir_all(Path::new("/etc/netns").join(name));
}

fn programs(name: &str) -> Vec<Pid> {
    let listed = Command::new("ip").args(["netns", "pids", name]).stderr(Stdio::null()).output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let pids = String::from_utf8_lossy(&listed);
    pids.lines().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

fn ip(words: &[&str]) {
    demand("ip");
    let status = Command::new("ip").args(words).status().expect("it was just found");
    assert!(status.success(), "`ip {}` failed: these tests make network namespaces, run them as root", words.join(" "));
}
