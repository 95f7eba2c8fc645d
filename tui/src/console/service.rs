//! What the service manager knows of a daemon that does not answer: no privilege is needed for it, and little time.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The daemon's, as the packages call it.
const UNIT: &str = "rustsocks.service";

/// How long the service manager may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long its journal may.
const LONGER: Duration = Duration::from_secs(10);

/// Lines of the journal.
const LINES: &str = "200";

/// In which state the unit is; nothing where nobody says.
pub(crate) fn state() -> Option<String> {
    let mut command = Command::new("systemctl");
    command.args(["show", UNIT, "--property=LoadState,ActiveState,SubState,Result"]);
    worded(&said(command, PATIENCE).ok()?)
}

/// The last lines that it wrote, or why there are none.
pub(crate) fn journal() -> Result<String, String> {
    let mut command = Command::new("journalctl");
    command.args(["--unit", UNIT, "--lines", LINES, "--no-pager", "--output", "short-iso"]);
    said(command, LONGER)
}

/// What it wrote between two moments, in seconds since 1970; nothing where there is no journal, or none that this user may read.
pub(crate) fn journal_between(from: f64, to: f64) -> Option<String> {
    let moment = |seconds: f64| format!("@{seconds:.0}");
    let mut command = Command::new("journalctl");
    command.args(["--quiet", "--no-pager", "--output", "short-iso", "--unit", UNIT]);
    command.args(["--since", &moment(from.floor()), "--until", &moment(to.ceil())]);
    said(command, LONGER).ok().filter(|text| !text.trim().is_empty())
}

/// `activating (start), result watchdog`.
fn worded(told: &str) -> Option<String> {
    let of = |name: &str| {
        told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned).unwrap_or_default()
    };
    if of("LoadState") != "loaded" {
        return None;
    }
    let result = Some(of("Result")).filter(|result| !result.is_empty() && result != "success");
    let result = result.map(|result| format!(", result {result}")).unwrap_or_default();
    Some(format!("{UNIT}: {} ({}){result}", of("ActiveState"), of("SubState")))
}

/// What a program writes; it is ended if it takes longer.
fn said(mut command: Command, patience: Duration) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let pipe = child.stdout.take();
    // It is read while it runs, for a pipe holds little.
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        pipe.map(|mut pipe| pipe.read_to_end(&mut text)).transpose().map(|_| text)
    });
    let status = waited(&mut child, patience).map_err(|error| format!("{name}: {error}"))?;
    let text = reader.join().map_err(|_| format!("{name}: its words are lost"))?;
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    if status { Ok(String::from_utf8_lossy(&text).into_owned()) } else { Err(format!("{name} failed")) }
}

/// Whether it did what it was told, in time.
fn waited(child: &mut Child, patience: Duration) -> std::io::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_unit_is_told_in_a_line() {
        let told = "LoadState=loaded\nActiveState=activating\nSubState=start\nResult=watchdog\n";
        assert_eq!(worded(told).as_deref(), Some("rustsocks.service: activating (start), result watchdog"));
        assert_eq!(worded("LoadState=not-found\nActiveState=inactive\nSubState=dead\nResult=success\n"), None);
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let mut slow = Command::new("sleep");
        slow.arg("600");
        assert_eq!(said(slow, Duration::from_millis(20)), Err("sleep failed".to_owned()));
        let mut quick = Command::new("echo");
        quick.arg("well");
        assert_eq!(said(quick, Duration::from_mins(1)), Ok("well\n".to_owned()));
    }
}
