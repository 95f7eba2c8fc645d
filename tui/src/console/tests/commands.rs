//! What the console shows as the same for a shell is read by a shell, and by the program whose name it begins with.

use std::collections::BTreeSet;
use std::process::Command;

use clap::Parser;

use super::pictures::PICTURES;
use super::proofs::{bindings_of, press_key};
use super::{PLAIN, Stage};
use crate::args::Args;
use crate::console::keys::BINDINGS;
use crate::console::palette::PHRASES;
use crate::console::screen::Screen;
use crate::console::screens::room;

/// Words in capitals that stand for what somebody means, and something that it could be.
const MEANT: &[(&str, &str)] = &[
    ("HOST:PORT", "www.example.com:443"),
    ("LEVEL", "warn"),
    ("TARGET=", "session="),
    ("TARGET", "user/alice"),
    ("COLUMN", "rate"),
    ("EXPR", "user=alice"),
    ("ADDRESS", "192.0.2.1"),
    (" N ", " 1 "),
];

/// What the program is given for each time that the command runs it.
fn runs(command: &str) -> Vec<Vec<String>> {
    let place = tempfile::tempdir().expect("a temporary directory can be made");
    // What is written elsewhere and searched is not what it is given.
    let script = format!(
        "exec 3>&1\nrustsocks-cli() {{ printf '%s\\0' rustsocks-cli \"$@\" >&3; printf '\\n\\0' >&3; }}\n{command}\n"
    );
    let said = Command::new("bash").args(["-c", &script]).current_dir(place.path()).output();
    let said = String::from_utf8(said.expect("there is a bash").stdout).expect("words are texts");
    let words = |run: &str| run.split_terminator('\0').map(str::to_owned).collect();
    said.split_terminator("\n\0").map(words).collect()
}

/// Why a command is not understood, if it is not.
fn fault(command: &str, from: &str) -> Option<String> {
    let runs = runs(command);
    if runs.is_empty() {
        return Some(format!("{from}: no shell reads {command}"));
    }
    let why = |words: Vec<String>| Args::try_parse_from(&words).err();
    runs.into_iter().find_map(why).map(|why| format!("{from}: {command}: {why}"))
}

#[test]
fn the_command_of_every_action_and_phrase_is_understood() {
    let panes = Screen::ALL.iter().flat_map(|screen| (0..room(*screen).panes()).map(|pane| (*screen, pane)));
    let on = |(screen, pane): (Screen, usize)| {
        let bindings = room(screen).keys().iter().chain(BINDINGS);
        bindings.filter_map(move |binding| Some((binding.name, binding.command_on(screen, pane)?)))
    };
    let mut commands: Vec<_> = panes.flat_map(on).collect();
    commands.sort_unstable();
    commands.dedup();
    let commands = commands.into_iter();
    let ours = commands.filter(|(_, command)| command.starts_with("rustsocks-cli"));
    let meant =
        |command: &str| MEANT.iter().fold(format!("{command} "), |said, (word, meant)| said.replace(word, meant));
    let mut commands: Vec<(&str, String)> = ours.map(|(name, command)| (name, meant(command))).collect();
    assert!(commands.len() > 80, "{commands:?}");
    let object = |words: &str| if words == "theme" { "dark" } else { "alice" };
    let phrases = PHRASES.iter().filter_map(|phrase| Some((phrase.words, phrase.command?(object(phrase.words)))));
    commands.extend(phrases);
    let faults: Vec<String> = commands.iter().filter_map(|(from, command)| fault(command, from)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_command_of_every_dialog_is_understood() {
    let mut commands = BTreeSet::new();
    for (picture, way) in PICTURES {
        for binding in bindings_of(*way) {
            let mut stage = Stage::connected((100, 30), PLAIN);
            stage.app.ui.size = (100, 30);
            way(&mut stage);
            commands.insert((*picture, stage.command()));
            stage.app.ui.overlay = None;
            press_key(&mut stage, binding.keys[0]);
            commands.insert((binding.name, stage.command()));
        }
    }
    // What nobody has filled in yet is not a command.
    commands.retain(|(_, command)| !command.is_empty() && !command.contains("''") && !command.contains(" :"));
    assert!(commands.len() > 25, "{commands:?}");
    let faults: Vec<String> = commands.iter().filter_map(|(from, command)| fault(command, from)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
