//! Manifests, the compose file and workflows follow their schemas, and recipes their languages.

use std::process::Command;

use crate::root;

#[test]
fn manifests_follow_the_schemas_of_kubernetes() {
    passes(".venv/bin/kubernetes-validate", &["--strict", "deploy/kubernetes/rustsocks.yaml"]);
}

#[test]
fn the_compose_file_follows_its_schema() {
    passes(".venv/bin/check-jsonschema", &["--builtin-schema", "vendor.compose-spec", "deploy/docker/compose.yaml"]);
}

#[test]
fn workflows_follow_their_schema() {
    let folder = root().join(".github/workflows");
    let files =
        std::fs::read_dir(folder).expect("it is there").flatten().map(|entry| entry.path().display().to_string());
    let files: Vec<String> = files.collect();
    assert!(files.len() >= 4, "{files:?}");
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    passes(".venv/bin/check-jsonschema", &[&["--builtin-schema", "vendor.github-workflows"][..], &files].concat());
}

/// It says what Arch's own tools would read of it, and has the version of the program.
#[test]
fn the_recipe_for_arch_is_shell_and_has_the_version() {
    let mut bash = Command::new("bash");
    bash.args([
        "-euc",
        "source packaging/aur/PKGBUILD; type package_rustsocks package_rustsocks-cli >/dev/null; echo $pkgver",
    ]);
    let said = bash.current_dir(root()).output().expect("there is a bash");
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), env!("CARGO_PKG_VERSION"), "{said:?}");
}

fn passes(program: &str, arguments: &[&str]) {
    let said = Command::new(root().join(program)).current_dir(root()).args(arguments).output();
    let said = said.unwrap_or_else(|error| panic!("{program}: {error}; scripts/test-deps installs it"));
    assert!(said.status.success(), "{program} {arguments:?}: {said:?}");
}
