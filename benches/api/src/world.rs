//! A daemon with a long history behind it and many sessions in it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rig::api::Api;
use rig::history::Shelf;
use rig::population;
use rig::service::{Launch, Service};
use rig::target::{Target, echo};
use rig::wait::eventually;
use rig::wire::Wire;

/// How long the sessions may take to be shown.
const PATIENCE: Duration = Duration::from_mins(1);

/// One session each 600 ms, so that a million make up a week; some users and destinations have more than others.
const FILL: &str = "
WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?1)
INSERT INTO sessions (session_id, user, start_time, end_time, source_ip, source_port, dest_host, dest_ip, dest_port,
    protocol, bytes_sent, bytes_received, status, close_reason, acl_rule_matched, acl_decision, listener, dialect,
    command, auth_method, generation, handshake_us, auth_us, rules_us, dns_us, connect_us, first_byte_us)
SELECT unhex(printf('%012x70008000%012x', (unixepoch() * 1000) - (?1 - n) * 600, n)),
    'user' || (n * n % 499), (unixepoch() * 1000 - (?1 - n) * 600) * 1000, (unixepoch() * 1000 - (?1 - n) * 600) * 1000 + 5000000,
    '192.0.2.' || (n % 250), 1024 + n % 60000, 'host' || (n * n % 4999) || '.example.com', '198.51.100.' || (n % 250), 443,
    'tcp', n % 10000, n % 1000000, CASE n % 20 WHEN 0 THEN 'rejected' WHEN 1 THEN 'failed' ELSE 'closed' END,
    'client_closed', 'users/user#' || (n % 50), CASE n % 20 WHEN 0 THEN 'block' ELSE 'allow' END, 'main', 'socks5',
    'connect', 'userpass', 1, 500, 400, 4, 1000, 2000, 3000
FROM number";

pub(crate) struct World {
    pub(crate) api: Api,
    pub(crate) echo: SocketAddr,
    service: Service,
    /// Who is in, for as long as they are held.
    _sessions: Vec<Wire>,
    _shelf: Shelf,
}

impl World {
    pub(crate) fn make(program: &Path, rows: u32, sessions: usize) -> Result<Self> {
        let shelf = Shelf::new();
        fill(program, &shelf, rows)?;
        let api = Api::reserve(program);
        let config = format!(
            "[guard]\nallow = [\"127.0.0.0/8\"]\n{}{}{}token_requests_per_sec = 100000\nsource_requests_per_sec = 100000\n",
            population::limits(sessions),
            shelf.settings(),
            api.settings(),
        );
        let service = Launch::of(program).config(&config).start();
        let all = population::settle(service.addr(), sessions);
        let world = Self { api, echo: Target::listen().serve(echo), service, _sessions: all, _shelf: shelf };
        let active = || world.api.read("/stats")["active_sessions"].as_u64();
        ensure!(eventually(PATIENCE, || active() >= Some(sessions as u64)), "{:?} sessions are in", active());
        Ok(world)
    }

    pub(crate) fn proxy(&self) -> SocketAddr {
        self.service.addr()
    }
}

/// A daemon makes the tables; the rows are put in when it has gone.
fn fill(program: &Path, shelf: &Shelf, rows: u32) -> Result<()> {
    let mut service = Launch::of(program).config(&shelf.settings()).start();
    let _its_tables_are_there = service.event_with("has its schema");
    service.process.signal(nix::sys::signal::Signal::SIGTERM);
    ensure!(service.process.exit_within(PATIENCE).is_some(), "the first daemon does not stop");
    shelf.history().open().execute(FILL, [rows]).context("the history cannot be filled")?;
    Ok(())
}
