//! Texts that cannot be taken: what was in force stays, and the reason is said with its place.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};
use rig::wait::{PATIENCE, eventually};

use crate::{LOOPBACK, SIGNAL_ONLY, assert_passes, of, start, words};

#[test]
fn a_text_with_a_mistake_changes_nothing() {
    let service = start(SIGNAL_ONLY);
    let mut relay = tunnel(service.addr());
    let whole = of(&[SIGNAL_ONLY, "[commands]\nconnect = false\n"].concat());
    let half = &whole[..whole.len() - 8];
    for (text, problems) in [
        (format!("{whole}[limits\n"), &["rustsocks.toml:8:8"][..]),
        (format!("{whole}[server]\n"), &["rustsocks.toml:8"]),
        (
            format!("{whole}resolv = true\nconect = 1\n"),
            &["rustsocks.toml:8:1: commands.resolv: unknown key", "rustsocks.toml:9:1"],
        ),
        (format!("{whole}[limits]\nmax_connections = 0\n"), &["rustsocks.toml:9:19: limits.max_connections"]),
        (half.to_owned(), &["rustsocks.toml:7:"]),
    ] {
        service.rewrite(&text);
        let line = service.reload();
        assert_eq!((words(&line), line.text("level")), (("failed", "same"), "ERROR"), "{text}");
        for problem in problems {
            assert!(line.text("problems").contains(problem), "{problem} is not in {line:?}");
        }
        assert_eq!(line.number("serving"), 1);
        assert_unchanged(&service);
        assert_passes(&mut relay);
    }
    let status = || {
        service
            .manager
            .heard()
            .iter()
            .any(|said| said.contains("configuration failed: ") && said.contains("rustsocks.toml:7:"))
    };
    assert!(eventually(PATIENCE, status), "{:?}", service.manager.heard());
    service.rewrite(&[LOOPBACK, SIGNAL_ONLY].concat());
    assert_eq!(words(&service.reload()), ("same", "same"));
    let status = || service.manager.heard().last().is_some_and(|said| said == "READY=1" || !said.contains("failed"));
    assert!(eventually(PATIENCE, status), "{:?}", service.manager.heard().last());
}

#[test]
fn a_file_that_cannot_be_read_or_trusted_changes_nothing() {
    let service = start(SIGNAL_ONLY);
    let config = service.config();
    let aside = config.with_file_name("aside");
    service.rewrite(&of(&[SIGNAL_ONLY, "[commands]\nconnect = false\n"].concat()));
    fs::set_permissions(&config, Permissions::from_mode(0o666)).expect("the file is ours");
    assert_refused(&service, "others than its owner can change it");
    fs::set_permissions(&config, Permissions::from_mode(0o644)).expect("the file is ours");
    fs::rename(&config, &aside).expect("the directory is ours");
    assert_refused(&service, "No such file");
    fs::create_dir(&config).expect("the directory is ours");
    assert_refused(&service, "is not a regular file");
    fs::remove_dir(&config).expect("the directory is ours");
    fs::write(&config, b"[commands]\nconnect = false # \xff\n").expect("the directory is ours");
    assert_refused(&service, "not UTF-8");
    fs::rename(&aside, &config).expect("the directory is ours");
    assert_eq!(words(&service.reload()).0, "applied");
}

fn assert_refused(service: &Service, problem: &str) {
    let line = service.reload();
    assert_eq!(words(&line).0, "failed", "{problem}");
    assert!(line.text("problems").contains(problem), "{problem} is not in {line:?}");
    assert_unchanged(service);
}

fn assert_unchanged(service: &Service) {
    assert_eq!(greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code, rep::SUCCEEDED);
}
