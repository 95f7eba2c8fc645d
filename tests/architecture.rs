//! The house's walls, proven: who may import whom, what the pure rooms never name, and that every room says what it is.
//!
//! docs/architecture.md draws what is checked here.

use std::fs;
use std::path::{Path, PathBuf};

/// Floors of the daemon from the ground up; a room imports only from floors below its own.
const FLOORS: [&str; 4] = ["state", "engine", "frontends", "app"];

/// What a pure crate never touches: sockets, files, processes, clocks, threads, runtimes.
const IMPURE: &[&str] = &[
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::os::",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "tokio::",
    "nix::",
    "socket2::",
    "tracing::",
];

#[test]
fn no_floor_imports_from_a_floor_above() {
    let daemon = root().join("src/daemon/src");
    let mut broken = Vec::new();
    for (height, floor) in FLOORS.iter().enumerate() {
        for file in rust_files(&daemon.join(floor)) {
            for above in &FLOORS[height + 1..] {
                broken.extend(lines_with(&file, &format!("crate::{above}")));
            }
        }
    }
    assert!(broken.is_empty(), "imports from above:\n{}", broken.join("\n"));
}

#[test]
fn the_pure_crates_touch_nothing() {
    let core = root().join("src/core");
    let mut broken = Vec::new();
    for file in rust_files(&core).into_iter().filter(|file| file.components().any(|part| part.as_os_str() == "src")) {
        for word in IMPURE {
            broken.extend(lines_with(&file, word));
        }
    }
    assert!(broken.is_empty(), "impure words in pure rooms:\n{}", broken.join("\n"));
}

#[test]
fn the_pure_crates_depend_on_no_runtime_and_no_system() {
    let crates: Vec<_> = fs::read_dir(root().join("src/core")).expect("it is there").flatten().collect();
    assert!(crates.len() >= 8, "{crates:?}");
    for pure in crates {
        let name = pure.file_name().to_string_lossy().into_owned();
        let manifest = fs::read_to_string(pure.path().join("Cargo.toml")).expect("the crate has a manifest");
        // What only its tests need does not go along with it.
        let manifest = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for dependency in
            ["tokio", "nix", "socket2", "mio", "libc", "hickory", "tracing", "rusqlite", "daemon", "monitor"]
        {
            let found = manifest.lines().find(|line| line.starts_with(dependency));
            assert!(found.is_none(), "core/{name} depends on {dependency}");
        }
    }
}

#[test]
fn the_monitor_has_no_runtime_and_reads_no_network_protocol() {
    let manifest = fs::read_to_string(root().join("src/monitor/Cargo.toml")).expect("the monitor has a manifest");
    for dependency in ["tokio", "socks", "hickory", "config", "daemon"] {
        assert!(!manifest.lines().any(|line| line.starts_with(dependency)), "the monitor depends on {dependency}");
    }
}

#[test]
fn only_the_helper_links_libpam() {
    for name in ["", "src/daemon", "src/monitor", "tests/rig", "benches/load"] {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).expect("the crate has a manifest");
        // The workspace's own list of versions is no dependency of anything yet.
        let own = manifest.rsplit("[package]").next().unwrap_or_default();
        assert!(!own.lines().any(|line| line.starts_with("pam")), "{name:?} depends on libpam");
    }
    let program = fs::read(env!("CARGO_BIN_EXE_rustsocks")).expect("the daemon is built");
    assert!(!program.windows(9).any(|name| name == b"libpam.so"), "the daemon is linked with libpam");
}

#[test]
fn the_operators_program_sees_the_daemon_only_over_its_socket() {
    let manifest = fs::read_to_string(root().join("tui/Cargo.toml")).expect("the program has a manifest");
    for dependency in ["tokio", "rusqlite", "config", "acl", "socks", "history", "daemon", "monitor"] {
        assert!(!manifest.lines().any(|line| line.starts_with(dependency)), "the client depends on {dependency}");
    }
    let unsafe_code: Vec<_> =
        rust_files(&root().join("tui/src")).iter().flat_map(|file| lines_with(file, "unsafe {")).collect();
    assert!(unsafe_code.is_empty(), "unsafe in the client:\n{}", unsafe_code.join("\n"));
}

#[test]
fn every_room_opens_with_what_it_is() {
    let silent: Vec<_> = rust_files(&root().join("src"))
        .into_iter()
        .chain(rust_files(&root().join("tui/src")))
        .chain(rust_files(&root().join("tests/rig/src")))
        .chain(rust_files(&root().join("benches")))
        .filter(|file| !read(file).starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "rooms without a module doc: {silent:#?}");
}

#[test]
fn no_room_has_outgrown_itself() {
    let rooms = ["src", "tui/src"].map(|rooms| rust_files(&root().join(rooms)));
    let large: Vec<_> = rooms.into_iter().flatten().filter(|file| lines_before_tests(&read(file)) > 500).collect();
    assert!(large.is_empty(), "more than 500 lines before the tests; which noun is hiding in them? {large:#?}");
}

#[test]
fn unsafe_code_is_allowed_only_in_named_rooms() {
    let allowed = ["src/daemon/src/engine/sys/", "src/pam/src/libpam.rs"];
    let broken: Vec<_> = rust_files(&root().join("src"))
        .into_iter()
        .filter(|file| !allowed.iter().any(|room| file.to_string_lossy().contains(room)))
        .flat_map(|file| lines_with(&file, "unsafe {"))
        .collect();
    assert!(broken.is_empty(), "unsafe outside of engine/sys and the calls of libpam:\n{}", broken.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Lines of code, not comments or tests, that contain `word`.
fn lines_with(file: &Path, word: &str) -> Vec<String> {
    let text = read(file);
    let code = text.lines().take(lines_before_tests(&text)).enumerate();
    code.filter(|(_, line)| !line.trim_start().starts_with("//") && line.contains(word))
        .map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim()))
        .collect()
}

fn lines_before_tests(text: &str) -> usize {
    text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or_else(|| text.lines().count())
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
