//! The PAM helper: takes one question at a time from the worker, asks libpam, and answers.
//!
//! It is a process of its own because modules of PAM may crash, hang, leak, and are not made for threads;
//! and because some of them need root, which the worker has given up.
//! It is the only program of the house that links libpam.
//!
//! Everything that it hears comes from the worker, which may be in foreign hands: so the services are those of its command line,
//! a question names one by its number, and nothing but questions can be asked.
//! Knows nothing of SOCKS, of the configuration, or of who started it.

mod args;
mod conversation;
mod groups;
mod libpam;
mod line;
mod transaction;

use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use wire::{FromPam, PamAnswer, PamVerdict, ToPam};

use crate::args::Args;
use crate::conversation::Conversation;
use crate::line::{Line, LineError};

/// Questions that one helper answers before another one takes its place: what a module leaks is then freed.
const QUESTIONS: u32 = 1_000;

/// `EX_USAGE` of sysexits.h: started with arguments, or a standard input, that make no sense.
const USAGE: u8 = 64;

/// `EX_SOFTWARE` of sysexits.h: the worker spoke nonsense.
const SOFTWARE: u8 = 70;

/// Answers until the worker hangs up, or until this helper has served long enough.
#[must_use]
pub fn main() -> ExitCode {
    let (args, line) = match begin() {
        Ok(begun) => begun,
        Err(reason) => {
            complain(&reason);
            return ExitCode::from(USAGE);
        }
    };
    match serve(&args, &line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(SOFTWARE)
        }
    }
}

fn begin() -> Result<(Args, Line), String> {
    let args = Args::parse(std::env::args_os().skip(1))?;
    // Passwords pass through: no core dump of them, and no other process of this user may look.
    prctl::set_dumpable(false).map_err(|error| error.to_string())?;
    // A module may hang for ever; its helper ends with the monitor all the same.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| error.to_string())?;
    let line = Line::adopt().map_err(|error| error.to_string())?;
    Ok((args, line))
}

fn serve(args: &Args, line: &Line) -> Result<(), LineError> {
    line.send(&FromPam::Ready.encode()?)?;
    for number in 1..=QUESTIONS {
        let Some(question) = line.receive()? else { return Ok(()) };
        let answer = answer(args, question, number == QUESTIONS);
        line.send(&encoded(answer)?)?;
    }
    Ok(())
}

fn answer(args: &Args, question: ToPam, is_last: bool) -> PamAnswer {
    let id = question.id;
    let Some(service) = args.service(question.service) else {
        let error =
            format!("service number {} was not among those that this helper was started with", question.service);
        return PamAnswer { is_last, ..failed(id, error) };
    };
    let heard = transaction::ask(service, args, question);
    let Conversation { delay, said, .. } = heard.conversation;
    PamAnswer { id, verdict: heard.verdict, is_last, delay, said }
}

/// An answer that does not fit into a frame becomes a failure, for a group left out might be one that a rule forbids something.
fn encoded(answer: PamAnswer) -> Result<Vec<u8>, LineError> {
    let (id, is_last) = (answer.id, answer.is_last);
    let encoded = FromPam::Answer(answer).encode();
    encoded.or_else(|_| {
        let error = "the names of the user's groups do not fit into one answer".to_owned();
        Ok(FromPam::Answer(PamAnswer { is_last, ..failed(id, error) }).encode()?)
    })
}

fn failed(id: u64, error: String) -> PamAnswer {
    let verdict = PamVerdict::Failed { error };
    PamAnswer { id, verdict, is_last: false, delay: std::time::Duration::ZERO, said: Vec::new() }
}

#[expect(
    clippy::print_stderr,
    reason = "the helper has no log; what it says here goes where the service's standard error goes"
)]
fn complain(reason: &str) {
    eprintln!("rustsocks-pam: {reason}");
}
