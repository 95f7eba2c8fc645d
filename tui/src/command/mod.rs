//! One request, one answer.

mod acl;
mod answers;
mod ask;
mod auth;
mod change;
mod edit;
pub(crate) mod files;
mod history;
mod kill;
mod limits;
mod list;
pub(crate) mod logs;
mod of_file;
mod people;
pub(crate) mod reload;
mod state;
mod stream;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use wire::admin::Role;

pub(crate) use self::acl::{effect, remarks, tests_of_rules};
use self::history::Time;
use crate::args::{Args, Audit, Auth, Command, Common, Console, History, Logs, Sessions, Support};
use crate::bundle::{self, Addresses};
use crate::complete;
use crate::connection::{Connection, Peer};
use crate::console;
use crate::failure::Failure;
use crate::output::{Format, Output, Sheet};

/// What a command works with.
struct Desk {
    connection: Connection,
    output: Output,
    may_do_without_asking: bool,
}

/// The answer of `acl explain` to "may I?".
const DENIED: u8 = 10;

/// Does what the arguments say; `on_terminal` is whether a person sees standard output.
pub(crate) fn run(args: Args, on_terminal: bool) -> Result<ExitCode, Failure> {
    let Args { common, command } = args;
    let command = match command {
        Some(Command::Console(look)) => return opened(&common, &look, on_terminal),
        None if on_terminal => return opened(&common, &Console::default(), on_terminal),
        None => return Err(Failure::Usage("a command is missing; --help lists them".to_owned())),
        Some(Command::Completions { shell }) => {
            std::io::stdout().write_all(&complete::script(shell))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(command) => command,
    };
    // Clap tells flags before the command apart from those behind it.
    if common.plain && common.json || common.output.is_some() && (common.plain || common.json) {
        return Err(Failure::Usage(
            "--output, --json and --plain each say how answers are written: one is enough".to_owned(),
        ));
    }
    let connection = Connection::open(&peer(&common, "cli"))?;
    let output = output(&common, on_terminal, &command);
    Desk { connection, output, may_do_without_asking: common.yes }.does(command)
}

fn opened(common: &Common, look: &Console, on_terminal: bool) -> Result<ExitCode, Failure> {
    if !on_terminal {
        return Err(Failure::Usage(
            "the console needs a terminal; rustsocks-cli status and its like do not".to_owned(),
        ));
    }
    console::run(&peer(common, "console"), look)?;
    Ok(ExitCode::SUCCESS)
}

fn peer(common: &Common, comment: &'static str) -> Peer {
    Peer { socket: common.socket.clone(), want: common.read_only.then_some(Role::Read), comment }
}

fn output(common: &Common, on_terminal: bool, command: &Command) -> Output {
    let streams = matches!(
        command,
        Command::Sessions(Sessions::Watch { .. })
            | Command::Auth(Auth::Log { .. })
            | Command::Logs(Logs { follow: true, .. })
    );
    let usual = if streams && !on_terminal { Format::Ndjson } else { Format::Table };
    let chosen = if common.json { Some(Format::Json) } else { common.output };
    let format = if common.plain { Format::Plain } else { chosen.unwrap_or(usual) };
    // A serial line says that it has no columns.
    let size = crossterm::terminal::size().ok().filter(|(columns, _)| on_terminal && *columns > 0);
    let width = size.map(|(columns, _)| usize::from(columns));
    Output { format, has_header: !common.no_header, fields: common.fields.clone(), width }
}

impl Desk {
    fn does(mut self, command: Command) -> Result<ExitCode, Failure> {
        match command {
            Command::Status => self.status()?,
            Command::Health => return self.health(),
            Command::Incidents { number } => self.incidents(number)?,
            Command::Top(top) => self.ranking(&top)?,
            Command::Logs(logs) => self.logs(&logs)?,
            Command::LogLevel(order) => return self.log_level(&order),
            Command::Sessions(Sessions::List(list)) => self.list(&list)?,
            Command::Sessions(Sessions::Get { id }) => {
                self.record("sessions.get", &json!({ "id": id }), "rustsocks.session/1")?;
            }
            Command::Sessions(Sessions::Kill(kill)) => self.kill(&kill)?,
            Command::Sessions(Sessions::Stats) => self.statistics()?,
            Command::Sessions(Sessions::Watch { filter }) => self.watch(filter)?,
            Command::Users(users) => return self.users(users),
            Command::Groups(groups) => return self.groups(groups),
            Command::Limits(limits) => return self.limits(limits),
            Command::Config(config) => return self.config(config),
            Command::History(History::Query { expr, from, to, limit, sort }) => {
                self.past(expr, Time { from, to }, limit, sort.as_deref())?;
            }
            Command::History(History::Agg { expr, from, to, by, limit }) => {
                self.past_numbers(expr, Time { from, to }, by.as_deref(), limit)?;
            }
            Command::History(History::Export { expr, from, to }) => self.export(expr, Time { from, to })?,
            Command::History(History::Get { id }) => {
                self.record("history.get", &json!({ "id": id.to_string() }), "rustsocks.session/1")?;
            }
            Command::Acl(acl) => return self.acl(acl),
            Command::Auth(auth) => return self.auth(auth),
            Command::Reload(reload) => return self.reload(&reload),
            Command::Audit(Audit::Tail { number }) => self.audit("audit.tail", &json!({ "n": number }))?,
            Command::Audit(Audit::Query { expr, number }) => {
                list::checked(expr.as_deref(), filter::AUDIT)?;
                self.audit("audit.query", &json!({ "filter": expr.unwrap_or_default(), "n": number }))?;
            }
            Command::Audit(Audit::Verify) => return self.verify(),
            Command::Support(Support::Bundle { file, addresses }) => self.bundle(&file, addresses)?,
            Command::Raw { request } => self.raw(&request)?,
            Command::Ops => self.ops()?,
            Command::Console(_) | Command::Completions { .. } => {
                unreachable!("they talk to no daemon, or to it in their own way")
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn bundle(&mut self, file: &Path, whole: bool) -> Result<(), Failure> {
        let addresses = if whole { Addresses::Whole } else { Addresses::Masked };
        let files = bundle::write(&mut self.connection, file, addresses)?;
        self.output.record("rustsocks.bundle/1", &json!({ "file": file.display().to_string(), "files": files }))
    }

    /// A table of which people see what they look at first, unless they say what; programs get all of it.
    fn for_people(&self, schema: &str, sheet: Sheet, first: &[&str]) -> Result<(), Failure> {
        if !self.output.is_for_people() || self.output.fields.is_some() {
            return self.output.rows(schema, sheet);
        }
        let is_there = |name: &&&str| sheet.columns.iter().any(|(there, _)| there == **name);
        let shown: Vec<String> = first.iter().filter(is_there).map(|name| (*name).to_owned()).collect();
        self.output.rows(schema, sheet.only(&shown)?)
    }

    /// An answer that is one object.
    fn record(&mut self, op: &str, p: &Value, schema: &str) -> Result<(), Failure> {
        let answer: Value = self.connection.call(op, p)?;
        self.output.record(schema, &answer)
    }
}

/// A name of our own for an order, so that it is not done twice.
fn idem() -> String {
    uuid::Uuid::now_v7().to_string()
}
