//! Users come, go and change their passwords while a relay of one of them goes on.

use rig::service::Service;
use rig::socks5::{CONNECT, NO_AUTHENTICATION, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wire::Wire;

use crate::{SIGNAL_ONLY, assert_passes, start, words};

const OK: u8 = 0;

#[test]
fn users_come_go_and_change_their_passwords_without_touching_a_relay() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]);
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"])].concat());
    assert_logins(&service, &[("alice", "wonderland", true), ("bob", "builder", true), ("carol", "singer", false)]);
    let mut relay = relay_of_alice(&service);

    users.replace_by(&[("alice", b"looking-glass"), ("carol", b"singer")]);
    assert_logins(&service, &[("bob", "builder", true), ("carol", "singer", false)]);
    assert_eq!(words(&service.reload()), ("same", "applied"));
    assert_logins(
        &service,
        &[
            ("alice", "wonderland", false),
            ("alice", "looking-glass", true),
            ("bob", "builder", false),
            ("carol", "singer", true),
        ],
    );
    assert_passes(&mut relay);
    assert_eq!(words(&service.reload()), ("same", "same"));
    assert_passes(&mut relay);
}

#[test]
fn authentication_is_switched_on_and_off() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(SIGNAL_ONLY);
    service.rewrite(&crate::of(&[SIGNAL_ONLY, &users.settings(&["userpass"])].concat()));
    assert_eq!(words(&service.reload()), ("applied", "applied"));
    assert_logins(&service, &[("alice", "wonderland", true), ("alice", "wrong", false)]);
    assert_eq!(Wire::connect(service.addr()).offer(&[NO_AUTHENTICATION]), [5, 0xff]);

    service.rewrite(&crate::of(SIGNAL_ONLY));
    assert_eq!(words(&service.reload()), ("applied", "same"));
    assert_eq!(Wire::connect(service.addr()).offer(&[NO_AUTHENTICATION]), [5, 0]);
}

/// A configuration and the users that it names are applied together or not at all.
#[test]
fn a_configuration_whose_users_cannot_be_read_is_not_applied() {
    let service = start(SIGNAL_ONLY);
    let missing = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"{dir}/missing.toml\"\n";
    service.rewrite(&crate::of(&[SIGNAL_ONLY, missing].concat()));
    let line = service.reload();
    assert_eq!(words(&line), ("failed", "failed"));
    assert!(line.text("problems").contains("missing.toml"), "{line:?}");
    assert_eq!(Wire::connect(service.addr()).offer(&[NO_AUTHENTICATION]), [5, 0]);
}

#[test]
fn users_that_are_wrong_stay_as_they_were_while_the_configuration_changes() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let config = [SIGNAL_ONLY, &users.settings(&["userpass"])].concat();
    let service = start(&config);
    std::fs::write(users.path(), "[[users]]\nname = \"alice\"\npasword_hash = \"x\"\n").expect("the file is ours");
    service.rewrite(&crate::of(&format!("{config}[commands]\nconnect = false\nudp_associate = true\n")));
    let line = service.reload();
    assert_eq!(words(&line), ("applied", "failed"));
    assert!(line.text("problems").contains("users.toml:3:1"), "{line:?}");
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], OK);
    assert_eq!(client.ask(CONNECT, Target::listen().addr()).code, rep::COMMAND);
}

fn assert_logins(service: &Service, logins: &[(&str, &str, bool)]) {
    for (name, password, is_let_in) in logins {
        let answer = Wire::connect(service.addr()).log_in(name.as_bytes(), password.as_bytes());
        assert_eq!(answer[1] == OK, *is_let_in, "{name} with {password}");
    }
}

fn relay_of_alice(service: &Service) -> (Wire, Wire) {
    let target = Target::listen();
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], OK);
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    (client, target.accept())
}
