//! The API as programs use it: the real daemon, its real sessions, and whoever may or may not ask.
//!
//! Each test has a daemon of its own. They need root: for name servers on port 53 and for users.

mod access;
mod hostile;
mod kill;
mod reference;
mod reloading;
mod schema;
mod sessions;
mod tls;

use std::path::Path;

use rig::api::Api;
use rig::service::{Launch, Service};

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\"]\n";

/// A daemon and its API.
struct House {
    service: Service,
    api: Api,
}

fn start(config: &str) -> House {
    let api = Api::reserve(program());
    let service = launch(&[&api.settings(), config].concat());
    House { service, api }
}

fn launch(config: &str) -> Service {
    Launch::of(program()).config(&[LOOPBACK, config].concat()).start()
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
