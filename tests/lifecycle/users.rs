//! Users files that cannot be used: the start is refused where a person sees it, and no password is in the words.

use std::fs;

use rig::place::write_secret;
use rig::service::{Launch, Refusal};
use rig::users::Users;
use rig::wire::Wire;

use crate::{launch, run};

const AUTH: &str = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"{dir}/users.toml\"\n";

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$eBVJ/LbEsFFYZpiqHz0hlzbDRTxdtq1m3VuZ3DOYJdE";

#[test]
fn a_missing_users_file_is_refused() {
    let refusal = refused(|_| ());
    assert_words(&refusal, &["users.toml", "No such file"]);
}

#[test]
fn an_unusable_users_file_is_refused_with_the_place() {
    for (text, expected) in [
        (String::new(), &["users.toml"][..]),
        ("[[users]]\nname = \"alice\"\n".to_owned(), &["users.toml:1", "password_hash"]),
        (format!("[[users]]\npassword_hash = \"{HASH}\"\n"), &["users.toml:1", "name"]),
        (user("alice", "wonderland"), &["users.toml:3", "password_hash"]),
        (user("alice", &HASH.replace("m=19456", "m=16777216")), &["users.toml:3"]),
        (user("alice", HASH) + &user("alice", HASH), &["users.toml:5", "alice"]),
        (user("", HASH), &["users.toml:2"]),
        (user(&"n".repeat(256), HASH), &["users.toml:2", "255"]),
        (user("alice", HASH) + "pasword_hash = \"x\"\n", &["users.toml:4", "unknown key"]),
        ("[[users]\n".to_owned(), &["users.toml:1"]),
    ] {
        let refusal = refused(|launch| write_secret(&launch.directory().join("users.toml"), &text));
        assert_words(&refusal, expected);
        assert!(!refusal.words.contains("wonderland"), "a password is in the words: {}", refusal.words);
    }
}

#[test]
fn check_reads_the_users_too() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let (config, place) = (directory.path().join("rustsocks.toml"), directory.path().to_string_lossy());
    fs::write(&config, AUTH.replace("{dir}", &place)).expect("a temporary directory can be written");
    let ran = run(&["check", "--config", &config.to_string_lossy()]);
    assert_eq!(ran.code, Some(78));
    assert!(ran.stderr.contains("users.toml"), "{}", ran.stderr);
}

#[test]
fn a_users_file_that_is_right_lets_its_users_in_and_nobody_else() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = launch(&users.settings(&["userpass"])).start();
    for (name, password, status) in [(&b"alice"[..], &b"wonderland"[..], 0), (b"alice", b"wrong", 1), (b"bob", b"", 1)]
    {
        assert_eq!(Wire::connect(service.addr()).log_in(name, password)[1], status, "{}", name.escape_ascii());
    }
}

fn user(name: &str, hash: &str) -> String {
    format!("[[users]]\nname = \"{name}\"\npassword_hash = \"{hash}\"\n")
}

fn refused(prepare: impl Fn(&Launch)) -> Refusal {
    let launch = launch(AUTH);
    prepare(&launch);
    let refusal = launch.refused().expect("it must not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    refusal
}

fn assert_words(refusal: &Refusal, expected: &[&str]) {
    for words in expected {
        assert!(refusal.words.contains(words), "{words:?} should be in:\n{}", refusal.words);
    }
}
