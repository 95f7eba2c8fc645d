//! Users, their groups and their passwords.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use serde_json::{Map, Value, json};
use wire::admin::{Kill, Killed};
use zeroize::{Zeroize, Zeroizing};

use super::ask::can_ask;
use super::change::Change;
use super::list::checked;
use super::{Desk, idem};
use crate::args::{Groups, Manner, Secret, Users};
use crate::failure::Failure;
use crate::output::{Kind, Sheet};
use crate::password::LONGEST;
use crate::past::both;

const STORE: &str = "users";

/// What people see of a user if they do not say what.
const OF_PEOPLE: [&str; 8] = ["name", "state", "groups", "sessions", "rate", "day.fails", "last_seen", "last_src"];

const PEOPLE: [(&str, Kind); 16] = [
    ("name", Kind::Text),
    ("state", Kind::Text),
    ("from", Kind::Text),
    ("groups", Kind::Text),
    ("sessions", Kind::Count),
    ("rate", Kind::Rate),
    ("up", Kind::Bytes),
    ("down", Kind::Bytes),
    ("day.sessions", Kind::Count),
    ("day.up", Kind::Bytes),
    ("day.down", Kind::Bytes),
    ("day.denied", Kind::Count),
    ("day.failed", Kind::Count),
    ("day.fails", Kind::Count),
    ("last_seen", Kind::Time),
    ("last_src", Kind::Text),
];

impl Desk {
    pub(super) fn users(&mut self, command: Users) -> Result<ExitCode, Failure> {
        match command {
            Users::List { group, filter } => self.people(group.as_deref(), filter.as_deref())?,
            Users::Get { name } => self.record("users.get", &json!({ "name": name }), "rustsocks.user/1")?,
            Users::Add { name, groups, expires, secret, comment } => {
                let mut user = Map::new();
                if !groups.is_empty() {
                    user.insert("groups".to_owned(), groups.into());
                }
                if let Some(expires) = expires {
                    user.insert("expires".to_owned(), expires.into());
                }
                let order = json!({ "name": name, "user": user, "comment": comment, "idem": idem() });
                self.with_password("users.add", order, secret)?;
            }
            Users::Passwd { name, secret, comment } => {
                let order = json!({ "name": name, "comment": comment, "idem": idem() });
                self.with_password("users.passwd", order, secret)?;
            }
            Users::Del { name, manner } => return self.of_users(&json!([{ "op": "user.del", "name": name }]), &manner),
            Users::Enable { name, manner } => {
                return self.of_users(&json!([{ "op": "user.enable", "name": name }]), &manner);
            }
            Users::Disable { name, end_sessions, manner } => {
                let code = self.of_users(&json!([{ "op": "user.disable", "name": name }]), &manner)?;
                if end_sessions && !manner.dry_run && code == ExitCode::SUCCESS {
                    self.end_sessions_of(&name)?;
                }
                return Ok(code);
            }
            Users::Confirm { generation } => self.confirm(STORE, generation)?,
            Users::Rollback { to, comment } => self.roll_back(STORE, &json!({ "to": to, "comment": comment }))?,
            Users::Groups => return self.groups(Groups::List),
            Users::Top { by, by_sessions: _, limit } => self.top(by, limit)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    pub(super) fn groups(&mut self, command: Groups) -> Result<ExitCode, Failure> {
        match command {
            Groups::List => {
                let answer: Value = self.connection.call("groups.list", &json!({}))?;
                let columns =
                    [("name", Kind::Text), ("members", Kind::Text), ("sessions", Kind::Count), ("rules", Kind::Count)];
                let groups = answer["groups"].as_array().cloned().unwrap_or_default();
                self.output.rows("rustsocks.groups/1", Sheet::of_objects(&columns, &groups))?;
                Ok(ExitCode::SUCCESS)
            }
            Groups::Add { name, members, manner } => {
                self.of_users(&json!([{ "op": "group.add", "name": name, "members": members }]), &manner)
            }
            Groups::Del { name, members, manner } if members.is_empty() => {
                self.of_users(&json!([{ "op": "group.del", "name": name }]), &manner)
            }
            Groups::Del { name, members, manner } => {
                let leave = |member: &String| json!({ "op": "member.del", "group": name, "name": member });
                self.of_users(&members.iter().map(leave).collect(), &manner)
            }
            Groups::Rename { name, to, manner } => {
                self.of_users(&json!([{ "op": "group.rename", "name": name, "to": to }]), &manner)
            }
        }
    }

    fn of_users(&mut self, ops: &Value, manner: &Manner) -> Result<ExitCode, Failure> {
        self.change(STORE, Change::Ops(ops.clone()), manner)
    }

    fn people(&mut self, group: Option<&str>, filter: Option<&str>) -> Result<(), Failure> {
        checked(filter, filter::USERS)?;
        let of_group = group.map(|group| format!("group={}", filter::quoted(group))).unwrap_or_default();
        let wanted = both(&of_group, filter.unwrap_or_default());
        let (mut rows, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut page: Value = self.connection.call("users.list", &json!({ "filter": wanted, "after": after }))?;
            let Value::Array(mut found) = page["users"].take() else {
                return Err(Failure::Conversation("an answer without users".to_owned()));
            };
            rows.append(&mut found);
            after = page["next"].take();
            if after.is_null() {
                return self.for_people("rustsocks.users/1", Sheet::of_objects(&PEOPLE, &rows), &OF_PEOPLE);
            }
        }
    }

    fn end_sessions_of(&mut self, user: &str) -> Result<(), Failure> {
        let filter = Some(format!("user={}", filter::quoted(user)));
        let order =
            Kill { filter, reason: Some("the user was disabled".to_owned()), idem: Some(idem()), ..Kill::default() };
        let killed: Killed = self.connection.call("sessions.kill", &order)?;
        self.came_of(&killed)
    }

    fn with_password(&mut self, op: &str, mut order: Value, secret: Secret) -> Result<(), Failure> {
        if secret.generate {
            order["generate"] = true.into();
        } else {
            order["secret"] = password(secret)?.as_str().into();
        }
        let answer: Result<Value, Failure> = self.connection.call(op, &order);
        if let Value::String(secret) = &mut order["secret"] {
            secret.zeroize();
        }
        self.output.record("rustsocks.password/1", &answer?)
    }
}

/// From standard input, or once from a terminal.
pub(super) fn one_password(stdin: bool) -> Result<Zeroizing<String>, Failure> {
    match stdin {
        true => line(),
        false if can_ask() => typed("Password: "),
        false => Err(Failure::Usage("nobody can be asked here; say --stdin".to_owned())),
    }
}

/// The first line of standard input.
fn line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(2 * LONGEST));
    let most = u64::try_from(line.capacity()).unwrap_or(u64::MAX);
    io::stdin().lock().take(most).read_line(&mut line).map_err(Failure::here("cannot read the password"))?;
    while line.ends_with(['\r', '\n']) {
        line.pop();
    }
    if line.len() > LONGEST { Err(too_long()) } else { Ok(line) }
}

/// From standard input, or twice from a terminal.
fn password(secret: Secret) -> Result<Zeroizing<String>, Failure> {
    if secret.stdin {
        return line();
    }
    if !can_ask() {
        return Err(Failure::Usage("nobody can be asked here; say --stdin or --generate".to_owned()));
    }
    let (once, again) = (typed("Password: ")?, typed("Again: ")?);
    if once == again { Ok(once) } else { Err(Failure::Usage("they are not the same".to_owned())) }
}

/// What somebody types, without showing it.
fn typed(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let asked = |written: io::Result<()>| written.map_err(Failure::here("cannot ask"));
    asked(write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush()))?;
    asked(enable_raw_mode())?;
    let text = keys();
    asked(disable_raw_mode())?;
    asked(writeln!(io::stderr()))?;
    text
}

fn too_long() -> Failure {
    Failure::Usage(format!("a password has at most {LONGEST} bytes"))
}

fn keys() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(2 * LONGEST));
    let mut is_long = false;
    loop {
        let Event::Key(key) = read().map_err(Failure::here("cannot read the password"))? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.code == KeyCode::Enter {
            return if is_long { Err(too_long()) } else { Ok(text) };
        } else if key.code == KeyCode::Backspace {
            text.pop();
        } else if key.code == KeyCode::Char('c') && is_control {
            return Err(Failure::Declined("it was broken off".to_owned()));
        } else if let KeyCode::Char(letter) = key.code
            && !is_control
        {
            is_long |= text.len() + letter.len_utf8() > LONGEST;
            if !is_long {
                text.push(letter);
            }
        }
    }
}
