//! Something that is told anew, whole, whenever it is not what it was.

use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::Conversation;
use super::desk::{Asker, Desk};
use super::subscription::Source;

/// What is looked at.
pub(super) type Look = fn(&Desk, &Asker) -> Value;

#[derive(Debug)]
struct Watch {
    word: &'static str,
    look: Look,
    told: Value,
}

impl Source for Watch {
    fn news(&mut self, desk: &Desk, asker: &Asker) -> Vec<(&'static str, Value)> {
        let seen = (self.look)(desk, asker);
        if seen == self.told {
            return Vec::new();
        }
        self.told.clone_from(&seen);
        vec![(self.word, seen)]
    }
}

/// Answers with what is seen now, and tells from then on what has changed.
pub(super) fn begin(
    conversation: &mut Conversation,
    word: &'static str,
    look: Look,
    every_ms: Option<u64>,
) -> Result<Value, Refusal> {
    let told = look(&conversation.desk, &conversation.asker);
    let watch = Watch { word, look, told: told.clone() };
    let sub = conversation.follow(watch, every_ms)?;
    let mut answer = told;
    answer["sub"] = json!(sub);
    Ok(answer)
}
