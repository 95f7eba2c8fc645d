//! From text to settings, with every problem at once.

use std::collections::BTreeMap;

use crate::contradictions;
use crate::origin::{Origin, Override};
use crate::problem::{Fault, Problem, Problems, unknown};
use crate::reader::{Excerpt, Reader};
use crate::render;
use crate::settings::{Settings, TABLES};

/// The file that ships: every key with its default and what it means. Reading it gives `Settings::default()`.
pub const EMBEDDED: &str = include_str!("../../../../config/rustsocks.toml");

/// What is read.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The text of a file, and its path as messages show it.
    File {
        /// The path, only for messages.
        path: &'a str,
        /// The whole text.
        text: &'a str,
    },
    /// No file: the defaults, which are those of [`EMBEDDED`].
    Embedded,
}

/// Settings that are complete, in range and free of contradictions.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// What the operator should know although it stops nothing.
    pub warnings: Vec<Problem>,
    origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where the value of a key (`server.bind_port`, `listen[0].mode`) came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// The effective settings as TOML that loads to the same settings, with each line's origin as a comment.
    #[must_use]
    pub fn render(&self) -> String {
        render::annotated(&self.settings.shown(), |key| self.origin(key))
    }
}

/// Reads the source, lays the overrides over it (a flag outranks the environment, which outranks the file), and
/// checks everything against everything.
///
/// # Errors
/// Every problem of the source and of the overrides, in the order of the file; after a syntax error only the syntax
/// errors, since what follows one would be guesswork.
pub fn load(source: Source<'_>, overrides: &[Override]) -> Result<Loaded, Problems> {
    let (path, text) = match source {
        Source::File { path, text } => (path, text),
        Source::Embedded => ("", ""),
    };
    let mut reader = Reader::new(path, text, Excerpt::Quoted)?;
    reader.lay_over(overrides);
    let settings = Settings::read(&mut reader);
    let mut warnings = refuse_unknown(&mut reader);
    warnings.extend(contradictions::check(&settings, &mut reader));
    let origins = reader.finish()?;
    Ok(Loaded { settings, warnings, origins })
}

/// Unknown tables and overrides are problems; a variable that only looks like an override is a warning.
fn refuse_unknown(reader: &mut Reader<'_>) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for over in reader.leftovers(&tables().collect::<Vec<_>>()) {
        if is_foreign(&over) {
            let message = "is not a setting and is ignored".to_owned();
            warnings.push(Problem { origin: over.origin, key: over.key, message, hint: None });
        } else {
            reader.report(over.origin, &over.key, no_such_key(&over.key));
        }
    }
    warnings
}

/// Kubernetes gives every container variables for the services beside it; for a service that is called `rustsocks`
/// or `rustsocks-udp` they carry our prefix (`RUSTSOCKS_PORT`, `RUSTSOCKS_UDP_SERVICE_HOST`) and must not stop us.
fn is_foreign(over: &Override) -> bool {
    let (table, key) = split(&over.key);
    let is_service_link = key == "port" || key.starts_with("port_") || key.starts_with("service_");
    let is_variable = matches!(over.origin, Origin::Environment { .. });
    is_variable && (is_service_link || !tables().any(|known| known == table))
}

fn no_such_key(path: &str) -> Fault {
    let (table, key) = split(path);
    match TABLES.iter().find(|(known, _)| *known == table) {
        Some(("listen", _)) => Fault::new("unknown key").hint("write [[listen]] tables in the file"),
        Some((_, keys)) => {
            let known: Vec<String> = keys.iter().map(ToString::to_string).chain(keys_of_inner_tables(table)).collect();
            unknown(path, key, known.iter().map(String::as_str))
        }
        None => unknown(path, table, tables()),
    }
}

/// As a variable writes them: `pam_verbose` in `auth` for `verbose` in `auth.pam`.
fn keys_of_inner_tables(table: &str) -> impl Iterator<Item = String> {
    // A variable cannot say which of several tables it means.
    let single = TABLES.iter().filter(|(name, _)| !["limits.groups", "limits.quotas"].contains(name));
    let inner = single.filter_map(move |(name, keys)| Some((name.strip_prefix(table)?.strip_prefix('.')?, keys)));
    inner.flat_map(|(name, keys)| keys.iter().map(move |key| format!("{name}_{key}")))
}

fn tables() -> impl Iterator<Item = &'static str> + Clone {
    TABLES.iter().map(|(table, _)| *table)
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}
