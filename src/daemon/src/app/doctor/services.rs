//! A file of a PAM service (pam.d(5)): the modules that it names, also through the files that it includes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: usize,
    /// `pam_unix.so`, or an absolute path.
    pub(super) name: String,
}

/// Every module of the service in this file, in order; what cannot be read has none.
pub(super) fn modules(file: &Path) -> Vec<Module> {
    let mut seen = BTreeSet::new();
    read(file, &mut seen)
}

fn read(file: &Path, seen: &mut BTreeSet<PathBuf>) -> Vec<Module> {
    if !seen.insert(file.to_owned()) {
        return Vec::new();
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut modules = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        match entry(content) {
            Entry::None => {}
            Entry::Include(other) => modules.extend(read(&file.with_file_name(other), seen)),
            Entry::Module(name) => modules.push(Module { file: file.to_owned(), line, name: name.to_owned() }),
        }
    }
    modules
}

#[derive(Debug, PartialEq, Eq)]
enum Entry<'a> {
    None,
    Include(&'a str),
    Module(&'a str),
}

/// `type control module arguments…`, `@include file`, or `type include file`.
fn entry(line: &str) -> Entry<'_> {
    let line = line.split('#').next().unwrap_or_default().trim();
    if let Some(file) = line.strip_prefix("@include") {
        return Entry::Include(file.trim());
    }
    let Some((kind, rest)) = line.split_once(char::is_whitespace) else { return Entry::None };
    // A leading hyphen lets the module be absent.
    if kind.starts_with('-') {
        return Entry::None;
    }
    let rest = rest.trim_start();
    let (control, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(parts) => parts,
        None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
    };
    match rest.split_whitespace().next() {
        None => Entry::None,
        Some(file) if ["include", "substack"].contains(&control) => Entry::Include(file),
        Some(module) => Entry::Module(module),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_module_or_another_file_or_neither() {
        for (line, expected) in [
            ("", Entry::None),
            ("# auth required pam_unix.so", Entry::None),
            ("auth required pam_unix.so nullok", Entry::Module("pam_unix.so")),
            ("auth [success=1 default=ignore] pam_unix.so # why", Entry::Module("pam_unix.so")),
            ("-auth optional pam_systemd.so", Entry::None),
            ("@include common-auth", Entry::Include("common-auth")),
            ("auth substack common-auth", Entry::Include("common-auth")),
            ("account\trequired\t/opt/pam_own.so", Entry::Module("/opt/pam_own.so")),
        ] {
            assert_eq!(entry(line), expected, "{line}");
        }
    }

    #[test]
    fn included_files_are_read_once_each_and_keep_their_lines() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::write(place("service"), "@include shared\nauth required pam_a.so\n").unwrap();
        fs::write(place("shared"), "\n@include service\nauth required pam_b.so\n").unwrap();
        let found = modules(&place("service"));
        let found: Vec<_> =
            found.iter().map(|module| (module.file.clone(), module.line, module.name.as_str())).collect();
        assert_eq!(found, [(place("shared"), 3, "pam_b.so"), (place("service"), 2, "pam_a.so")]);
    }
}
