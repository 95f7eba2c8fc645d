//! The file that ships and the page that explains it say what the code does.

use std::collections::BTreeMap;

use config::{EMBEDDED, Loaded, Settings, Source, load, tokens, users};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// Every key that a settings file can have, with its default as TOML; tables are named as their headings are.
type Keys = BTreeMap<(String, String), String>;

#[test]
fn the_shipped_file_is_the_defaults() {
    let loaded = read(EMBEDDED);
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.warnings, []);
    assert_eq!(load(Source::Embedded, &[]).expect("the defaults agree").settings, loaded.settings);
}

#[test]
fn the_shipped_file_has_every_key_with_its_default() {
    let mut table = "";
    let mut written = BTreeMap::new();
    for line in EMBEDDED.lines() {
        let bare = line.trim_start_matches("# ");
        if bare.starts_with('[') {
            table = bare;
        } else if let Some((key, value)) = bare.split_once(" = ").filter(|(key, _)| is_key(key)) {
            let is_example = line.starts_with('#');
            written.insert((table.to_owned(), key.to_owned()), (!is_example).then(|| value.to_owned()));
        }
    }
    for ((table, key), default) in keys() {
        let line = written.remove(&(table.clone(), key.clone()));
        let expected = (!table.starts_with("[[") && default != "not set").then_some(default);
        assert_eq!(line, Some(expected), "{table} {key}");
    }
    assert_eq!(written, BTreeMap::new(), "the file has keys that do not exist");
}

#[test]
fn the_examples_of_the_shipped_file_can_be_uncommented() {
    let is_example = |line: &str| {
        line.starts_with("# [[")
            || line.strip_prefix("# ").and_then(|bare| bare.split_once(" = ")).is_some_and(|(key, _)| is_key(key))
    };
    let uncommented: Vec<&str> =
        EMBEDDED.lines().map(|line| if is_example(line) { &line[2..] } else { line }).collect();
    let loaded = read(&uncommented.join("\n"));
    let Settings { listen, group_limits, quotas, .. } = &loaded.settings;
    assert_eq!((listen.len(), group_limits.len(), quotas.len()), (2, 1, 1));
    let rendered = loaded.render();
    let mut tables = rendered.split("\n\n").filter(|table| !table.starts_with("[["));
    assert!(tables.all(|table| !table.contains("is not set")), "{rendered}");
}

#[test]
fn the_page_has_every_key_with_its_default_and_an_example_that_changes_something() {
    let mut rows = rows(PAGE);
    rows.retain(|(heading, _), _| heading.starts_with('['));
    for ((table, key), default) in keys() {
        let row = rows.remove(&(table.clone(), key.clone())).unwrap_or_else(|| panic!("no row for {table} {key}"));
        let expected = match (key.as_str(), default.as_str()) {
            ("address", _) | ("name", "\"staff\"") => "must be written".to_owned(),
            (_, "not set") => default,
            _ => format!("`{default}`"),
        };
        assert_eq!(row[2], expected, "{table} {key}");
        let (word, example) = (row[4].split(';').next(), row.get(5).map(|cell| cell.trim_matches('`')));
        let example = example.unwrap_or_else(|| panic!("no example of {table} {key}"));
        assert_eq!(word, takes_effect(&table, &key, example), "{table} {key}: {example}");
    }
    assert_eq!(rows, BTreeMap::new(), "the page has keys that do not exist");
}

#[test]
fn the_examples_of_the_page_are_valid() {
    let examples: Vec<&str> = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let (user_files, others): (Vec<&str>, Vec<&str>) =
        examples.into_iter().partition(|text| text.contains("[[users]]"));
    let (token_files, settings): (Vec<&str>, Vec<&str>) =
        others.into_iter().partition(|text| text.contains("[[tokens]]"));
    assert_eq!(token_files.len(), 1);
    tokens::load("tokens.toml", token_files[0]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(user_files.len(), 1);
    users::load("users.toml", user_files[0]).unwrap_or_else(|problems| panic!("{problems}"));
    // The first example shows origins, with an address that needs more than the excerpt has.
    for text in &settings[1..] {
        let users_file = if text.contains("users_file") { "" } else { "[auth]\nusers_file = \"u\"\n" };
        read(&format!("{text}\n{users_file}"));
    }
    assert_eq!(settings.len(), 22);
}

#[test]
fn the_page_explains_the_users_file() {
    let examples = examples("Users file");
    users::load("users.toml", &table("[[users]]", &examples)).unwrap_or_else(|problems| panic!("{problems}"));
    let keys: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "bandwidth_burst_kib",
            "bandwidth_guaranteed_mbps",
            "bandwidth_limit_mbps",
            "bandwidth_priority",
            "connection_timeout_secs",
            "enabled",
            "expires",
            "groups",
            "half_closed_secs",
            "max_age_secs",
            "max_connections",
            "max_sources",
            "name",
            "password_hash",
            "quotas",
            "udp_idle_secs",
        ]
    );
}

#[test]
fn the_page_explains_the_tokens_file() {
    let examples = examples("Tokens file");
    tokens::load("tokens.toml", &table("[[tokens]]", &examples)).unwrap_or_else(|problems| panic!("{problems}"));
    let keys: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(keys, ["expires", "hash", "name", "scope"]);
}

/// The keys under this heading of the page, each with its example.
fn examples(heading: &str) -> BTreeMap<String, String> {
    let mut rows = rows(PAGE);
    rows.retain(|(above, _), _| above == heading);
    let example = |cells: &Vec<String>| cells.last().expect("a row has cells").trim_matches('`').to_owned();
    rows.iter().map(|((_, key), cells)| (key.clone(), example(cells))).collect()
}

/// A table that has each of these keys.
fn table(head: &str, examples: &BTreeMap<String, String>) -> String {
    let lines = examples.iter().map(|(key, example)| format!("{key} = {example}\n"));
    [format!("{head}\n")].into_iter().chain(lines).collect()
}

/// The word for when a change of this key counts, found by writing the page's example of it; `None` if that is no change.
fn takes_effect(table: &str, key: &str, example: &str) -> Option<&'static str> {
    let address = if key == "mode" { "unix:/socket" } else { "127.0.0.1:1081" };
    let quota = if table == "[[limits.quotas]]" { "[[limits.quotas]]\nname = \"staff\"\n" } else { "" };
    let group = if table == "[[limits.groups]]" { "[[limits.groups]]\nname = \"staff\"\n" } else { quota };
    let door = format!("[[listen]]\naddress = \"{address}\"\n");
    let listener = format!("{door}{group}");
    let before = read(&listener).settings;
    let beginning = match (table, key) {
        ("[[listen]]", "address") => table.to_owned(),
        ("[[limits.groups]]" | "[[limits.quotas]]", "name") => format!("{door}{table}"),
        ("[[listen]]" | "[[limits.groups]]" | "[[limits.quotas]]", _) => listener.clone(),
        _ => format!("{listener}{table}"),
    };
    let users = if table == "[auth]" { "" } else { "[auth]" };
    let users = if key == "users_file" { String::new() } else { format!("{users}\nusers_file = \"u\"") };
    let text = format!("{beginning}\n{key} = {example}\n{}{users}\n", beside(table, key));
    let mut changed = read(&text).settings;
    let is_of_key = |changed: &String| changed.contains(&format!(".{key}")) || key == "address";
    if !changed.changes(&before).keys.iter().any(is_of_key) {
        return None;
    }
    let is_key = |kept: &String| kept.ends_with(&format!(".{key}"));
    let is_kept = changed.keep_fixed(&before).keys.iter().any(is_key);
    let path = format!("{}.{key}", table.trim_matches(['[', ']']));
    assert_eq!(Settings::is_fixed(&path), is_kept, "{path}");
    Some(if is_kept { "restart" } else { "reload" })
}

/// What else must stand in the table for this key to make sense.
fn beside(table: &str, key: &str) -> &'static str {
    match (table, key) {
        // A certificate is nothing without its key.
        (_, "tls_cert") => "tls_key = \"/key\"\n",
        (_, "tls_key") => "tls_cert = \"/cert\"\n",
        // Nobody can be guaranteed more than the limit.
        ("[[limits.groups]]", "bandwidth_guaranteed_mbps") => "bandwidth_limit_mbps = 200\n",
        _ => "",
    }
}

fn keys() -> Keys {
    let with_tables = "[[listen]]\naddress = \"127.0.0.1:1081\"\n[[limits.groups]]\nname = \"staff\"\n[[limits.quotas]]\nname = \"staff\"";
    let rendered = read(with_tables).render();
    let mut table = "";
    let mut keys = Keys::new();
    for line in rendered.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some(unset) => {
                let key = unset.split(' ').next().expect("a line names its key");
                keys.insert((table.to_owned(), key.to_owned()), "not set".to_owned());
            }
            None => match line.split_once(" = ") {
                Some((key, rest)) => {
                    let (value, _origin) = rest.rsplit_once("# ").expect("every line has an origin");
                    keys.insert((table.to_owned(), key.to_owned()), value.trim().to_owned());
                }
                None => table = line,
            },
        }
    }
    keys
}

/// The rows of the page's tables whose first cell is a key, under their headings.
fn rows(page: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut heading = "";
    let mut rows = BTreeMap::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim_matches('`');
        } else if line.starts_with("| `") && !line.starts_with("| `-") {
            let cells: Vec<String> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
            rows.insert((heading.to_owned(), cells[0].trim_matches('`').to_owned()), cells);
        }
    }
    rows
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn read(text: &str) -> Loaded {
    load(Source::File { path: "rustsocks.toml", text }, &[]).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}
