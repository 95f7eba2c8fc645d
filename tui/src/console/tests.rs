//! The console without a terminal, a clock or a daemon: events in, effects and pictures out.

mod behaviour;
mod budgets;
mod chaos;
mod commands;
mod drafts;
mod files;
mod forms;
mod frame;
mod late;
mod lists;
mod news;
mod palette;
mod people;
mod pictures;
mod proofs;
mod readable;
mod rules;
mod saved;
mod written;

use std::os::unix::net::UnixStream;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use wire::admin::{Limits, Push, Role, Welcome, You};

use super::app::App;
use super::caps::Caps;
use super::event::{About, Effect, Event};
use super::live::View;
use super::theme::Theme;
use super::update::update;
use super::view::view;

/// 2026-11-22T08:00:00Z.
const NOW: f64 = 1_795_334_400.0;

const PLAIN: Caps = Caps { theme: Theme::Mono, is_ascii: true, has_braille: false, follows: false };

/// A console on a terminal of this size, and a daemon that answers what the test says.
struct Stage {
    app: App,
    terminal: Terminal<TestBackend>,
    /// What the console wanted since it was last asked.
    effects: Vec<Effect>,
    /// What everybody is called in whatever the daemon says.
    impostor: Option<&'static str>,
}

impl Stage {
    fn new(size: (u16, u16), caps: Caps) -> Self {
        let app = App::new(caps, "/run/rustsocks/admin.sock".to_owned());
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a picture is a terminal");
        Self { app, terminal, effects: Vec::new(), impostor: None }
    }

    /// With a daemon that has told its status.
    fn connected(size: (u16, u16), caps: Caps) -> Self {
        let mut stage = Self::new(size, caps);
        stage.meet("6f1c9a2e");
        let ops = [
            "status.sub",
            "view.open",
            "view.find",
            "history.query",
            "history.agg",
            "auth.status",
            "config.effective",
            "config.drift",
            "logs.sub",
            "health.get",
            "sessions.kill",
            "txn.get",
            "txn.sub",
            "acl.whatif",
            "groups.list",
            "limits.tree",
        ];
        stage.answer(About::Ops, json!({ "ops": ops.map(|op| json!({ "op": op })) }));
        stage.push(1, "status", status());
        stage
    }

    /// The same, with ten of 10,214 sessions on the screen.
    fn with_sessions(size: (u16, u16), caps: Caps) -> Self {
        let mut stage = Self::connected(size, caps);
        stage.draw();
        stage.keys("2");
        stage.answer(About::Window(View::Sessions), window());
        stage
    }

    fn meet(&mut self, epoch: &str) {
        let (ours, _theirs) = UnixStream::pair().expect("a pair of sockets");
        let socket = self.app.socket.clone().into();
        self.event(Event::Connected(Box::new(welcome(epoch)), ours, socket), None);
    }

    fn event(&mut self, event: Event, about: Option<About>) {
        self.effects.extend(update(&mut self.app, event, about));
    }

    fn answer(&mut self, about: About, answer: Value) {
        let answer = self.told(answer);
        self.event(Event::Answer(1, Ok(answer)), Some(about));
    }

    fn push(&mut self, sub: u64, ev: &str, d: Value) {
        let d = self.told(d);
        self.event(Event::Push(Push { sub, seq: 1, ev: ev.to_owned(), t: NOW, d }), None);
    }

    /// As the daemon would say it of people who are called otherwise.
    fn told(&self, said: Value) -> Value {
        let Some(name) = self.impostor else { return said };
        match said {
            // A file that bears such names has them in another form.
            Value::String(text) if !text.contains('\n') => ["alice", "bob", "developers", "repo.example.com"]
                .iter()
                .fold(text, |text, word| text.replace(word, name))
                .into(),
            Value::Array(items) => items.into_iter().map(|item| self.told(item)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, self.told(value))).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => said,
        }
    }

    fn keys(&mut self, letters: &str) {
        letters.chars().for_each(|letter| self.key(if letter == '\t' { KeyCode::Tab } else { KeyCode::Char(letter) }));
    }

    fn key(&mut self, code: KeyCode) {
        self.event(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), None);
    }

    fn draw(&mut self) -> Buffer {
        self.show();
        self.terminal.backend().buffer().clone()
    }

    /// As the console does it, onto its terminal.
    fn show(&mut self) {
        let app = &mut self.app;
        let drawn = self.terminal.draw(|frame| {
            app.ui.size = (frame.area().width, frame.area().height);
            app.ui.picture = view(app, frame);
        });
        drawn.expect("a picture can be drawn");
    }

    fn picture(&mut self) -> String {
        let buffer = self.draw();
        let line = |y| {
            let line: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned()
        };
        (0..buffer.area.height).map(|y| line(y) + "\n").collect()
    }

    /// The operations that were asked for, and forgets them.
    fn asked(&mut self) -> Vec<(&'static str, Value)> {
        let ask = |effect| match effect {
            Effect::Ask { op, p, .. } => Some((op, p)),
            Effect::TakeBack(_)
            | Effect::Cancel(_)
            | Effect::Save(..)
            | Effect::Bundle(..)
            | Effect::Page { .. }
            | Effect::Edit { .. }
            | Effect::Keep { .. }
            | Effect::SetAside { .. }
            | Effect::Write { .. }
            | Effect::Forget(_)
            | Effect::RetryNow
            | Effect::Elsewhere(_)
            | Effect::Journal
            | Effect::Mouse(_)
            | Effect::Go(_)
            | Effect::Copy(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => None,
        };
        std::mem::take(&mut self.effects).into_iter().filter_map(ask).collect()
    }

    /// The same for a shell, of what lies over the screen.
    fn command(&self) -> String {
        self.app.ui.overlay.as_ref().and_then(super::ui::Overlay::command).unwrap_or_default()
    }

    fn meant(&self) -> Option<&str> {
        self.app.sessions.live.cursor.as_deref()
    }
}

fn welcome(epoch: &str) -> Welcome {
    Welcome {
        proto: 1,
        server: "0.1.0".to_owned(),
        epoch: epoch.to_owned(),
        node: "proxy-1".to_owned(),
        role: Role::Admin,
        max_role: Role::Admin,
        you: You { uid: 1001, user: "anna".to_owned(), login: None, groups: vec!["rustsocks-admin".to_owned()] },
        caps: Vec::new(),
        limits: Limits { req: 262_144, subs: 16 },
    }
}

fn status() -> Value {
    json!({
        "up_s": 1_047_600, "sessions": 10_214, "sess_limit": 50_000, "users_active": 412, "new_rate": 41.0,
        "denied_rate": 2.1, "up_rate": 327_155_712.0, "down_rate": 1_932_735_283.0, "banned": 3,
        "acl": { "gen": 41, "rules": 87 }, "badges": ["drift"], "t": NOW, "users_known": 1_103, "authfail_rate": 0.3,
        "conn_p99_ms": 38.0, "fds": 21_480, "fd_limit": 131_072, "rss": 299_892_736, "cpu": 61.0, "overrides": 1,
        "history": "0 s behind, 0 B wait", "program": { "version": "0.1.0", "revision": "1a2b3c4d5e6f", "pid": 4107, "started": NOW - 1_047_600.0 },
        "today": { "sessions": 38_412, "allowed": 38_234, "blocked": 178, "up": 1_288_490_188_u64, "down": 94_489_280_512_u64 },
    })
}

fn window() -> Value {
    let column = |name: &str, kind: &str, dynamic: bool| json!({ "name": name, "type": kind, "dynamic": dynamic });
    let cols = [
        column("id", "text", false),
        column("user", "text", false),
        column("src", "text", false),
        column("dst", "text", false),
        column("host", "text", false),
        column("proto", "text", false),
        column("start", "time", false),
        column("up", "bytes", true),
        column("down", "bytes", true),
        column("rate", "rate", true),
        column("rule", "text", false),
    ];
    let rows: Vec<Value> = (0_u32..10).map(session).collect();
    let agg = json!({ "rup": 84_934_656, "rdown": 421_527_552 });
    json!({ "sub": 3, "cols": cols, "total": 10_214, "matched": 412, "agg": agg, "off": 0, "rows": rows })
}

fn session(number: u32) -> Value {
    let (id, source) = (format!("{:x}", 0x8f_31a0 - number), format!("192.168.1.100:{}", 54_321 - number));
    let (user, host) = match number {
        3 => ("eve\u{1b}[2J\u{202e}", "*cdn-7.example.net"),
        4 => ("漢字漢字漢字漢字", "a-very-long-name-of-a-host.somewhere.in.the.company.example"),
        _ => ("alice", "repo.example.com"),
    };
    let n = u64::from(number);
    let rate = 10_276_044 / (n + 1);
    json!([
        id,
        user,
        source,
        format!("{host}:443"),
        host,
        "tcp",
        NOW - 1234.0,
        102_400 * n,
        2_097_152 * n,
        rate,
        "users/alice#2"
    ])
}
