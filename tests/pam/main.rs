//! PAM as an administrator has it: the real daemon, its helpers, the real libpam and its modules.
//!
//! Each test has accounts and a directory of services of its own; nothing of this host's is changed. They need root: for a
//! mount namespace, and because that is what the helpers are.

mod addresses;
mod examples;
mod helpers;
mod names;
mod privileges;
mod rules;
mod start;
mod system;
mod troubles;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The daemon, with the helper beside it.
///
/// Cargo builds the programs of the package whose tests these are, and the helper is another package's, so that nothing of
/// libpam comes into this one.
fn program() -> &'static Path {
    static HELPER: OnceLock<()> = OnceLock::new();
    rig::usage::require_root();
    let program = Path::new(env!("CARGO_BIN_EXE_rustsocks"));
    HELPER.get_or_init(|| build_helper(program));
    program
}

fn build_helper(beside: &Path) {
    let profile = beside.parent().expect("a program lies in the directory of its profile");
    let target = profile.parent().expect("which lies in the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "rustsocks-pam", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
    assert!(built.success(), "the helper cannot be built");
}
