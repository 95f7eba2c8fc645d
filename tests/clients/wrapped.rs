//! Programs that know nothing of SOCKS, taken to the proxy by a library or by the kernel.

use std::fs;

use crate::errands::{fetch, fetches};
use crate::program::Program;
use crate::server::{PASSWORD, Policy, USER};
use crate::world::{TARGET, World};

/// One attempt, nothing but the page on standard output; the URL follows.
const WGET: [&str; 5] = ["wget", "-q", "--tries=1", "-O", "-"];

#[test]
fn proxychains_takes_wget_through_by_name_and_address() {
    let world = World::with(Policy::Open);
    for (kind, target) in [
        ("socks4", TARGET),
        ("socks4", "target.test"),
        ("socks5", TARGET),
        ("socks5", "target.test"),
        ("http", TARGET),
        ("http", "target.test"),
    ] {
        fetches(&world, target, proxychains(&world, &format!("{kind} 10.77.1.1 1080")).args(WGET));
    }
}

#[test]
fn proxychains_logs_in() {
    let world = World::with(Policy::Login);
    let proxy = format!("socks5 10.77.1.1 1080 {USER} {PASSWORD}");
    fetches(&world, "target.test", proxychains(&world, &proxy).args(WGET));
}

#[test]
fn torsocks_takes_wget_through_by_address() {
    let world = World::with(Policy::Open);
    fetches(&world, TARGET, torsocks(&world));
}

#[test]
fn torsocks_is_refused_names_while_resolve_is_off() {
    let world = World::with(Policy::Open);
    fetch(&world, "target.test", torsocks(&world)).complains("Status reply: 7");
}

#[test]
fn torsocks_takes_wget_through_by_name_when_resolve_is_on() {
    let world = World::with(Policy::Resolving);
    fetches(&world, "target.test", torsocks(&world));
}

#[test]
fn redsocks_takes_redirected_wget_through() {
    let mut world = World::with(Policy::Open);
    redirect_everything(&mut world);
    let [wget, options @ ..] = WGET;
    fetches(&world, TARGET, world.client.program(wget).args(options));
}

fn proxychains(world: &World, proxy: &str) -> Program {
    let config = world.scratch().join("proxychains.conf");
    fs::write(&config, format!("strict_chain\nproxy_dns\n[ProxyList]\n{proxy}\n")).expect("scratch can be written");
    world.client.program("proxychains4").args(["-q".into(), "-f".into(), config.into_os_string()])
}

fn torsocks(world: &World) -> Program {
    let config = world.scratch().join("torsocks.conf");
    fs::write(&config, "TorAddress 10.77.1.1\nTorPort 1080\n").expect("scratch can be written");
    world.client.program("torsocks").args(WGET).env("TORSOCKS_CONF_FILE", config)
}

/// Sends every connection that leaves the client into redsocks, except those of redsocks itself to the proxy.
fn redirect_everything(world: &mut World) {
    // Without a route the kernel refuses before it redirects; the proxy's host forwards nothing.
    world.client.ip("route add default via 10.77.1.1");
    let nft = world.client.program("nft").args(["-f", "-"]).input(REDIRECT);
    nft.run().prints("");
    let config = world.scratch().join("redsocks.conf");
    fs::write(&config, REDSOCKS_CONF).expect("scratch can be written");
    let redsocks = world.client.program("redsocks").args(["-c".into(), config.into_os_string()]);
    world.serve_on_client(redsocks, "127.0.0.1:12345");
}

const REDIRECT: &str = "\
table ip through_redsocks {
  chain output {
    type nat hook output priority -100
    ip daddr != { 127.0.0.0/8, 10.77.1.1 } tcp dport 1-65535 redirect to :12345
  }
}
";

const REDSOCKS_CONF: &str = "\
base { log_info = on; log = stderr; daemon = off; redirector = iptables; }
redsocks { local_ip = 127.0.0.1; local_port = 12345; ip = 10.77.1.1; port = 1080; type = socks5; }
";
