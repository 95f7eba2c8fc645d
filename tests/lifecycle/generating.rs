//! `--generate-config`: what it writes is what holds without it; and `completions`.

use std::fs;

use crate::checking::values;
use crate::run;

#[test]
fn a_generated_file_means_what_no_file_means() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("rustsocks.toml");
    let place = path.to_str().expect("a plain name");
    let generated = run(&["--generate-config", place]);
    assert_eq!((generated.code, generated.stderr.as_str()), (Some(0), ""));
    assert_eq!(run(&["--generate-config", "-"]).stdout, fs::read_to_string(&path).expect("it was written"));
    let shown = run(&["check", "--show", "--config", place]);
    assert_eq!(values(&shown.stdout), values(&run(&["check", "--show"]).stdout));
}

/// What `check --show` prints is a configuration again, with the same meaning.
#[test]
fn shown_settings_are_a_configuration() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("shown.toml");
    let shown = run(&["check", "--show", "--port", "1234"]);
    fs::write(&path, &shown.stdout).expect("a temporary directory can be written");
    let again = run(&["check", "--show", "--config", path.to_str().expect("a plain name")]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(values(&again.stdout), values(&shown.stdout));
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = directory.path().join("rustsocks.toml");
    fs::write(&path, "precious").expect("a temporary directory can be written");
    let ran = run(&["--generate-config", path.to_str().expect("a plain name")]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("File exists"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "precious");
}

/// Flags that only processes of the service give each other are nobody's to type.
#[test]
fn completions_have_every_command_and_no_hidden_flag() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, Some(0), "{}", script.stderr);
        for word in ["acl-check", "log-level", "hash-password"] {
            assert!(script.stdout.contains(word), "no {word} for {shell}");
        }
        for word in ["state-directory", "from-monitor", "role"] {
            assert!(!script.stdout.contains(word), "{word} for {shell}");
        }
    }
}
