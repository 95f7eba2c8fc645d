//! What becomes of a file that cannot be written, or that somebody has edited by hand: said by a flag, or asked.

use std::path::Path;

use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::ask::{answer, asked, can_ask, tell};
use super::{Desk, idem};
use crate::args::OfFile;
use crate::failure::Failure;
use crate::output::raw;

/// What somebody wants.
enum Wish {
    /// Both texts in one.
    Merge,
    /// The file that has this hash is given up.
    Overwrite(Value),
    /// In force, and in no file.
    RunTime,
    /// The file is written by this program, and read again.
    Write(String),
}

impl Desk {
    /// Puts a text in force, which `order` says as `txn.apply` takes it.
    pub(super) fn put_in_force(&mut self, mut order: Value, of_file: &OfFile) -> Result<Value, Failure> {
        order["idem"] = idem().into();
        order["run_time"] = of_file.run_time.into();
        if let Some(sha) = &of_file.over_file {
            order["expect_file"] = sha.as_str().into();
        }
        let applied = self.connection.call("txn.apply", &order);
        let Err(Failure::Refused(refusal)) = applied else { return applied };
        let wish = if is_edited(&refusal) {
            self.edited(&refusal, of_file)?
        } else if refusal.code == Code::ReadonlyStore {
            self.unwritable(&order, refusal)?
        } else {
            return Err(Failure::Refused(refusal));
        };
        order["idem"] = idem().into();
        match wish {
            Wish::Overwrite(sha) => order["expect_file"] = sha,
            Wish::RunTime => order["run_time"] = true.into(),
            Wish::Merge => return self.merged(order),
            Wish::Write(path) => return self.written_here(&order, Path::new(&path)),
        }
        self.connection.call("txn.apply", &order)
    }

    /// Whoever is at the terminal sees what would be lost.
    fn edited(&mut self, refusal: &Refusal, of_file: &OfFile) -> Result<Wish, Failure> {
        if of_file.merge_file {
            return Ok(Wish::Merge);
        }
        let data = refusal.data.clone().unwrap_or_default();
        tell(data["difference"].as_str().unwrap_or_default());
        if self.may_do_without_asking || !can_ask() {
            tell(&format!("--merge-file merges it; --over-file {} gives it up", raw(&data["file_sha"])));
            return Err(Failure::Refused(refusal.clone()));
        }
        tell(&refusal.msg);
        match answer("(m)erge it with your text, (o)verwrite it, or leave everything (n): ")?.as_str() {
            "m" => Ok(Wish::Merge),
            "o" => Ok(Wish::Overwrite(data["file_sha"].clone())),
            _ => Err(Failure::Refused(refusal.clone())),
        }
    }

    fn unwritable(&mut self, order: &Value, refusal: Refusal) -> Result<Wish, Failure> {
        let store = order.get("store").map_or_else(|| "acl".to_owned(), raw);
        if self.may_do_without_asking || !can_ask() {
            tell(&format!(
                "--run-time puts it in force and into no file; or write the file, then: rustsocks-cli reload {store}"
            ));
            return Err(Failure::Refused(refusal));
        }
        tell(&refusal.msg);
        let running: Value = self.connection.call("txn.get", &json!({ "store": store }))?;
        let path = raw(&running["file"]["path"]);
        let question = format!("in force until files are read (r), or {path} (w)ritten by you, or nothing (n): ");
        match answer(&question)?.as_str() {
            "r" => Ok(Wish::RunTime),
            "w" if !path.is_empty() => Ok(Wish::Write(path)),
            _ => Err(Failure::Refused(refusal)),
        }
    }

    /// The text with what stands in the file, which is shown before it counts.
    fn merged(&mut self, mut order: Value) -> Result<Value, Failure> {
        let store = order.get("store").cloned().unwrap_or_else(|| "acl".into());
        if order["draft"].is_null() {
            let begun = json!({ "store": store, "text": order["text"], "base": order["base"] });
            order["draft"] = self.connection.call::<Value>("txn.draft.open", &begun)?["draft"].clone();
        }
        let which = json!({ "store": store, "draft": order["draft"], "file": true });
        let merge: Value = self.connection.call("txn.merge", &which)?;
        let conflicts = merge["items"].as_array().into_iter().flatten().filter(|item| item["state"] == "conflict");
        let conflicts: Vec<String> =
            conflicts.map(|item| if item["ref"].is_null() { raw(&item["owner"]) } else { raw(&item["ref"]) }).collect();
        if !conflicts.is_empty() {
            let words = format!("both changed {}; the console settles it, item by item", conflicts.join(", "));
            return Err(Failure::Declined(words));
        }
        let _merged: Value = self.connection.call("txn.merge.pick", &which)?;
        let whole = json!({ "store": store, "draft": order["draft"] });
        if !self.may_do_without_asking {
            let difference: Value = self.connection.call("txn.diff", &whole)?;
            tell(difference["text"].as_str().unwrap_or_default());
            asked("type apply to put this in force: ", "apply")?;
        }
        if let Some(order) = order.as_object_mut() {
            order.retain(|name, _| !["text", "base"].contains(&name.as_str()));
        }
        self.connection.call("txn.apply", &order)
    }

    /// Whoever may write the file does, and the daemon reads it.
    fn written_here(&mut self, order: &Value, path: &Path) -> Result<Value, Failure> {
        let store = order.get("store").map_or_else(|| "acl".to_owned(), raw);
        let text = if let Some(text) = order["text"].as_str() {
            text.to_owned()
        } else {
            let which = json!({ "store": store, "draft": order["draft"] });
            raw(&self.connection.call::<Value>("txn.draft.get", &which)?["text"])
        };
        std::fs::write(path, text).map_err(Failure::here(format!("cannot write {}", path.display())))?;
        let what = if store == "config" { "all" } else { store.as_str() };
        self.connection.call("reload.run", &json!({ "what": what, "idem": idem() }))
    }
}

fn is_edited(refusal: &Refusal) -> bool {
    refusal.data.as_ref().is_some_and(|data| data["kind"] == "file_drift")
}
