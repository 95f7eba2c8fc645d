//! `pam.username`: a name and a password.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rig::admin::Conversation;
use rig::port::Port;
use rig::service::Service;
use rig::target::Target;
use rig::users::Users;
use rig::wait::{PATIENCE, found};
use rig::wire::Wire;
use serde_json::json;

use crate::system::{Login, PAM_UNIX, PASSWORD, PERMIT, System, accepts, log_in};

#[test]
fn an_account_that_is_in_order_is_let_in_and_the_log_says_what_is_wrong_with_the_others() {
    let system = System::with(PAM_UNIX);
    let service = system.start("");
    assert!(accepts(&service, "alice"));

    let right = PASSWORD.as_bytes();
    for (name, password, remark) in [
        (&b"alice"[..], &b"wrong"[..], "PAM says auth_error"),
        (b"alice", b"", "PAM says auth_error"),
        (b"nobody-knows-me", right, "PAM says user_unknown"),
        (b"carol", right, "PAM says account_expired"),
        (b"carol", b"wrong", "PAM says auth_error"),
        (b"dave", right, "PAM says auth_error"),
        (b"erin", right, "PAM says password_expired"),
        (b"frank", b"", "PAM says auth_error"),
    ] {
        let (login, client) = log_in(&service, name, password);
        let line = service.session_of(client);
        assert_eq!((login, line.text("remark")), (Login::Refused, remark), "{}", name.escape_ascii());
        assert_eq!((line.text("reason"), line.text("user")), ("bad_credentials", ""));
    }
}

#[test]
fn an_operator_tries_a_login_through_the_modules() {
    let system = System::with(PAM_UNIX);
    let service = system.start("[admin]\nsocket = \"{dir}/admin.sock\"\n");
    let mut operator = Conversation::begin(&service.directory().join("admin.sock"));
    operator.greet();
    let tried = |operator: &mut Conversation, user: &str| {
        operator.ask("auth.test", json!({ "user": user, "secret": PASSWORD, "src": "192.0.2.7" }))
    };
    let told = tried(&mut operator, "alice");
    assert_eq!((&told["result"], &told["method"]), (&json!("ok"), &json!("pam.username")), "{told}");
    assert!(told["groups"].as_array().is_some_and(|groups| groups.contains(&json!("proxyusers"))), "{told}");
    let told = tried(&mut operator, "carol");
    assert_eq!((&told["result"], &told["remark"]), (&json!("fail"), &json!("PAM says account_expired")), "{told}");
    let status = operator.ask("auth.status", json!({}));
    let service = &status["services"][0];
    assert_eq!((&service["name"], &service["state"]), (&json!("rustsocks"), &json!("ok")), "{status}");
    assert!(service["used_by"][0].as_str().is_some_and(|user| user.ends_with("(pam.username)")), "{status}");
    assert!(status["helpers"]["count"].as_u64().is_some_and(|count| count > 0), "{status}");
}

#[test]
fn what_c_would_cut_short_is_refused_and_not_cut() {
    let system = System::with(PAM_UNIX);
    let service = system.start("");
    for (name, password) in [
        (&b"alice"[..], &b"correct-horse\0"[..]),
        (b"alice", b"correct-horse\0battery"),
        (b"alice\0", b"correct-horse"),
        (b"alice\0root", b"correct-horse"),
        (b"alice", b"correct-horse\xff"),
        (b"ali\xffce", b"correct-horse"),
        (b"alice\n", b"correct-horse"),
    ] {
        let (login, client) = log_in(&service, name, password);
        assert_eq!(login, Login::Refused, "{} {}", name.escape_ascii(), password.escape_ascii());
        assert_eq!(service.session_of(client).text("remark"), "", "no module was asked");
    }
    assert!(accepts(&service, "alice"));
}

#[test]
fn curl_logs_in_by_socks5_and_by_http() {
    let system = System::with(PAM_UNIX);
    let service = system.start("");
    let page = Target::listen().serve(|stream| {
        let (mut page, mut request) = (Wire::new(stream), Vec::new());
        while !request.ends_with(b"\r\n\r\n") {
            request.extend(page.receive::<1>());
        }
        page.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    });
    for scheme in ["socks5h", "http"] {
        for (password, expected) in [(PASSWORD, "hello"), ("wrong", "")] {
            let proxy = format!("{scheme}://alice:{password}@{}", service.addr());
            let mut curl = Command::new("curl");
            curl.args(["-q", "-sS", "--max-time", "60", "--proxytunnel", "--proxy", &proxy]);
            let fetched = curl.arg(format!("http://{page}/")).output().expect("curl is installed");
            assert_eq!(String::from_utf8_lossy(&fetched.stdout), expected, "{proxy}: {fetched:?}");
            assert_eq!(fetched.status.success(), password == PASSWORD, "{proxy}: {fetched:?}");
        }
    }
    let line = found(PATIENCE, || service.log.sessions().into_iter().find(|line| line.text("user") == "alice"));
    assert_eq!(line.expect("a session of alice").text("auth"), "pam.username");
}

#[test]
fn modules_see_who_asks_and_from_where() {
    let system = System::with(
        "auth required pam_exec.so expose_authtok quiet {dir}/note\naccount required pam_exec.so quiet {dir}/note\n",
    );
    system.script(
        "note",
        "#!/bin/sh\nexec >>{dir}/seen\nenv | grep ^PAM_ | sort\n[ $PAM_TYPE = account ] || tr -d '\\0'\n",
    );
    let service = system.launch("", "").env("RUSTSOCKS_AUTH_PAM_DEFAULT_RUSER", "somebody").start();
    let (login, client) = log_in(&service, b"alice", b"pa ss");
    assert_eq!(login, Login::Accepted);
    let host = client.ip();
    let items = |step| {
        format!(
            "PAM_RHOST={host}\nPAM_RUSER=somebody\nPAM_SERVICE=rustsocks\nPAM_TTY=socks\nPAM_TYPE={step}\nPAM_USER=alice\n"
        )
    };
    let seen = fs::read_to_string(system.path("seen")).expect("the script has run");
    assert_eq!(seen, format!("{}pa ss{}", items("auth"), items("account")));
}

#[test]
fn the_groups_of_the_user_arrive() {
    let system = System::with(PERMIT);
    let service = system.start("[logging]\nlevel = \"debug\"");
    for (user, groups) in [("alice", r#"["alice", "proxyusers"]"#), ("dave", r#"["dave"]"#), ("stranger", "[]")] {
        assert!(accepts(&service, user));
        let is_it =
            |line: &rig::session_log::Line| line.text("message") == "PAM let the user in" && line.text("user") == user;
        let line = found(PATIENCE, || service.log.lines().into_iter().find(is_it));
        assert_eq!(line.expect("a line about the user").text("groups"), groups);
    }
}

#[test]
fn a_user_whom_the_modules_exchange_is_refused() {
    let system = System::with("auth required {dir}/hostile.so alice=rename\naccount required pam_permit.so\n");
    system.hostile_module();
    let service = system.start("");
    let (login, client) = log_in(&service, b"alice", b"any");
    assert_eq!((login, service.session_of(client).text("remark")), (Login::Refused, "PAM says user_changed"));
    assert!(accepts(&service, "dave"));
}

#[test]
fn a_delay_after_a_failure_holds_no_helper() {
    let system = System::with(&["auth optional pam_faildelay.so delay=4000000\n", PAM_UNIX].concat());
    let service = system.start("");
    thread::scope(|scope| {
        let timed = |password: &'static str, expected: Login| {
            let service = &service;
            scope.spawn(move || {
                let began = Instant::now();
                assert_eq!(log_in(service, b"alice", password.as_bytes()).0, expected);
                began.elapsed()
            })
        };
        let wrong: Vec<_> = (0..6).map(|_| timed("wrong", Login::Refused)).collect();
        let right = timed(PASSWORD, Login::Accepted).join().expect("no panic");
        let shortest = wrong.into_iter().map(|wrong| wrong.join().expect("no panic")).min();
        // libpam varies the delay by half.
        assert!(shortest >= Some(Duration::from_secs(2)), "{shortest:?}");
        assert!(Some(right) < shortest, "{right:?}");
    });
}

#[test]
fn five_at_once_share_two_helpers() {
    let system = System::with("auth required pam_exec.so quiet /bin/sleep 1\naccount required pam_permit.so\n");
    let service = system.start("");
    let began = Instant::now();
    thread::scope(|scope| {
        let logins: Vec<_> = (0..5).map(|_| scope.spawn(|| accepts(&service, "alice"))).collect();
        assert!(logins.into_iter().all(|login| login.join().expect("no panic")));
    });
    assert!(began.elapsed() >= Duration::from_secs(3), "three rounds of two helpers took {:?}", began.elapsed());
}

#[test]
fn the_users_file_and_pam_take_turns() {
    let system = System::with(PAM_UNIX);
    let users = Users::of(&[("bob", b"of-the-file")]);
    let settings = users.settings(&["userpass", "pam.username"]);
    let settings = settings.strip_prefix("[auth]\n").expect("a table of its own");
    let service = system.launch(settings, "").start();
    assert_eq!(log_in(&service, b"bob", b"of-the-file").0, Login::Accepted);
    assert!(accepts(&service, "alice"));
    // Who is in the file is not asked for again.
    assert_eq!(log_in(&service, b"bob", PASSWORD.as_bytes()).0, Login::Refused);
    assert_eq!(log_in(&service, b"eve", b"any").0, Login::Refused);
}

#[test]
fn each_listener_asks_its_own_service() {
    let system = System::with("auth required pam_deny.so\naccount required pam_deny.so\n");
    system.service("office", PERMIT);
    let port = Port::reserve("127.0.0.1".parse().expect("an address"));
    let office = format!("[[listen]]\naddress = \"{}\"\npam_service = \"office\"", port.addr());
    let service = system.start(&office);
    assert!(!accepts(&service, "alice"));
    let mut client = Wire::connect(port.addr());
    assert_eq!(client.log_in(b"alice", b"any"), [1, 0]);
}

#[test]
fn what_modules_say_is_logged_when_asked_for() {
    let lines = ["auth optional pam_echo.so welcome %u\n", PERMIT].concat();
    for (is_verbose, expected) in [("true", Some("welcome alice")), ("false", None)] {
        let system = System::with(&lines);
        let service =
            system.launch("", "[logging]\nlevel = \"debug\"").env("RUSTSOCKS_AUTH_PAM_VERBOSE", is_verbose).start();
        assert!(accepts(&service, "alice"));
        let said = said(&service, expected.is_some());
        assert_eq!(said.as_deref(), expected);
    }
}

/// What the modules said before the session ended.
fn said(service: &Service, is_expected: bool) -> Option<String> {
    let lines = || service.log.lines().into_iter();
    let look =
        || lines().find(|line| line.text("message") == "a PAM module says").map(|line| line.text("text").to_owned());
    if is_expected {
        return found(PATIENCE, look);
    }
    assert!(found(PATIENCE, || lines().find(|line| line.text("message") == "session closed")).is_some());
    look()
}
