//! What an administrator's monitoring sees: metrics against what the endpoints counted, answers about health, a real Prometheus,
//! and an HTTP front that nobody can bring down.
//!
//! Each test has a daemon of its own. They need root: for name servers on port 53, for limits and for users.

mod bounds;
mod counting;
mod health;
mod hostile;
mod prometheus;
mod reloads;
mod rule_hits;

use std::path::Path;

use rig::scrape::Endpoint;
use rig::service::{Launch, Service};

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\"]\n";

/// A daemon and its endpoint.
struct House {
    service: Service,
    http: Endpoint,
}

fn start(config: &str) -> House {
    let http = Endpoint::reserve();
    let service = launch(&http, config).start();
    House { service, http }
}

fn launch(http: &Endpoint, config: &str) -> Launch {
    Launch::of(program()).config(&[LOOPBACK, &http.settings(), config].concat())
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
