//! The configurations inside manifests and beside the Dockerfile, against the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::read;

const MANIFESTS: &str = "deploy/kubernetes/rustsocks.yaml";

/// Where the manifests mount them.
const MOUNTS: [(&str, &str); 2] = [("/etc/rustsocks-users/", "users.toml"), ("/etc/rustsocks/", "acl.toml")];

#[test]
fn the_configuration_of_the_manifests_is_accepted_with_its_rules_and_users() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for (_, name) in MOUNTS {
        rig::place::write_secret(&directory.path().join(name), &block(MANIFESTS, name));
    }
    let mut text = block(MANIFESTS, "rustsocks.toml");
    for (mount, name) in MOUNTS {
        assert!(text.contains(&format!("\"{mount}{name}\"")), "{text}");
        text = text.replace(&format!("{mount}{name}"), &directory.path().join(name).display().to_string());
    }
    is_accepted(&text, directory.path(), &[]);
}

#[test]
fn the_configurations_of_the_image_and_of_the_compose_file_are_accepted() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let users = directory.path().join("users.toml");
    rig::place::write_secret(&users, &block(MANIFESTS, "users.toml"));
    let users = users.display().to_string();
    is_accepted(&read("deploy/docker/rustsocks.toml"), directory.path(), &[]);
    let site = read("deploy/docker/site/rustsocks.toml");
    is_accepted(&site, directory.path(), &[("RUSTSOCKS_AUTH_USERS_FILE", &users)]);
}

fn is_accepted(text: &str, directory: &Path, environment: &[(&str, &str)]) {
    let file = directory.join("rustsocks.toml");
    fs::write(&file, text).expect("a temporary directory can be written");
    let mut check = Command::new(env!("CARGO_BIN_EXE_rustsocks"));
    check.arg("check").arg("--config").arg(&file).envs(environment.iter().copied());
    let said = check.output().expect("the program runs");
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}\n{text}");
}

/// The text that stands under `name: |` in a file of YAML, as YAML understands it.
fn block(path: &str, name: &str) -> String {
    let text = read(path);
    let head = format!("  {name}: |");
    let lines = text.lines().skip_while(|line| *line != head).skip(1);
    let body = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    let body: Vec<&str> = body.map(|line| line.get(4..).unwrap_or_default()).collect();
    assert!(!body.is_empty(), "no {name} in {path}");
    body.join("\n") + "\n"
}
