//! A daemon with a hundred rules and many sessions in it, of which some carry bytes; and another one with many users.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use rig::admin::Conversation;
use rig::crowd::Crowd;
use rig::population::{self, settle};
use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::users::Users;
use rig::wait::eventually;
use rig::wire::Wire;
use serde_json::json;

/// How long the sessions may take to be shown.
const PATIENCE: Duration = Duration::from_mins(1);

const ADMIN: &str = "[admin]\nsocket = \"{dir}/admin.sock\"\n";

const RULES: usize = 100;

/// Sessions that carry bytes, so that something changes in each window, and how much each carries how often.
const BUSY: usize = 40;
const LOAD: usize = 8 << 10;
const REST: Duration = Duration::from_millis(100);

pub(crate) struct World {
    /// Where connections that come and go are answered.
    pub(crate) echo: SocketAddr,
    service: Service,
    /// Who is in, for as long as they are held.
    _sessions: Vec<Wire>,
    _rules: Rules,
    busy: Option<Crowd>,
}

impl World {
    pub(crate) fn make(program: &Path, sessions: usize) -> Result<Self> {
        let rules = Rules::of(&rules("127.0.0.0/8"));
        let limits = population::limits(sessions);
        let config = format!("[guard]\nallow = [\"127.0.0.0/8\"]\n{limits}{ADMIN}{}", rules.settings());
        let service = Launch::of(program).config(&config).start();
        let echo = Target::listen().serve(echo);
        let idle = settle(service.addr(), sessions.saturating_sub(BUSY + 1));
        let busy = busy(service.addr(), echo);
        let world = Self { echo, service, _sessions: idle, _rules: rules, busy: Some(busy) };
        let mut conversation = world.conversation();
        let mut shown = || conversation.ask("status", json!({}))["sessions"].as_u64().unwrap_or_default();
        let wanted = sessions.saturating_sub(1) as u64;
        ensure!(eventually(PATIENCE, || shown() >= wanted), "{} sessions are in", shown());
        Ok(world)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.service.directory().join("admin.sock")
    }

    pub(crate) fn worker(&self) -> u32 {
        self.service.worker_pid()
    }

    pub(crate) fn conversation(&self) -> Conversation {
        greet(&self.socket())
    }

    /// Who comes and goes.
    pub(crate) fn visitors(&self, a_second: u32) -> Crowd {
        Crowd::of_visitors(self.service.addr(), self.echo, a_second)
    }

    /// A session with both ends in our hands: whatever is sent comes back.
    pub(crate) fn session(&self) -> Wire {
        session(self.service.addr(), self.echo)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its sessions end with the daemon otherwise, which is a failure to them.
        let _a_second = self.busy.take().map(Crowd::stop);
    }
}

/// A daemon with many users and nobody in it.
pub(crate) struct Registry {
    service: Service,
    _users: Users,
}

impl Registry {
    pub(crate) fn make(program: &Path, users: usize) -> Self {
        let users = Users::crowd((0..users).map(|number| format!("user{number:05}")), b"secret");
        let service = Launch::of(program).config(&[ADMIN, &users.settings(&["userpass"])].concat()).start();
        Self { service, _users: users }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.service.directory().join("admin.sock")
    }
}

/// With whom an administrator's program talks.
pub(crate) fn greet(socket: &Path) -> Conversation {
    let mut conversation = Conversation::begin(socket);
    conversation.greet();
    conversation
}

/// A hundred rules, of which the last one lets everybody go there.
pub(crate) fn rules(there: &str) -> String {
    let mut text = "[global]\ndefault_policy = \"deny\"\n\n[[users]]\nusername = \"*\"\n".to_owned();
    let elsewhere = (1..RULES).map(|number| format!("10.{number}.0.0/16"));
    for destination in elsewhere.chain([there.to_owned()]) {
        let rule = format!("\n[[users.rules]]\naction = \"allow\"\ndestinations = [{destination:?}]\n");
        text.write_str(&rule).expect("a String takes any text");
    }
    text
}

fn busy(proxy: SocketAddr, target: SocketAddr) -> Crowd {
    let sessions: Vec<Wire> = (0..BUSY).map(|_| session(proxy, target)).collect();
    let sessions = Mutex::new(sessions);
    Crowd::of(1, move || {
        let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, wire) in sessions.iter_mut().enumerate() {
            wire.send(&vec![7; LOAD / (number + 1)]);
            let _echo = wire.receive_all(LOAD / (number + 1));
        }
        thread::sleep(REST);
        1
    })
}

fn session(proxy: SocketAddr, target: SocketAddr) -> Wire {
    let mut client = greeted(proxy);
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED, "a session is refused");
    client
}
