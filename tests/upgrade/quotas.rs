//! What the sessions of both workers carry counts together.

use rig::history::Shelf;
use rig::service::Service;
use rig::socks5::{CONNECT, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{Installed, upgrade};

const PASSWORD: &[u8] = b"wonderland";

/// A fifth of the quota.
const PIECE: usize = 20_000;

/// A relay of alice, if it is granted.
fn relay(service: &Service) -> Option<(Wire, Wire)> {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", PASSWORD), [1, 0]);
    let target = Target::listen();
    match client.ask(CONNECT, target.addr()).code {
        rep::SUCCEEDED => Some((client, target.accept())),
        code => {
            assert_eq!(code, rep::NOT_ALLOWED);
            None
        }
    }
}

fn pass((client, target): &mut (Wire, Wire), pieces: usize) {
    client.send(&vec![b'.'; pieces * PIECE]);
    assert_eq!(target.receive_all(pieces * PIECE).len(), pieces * PIECE);
}

#[test]
fn a_quota_is_used_up_by_the_sessions_of_both_workers_together() {
    let (installed, shelf) = (Installed::new(), Shelf::new());
    let users = Users::crowd(["alice".to_owned()], PASSWORD);
    let quota = "checkpoint_secs = 1\n[[limits.quotas]]\nname = \"monthly\"\ngigabytes = 0.0001\nend_live = true\n";
    let service = installed.start(&[&users.settings(&["userpass"]), &*shelf.settings(), quota].concat());
    let mut old = relay(&service).expect("nothing is used yet");
    pass(&mut old, 1);
    let _worker = upgrade(&service, &installed);
    let mut new = relay(&service).expect("there is some left");
    pass(&mut new, 2);
    pass(&mut old, 2);
    assert!(eventually(PATIENCE, || relay(&service).is_none()), "all is used up");
    // Each worker ends its own, as each knows of the other's.
    for (mut client, _target) in [old, new] {
        let ending = client.end();
        let line = service.session_of(client.leave());
        assert_eq!((line.text("ending"), line.number("bytes_sent") > 0), ("quota_spent", true), "{ending:?} {line:?}");
    }
    let sum = |table: &str| {
        let sql = format!("SELECT sum(bytes_sent) AS bytes FROM {table} WHERE user = 'alice'");
        shelf.history().ask(&sql).map_or(0, |rows| rows[0].number("bytes"))
    };
    let all = i64::try_from(5 * PIECE).expect("it is small");
    assert!(
        eventually(PATIENCE, || (sum("usage"), sum("sessions")) == (all, all)),
        "{} {}",
        sum("usage"),
        sum("sessions")
    );
}
