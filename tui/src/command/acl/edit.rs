//! The rules in the operator's editor, as visudo does it: nothing counts before it is valid and wanted, and nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::Desk;
use super::super::ask::{answer, can_ask, tell};
use super::{INVALID, is_ok, remarks};
use crate::args::Terms;
use crate::editor::{self, EDITOR, FILE};
use crate::failure::Failure;
use crate::output::raw;

/// What is wrong is written on top of the text, on lines that begin so and are taken away again.
const REMARK: &str = "#! ";

/// What the operator wants when the text is not right.
enum Wish {
    Again,
    Keep,
    Abandon,
}

impl Desk {
    pub(super) fn edit(&mut self, how: &Terms) -> Result<ExitCode, Failure> {
        let running: Value = self.connection.call("txn.get", &json!({}))?;
        let (base, text) = (running["gen"].as_u64().unwrap_or_default(), raw(&running["text"]));
        let path =
            editor::kept(&format!("acl-of-{base}-{}.toml", std::process::id()), &text).map_err(Failure::here(FILE))?;
        let outcome = self.edited(&path, (base, &text), how);
        if outcome.is_err() && path.exists() {
            tell(&format!("your text is in {}", path.display()));
        }
        outcome
    }

    fn edited(&mut self, path: &PathBuf, (base, before): (u64, &str), how: &Terms) -> Result<ExitCode, Failure> {
        loop {
            editor::edit(path).map_err(Failure::here(EDITOR))?;
            let text = without_remarks(&fs::read_to_string(path).map_err(Failure::here(FILE))?);
            if text == before {
                fs::remove_file(path).map_err(Failure::here(FILE))?;
                tell("nothing has changed");
                return Ok(ExitCode::SUCCESS);
            }
            let validation: Value = self.connection.call("txn.validate", &json!({ "text": text }))?;
            if is_ok(&validation) {
                let subject = json!({ "text": text, "base": base });
                let how = self.despite_tests(&subject, how)?;
                let denied = self.shown_and_asked(&subject, &how)?;
                self.apply(subject, denied, &how)?;
                fs::remove_file(path).map_err(Failure::here(FILE))?;
                return Ok(ExitCode::SUCCESS);
            }
            let remarks = remarks(&validation);
            tell(&remarks.join("\n"));
            match wish()? {
                Wish::Again => write(path, &with_remarks(&remarks, &text))?,
                Wish::Keep => {
                    write(path, &text)?;
                    tell(&format!("your text is in {}", path.display()));
                    return Ok(ExitCode::from(INVALID));
                }
                Wish::Abandon => {
                    fs::remove_file(path).map_err(Failure::here(FILE))?;
                    return Ok(ExitCode::from(INVALID));
                }
            }
        }
    }
}

/// Where nobody can be asked, the text is kept.
fn wish() -> Result<Wish, Failure> {
    while can_ask() {
        match answer("(e)dit again, (k)eep the text and stop, (a)bandon it: ")?.as_str() {
            "e" => return Ok(Wish::Again),
            "k" | "" => return Ok(Wish::Keep),
            "a" => return Ok(Wish::Abandon),
            _ => {}
        }
    }
    Ok(Wish::Keep)
}

/// Lines of the text are counted without the remarks, which say so.
fn with_remarks(remarks: &[String], text: &str) -> String {
    let lines = remarks.iter().flat_map(|remark| remark.lines()).map(|line| format!("{REMARK}{line}\n"));
    let head: String = lines.collect();
    format!("{head}{REMARK}lines are counted below these\n{text}")
}

fn without_remarks(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(REMARK)).collect()
}

/// The file keeps its owner and its mode.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(Failure::here(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_go_as_they_came() {
        let text = "# mine\n[global]\n#! not at\n";
        let remarks = ["error: line 2: global: a\nb".to_owned()];
        let shown = with_remarks(&remarks, "# mine\n[global]\n");
        assert!(shown.starts_with("#! error: line 2: global: a\n#! b\n#! lines"), "{shown}");
        assert_eq!(without_remarks(&shown), "# mine\n[global]\n");
        assert_eq!(without_remarks(text), "# mine\n[global]\n");
    }
}
