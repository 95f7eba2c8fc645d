//! The package as an administrator meets it: installed, reloaded, hung, upgraded and removed on a booted Debian 12 and 13.
//!
//! They need root, the package (`make deb`) and the roots (`scripts/roots`); `make test` sees to both.

mod life;
mod machine;
mod package;
mod service;

use std::net::{Ipv4Addr, SocketAddr};

use machine::{Machine, Release};
use package::{Packages, install};

/// Where the configuration that ships listens.
const PROXY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1080);

const CONFIGURATION: &str = "/etc/rustsocks/rustsocks.toml";

/// Runs a test on a machine of each release, in a network of its own.
fn on_each_bare_release(packages: &Packages, test: impl Fn(&Machine) + Send + Sync) {
    rig::usage::require_root();
    for release in [Release::Bookworm, Release::Trixie] {
        rig::network::alone(|| test(&Machine::boot(release, packages.directory())));
    }
}

/// The same, once the package has been installed there.
fn on_each_release(test: impl Fn(&Machine) + Send + Sync) {
    on_each_bare_release(&Packages::prepare(), |machine| {
        install(machine, "this");
        test(machine);
    });
}

/// Opens loopback, where the targets of these tests are, and reloads.
fn open_loopback(machine: &Machine) {
    edit(machine, r#"s|^allow = \[\]$|allow = ["127.0.0.0/8"]|"#);
    machine.run(&["systemctl", "reload", "rustsocks"]);
}

/// Changes the configuration by a sed script, which must change something.
fn edit(machine: &Machine, script: &str) {
    let before = machine.run(&["cat", CONFIGURATION]);
    machine.run(&["sed", "--in-place", script, CONFIGURATION]);
    assert_ne!(machine.run(&["cat", CONFIGURATION]), before, "{script} changes nothing");
}
