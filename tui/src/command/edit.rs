//! One of the operator's files in his editor, as visudo does it: nothing counts before it is valid and wanted, and nothing is lost.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Desk;
use super::acl::{INVALID, is_ok, remarks};
use super::ask::{answer, can_ask, tell};
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

/// What is edited: the file, what is in force of it, and what is done with what comes of it.
pub(super) struct Edited<'a> {
    pub(super) store: &'static str,
    /// What is wanted only to be shown is not applied, and is kept.
    pub(super) is_dry: bool,
    pub(super) take: &'a mut dyn FnMut(&mut Desk, String, u64) -> Result<ExitCode, Failure>,
}

impl Desk {
    /// Nothing that was written is lost: a text that is not applied is kept, and it is said where.
    pub(super) fn edit(&mut self, mut edited: Edited<'_>) -> Result<ExitCode, Failure> {
        let takes_what_comes = self.may_do_without_asking && editor::is_chosen();
        if !can_ask() && !takes_what_comes {
            let words = "editing takes a terminal; without one, --yes takes what the program in $VISUAL or $EDITOR makes of the text";
            return Err(Failure::Usage(words.to_owned()));
        }
        let running: Value = self.connection.call("txn.get", &json!({ "store": edited.store }))?;
        let (base, text) = (running["gen"].as_u64().unwrap_or_default(), raw(&running["text"]));
        let name = format!("{}-of-{base}-{}.toml", edited.store, std::process::id());
        let path = editor::kept(&name, text.as_bytes()).map_err(Failure::here(FILE))?;
        let outcome = self.edit_until_right(&path, (base, &text), &mut edited);
        if path.exists() {
            tell(&format!("your text is in {}", path.display()));
        }
        outcome
    }

    fn edit_until_right(
        &mut self,
        path: &Path,
        (base, before): (u64, &str),
        edited: &mut Edited<'_>,
    ) -> Result<ExitCode, Failure> {
        loop {
            editor::edit(path).map_err(Failure::here(EDITOR))?;
            let text = without_remarks(&fs::read_to_string(path).map_err(Failure::here(FILE))?);
            if text == before {
                fs::remove_file(path).map_err(Failure::here(FILE))?;
                tell("nothing has changed");
                return Ok(ExitCode::SUCCESS);
            }
            let validation: Value =
                self.connection.call("txn.validate", &json!({ "store": edited.store, "text": text }))?;
            if is_ok(&validation) {
                let done = (edited.take)(self, text, base)?;
                if done == ExitCode::SUCCESS && !edited.is_dry {
                    fs::remove_file(path).map_err(Failure::here(FILE))?;
                }
                return Ok(done);
            }
            let remarks = remarks(&validation);
            tell(&remarks.join("\n"));
            match wish()? {
                Wish::Again => write(path, &with_remarks(&remarks, &text))?,
                Wish::Keep => {
                    write(path, &text)?;
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
