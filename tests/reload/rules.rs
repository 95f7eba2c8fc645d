//! Rules that change while a relay goes on that the new ones would refuse.

use rig::rules::Rules;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};
use rig::users::Users;

use crate::{SIGNAL_ONLY, assert_passes, of, start, words};

const OPEN: &str = "[global]\ndefault_policy = \"allow\"\n";
const CLOSED: &str = "[global]\ndefault_policy = \"deny\"\n";

#[test]
fn other_rules_hold_for_those_who_come_now() {
    let rules = Rules::of(OPEN);
    let service = start(&[SIGNAL_ONLY, &rules.settings()].concat());
    let mut relay = tunnel(service.addr());
    rules.rewrite(CLOSED);
    let line = service.reload();
    assert_eq!((words(&line), line.text("rules")), (("same", "same"), "applied"));
    assert_eq!(connect(&service), rep::NOT_ALLOWED);
    assert_passes(&mut relay);

    rules.rewrite(&format!("{OPEN}[[users]]\nusername = \"*\"\n[[users.rules]]\nactoin = \"block\"\n"));
    let line = service.reload();
    assert_eq!((line.text("rules"), line.text("level")), ("failed", "ERROR"));
    assert!(line.text("problems").contains("acl.toml:6:1"), "{line:?}");
    assert_eq!(connect(&service), rep::NOT_ALLOWED);

    rules.rewrite(OPEN);
    assert_eq!(service.reload().text("rules"), "applied");
    assert_eq!(connect(&service), rep::SUCCEEDED);
    assert_passes(&mut relay);
}

/// What the settings say of rules counts at once, although the rule file has not changed.
#[test]
fn the_rules_follow_the_settings() {
    let rules = Rules::of(CLOSED);
    let service = start(SIGNAL_ONLY);
    assert_eq!(connect(&service), rep::SUCCEEDED);
    for (acl, code) in [
        (rules.settings(), rep::NOT_ALLOWED),
        (format!("{}enabled = false\n", rules.settings()), rep::SUCCEEDED),
        (rules.settings(), rep::NOT_ALLOWED),
        (String::new(), rep::SUCCEEDED),
    ] {
        service.rewrite(&of(&[SIGNAL_ONLY, &acl].concat()));
        assert_eq!(words(&service.reload()).0, "applied", "{acl}");
        assert_eq!(connect(&service), code, "{acl}");
    }
}

/// Users and rules change by themselves; one that is wrong does not hold up the other.
#[test]
fn wrong_users_do_not_hold_up_the_rules() {
    let (users, rules) = (Users::of(&[("alice", b"wonderland")]), Rules::of(OPEN));
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"]), &rules.settings()].concat());
    rig::place::write_secret(&users.path(), "[[users]]\n");
    rules.rewrite(CLOSED);
    let line = service.reload();
    assert_eq!((words(&line), line.text("rules")), (("same", "failed"), "applied"));
    let mut client = rig::wire::Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], 0);
    assert_eq!(client.ask(CONNECT, Target::listen().addr()).code, rep::NOT_ALLOWED);
}

#[test]
fn a_changed_rule_file_is_a_reload() {
    let rules = Rules::of(OPEN);
    let service = start(&rules.settings());
    rules.rewrite(CLOSED);
    let line = service.next_reload(0);
    assert_eq!((line.text("rules"), line.text("trigger")), ("applied", "file"));
    assert_eq!(connect(&service), rep::NOT_ALLOWED);
}

fn connect(service: &Service) -> u8 {
    greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code
}
