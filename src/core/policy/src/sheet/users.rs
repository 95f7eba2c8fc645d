//! Changes to a users file: who is in it, who is in which group, and what each may have.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use toml_edit::{ArrayOfTables, Item, Table};

use super::limits::{Limits, Target};
use super::{Misuse, NAME, Sheet, name_of, put};
use crate::entry::Entry;

const USERS: &str = "users";
const GROUPS: &str = "groups";
const ENABLED: &str = "enabled";

/// One change; a list of them is applied in order, each to what the ones before it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", deny_unknown_fields)]
pub enum UserEdit {
    /// A new user, behind the others.
    #[serde(rename = "user.add")]
    Add {
        /// Who logs in.
        name: String,
        /// The keys of the table besides the name, `password_hash` among them.
        #[serde(default)]
        user: Entry,
    },
    /// Other values for keys of a user; null takes a key out.
    #[serde(rename = "user.set")]
    Set {
        /// Whose.
        name: String,
        /// The keys, and no others.
        set: Entry,
    },
    /// A user less.
    #[serde(rename = "user.del")]
    Remove {
        /// Who.
        name: String,
    },
    /// Lets a user log in again.
    #[serde(rename = "user.enable")]
    Enable {
        /// Who.
        name: String,
    },
    /// Lets a user log in no more.
    #[serde(rename = "user.disable")]
    Disable {
        /// Who.
        name: String,
    },
    /// Puts users into a group, which is there as long as somebody is in it.
    #[serde(rename = "group.add")]
    AddGroup {
        /// Its name.
        name: String,
        /// At least one.
        members: Vec<String>,
    },
    /// Takes everybody out of a group.
    #[serde(rename = "group.del")]
    RemoveGroup {
        /// Its name.
        name: String,
    },
    /// Another name for a group, for everybody who is in it; rules and limits that name it do not follow.
    #[serde(rename = "group.rename")]
    RenameGroup {
        /// As it is called.
        name: String,
        /// As it will be called.
        to: String,
    },
    /// Puts one user into a group.
    #[serde(rename = "member.add")]
    AddMember {
        /// Which group.
        group: String,
        /// Who.
        name: String,
    },
    /// Takes one user out of a group.
    #[serde(rename = "member.del")]
    RemoveMember {
        /// Which group.
        group: String,
        /// Who.
        name: String,
    },
    /// What a user may have.
    #[serde(rename = "limit.set")]
    SetLimit {
        /// `user/alice`
        target: String,
        /// What is said.
        limits: Limits,
    },
    /// A user has what everybody has.
    #[serde(rename = "limit.del")]
    RemoveLimit {
        /// `user/alice`
        target: String,
    },
}

impl Sheet {
    /// Makes one change to a users file.
    ///
    /// # Errors
    /// It does not fit.
    pub fn edit_users(&mut self, edit: &UserEdit) -> Result<(), Misuse> {
        match edit {
            UserEdit::Add { name, user } => {
                if self.find(&table(name)).is_some() {
                    return Err(Misuse::Exists(format!("user {name:?}")));
                }
                let mut whole = user.clone();
                whole.0.insert(NAME.to_owned(), json!(name));
                self.write(&table(name), &whole)
            }
            UserEdit::Set { name, set } => {
                self.must_have(name)?;
                // Another name comes last, as the user is found by the one that there is.
                let (names, others): (Vec<_>, Vec<_>) = set.0.iter().partition(|(key, _)| *key == NAME);
                for (key, value) in others.into_iter().chain(names) {
                    if !value.is_null() {
                        self.set(&table(name), key, value)?;
                    } else if self.says(name, key) {
                        self.unset(&table(name), key)?;
                    }
                }
                Ok(())
            }
            UserEdit::Remove { name } => {
                self.must_have(name)?;
                self.remove(&table(name))
            }
            UserEdit::Enable { name } => {
                self.must_have(name)?;
                if self.says(name, ENABLED) { self.set(&table(name), ENABLED, &json!(true)) } else { Ok(()) }
            }
            UserEdit::Disable { name } => {
                self.must_have(name)?;
                self.set(&table(name), ENABLED, &json!(false))
            }
            UserEdit::AddGroup { members, .. } if members.is_empty() => Err(Misuse::NoMembers),
            UserEdit::AddGroup { name, members } => self.join_all(members, name),
            UserEdit::RemoveGroup { name } => self.each_member(name, |groups| groups.retain(|group| group != name)),
            UserEdit::RenameGroup { name, to } => self.each_member(name, |groups| {
                groups.retain(|group| group != to);
                groups.iter_mut().filter(|group| *group == name).for_each(|group| group.clone_from(to));
            }),
            UserEdit::AddMember { group, name } => self.join(name, group),
            UserEdit::RemoveMember { group, name } => {
                let mut groups = self.groups_of(name)?;
                if !groups.contains(group) {
                    return Err(Misuse::Missing(format!("{name:?} in {group:?}")));
                }
                groups.retain(|other| other != group);
                self.set(&table(name), GROUPS, &json!(groups))
            }
            UserEdit::SetLimit { target, limits } => {
                let user = Target::of_users_file(target)?;
                self.must_have(&user)?;
                self.limit(&table(&user), limits.keys_of_one(), target)
            }
            UserEdit::RemoveLimit { target } => {
                let user = Target::of_users_file(target)?;
                self.must_have(&user)?;
                let _is_different = self.lift(&table(&user), Limits::KEYS_OF_ONE);
                Ok(())
            }
        }
    }

    fn must_have(&self, user: &str) -> Result<(), Misuse> {
        self.find(&table(user)).map(drop).ok_or_else(|| Misuse::Missing(format!("user {user:?}")))
    }

    fn says(&self, user: &str, key: &str) -> bool {
        self.find(&table(user)).is_some_and(|table| table.contains_key(key))
    }

    fn groups_of(&self, user: &str) -> Result<Vec<String>, Misuse> {
        let table = self.find(&table(user)).ok_or_else(|| Misuse::Missing(format!("user {user:?}")))?;
        Ok(groups_in(table))
    }

    fn join(&mut self, user: &str, group: &str) -> Result<(), Misuse> {
        let mut groups = self.groups_of(user)?;
        if groups.iter().any(|other| other == group) {
            return Ok(());
        }
        groups.push(group.to_owned());
        self.set(&table(user), GROUPS, &json!(groups))
    }

    /// The same for many: one walk through all users for those who have a name, be they thousands.
    fn join_all(&mut self, members: &[String], group: &str) -> Result<(), Misuse> {
        let users = self.0.0.get(USERS).and_then(Item::as_array_of_tables);
        let there: HashSet<&str> = users.into_iter().flatten().filter_map(name_of).collect();
        let names = members.iter().map(String::as_str);
        let others: Vec<&str> = names.clone().filter(|member| !there.contains(member)).collect();
        let mut joining: HashSet<&str> = names.filter(|member| there.contains(member)).collect();
        others.iter().try_for_each(|other| self.must_have(other))?;
        others.iter().try_for_each(|other| self.join(other, group))?;
        let users = self.0.0.get_mut(USERS).and_then(Item::as_array_of_tables_mut);
        for user in users.into_iter().flat_map(ArrayOfTables::iter_mut) {
            let mut groups = groups_in(user);
            if name_of(user).is_some_and(|name| joining.remove(name)) && !groups.iter().any(|other| other == group) {
                groups.push(group.to_owned());
                put(user, GROUPS, &json!(groups))?;
            }
        }
        Ok(())
    }

    fn each_member(&mut self, group: &str, change: impl Fn(&mut Vec<String>)) -> Result<(), Misuse> {
        let users = self.0.0.get_mut(USERS).and_then(Item::as_array_of_tables_mut);
        let mut is_there = false;
        for user in users.into_iter().flat_map(ArrayOfTables::iter_mut) {
            let mut groups = groups_in(user);
            if groups.iter().any(|other| other == group) {
                is_there = true;
                change(&mut groups);
                put(user, GROUPS, &json!(groups))?;
            }
        }
        if is_there { Ok(()) } else { Err(Misuse::Missing(format!("group {group:?}"))) }
    }
}

fn table(user: &str) -> String {
    format!("{USERS}/{user}")
}

fn groups_in(user: &Table) -> Vec<String> {
    let groups = user.get(GROUPS).and_then(Item::as_array);
    groups.into_iter().flatten().filter_map(|group| group.as_str().map(str::to_owned)).collect()
}
