//! What is deployed otherwise than by a package: the image as its Dockerfile makes it, manifests, workflows and recipes.
//!
//! The image needs root and the root of a Debian (`scripts/roots`), the schemas what `scripts/test-deps` installs.

mod configurations;
mod dockerfile;
mod image;
mod schemas;

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository as text.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
