//! Users come, go and change their passwords while a relay of one of them goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rig::place::write_secret;
use rig::rules::Rules;
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

/// Who may not log in any more keeps the relay that he has, see `acl.on_revoke`.
#[test]
fn a_user_who_is_disabled_or_has_expired_is_kept_out_from_then_on() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]);
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"])].concat());
    assert_logins(&service, &[("alice", "wonderland", true), ("bob", "builder", true)]);
    let mut relay = relay_of_alice(&service);
    let text = fs::read_to_string(users.path()).expect("the file is ours");
    let out = text.replacen("name = \"alice\"", "enabled = false\nname = \"alice\"", 1);
    let out = out.replacen("name = \"bob\"", "expires = 2020-01-01\nname = \"bob\"", 1);
    for (text, is_in) in [(&out, false), (&text, true)] {
        write_secret(&users.path(), text);
        assert_eq!(words(&service.reload()), ("same", "applied"));
        assert_logins(&service, &[("alice", "wonderland", is_in), ("bob", "builder", is_in)]);
        assert_passes(&mut relay);
    }
}

/// Nobody is let in by a file that is not there, and nobody is shut out by one that somebody broke.
#[test]
fn a_users_file_that_cannot_be_used_changes_nothing() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"])].concat());
    assert_logins(&service, &[("alice", "wonderland", true)]);
    let mut relay = relay_of_alice(&service);
    let (path, aside) = (users.path(), users.path().with_file_name("aside"));
    let whole = fs::read_to_string(&path).expect("the file is ours");
    let broken = whole.replace("$argon2id$", "$scrypt$");

    fs::rename(&path, &aside).expect("the directory is ours");
    let is_refused = |problem: &str| {
        let line = service.reload();
        assert_eq!((words(&line), line.text("level")), (("same", "failed"), "ERROR"), "{problem}");
        assert!(line.text("problems").contains(problem), "{problem} is not in {line:?}");
        assert_logins(&service, &[("alice", "wonderland", true), ("alice", "wrong", false), ("bob", "builder", false)]);
    };
    is_refused("No such file");
    fs::create_dir(&path).expect("the directory is ours");
    is_refused("is not a regular file");
    fs::remove_dir(&path).expect("the directory is ours");
    for (text, problem) in
        [("", "users.toml"), ("[[users]]\nname = \"alice\"\n", "users.toml:1"), (&broken, "users.toml:3")]
    {
        write_secret(&path, text);
        is_refused(problem);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    is_refused("users.toml");
    assert_passes(&mut relay);

    fs::rename(&aside, &path).expect("the directory is ours");
    assert_eq!(words(&service.reload()), ("same", "same"));
}

/// An edit that would let somebody in by the old password for as long as it is remembered would be no change of a password.
#[test]
fn a_password_that_is_remembered_is_forgotten_with_its_generation() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]);
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"])].concat());
    for round in 0..3 {
        let [old, new] = [round, round + 1].map(|number| format!("password {number}"));
        users.replace_by(&[("alice", old.as_bytes()), ("bob", b"builder")]);
        assert_eq!(words(&service.reload()), ("same", "applied"));
        // The second time it is remembered.
        assert_logins(&service, &[("alice", &old, true), ("alice", &old, true), ("bob", "builder", true)]);
        users.replace_by(&[("alice", new.as_bytes()), ("bob", b"builder")]);
        assert_eq!(words(&service.reload()), ("same", "applied"));
        assert_logins(&service, &[("alice", &old, false), ("alice", &new, true), ("bob", "builder", true)]);
    }
}

/// The groups of a user say which rules hold for him.
#[test]
fn other_groups_hold_for_whoever_logs_in_now() {
    let rules = Rules::of(
        "[global]\ndefault_policy = \"deny\"\n[[groups]]\nname = \"staff\"\n[[groups.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\n",
    );
    let users = Users::with_groups(&[("alice", b"wonderland", &["staff"])]);
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"]), &rules.settings()].concat());
    let mut relay = relay_of_alice(&service);
    let text = fs::read_to_string(users.path()).expect("the file is ours");
    write_secret(&users.path(), &text.replace("\"staff\"", "\"guests\""));
    assert_eq!(words(&service.reload()), ("same", "applied"));
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland")[1], OK);
    assert_eq!(client.ask(CONNECT, Target::listen().addr()).code, rep::NOT_ALLOWED);
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
    fs::write(users.path(), "[[users]]\nname = \"alice\"\npasword_hash = \"x\"\n").expect("the file is ours");
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
