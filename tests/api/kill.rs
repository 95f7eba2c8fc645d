//! An operator ends a session: at once, whatever it waits for, and its line says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rig::dns::{Answer, Dns, Zone};
use rig::socks5::{BIND, CONNECT, greeted, request};
use rig::target::{Endless, Unanswering, tunnel};
use rig::udp::Association;
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;
use serde_json::Value;

use crate::{House, start};

/// Every limit is minutes away, so that only the order can end a session in time.
const LONG: &str = "[timeouts]\nhandshake_secs = 300\nconnect_secs = 600\nbind_secs = 600\nudp_idle_secs = 600
[commands]\nbind = true\n";

const PROMPT: Duration = Duration::from_secs(2);

#[test]
fn a_session_ends_at_once_in_every_state() {
    let dns = Dns::serve(Zone::default().with("silent.test", Answer::Silence));
    let house = start(&[LONG, &dns.settings(), "timeout_secs = 60\n"].concat());
    let proxy = house.service.addr();
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());
    let waiting_for = |request: &[u8]| {
        let mut client = greeted(proxy);
        client.send(request);
        client
    };
    let mut in_handshake = Wire::connect(proxy);
    in_handshake.send(&[5]);
    let idle = tunnel(proxy);
    let source = Endless::listen();
    let in_write = waiting_for(&request(CONNECT, source.addr()));
    source.wait_until_stalled();
    let in_dial = waiting_for(&request(CONNECT, full.addr()));
    let in_dns = waiting_for(&request(CONNECT, ("silent.test", 80)));
    assert!(eventually(PATIENCE, || dns.asked_for("silent.test") > 0), "the name is being resolved");
    let mut in_bind = waiting_for(&request(BIND, SocketAddr::from(([0, 0, 0, 0], 0))));
    assert_eq!(in_bind.reply().code, 0);
    let datagrams = Association::open(proxy);

    let clients = [&in_handshake, &idle.0, &in_write, &in_dial, &in_dns, &in_bind, &datagrams.control].map(Wire::local);
    for client in clients {
        let id = id_of(&house, client);
        let began = Instant::now();
        let ended = house.api.ask("operate", "DELETE", &format!("/api/sessions/{id}"), None);
        assert_eq!(ended.status, 200, "{}", ended.body);
        let is_gone = || live(&house).iter().all(|session| session["session_id"] != *id);
        assert!(eventually(PATIENCE, is_gone), "{client} is still in");
        assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
        assert_eq!(house.service.session_of(client).text("ending"), "killed");
    }
    let audit = house.service.event("session ended by an operator");
    assert_eq!(audit.text("caller"), "operate");
    let gone = house.api.ask("operate", "DELETE", "/api/sessions/01890a5d-ac96-774b-bcce-b302099a8057", None);
    assert_eq!(gone.status, 404);
}

fn live(house: &House) -> Vec<Value> {
    house.api.read("/api/sessions/active?limit=1000").as_array().cloned().expect("a list")
}

fn id_of(house: &House, client: SocketAddr) -> String {
    let is_it =
        |session: &Value| session["source_port"] == client.port() && session["source_ip"] == client.ip().to_string();
    let session = found(PATIENCE, || live(house).into_iter().find(is_it)).expect("the session is shown");
    session["session_id"].as_str().expect("it has an id").to_owned()
}
