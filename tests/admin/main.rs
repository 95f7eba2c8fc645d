//! The admin socket as operators' programs use it: the real daemon, real sessions, and real users of the system.
//!
//! Each test has a daemon of its own. They need root: to be somebody else.

mod audit;
mod auth;
mod comings;
mod crashes;
mod files;
mod history;
mod limits;
mod logs;
mod nonsense;
mod orders;
mod people;
mod policy;
mod reference;
mod reloads;
mod roles;
mod saved;
mod stores;
mod views;
mod vitals;

use std::path::{Path, PathBuf};

use rig::admin::Conversation;
use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::wait::{PATIENCE, found};
use rig::wire::Wire;
use serde_json::{Value, json};

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\"]\n";

/// Groups of every Debian system that no test needs for anything else.
const ADMIN: u32 = 3;
const OPERATE: u32 = 60;
const READ: u32 = 4;

fn start(config: &str) -> Service {
    Launch::of(program()).config(&[LOOPBACK, &settings(), config].concat()).start()
}

/// Only what is asked for reloads.
const BY_HAND: &str = "[server]\nwatch_files = false\n";

/// A daemon with these rules, which it reads again when it is asked to.
fn ruled(rules: &str) -> (Rules, Service) {
    let rules = Rules::of(rules);
    let service = start(&[BY_HAND, &rules.settings()].concat());
    (rules, service)
}

fn settings() -> String {
    "[admin]\nsocket = \"{dir}/admin.sock\"\nreadonly_socket = \"{dir}/read.sock\"
admin_groups = [\"sys\"]\noperator_groups = [\"games\"]\nread_groups = [\"adm\"]\n"
        .to_owned()
}

fn socket(service: &Service) -> PathBuf {
    service.directory().join("admin.sock")
}

/// Root, who may do everything and has said hello.
fn root(service: &Service) -> Conversation {
    let mut conversation = Conversation::begin(&socket(service));
    conversation.greet();
    conversation
}

/// The next push of this kind; others are passed over.
fn next(conversation: &mut Conversation, word: &str) -> Value {
    loop {
        let push = conversation.push();
        if push["ev"] == word {
            return push["d"].clone();
        }
    }
}

/// Somebody who is in these groups beside that of the socket, and has said hello.
fn somebody(service: &Service, user: u32, groups: &[u32]) -> Conversation {
    let mut conversation = Conversation::of_user(&socket(service), user, groups);
    conversation.greet();
    conversation
}

/// The short id of the session of this client; waits for it to be there.
fn id_of(conversation: &mut Conversation, client: &Wire) -> String {
    let port = client.local().port();
    let look = || {
        let (_, parts) = conversation.answers_to("sessions.export", json!({}));
        let rows = parts.iter().flat_map(|part| part["rows"].as_array().cloned().unwrap_or_default());
        rows.into_iter()
            .find(|row: &Value| row["sport"] == port)
            .map(|row| row["id"].as_str().expect("an id").to_owned())
    };
    found(PATIENCE, look).expect("the session is shown")
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
