//! Programs that cannot take the place of the one that runs, which then stays as it is.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use rig::service::Service;
use rig::target::{Target, echo, tunnel};

use crate::{Installed, assert_passes, hears, said, serves, upgrade};

const FAILED: &str = "the upgrade failed; the worker goes on serving";

/// What the log says of the upgrade that has failed last.
fn reason(service: &Service, failures: usize) -> String {
    hears(service, FAILED, failures);
    let lines = service.log.lines();
    let last = lines.iter().rfind(|line| line.text("message") == FAILED).expect("it said so");
    last.text("reason").to_owned()
}

#[test]
fn a_file_that_does_not_run_and_a_configuration_that_is_wrong_change_nothing() {
    let installed = Installed::new();
    let service = installed.start("[server]\nwatch_files = false\n");
    let target = Target::listen().serve(echo);
    let (mut relay, worker) = (tunnel(service.addr()), service.worker_pid());
    let good = fs::read_to_string(service.config()).expect("it was written");

    installed.put(Path::new("/bin/false"));
    service.process.signal(Signal::SIGUSR2);
    assert_eq!(reason(&service, 1), "exit status: 1");
    fs::write(installed.path(), "no program").expect("the directory is ours");
    service.process.signal(Signal::SIGUSR2);
    assert!(reason(&service, 2).contains("cannot start"));
    installed.put_again();
    service.rewrite("[server]\nnonsense = 1\n");
    service.process.signal(Signal::SIGUSR2);
    assert!(reason(&service, 3).contains("nonsense"), "{}", reason(&service, 3));

    assert_eq!(service.worker_pid(), worker);
    serves(service.addr(), target);
    service.rewrite(&good);
    assert_ne!(upgrade(&service, &installed), worker);
    assert_passes(&mut relay, 1);
}

#[test]
fn a_listener_that_cannot_be_had_leaves_the_former_worker_in_the_post() {
    let installed = Installed::new();
    let service = installed.start("[server]\nwatch_files = false\n");
    let target = Target::listen().serve(echo);
    let (mut relay, worker) = (tunnel(service.addr()), service.worker_pid());
    let good = fs::read_to_string(service.config()).expect("it was written");

    // The rehearsal binds nothing.
    let taken = Target::listen();
    service.rewrite(&format!("{good}[[listen]]\naddress = \"{}\"\n", taken.addr()));
    service.process.signal(Signal::SIGUSR2);
    assert!(reason(&service, 1).contains("somebody else does"), "{}", reason(&service, 1));
    assert_eq!(service.worker_pid(), worker);
    serves(service.addr(), target);

    service.rewrite(&good);
    assert_eq!(service.reload().text("configuration"), "same", "the former worker reloads as ever");
    assert_ne!(upgrade(&service, &installed), worker);
    assert_passes(&mut relay, 2);
    assert_eq!(said(&service, "the worker died"), 0);
}
