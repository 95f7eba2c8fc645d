//! Users files, with hashes made as the daemon asks for them.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use tempfile::TempDir;

use crate::place;

/// A users file that goes with its owner.
#[derive(Debug)]
pub struct Users {
    directory: TempDir,
}

impl Users {
    /// Writes a file with these names and passwords.
    #[must_use]
    pub fn of(users: &[(&str, &[u8])]) -> Self {
        Self::with_groups(&without_groups(users))
    }

    /// Writes a file with these names, passwords and groups.
    #[must_use]
    pub fn with_groups(users: &[(&str, &[u8], &[&str])]) -> Self {
        Self::written(&text_of(users))
    }

    /// Writes a file in which all these have the same password, under the cheapest hash there is: for tests about users, not about
    /// passwords.
    #[must_use]
    pub fn crowd(names: impl IntoIterator<Item = String>, password: &[u8]) -> Self {
        Self::crowd_with(names, password, |_| "")
    }

    /// The same, with further lines for each name.
    #[must_use]
    pub fn crowd_with(
        names: impl IntoIterator<Item = String>,
        password: &[u8],
        further: impl Fn(&str) -> &'static str,
    ) -> Self {
        let cheapest = Params::new(8, 1, 1, None).expect("RFC 9106 has nothing cheaper");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheapest);
        let hash = hasher.hash_password(password).expect("passwords are shorter than 4 GiB");
        let text = names.into_iter().fold(String::new(), |mut text, name| {
            writeln!(text, "[[users]]\nname = {name:?}\npassword_hash = \"{hash}\"\n{}", further(&name))
                .expect("a String takes any text");
            text
        });
        Self::written(&text)
    }

    /// Writes other names and passwords into the file.
    pub fn replace_by(&self, users: &[(&str, &[u8])]) {
        place::write_secret(&self.path(), &text_of(&without_groups(users)));
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("users.toml")
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> String {
        fs::read_to_string(self.directory.path().join("users.toml")).expect("it was written")
    }

    /// The daemon's `[auth]` table with these methods in order of preference.
    #[must_use]
    pub fn settings(&self, methods: &[&str]) -> String {
        let directory = self.directory.path().display();
        format!("[auth]\nsocks_method = {methods:?}\nusers_file = \"{directory}/users.toml\"\n")
    }

    fn written(text: &str) -> Self {
        let written = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        place::write_secret(&written.path(), text);
        written
    }
}

type WithGroups<'a> = (&'a str, &'a [u8], &'a [&'a str]);

fn without_groups<'a>(users: &[(&'a str, &'a [u8])]) -> Vec<WithGroups<'a>> {
    users.iter().map(|(name, password)| (*name, *password, &[][..])).collect()
}

fn text_of(users: &[WithGroups<'_>]) -> String {
    users.iter().fold(String::new(), |mut text, (name, password, groups)| {
        let hash = hash(password);
        writeln!(text, "[[users]]\nname = {name:?}\npassword_hash = \"{hash}\"\ngroups = {groups:?}")
            .expect("a String takes any text");
        text
    })
}

fn hash(password: &[u8]) -> PasswordHash {
    Argon2::default().hash_password(password).expect("passwords are shorter than 4 GiB")
}
