//! The SOCKS libraries of Python, Node, Java and Go, under small programs of `programs/`.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use crate::errands::{comes_back, fetches};
use crate::program::{Program, demand};
use crate::server::{PASSWORD, Policy, USER};
use crate::services;
use crate::world::{EXIT, TARGET, World};

#[test]
fn pysocks_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for (kind, host) in
        [("SOCKS4", "target.test"), ("SOCKS5", TARGET), ("SOCKS5", "target.test"), ("HTTP", "target.test")]
    {
        comes_back(&world, |port| python(&world, "pysocks_stream.py").args([kind, host, port]));
    }
}

#[test]
fn pysocks_logs_in() {
    let world = World::with(Policy::Login);
    comes_back(&world, |port| {
        python(&world, "pysocks_stream.py").args(["SOCKS5", "target.test", port, USER, PASSWORD])
    });
}

#[test]
fn pysocks_exchanges_datagrams_with_names_resolved_here_or_there() {
    let world = World::with(Policy::Open);
    let echo = services::datagram_echo(&world.target);
    let sent = services::payload(1_200);
    for (names, host) in [("local", TARGET), ("remote", TARGET), ("remote", "target.test")] {
        let client = python(&world, "pysocks_datagram.py").args([names, host, &echo.port().to_string()]);
        client.input(sent.clone()).run().prints(&sent);
    }
}

#[test]
fn python_socks_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for scheme in ["socks4", "socks5", "http"] {
        let proxy = format!("{scheme}://10.77.1.1:1080");
        comes_back(&world, |port| python(&world, "python_socks_stream.py").args([&proxy, "target.test", port]));
    }
}

#[test]
fn requests_fetches_by_name() {
    fetches_under(Policy::Open, "requests_fetch.py", "socks4a://10.77.1.1:1080");
    fetches_under(Policy::Open, "requests_fetch.py", "socks5h://10.77.1.1:1080");
    fetches_under(Policy::Login, "requests_fetch.py", "socks5h://alice:correct-horse@10.77.1.1:1080");
}

#[test]
fn httpx_fetches_by_name() {
    fetches_under(Policy::Open, "httpx_fetch.py", "socks5h://10.77.1.1:1080");
    fetches_under(Policy::Login, "httpx_fetch.py", "socks5h://alice:correct-horse@10.77.1.1:1080");
}

#[test]
fn aiohttp_socks_fetches_by_name() {
    fetches_under(Policy::Open, "aiohttp_fetch.py", "socks4://10.77.1.1:1080");
    fetches_under(Policy::Open, "aiohttp_fetch.py", "socks5://10.77.1.1:1080");
    fetches_under(Policy::Login, "aiohttp_fetch.py", "socks5://alice:correct-horse@10.77.1.1:1080");
}

#[test]
fn node_socks_gets_its_answer_after_a_half_close() {
    let world = World::with(Policy::Open);
    for (version, host) in [("4", TARGET), ("4", "target.test"), ("5", TARGET), ("5", "target.test"), ("5", "six.test")]
    {
        comes_back(&world, |port| node(&world, "node_connect.js").args([version, host, port]));
    }
}

#[test]
fn node_socks_logs_in() {
    let world = World::with(Policy::Login);
    comes_back(&world, |port| node(&world, "node_connect.js").args(["5", "target.test", port, USER, PASSWORD]));
}

#[test]
fn node_socks_is_connected_to_by_the_target_after_bind() {
    let world = World::with(Policy::Open);
    for version in ["4", "5"] {
        let mut client = node(&world, "node_bind.js").args([version, TARGET]).talk();
        let bound = client.line();
        assert!(bound.starts_with(EXIT), "the target has no way to {bound}");
        let caller = world.target.inside(|| {
            let mut stream = TcpStream::connect(&bound).unwrap_or_else(|error| panic!("{bound}: {error}"));
            stream.write_all(b"hello from the target").expect("the proxy took the connection");
            stream.local_addr().expect("it is connected")
        });
        assert_eq!(client.line(), caller.to_string());
        assert_eq!(client.rest(), "hello from the target");
    }
}

#[test]
fn node_socks_exchanges_datagrams() {
    let world = World::with(Policy::Open);
    let echo = services::datagram_echo(&world.target);
    for host in [TARGET, "target.test"] {
        let client = node(&world, "node_associate.js").args([host, &echo.port().to_string(), "hello"]);
        client.run().prints(format!("{TARGET}:{} hello\n", echo.port()));
    }
}

#[test]
fn java_fetches_by_name() {
    let world = World::with(Policy::Open);
    fetches(&world, "target.test", java(&world));
}

#[test]
fn java_logs_in() {
    let world = World::with(Policy::Login);
    fetches(&world, "target.test", java(&world).args([USER, PASSWORD]));
}

#[test]
fn go_fetches_by_name() {
    let world = World::with(Policy::Open);
    let fetch = build_go(&world);
    for (library, proxy) in [
        ("x/net", "socks5://10.77.1.1:1080"),
        ("net/http", "socks5://10.77.1.1:1080"),
        ("net/http", "socks5://[fd77:1::1]:1080"),
    ] {
        fetches(&world, "target.test", world.client.program(&fetch).args([library, proxy]));
    }
}

#[test]
fn go_logs_in() {
    let world = World::with(Policy::Login);
    let fetch = build_go(&world);
    for library in ["x/net", "net/http"] {
        let proxy = format!("socks5://{USER}:{PASSWORD}@10.77.1.1:1080");
        fetches(&world, "target.test", world.client.program(&fetch).args([library, &proxy]));
    }
}

#[track_caller]
fn fetches_under(policy: Policy, program: &str, proxy: &str) {
    let world = World::with(policy);
    fetches(&world, "target.test", python(&world, program).args([proxy]));
}

fn python(world: &World, program: &str) -> Program {
    world.client.program(project(".venv/bin/python")).args([source(program)])
}

fn node(world: &World, program: &str) -> Program {
    demand(project("tests/clients/node_modules/socks/package.json"));
    world.client.program("node").args([source(program)])
}

/// The JVM compiles the one file as it starts; the first tier of its compiler is enough for that.
fn java(world: &World) -> Program {
    world.client.program("java").args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]).args([source("Fetch.java")])
}

/// Debian ships golang.org/x/net as sources, in the layout from before there were modules.
fn build_go(world: &World) -> PathBuf {
    let program = world.scratch().join("fetch");
    let go = world.client.program("go").env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    let go = go.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"));
    go.args(["build", "-o"]).args([program.clone(), source("fetch.go")]).run().prints("");
    program
}

fn source(program: &str) -> PathBuf {
    project("tests/clients/programs").join(program)
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
