//! What a helper is and may, seen from outside while it serves.

use std::fs;
use std::path::PathBuf;

use rig::service::Service;
use rig::standing::{Standing, of_all_threads};
use rig::wait::{PATIENCE, eventually};

use crate::system::{PAM_UNIX, System, accepts};

/// `CAP_DAC_READ_SEARCH`, `CAP_SETGID`, `CAP_SETUID` and `CAP_AUDIT_WRITE` (capabilities(7)).
const KEPT: [u32; 4] = [2, 6, 7, 29];

fn serving(system: &System) -> (Service, Vec<u32>) {
    let service = system.start("");
    assert!(accepts(&service, "alice"));
    assert!(eventually(PATIENCE, || service.pam_helpers().len() == 2));
    let helpers = service.pam_helpers();
    (service, helpers)
}

#[test]
fn a_helper_is_root_with_four_capabilities_and_one_thread() {
    let system = System::with(PAM_UNIX);
    let (_service, helpers) = serving(&system);
    let ours = of_all_threads(std::process::id()).swap_remove(0).1.permitted;
    let kept = KEPT.iter().map(|capability| 1 << capability).sum::<u64>() & ours;
    for pid in helpers {
        let threads = of_all_threads(pid);
        let [(_, standing)] = threads.as_slice() else { panic!("one thread, not {threads:?}") };
        let expected = Standing {
            users: vec![0; 4],
            groups: vec![0; 4],
            further_groups: Vec::new(),
            inheritable: 0,
            permitted: kept,
            effective: kept,
            bounding: kept,
            ambient: 0,
            no_new_privileges: true,
            seccomp: standing.seccomp,
        };
        assert_eq!(*standing, expected);
    }
}

#[test]
fn a_helper_holds_nothing_but_its_line() {
    let system = System::with(PAM_UNIX);
    let (_service, helpers) = serving(&system);
    for pid in helpers {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
        let open: Vec<PathBuf> = open.map(|entry| fs::read_link(entry.path()).expect("a descriptor")).collect();
        let sockets = open.iter().filter(|what| what.to_string_lossy().starts_with("socket:")).count();
        // Standard input, output and error, and the line.
        assert_eq!((open.len(), sockets), (4, 1), "{open:?}");
        assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).expect("it runs"), PathBuf::from("/"));
        let line = fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        assert_eq!(words[0], "rustsocks: pam");
        assert_eq!(words[words.len() - 2], "rustsocks", "the services are the last words: {words:?}");
    }
}
