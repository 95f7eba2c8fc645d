//! Pictures of every screen in several sizes, beside this file; `RUSTSOCKS_BLESS=1` draws them anew.

use std::fs;
use std::path::PathBuf;

use crossterm::event::KeyCode;
use ratatui::style::Color;
use serde_json::json;

use super::{PLAIN, Stage, rules};
use crate::console::caps::Caps;
use crate::console::event::{About, Event};
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::screens::acl::{Page, Topic};
use crate::console::theme::Theme;

const SIZES: [(u16, u16); 5] = [(60, 16), (80, 24), (100, 30), (132, 43), (200, 60)];

/// A way to come to a picture.
pub(super) type Way = fn(&mut Stage);

pub(super) const PICTURES: &[(&str, Way)] = &[
    ("overview", super::news::overview),
    ("logs", super::news::logs),
    ("wrapped", |stage| {
        super::news::logs(stage);
        stage.keys("zk");
    }),
    ("louder", |stage| {
        super::news::logs(stage);
        stage.keys("V");
    }),
    ("sessions", |stage| {
        sessions(stage);
        stage.keys(" j ");
        stage.push(3, "patch", json!({ "gone": [["8f319e", "upstream"]] }));
    }),
    ("comings", |stage| {
        sessions(stage);
        stage.app.model.ops.push("sessions.sub".to_owned());
        stage.keys("w");
        stage.answer(About::Own(Screen::Sessions, "comings"), json!({ "sub": 12 }));
        let mut told = json!({ "id": "8f31b0", "t": super::NOW, "user": "eve\u{202e}", "src": "192.168.1.7:5432", "dst": "repo.example.com:443" });
        stage.push(12, "came", told.clone());
        (told["reason"], told["rule"]) = (json!("client_closed"), json!("users/eve#1"));
        stage.push(12, "went", told);
        stage.push(12, "gap", json!({ "lost": 531 }));
    }),
    ("empty", |stage| {
        stage.keys("2");
        stage.answer(
            About::Window(View::Sessions),
            json!({ "sub": 3, "cols": [], "total": 0, "matched": 0, "agg": {}, "off": 0, "rows": [] }),
        );
    }),
    ("filter", |stage| {
        sessions(stage);
        stage.keys("/user=alice dwn>10M");
    }),
    ("few", |stage| {
        sessions(stage);
        stage.keys(" K");
        let sample =
            json!([{ "id": "8f31a0", "user": "alice", "src": "192.168.1.100:54321", "dst": "repo.example.com:443" }]);
        stage.answer(About::KillDry(1), json!({ "matched": 1, "sample": sample, "killed": 0, "gone": 0 }));
    }),
    ("many", |stage| {
        sessions(stage);
        stage.keys("*K");
        stage.answer(About::KillDry(1), json!({ "matched": 24, "killed": 0, "gone": 0 }));
        stage.keys("2");
    }),
    ("users", super::people::users),
    ("user_added", |stage| {
        super::people::users(stage);
        stage.keys("acarol");
    }),
    ("limits", super::people::limits),
    ("sort", |stage| {
        sessions(stage);
        stage.keys("sjj");
    }),
    ("copy", |stage| {
        sessions(stage);
        stage.keys("yj");
    }),
    ("detail", |stage| {
        sessions(stage);
        stage.key(KeyCode::Enter);
        let session =
            json!({ "id": "8f31a0", "user": "alice", "live": { "command": "connect", "bytes_sent": 102_400 } });
        stage.answer(About::Session("8f31a0".to_owned()), session);
    }),
    ("history", |stage| {
        stage.keys("3");
        let row = |user: &str, status: &str| {
            json!({
                "session_id": "019ab", "user": user, "start_time": "2026-11-22T07:11:47Z", "duration_secs": 250, "source_ip": "10.8.0.14",
                "dest_host": "db.corp", "dest_port": 5432, "protocol": "tcp", "bytes_sent": 10, "bytes_received": 2_000_000,
                "status": status, "acl_rule_matched": "users/alice#3", "close_reason": "client",
            })
        };
        let rows =
            json!({ "rows": [row("alice", "closed"), row("eve\u{202e}", "rejected")], "next": "019ab", "ms": 12 });
        stage.answer(About::Own(Screen::History, "rows"), rows);
        let bucket = |ago: f64, sessions: u32| json!({ "t": super::NOW - ago, "sessions": sessions });
        let total = json!({
            "sessions": 38_412, "bytes_sent": 1_288_490_188_u64, "bytes_received": 94_489_280_512_u64, "users": 1,
            "destinations": 611, "rejected": 178, "failed": 94,
        });
        let buckets = json!([bucket(50_400.0, 20), bucket(7_200.0, 800), bucket(3_600.0, 300)]);
        stage.answer(
            About::Own(Screen::History, "numbers"),
            json!({ "total": total, "groups": [], "buckets": buckets }),
        );
    }),
    ("acl", |stage| {
        rules::open(stage);
        stage.keys("jj\t");
    }),
    ("acl_draft", |stage| {
        rules::open_draft(stage);
        stage.keys("jj\tj");
    }),
    ("acl_effective", |stage| {
        rules::open(stage);
        stage.keys("jjo");
    }),
    ("acl_rule", |stage| {
        rules::open(stage);
        stage.keys("jj\te");
        stage.key(KeyCode::Tab);
        stage.keys(" for the \u{202e}night");
    }),
    ("acl_change", |stage| {
        rules::open_draft(stage);
        stage.keys("D");
        stage.answer(About::Acl(Topic::Difference), rules::difference());
        stage.answer(About::Acl(Topic::Effect), rules::effect());
    }),
    ("acl_apply", |stage| {
        rules::open_draft(stage);
        stage.keys("A");
        stage.answer(About::Acl(Topic::ToApply), rules::effect());
    }),
    ("acl_generations", |stage| {
        rules::open(stage);
        stage.keys("H");
        stage.answer(About::Acl(Topic::Generations), rules::generations());
        stage.keys("j");
    }),
    ("acl_merge", |stage| {
        rules::open_draft(stage);
        stage.push(9, "policy", rules::state(42));
        stage.keys("m");
        stage.answer(About::Acl(Topic::Merge), rules::merge());
        stage.keys("jb");
    }),
    ("acl_trial", |stage| {
        rules::open_draft(stage);
        stage.app.acl.page = Page::Trial;
        stage.app.acl.request = json!({ "user": "alice", "dest": "192.168.100.20", "port": 5432, "protocol": "tcp" });
        stage.answer(About::Acl(Topic::Trial), rules::told("deny", None));
        stage.answer(About::Acl(Topic::DraftTrial), rules::told("allow", Some("users/alice#2")));
    }),
    ("acl_saved", |stage| {
        super::saved::open(stage);
        stage.keys("\t");
    }),
    ("acl_affected", |stage| {
        super::saved::open_affected(stage);
    }),
    ("acl_question", |stage| {
        rules::open_draft(stage);
        stage.keys("X");
    }),
    ("auth", |stage| {
        stage.keys("7");
        let status = json!({
            "listeners": [{ "name": "0.0.0.0:1080", "ways": [{ "method": "pam.username", "service": "rustsocks", "first": false },
                { "method": "userpass", "service": null, "first": false }] }],
            "services": [{ "name": "rustsocks", "state": "missing", "used_by": ["0.0.0.0:1080 (pam.username)", "rules"] }],
            "helpers": { "count": 4, "free": 3, "waiting": 0, "troubles": {} }, "users": { "count": 1103, "gen": 17 },
            "methods": [{ "method": "pam.username", "checks": 412, "p50_ms": 41, "p95_ms": 1900 }],
            "cache": { "life_s": 600, "asked": 100, "known": 88 }, "banned": 1,
            "results": { "for_s": 300, "of": { "ok": 412, "fail": 31, "error": 2, "blocked": 44 },
                "why": { "wrong_password": 22, "no_such_user": 9, "unavailable": 2 } },
            "runs_as": { "user": "rustsocks" },
        });
        let past =
            json!({ "auth_ok": [1, 2, 3, 4, 8, 3], "auth_fail": [0, 0, 1, 0, 0, 0], "auth_err": [0, 0, 0, 0, 0, 1] });
        stage.answer(About::Own(Screen::Auth, "past"), json!({ "data": past }));
        stage.answer(About::Own(Screen::Auth, "status"), status);
        stage.answer(About::Own(Screen::Auth, "logins"), json!({ "sub": 7 }));
        let login = |result: &str, user: &str, why: Option<&str>| {
            json!({ "n": 1, "t": super::NOW, "result": result, "user": user, "src": "203.0.113.77", "method": "userpass",
                "why": why, "ms": 38, "listener": "0.0.0.0:1080", "session": "019ab" })
        };
        stage.push(7, "auth", login("ok", "alice", None));
        stage.push(7, "auth", login("fail", "eve\u{202e}", Some("wrong_password")));
    }),
    ("config", |stage| {
        stage.keys("9");
        let setting = |key: &str, value: &str, from: &str, waiting: Option<&str>| json!({ "key": key, "value": value, "from": from, "reload": "live", "waiting": waiting, "place": "/etc/rustsocks/rustsocks.toml:7" });
        let settings = [
            setting("server.bind_port", "1080", "default", None),
            setting("server.sandbox", "true", "file", Some("false")),
        ];
        stage.answer(About::Own(Screen::Config, "settings"), json!({ "settings": settings }));
        let file = |name: &str, state: &str| json!({ "component": name, "state": state, "gen": 41, "mtime": super::NOW, "file": format!("/etc/rustsocks/{name}.toml") });
        let files = [file("configuration", "same"), file("rules", "invalid"), file("users", "changed")];
        stage.answer(About::Own(Screen::Config, "files"), json!({ "components": files }));
        let problem = json!({ "file": "/etc/rustsocks/acl.toml", "line": 31, "column": 12, "message": "range 4000-3000 is empty" });
        let component = |name: &str, result: &str, problems: &[&serde_json::Value]| json!({ "component": name, "result": result, "changes": [], "needs_restart": [], "problems": problems });
        let reload = json!({
            "generation": 6, "trigger": "signal", "at": "2026-11-22T07:59:03Z", "success": false, "revoked": 0,
            "components": [component("configuration", "same", &[]), component("rules", "failed", &[&problem])],
        });
        stage.answer(About::Own(Screen::Config, "history"), json!({ "reloads": [reload] }));
    }),
    ("health", |stage| {
        super::news::health(stage);
    }),
    ("help", |stage| {
        sessions(stage);
        stage.keys("?");
    }),
    ("palette", |stage| {
        sessions(stage);
        stage.keys(":so");
    }),
    ("gone", |stage| {
        sessions(stage);
        let why = "the daemon has closed the conversation".to_owned();
        stage.event(Event::Lost { why, attempt: 5, retry_ms: 3000, is_refused: false }, None);
    }),
];

fn sessions(stage: &mut Stage) {
    stage.keys("2");
    stage.answer(About::Window(View::Sessions), super::window());
}

fn stage(size: (u16, u16), caps: Caps, way: Way) -> Stage {
    let mut stage = Stage::connected(size, caps);
    stage.draw();
    way(&mut stage);
    stage
}

#[test]
fn every_screen_looks_as_it_did() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/console/tests/pictures");
    let is_blessed = std::env::var_os("RUSTSOCKS_BLESS").is_some();
    let mut different = Vec::new();
    for (name, way) in PICTURES {
        let mut all = String::new();
        for size in SIZES {
            let picture = stage(size, PLAIN, *way).picture();
            assert!(picture.is_ascii(), "{name}: {picture}");
            all.extend([format!("{}x{}\n", size.0, size.1), picture, "\n".to_owned()]);
        }
        let file = folder.join(format!("{name}.txt"));
        if is_blessed {
            fs::create_dir_all(&folder).expect("a folder for pictures");
            fs::write(&file, &all).expect("a picture can be kept");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        if kept != all {
            different.push(format!("{name} is now:\n{all}"));
        }
    }
    assert!(different.is_empty(), "RUSTSOCKS_BLESS=1 keeps these:\n{}", different.join("\n"));
}

#[test]
fn what_differs_differs_without_colours_too() {
    let looks: Vec<_> = PICTURES.iter().map(|(_, way)| stage((100, 30), PLAIN, *way).draw()).collect();
    for (i, one) in looks.iter().enumerate() {
        assert!(looks[..i].iter().all(|other| other != one), "{} looks like another", PICTURES[i].0);
        let has_colour = one.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert!(!has_colour, "{} has colours", PICTURES[i].0);
    }
}

#[test]
fn the_usual_theme_leaves_the_background_alone_and_uses_no_bright_black() {
    for (name, way) in PICTURES {
        let caps = Caps { theme: Theme::Auto16, is_ascii: false, ..PLAIN };
        let drawn = stage((100, 30), caps, *way).draw();
        let is_forbidden = |color: Color| matches!(color, Color::DarkGray | Color::Black | Color::White | Color::Gray);
        assert!(drawn.content.iter().all(|cell| cell.bg == Color::Reset && !is_forbidden(cell.fg)), "{name}");
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told_so_in_one_line() {
    let picture = stage((40, 5), PLAIN, |_| {}).picture();
    assert_eq!(picture.trim_end(), "needs 60x16, has 40x5; q quits");
}
