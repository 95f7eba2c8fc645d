//! As much of a Dockerfile as ours uses.

use crate::read;

const PATH: &str = "deploy/docker/Dockerfile";

/// One instruction and what follows its word, in one line.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    pub(crate) word: String,
    pub(crate) rest: String,
}

/// The stages in order, each without its `FROM`.
pub(crate) fn stages() -> Vec<Vec<Instruction>> {
    let text = read(PATH).replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for (word, rest) in lines.filter_map(|line| line.split_once(' ')) {
        match (word, stages.last_mut()) {
            ("FROM", _) => stages.push(Vec::new()),
            // An ARG before the first stage names the images.
            (_, None) => assert_eq!(word, "ARG"),
            (_, Some(stage)) => stage.push(Instruction { word: word.to_owned(), rest: squeezed(rest) }),
        }
    }
    stages
}

/// What follows this word in a stage, which has it once.
pub(crate) fn only<'a>(stage: &'a [Instruction], word: &str) -> &'a str {
    let mut found = stage.iter().filter(|instruction| instruction.word == word);
    let one = found.next().unwrap_or_else(|| panic!("no {word} in {stage:?}"));
    assert!(found.next().is_none(), "{word} stands there twice");
    &one.rest
}

/// The words of the form `["a", "b"]`.
pub(crate) fn words(rest: &str) -> Vec<String> {
    let list = rest.split_once('[').and_then(|(_, list)| list.rsplit_once(']')).expect("a list of words").0;
    list.split(',').map(|word| word.trim().trim_matches('"').to_owned()).collect()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
