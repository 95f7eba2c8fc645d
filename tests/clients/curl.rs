//! curl: every proxy scheme it has, by address and by name, with and without a login.

use crate::errands::{fetch, fetches};
use crate::program::Program;
use crate::server::{PASSWORD, Policy, USER};
use crate::world::World;

#[test]
fn curl_reaches_nothing_without_the_proxy() {
    let world = World::with(Policy::Open);
    for (target, complaint) in [("10.77.2.2", "Couldn't connect"), ("target.test", "Could not resolve host")] {
        fetch(&world, target, world.client.program("curl").args(["-q", "-sS"])).complains(complaint);
    }
}

#[test]
fn curl_reaches_the_target_by_every_proxy_scheme() {
    let world = World::with(Policy::Open);
    for (proxy, target) in [
        ("socks5://10.77.1.1:1080", "10.77.2.2"),
        ("socks5h://10.77.1.1:1080", "10.77.2.2"),
        ("socks5h://10.77.1.1:1080", "target.test"),
        ("socks5h://10.77.1.1:1080", "six.test"),
        ("socks5h://10.77.1.1:1080", "[fd77:2::2]"),
        ("socks5h://[fd77:1::1]:1080", "target.test"),
        ("socks4://10.77.1.1:1080", "10.77.2.2"),
        ("socks4a://10.77.1.1:1080", "target.test"),
        ("http://10.77.1.1:1080", "10.77.2.2"),
        ("http://10.77.1.1:1080", "target.test"),
        ("http://10.77.1.1:1080", "[fd77:2::2]"),
    ] {
        fetches(&world, target, curl(&world, proxy));
    }
}

#[test]
fn curl_reaches_a_name_that_only_the_name_server_knows() {
    let mut world = World::with(Policy::Open);
    world.serve_names("/only-dns.test/10.77.2.2");
    fetches(&world, "only-dns.test", curl(&world, "socks5h://10.77.1.1:1080"));
}

#[test]
fn curl_logs_in_by_socks5_and_by_http() {
    let world = World::with(Policy::Login);
    for scheme in ["socks5h", "http"] {
        let proxy = format!("{scheme}://{USER}:{PASSWORD}@10.77.1.1:1080");
        fetches(&world, "target.test", curl(&world, &proxy));
    }
}

#[test]
fn curl_says_why_its_login_failed() {
    let world = World::with(Policy::Login);
    for (proxy, complaint) in [
        ("socks5h://alice:wrong@10.77.1.1:1080", "User was rejected by the SOCKS5 server"),
        ("socks5h://nobody:correct-horse@10.77.1.1:1080", "User was rejected by the SOCKS5 server"),
        ("socks5h://10.77.1.1:1080", "No authentication method was acceptable"),
        ("socks4a://10.77.1.1:1080", "(91)"),
        ("http://alice:wrong@10.77.1.1:1080", "response 407"),
        ("http://10.77.1.1:1080", "response 407"),
    ] {
        fetch(&world, "target.test", curl(&world, proxy)).complains(complaint);
    }
}

#[test]
fn curl_says_why_the_target_was_not_reached() {
    let mut world = World::with(Policy::Open);
    world.serve_names("/no-such-name.test/");
    for (proxy, target, complaint) in [
        ("socks5h://10.77.1.1:1080", "10.77.2.2", "(5)"),
        ("socks5h://10.77.1.1:1080", "no-such-name.test", "(4)"),
        ("socks5h://10.77.1.1:1080", "203.0.113.1", "(3)"),
        ("socks4a://10.77.1.1:1080", "10.77.2.2", "(91)"),
        ("http://10.77.1.1:1080", "10.77.2.2", "response 502"),
    ] {
        let url = format!("http://{target}:{}/", world.closed_port());
        curl(&world, proxy).args([url]).run().complains(complaint);
    }
}

fn curl(world: &World, proxy: &str) -> Program {
    world.client.program("curl").args(["-q", "-sS", "--globoff", "--proxytunnel", "--proxy", proxy])
}
