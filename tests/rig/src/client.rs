//! The operators' program, built beside the program under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where it is, in the profile of whoever asks.
///
/// Cargo builds the programs of the package whose tests these are, and the client is another one's.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let ours = env::current_exe().expect("a process has a program");
        let folder = ours.parent().expect("a program lies in a directory");
        // A test lies in a directory of its own in that of its profile.
        let profile = if folder.ends_with("deps") { folder.parent().expect("it lies in another") } else { folder };
        let target = profile.parent().expect("which lies in the target directory");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "rustsocks-cli", "--target-dir"]).arg(target);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
        assert!(built.success(), "the client cannot be built");
        profile.join("rustsocks-cli")
    })
}
