//! The commands that start nothing: they print and exit.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::CommandFactory;
use clap_complete::Shell;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::args::{ApiToken, Args, Check, Selection};
use super::{configuration, pam, soundness};
use crate::engine::auth::password;
use crate::state::tokens;

/// sysexits(3): something is wrong with the configuration.
pub(super) const EX_CONFIG: u8 = 78;

/// sysexits(3): something went wrong that should not have.
pub(super) const EX_SOFTWARE: u8 = 70;

/// What a token begins with, so that whoever finds one in a log or a repository knows what it is.
const TOKEN_MARK: &str = "rustsocks-";

const UNREAD: &str = "cannot read the password";
const LENGTH: &str = "a password has 1 to 255 bytes (RFC 1929)";

pub(super) fn check(selection: &Selection, check: &Check) -> ExitCode {
    outcome(checked(selection, check), EX_CONFIG)
}

pub(super) fn hash_password() -> ExitCode {
    outcome(hashed(), 1)
}

pub(super) fn api_token(token: &ApiToken) -> ExitCode {
    outcome(made(token), 1)
}

pub(super) fn generate_config(path: &Path) -> ExitCode {
    outcome(generated(path), 1)
}

/// What a shell has to know of the flags that an operator types; those that processes give each other are not among them.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(&Args::command()), "rustsocks", &mut script);
    outcome(print(&String::from_utf8_lossy(&script)), 1)
}

/// The command without what its help hides.
fn shown(command: &clap::Command) -> clap::Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned();
    let others = command.get_subcommands().map(shown);
    clap::Command::new(command.get_name().to_owned()).about(about).args(arguments).subcommands(others)
}

/// Shows an error to whoever is at the terminal.
pub(super) fn outcome(result: anyhow::Result<()>, failure: u8) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(failure)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the program's own words before there is a log")]
pub(super) fn complain(words: &str) {
    for line in words.lines() {
        eprintln!("rustsocks: {line}");
    }
}

fn checked(selection: &Selection, check: &Check) -> anyhow::Result<()> {
    let text = configuration::read_file(selection)?;
    let loaded = configuration::load(selection, text.as_deref())?;
    let texts = configuration::read_all_named(&loaded.settings)?;
    let compiled = soundness::check(&loaded.settings, &texts)?;
    pam::verify(&loaded.settings, &compiled)?;
    let warnings = loaded.warnings.iter().map(ToString::to_string);
    for warning in warnings.chain(pam::remarks(&loaded.settings, &compiled)) {
        complain(&format!("warning: {warning}"));
    }
    if check.show {
        return print(&loaded.render());
    }
    let name = selection.config.as_deref().map_or("the embedded default".into(), Path::to_string_lossy);
    let listeners = loaded.settings.listeners().into_iter().map(|listener| listener.name);
    print(&format!("{name}: correct; listens on {}\n", listeners.collect::<Vec<_>>().join(", ")))
}

fn hashed() -> anyhow::Result<()> {
    let password = read_password()?;
    ensure!(is_password(&password), LENGTH);
    print(&format!("{}\n", password::hash(&password)?))
}

/// The token is shown here and nowhere else, and only to whoever reads standard error.
fn made(ApiToken { name, scope }: &ApiToken) -> anyhow::Result<()> {
    let mut secret = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *secret).context("the system has no randomness")?;
    let token = Zeroizing::new(secret.iter().fold(TOKEN_MARK.to_owned(), |mut token, byte| {
        write!(token, "{byte:02x}").expect("a string takes everything");
        token
    }));
    let hash = tokens::hash(token.as_bytes());
    print(&format!("[[tokens]]\nname = \"{}\"\nscope = \"{scope}\"\nhash = \"{hash}\"\n", name.as_str()))?;
    writeln!(io::stderr(), "The token, which nobody can read back from its table:\n{}", *token)
        .context("cannot write to standard error")
}

/// The first line of standard input; a terminal is asked twice.
fn read_password() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if !io::stdin().is_terminal() {
        return line().context(UNREAD);
    }
    let _echo_is_off = Silence::begin().context("cannot silence the terminal")?;
    let once = typed("Password: ").context(UNREAD)?;
    ensure!(is_password(&once), LENGTH);
    let again = typed("Again: ").context(UNREAD)?;
    ensure!(once == again, "the two passwords differ");
    Ok(once)
}

fn line() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(512));
    io::stdin().lock().read_until(b'\n', &mut line)?;
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    Ok(line)
}

/// A line that nobody sees; the key that ends it is not shown either.
fn typed(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    write!(io::stderr(), "{prompt}")?;
    let typed = line();
    writeln!(io::stderr())?;
    typed
}

fn is_password(bytes: &[u8]) -> bool {
    (1..=255).contains(&bytes.len())
}

/// A terminal that does not echo, until dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _terminal_is_gone = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}

fn generated(path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return print(config::EMBEDDED);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(config::EMBEDDED.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn print(text: &str) -> anyhow::Result<()> {
    io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
