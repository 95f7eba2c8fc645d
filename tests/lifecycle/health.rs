//! `rustsocks health`: what container runtimes ask.

use rig::scrape::Endpoint;

use crate::{Ran, command, launch, ran};

#[test]
fn a_service_that_runs_is_live_and_ready_and_one_that_does_not_is_neither() {
    let metrics = Endpoint::reserve();
    let mut service = launch(&metrics.settings()).start();
    for (what, word) in [(&[][..], "live"), (&["live"], "live"), (&["ready"], "ready")] {
        let answer = ask(&service.config(), what);
        assert_eq!(answer.code, Some(0), "{what:?}: {answer:?}");
        assert!(answer.stdout.contains(word), "{what:?}: {answer:?}");
    }
    service.process.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(service.process.exit_within(rig::wait::PATIENCE).is_some());
    let answer = ask(&service.config(), &["live"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("nobody answers at "), "{answer:?}");
}

#[test]
fn it_answers_over_a_unix_socket_too() {
    let service = launch("[metrics]\nenabled = true\nbind_address = \"unix:{dir}/metrics\"\n").start();
    let answer = ask(&service.config(), &["ready"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
}

#[test]
fn without_metrics_there_is_nobody_to_ask() {
    let service = launch("").start();
    let answer = ask(&service.config(), &[]);
    assert_eq!(answer.code, Some(78));
    assert!(answer.stderr.contains("metrics.enabled is false"), "{answer:?}");
}

#[test]
fn metrics_that_speak_tls_are_not_asked() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    let text = "[metrics]\nenabled = true\ntls_cert = \"/nowhere\"\ntls_key = \"/nowhere\"\n";
    std::fs::write(&config, text).expect("a temporary directory can be written");
    let answer = ask(&config, &[]);
    assert_eq!(answer.code, Some(78));
    assert!(answer.stderr.contains("the metrics speak TLS (metrics.tls_cert)"), "{answer:?}");
}

fn ask(config: &std::path::Path, what: &[&str]) -> Ran {
    ran(command(&["health"]).args(what).arg("--config").arg(config))
}
