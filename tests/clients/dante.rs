//! Dante's socksify: programs that know nothing of SOCKS, with CONNECT, BIND and UDP ASSOCIATE under them.

use std::fs;

use crate::errands::fetches;
use crate::program::Program;
use crate::server::Policy;
use crate::services;
use crate::world::{TARGET, World};

#[test]
fn socksify_carries_wget_by_socks4_and_socks5() {
    let world = World::with(Policy::Open);
    for (protocol, target) in [("socks_v4", TARGET), ("socks_v5", TARGET), ("socks_v5", "target.test")] {
        fetches(&world, target, socksify(&world, protocol, "wget").args(["-q", "-O", "-"]));
    }
}

#[test]
fn socksify_carries_passive_ftp_by_connect() {
    let mut world = World::with(Policy::Open);
    let file = serve_ftp(&mut world);
    socksify(&world, "socks_v5", "curl").args(["-q", "-sS", FTP_URL]).run().prints(file);
}

#[test]
fn socksify_carries_active_ftp_by_bind() {
    let mut world = World::with(Policy::Open);
    let file = serve_ftp(&mut world);
    socksify(&world, "socks_v5", "curl").args(["-q", "-sS", "--ftp-port", "-", FTP_URL]).run().prints(file);
}

#[test]
fn socksify_carries_drill_by_udp_associate() {
    let mut world = World::with(Policy::Open);
    world.serve_names("/asked.test/10.9.8.7");
    let drill = socksify(&world, "socks_v5", "drill").args(["@10.77.2.2", "asked.test"]);
    drill.run().mentions("10.9.8.7");
}

const FTP_URL: &str = "ftp://10.77.2.2:2121/file";

/// Starts vsftpd on the target and returns what `/file` holds.
fn serve_ftp(world: &mut World) -> Vec<u8> {
    let scratch = world.scratch();
    let (root, empty, config) = (scratch.join("ftp"), scratch.join("empty"), scratch.join("vsftpd.conf"));
    let file = services::payload(300_000);
    for directory in [&root, &empty] {
        fs::create_dir(directory).expect("scratch is new");
    }
    fs::write(root.join("file"), &file).expect("scratch can be written");
    let places = format!("anon_root={}\nsecure_chroot_dir={}\n", root.display(), empty.display());
    fs::write(&config, VSFTPD_CONF.to_owned() + &places).expect("scratch can be written");
    world.serve(world.target.program("vsftpd").args([config]), "10.77.2.2:2121");
    file
}

const VSFTPD_CONF: &str = "\
listen=YES
background=NO
listen_address=10.77.2.2
listen_port=2121
anonymous_enable=YES
no_anon_password=YES
port_enable=YES
connect_from_port_20=NO
seccomp_sandbox=NO
";

fn socksify(world: &World, protocol: &str, program: &str) -> Program {
    let config = world.scratch().join("socks.conf");
    fs::write(&config, SOCKS_CONF.replace("PROTOCOL", protocol)).expect("scratch can be written");
    world.client.program("socksify").args([program]).env("SOCKS_CONF", config)
}

/// `fake` leaves names to the proxy.
const SOCKS_CONF: &str = "\
resolveprotocol: fake
route {
  from: 0.0.0.0/0 to: 0.0.0.0/0 via: 10.77.1.1 port = 1080
  proxyprotocol: PROTOCOL
  command: connect bind udpassociate
  method: none
}
";
