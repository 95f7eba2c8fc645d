//! Changes to a file of tests of rules: its tables have no names, so each test is known by its number.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use toml_edit::{ArrayOfTables, Datetime, Formatted, Item, Table, Value};

use super::{Misuse, Sheet, put};
use crate::entry::{Entry, Unwritable};
use crate::layout;

const TESTS: &str = "tests";
const TIME: &str = "time";

/// The keys of a test in the order in which a new one has them.
const ORDER: &[&str] = &["enabled", "description", "user", "groups", "source", "destination", "addresses", "port"];

/// One change; a list of them is applied in order, each to what the ones before it left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", deny_unknown_fields)]
pub enum TestEdit {
    /// A new test, behind the others.
    #[serde(rename = "test.add")]
    Add {
        /// The keys of the table.
        test: Entry,
    },
    /// Other values for keys of a test; null takes a key out.
    #[serde(rename = "test.set")]
    Set {
        /// Which one, from 1.
        test: usize,
        /// The keys, and no others.
        set: Entry,
    },
    /// A test less.
    #[serde(rename = "test.del")]
    Remove {
        /// Which one, from 1.
        test: usize,
    },
}

impl Sheet {
    /// Makes one change to a file of tests.
    ///
    /// # Errors
    /// It does not fit.
    pub fn edit_tests(&mut self, edit: &TestEdit) -> Result<(), Misuse> {
        match edit {
            TestEdit::Add { test } => self.add_test(test),
            TestEdit::Set { test, set } => {
                let table = self.find_mut(&name(*test)).ok_or_else(|| missing(*test))?;
                for (key, value) in &set.0 {
                    if value.is_null() {
                        table.remove(key);
                    } else {
                        write(table, key, value)?;
                    }
                }
                Ok(())
            }
            TestEdit::Remove { test } => {
                self.find(&name(*test)).ok_or_else(|| missing(*test))?;
                self.remove(&name(*test))
            }
        }
    }

    fn add_test(&mut self, test: &Entry) -> Result<(), Misuse> {
        let last = layout::positions(self.0.0.as_table()).max();
        let tables = self.0.0.entry(TESTS).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let tables = tables.as_array_of_tables_mut().ok_or_else(|| Misuse::OtherForm(TESTS.to_owned()))?;
        let mut table = Table::new();
        let mut keys: Vec<(&String, &Json)> = test.0.iter().filter(|(_, value)| !value.is_null()).collect();
        keys.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
        for (key, value) in keys {
            write(&mut table, key, value)?;
        }
        table.set_position(Some(last.map_or(0, |last| last + 1)));
        if last.is_some() {
            table.decor_mut().set_prefix("\n");
        }
        tables.push(table);
        Ok(())
    }
}

fn name(test: usize) -> String {
    format!("{TESTS}/{test}")
}

fn missing(test: usize) -> Misuse {
    Misuse::Missing(format!("test {test}"))
}

/// Puts a value into a test. A time is a date there, and a text in a rule.
fn write(table: &mut Table, key: &str, value: &Json) -> Result<(), Misuse> {
    let Some(text) = value.as_str().filter(|_| key == TIME) else { return put(table, key, value) };
    let unwritable = || Unwritable { key: TIME.to_owned(), why: "must be a date as in RFC 3339" };
    let moment: Datetime = text.parse().map_err(|_| unwritable())?;
    put(table, key, &json!(0))?;
    if let Some(slot) = table.get_mut(key).and_then(Item::as_value_mut) {
        let decor = slot.decor().clone();
        *slot = Value::Datetime(Formatted::new(moment));
        *slot.decor_mut() = decor;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Ours.\n\n[[tests]]\ndestination = \"127.0.0.1\" # here\nport = 80\nexpect = \"allow\"\n";

    fn edited(text: &str, edit: Json) -> Result<String, Misuse> {
        let mut sheet = Sheet::parse(text).unwrap();
        sheet.edit_tests(&serde_json::from_value(edit).unwrap())?;
        Ok(sheet.text())
    }

    #[test]
    fn a_new_test_comes_last_and_what_is_there_stays() {
        let test =
            json!({ "expect": "deny", "port": 22, "destination": "db.corp", "user": "bob", "time": "2027-01-31" });
        let added = edited(TEXT, json!({ "op": "test.add", "test": test })).unwrap();
        let new =
            "\n[[tests]]\nuser = \"bob\"\ndestination = \"db.corp\"\nport = 22\nexpect = \"deny\"\ntime = 2027-01-31\n";
        assert_eq!(added, format!("{TEXT}{new}"));
        let first = edited("", json!({ "op": "test.add", "test": { "port": 1, "destination": "a" } })).unwrap();
        assert_eq!(first, "[[tests]]\ndestination = \"a\"\nport = 1\n");
    }

    #[test]
    fn a_test_is_changed_and_taken_out_by_its_number() {
        let set =
            json!({ "op": "test.set", "test": 1, "set": { "enabled": false, "destination": "::1", "port": null } });
        let changed = edited(TEXT, set).unwrap();
        assert_eq!(
            changed,
            "# Ours.\n\n[[tests]]\ndestination = \"::1\" # here\nexpect = \"allow\"\nenabled = false\n"
        );
        assert_eq!(edited(TEXT, json!({ "op": "test.del", "test": 1 })).unwrap().trim(), "# Ours.");
        for nobody in [0, 2] {
            let none = edited(TEXT, json!({ "op": "test.del", "test": nobody })).unwrap_err();
            assert_eq!(none, Misuse::Missing(format!("test {nobody}")));
        }
    }
}
