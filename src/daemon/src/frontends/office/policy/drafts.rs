//! Texts that are being written, each by one operator.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::policy::{Item, Pick};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::No;
use super::Digest;
use super::bench::held;
use super::papers;
use super::store::Store;

/// Drafts at once.
const MOST: usize = 32;

/// One that nobody touches for so long is gone.
const KEPT: Duration = Duration::from_mins(30);

/// Steps that can be taken back.
const MOST_STEPS: usize = 200;

/// As long as a text may be.
const LONGEST: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Drafts {
    store: Store,
    last: u64,
    open: HashMap<u64, Draft>,
}

/// One draft, and what it was.
#[derive(Debug)]
pub(super) struct Draft {
    /// Who began it.
    by: Writer,
    /// The generation on which it builds, and its text.
    base: u64,
    base_text: String,
    /// The text of the file, not in force, that was merged into it.
    over: Option<Digest>,
    text: String,
    former: Vec<String>,
    later: Vec<String>,
    /// Counts changes.
    revision: u64,
    touched: Instant,
}

/// Who is writing, and where.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) name: String,
    /// The terminal, as far as the kernel knows it.
    pub(super) terminal: Option<String>,
}

/// What somebody works on while others may look at the drafts.
#[derive(Debug)]
struct Copy {
    store: Store,
    base_text: String,
    text: String,
    revision: u64,
}

/// A draft as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct Sketch {
    draft: u64,
    base: u64,
    #[serde(rename = "rev")]
    revision: u64,
    by: String,
    /// Steps that can be taken back, and taken again.
    undo: usize,
    redo: usize,
    /// Of the text of the file that was merged into it.
    #[serde(rename = "file_sha", skip_serializing_if = "Option::is_none")]
    over: Option<Digest>,
    pub(super) text: String,
}

/// A text with which a draft is merged.
#[derive(Debug, Clone)]
pub(super) struct Theirs {
    pub(super) from: Origin,
    pub(super) text: Arc<str>,
}

/// Where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is in force, as this generation; the draft stands on it from now on.
    Force(u64),
    /// It stands in the file and is not in force.
    File(Digest),
}

/// Makes changes, all or none.
pub(super) fn edit(drafts: &Mutex<Drafts>, id: u64, ops: &[Value], now: Instant) -> Result<Sketch, No> {
    loop {
        let copy = held(drafts).copy(id)?;
        let text = bounded(papers::edit(copy.store, &copy.text, ops)?)?;
        if let Some(sketch) = held(drafts).exchange(id, copy.revision, text, now)? {
            return Ok(sketch);
        }
    }
}

/// What became of the draft's base on both sides.
pub(super) fn merge(drafts: &Mutex<Drafts>, id: u64, running: &str) -> Result<Vec<Item>, No> {
    let copy = held(drafts).copy(id)?;
    papers::merged(copy.store, &copy.base_text, &copy.text, running)
}

/// Makes the draft's changes in the text that came in between.
pub(super) fn rebase(
    drafts: &Mutex<Drafts>,
    id: u64,
    theirs: &Theirs,
    picks: &BTreeMap<usize, Pick>,
    now: Instant,
) -> Result<Sketch, No> {
    loop {
        let copy = held(drafts).copy(id)?;
        let merged = papers::settled(copy.store, [&copy.base_text, &copy.text, &theirs.text], picks)?;
        let mut drafts = held(drafts);
        if drafts.exchange(id, copy.revision, merged, now)?.is_some() {
            drafts.stand_on(id, theirs, now)?;
            return drafts.sketch(id);
        }
    }
}

impl Drafts {
    pub(super) fn of(store: Store) -> Self {
        Self { store, last: 0, open: HashMap::new() }
    }

    /// Begins one with the text of a generation, or with another.
    ///
    /// # Errors
    /// There are too many, or the text is too long.
    pub(super) fn open(
        &mut self,
        by: impl Into<Writer>,
        (base, base_text): (u64, &str),
        text: Option<String>,
        now: Instant,
    ) -> Result<Sketch, No> {
        self.open.retain(|_, draft| now.saturating_duration_since(draft.touched) < KEPT);
        if self.open.len() >= MOST {
            return Err(No::Invalid(format!("{MOST} drafts are open; discard one")));
        }
        let text = text.map(bounded).transpose()?;
        self.last += 1;
        let mut draft = Draft {
            by: by.into(),
            base,
            base_text: base_text.to_owned(),
            over: None,
            text: base_text.to_owned(),
            former: Vec::new(),
            later: Vec::new(),
            revision: 0,
            touched: now,
        };
        if let Some(text) = text {
            draft.change(text);
        }
        self.open.insert(self.last, draft);
        self.sketch(self.last)
    }

    /// Everybody may look at a draft, so that two who write know of each other.
    pub(super) fn sketch(&self, id: u64) -> Result<Sketch, No> {
        let draft = self.open.get(&id).ok_or(No::DraftGone(id))?;
        Ok(Sketch {
            draft: id,
            base: draft.base,
            revision: draft.revision,
            by: draft.by.name.clone(),
            undo: draft.former.len(),
            redo: draft.later.len(),
            over: draft.over,
            text: draft.text.clone(),
        })
    }

    /// All of them, in the order in which they were begun.
    pub(super) fn all(&self) -> Vec<Sketch> {
        let mut ids: Vec<u64> = self.open.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.sketch(id).ok()).collect()
    }

    /// Who is writing, without what. Idle times are told by the minute, so that they are not news every second.
    pub(super) fn editors(&self, now: Instant) -> Vec<Value> {
        let mut ids: Vec<(&u64, &Draft)> = self.open.iter().collect();
        ids.sort_unstable_by_key(|(id, _)| **id);
        let told = |(id, draft): (&u64, &Draft)| {
            let idle = now.saturating_duration_since(draft.touched).as_secs();
            let Writer { name, terminal } = &draft.by;
            json!({
                "draft": id, "by": name, "tty": terminal, "base": draft.base, "rev": draft.revision, "idle_s": idle / 60 * 60,
            })
        };
        ids.into_iter().map(told).collect()
    }

    /// The text, and the generation on which it builds.
    pub(super) fn find(&self, id: u64) -> Result<(&str, u64), No> {
        self.open.get(&id).map(|draft| (draft.text.as_str(), draft.base)).ok_or(No::DraftGone(id))
    }

    /// Of the text of the file that was merged into it.
    pub(super) fn over(&self, id: u64) -> Option<Digest> {
        self.open.get(&id)?.over
    }

    fn copy(&self, id: u64) -> Result<Copy, No> {
        let Draft { base_text, text, revision, .. } = self.open.get(&id).ok_or(No::DraftGone(id))?;
        let (base_text, text) = (base_text.clone(), text.clone());
        Ok(Copy { store: self.store, base_text, text, revision: *revision })
    }

    /// Puts in what somebody made of a copy; nothing if the draft is another one by now.
    fn exchange(&mut self, id: u64, revision: u64, text: String, now: Instant) -> Result<Option<Sketch>, No> {
        let draft = self.draft(id, now)?;
        if draft.revision != revision {
            return Ok(None);
        }
        draft.change(text);
        self.sketch(id).map(Some)
    }

    fn stand_on(&mut self, id: u64, theirs: &Theirs, now: Instant) -> Result<(), No> {
        let draft = self.draft(id, now)?;
        match theirs.from {
            Origin::Force(base) => {
                (draft.base, draft.over) = (base, None);
                theirs.text.as_ref().clone_into(&mut draft.base_text);
            }
            Origin::File(sha) => draft.over = Some(sha),
        }
        Ok(())
    }

    pub(super) fn put(&mut self, id: u64, text: String, now: Instant) -> Result<Sketch, No> {
        let text = bounded(text)?;
        self.draft(id, now)?.change(text);
        self.sketch(id)
    }

    pub(super) fn undo(&mut self, id: u64, now: Instant) -> Result<Sketch, No> {
        let draft = self.draft(id, now)?;
        if let Some(former) = draft.former.pop() {
            draft.later.push(std::mem::replace(&mut draft.text, former));
            draft.revision += 1;
            // What is taken back may be what was merged.
            draft.over = None;
        }
        self.sketch(id)
    }

    pub(super) fn redo(&mut self, id: u64, now: Instant) -> Result<Sketch, No> {
        let draft = self.draft(id, now)?;
        if let Some(later) = draft.later.pop() {
            draft.former.push(std::mem::replace(&mut draft.text, later));
            draft.revision += 1;
        }
        self.sketch(id)
    }

    pub(super) fn discard(&mut self, id: u64) -> Result<(), No> {
        self.open.remove(&id).map(drop).ok_or(No::DraftGone(id))
    }

    fn draft(&mut self, id: u64, now: Instant) -> Result<&mut Draft, No> {
        let draft = self.open.get_mut(&id).ok_or(No::DraftGone(id))?;
        draft.touched = now;
        Ok(draft)
    }
}

impl From<&str> for Writer {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), terminal: None }
    }
}

impl Draft {
    fn change(&mut self, text: String) {
        if text == self.text {
            return;
        }
        self.former.push(std::mem::replace(&mut self.text, text));
        if self.former.len() > MOST_STEPS {
            self.former.remove(0);
        }
        self.later.clear();
        self.revision += 1;
    }
}

fn bounded(text: String) -> Result<String, No> {
    if text.len() > LONGEST {
        return Err(No::Invalid(format!("text: more than {LONGEST} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASE: &str = "[global]\ndefault_policy = \"deny\" # firm\n";

    fn set(policy: &str) -> Vec<Value> {
        vec![json!({"op": "global.set", "default_policy": policy})]
    }

    #[test]
    fn steps_are_taken_back_and_again() {
        let (drafts, now) = (Mutex::new(Drafts::of(Store::Acl)), Instant::now());
        let id = held(&drafts).open("anna", (7, BASE), None, now).unwrap().draft;
        let changed = edit(&drafts, id, &set("allow"), now).unwrap();
        assert_eq!((changed.undo, changed.redo, changed.base), (1, 0, 7));
        assert!(changed.text.contains("\"allow\" # firm"));
        assert_eq!(held(&drafts).undo(id, now).unwrap().text, BASE);
        assert_eq!(held(&drafts).redo(id, now).unwrap().text, changed.text);
        assert_eq!(held(&drafts).redo(id, now).unwrap().revision, 3);
        let other = held(&drafts).put(id, String::new(), now).unwrap();
        assert_eq!((other.undo, other.redo), (2, 0));
        held(&drafts).discard(id).unwrap();
        assert_eq!(held(&drafts).sketch(id).unwrap_err(), No::DraftGone(id));
    }

    #[test]
    fn another_text_with_which_a_draft_begins_is_taken_back_like_a_step() {
        let (mut drafts, now) = (Drafts::of(Store::Acl), Instant::now());
        let begun = drafts.open("anna", (7, BASE), Some(String::new()), now).unwrap();
        assert_eq!((begun.undo, begun.text.as_str()), (1, ""));
        let back = drafts.undo(begun.draft, now).unwrap();
        assert_eq!((back.undo, back.redo, back.text.as_str()), (0, 1, BASE));
        assert_eq!(drafts.open("anna", (7, BASE), Some(BASE.to_owned()), now).unwrap().undo, 0);
    }

    #[test]
    fn what_was_made_of_a_copy_counts_only_if_nobody_was_faster() {
        let (drafts, now) = (Mutex::new(Drafts::of(Store::Acl)), Instant::now());
        let id = held(&drafts).open("anna", (1, BASE), None, now).unwrap().draft;
        let copy = held(&drafts).copy(id).unwrap();
        let faster = edit(&drafts, id, &set("allow"), now).unwrap();
        assert!(held(&drafts).exchange(id, copy.revision, String::new(), now).unwrap().is_none());
        assert_eq!(held(&drafts).find(id).unwrap().0, faster.text);
        assert!(held(&drafts).exchange(id, faster.revision, String::new(), now).unwrap().is_some());
    }

    #[test]
    fn an_edit_that_does_not_fit_leaves_the_draft_alone() {
        let (drafts, now) = (Mutex::new(Drafts::of(Store::Acl)), Instant::now());
        let id = held(&drafts).open("anna", (1, BASE), None, now).unwrap().draft;
        let edits =
            [json!({"op": "global.set", "default_policy": "allow"}), json!({"op": "rule.del", "ref": "users/eve#1"})];
        let no = edit(&drafts, id, &edits, now).unwrap_err();
        assert_eq!(no, No::Misfit { op: 1, why: "there is no rule users/eve#1".to_owned() });
        assert_eq!(held(&drafts).find(id).unwrap(), (BASE, 1));
    }

    #[test]
    fn a_draft_moves_to_another_base() {
        let (drafts, now) = (Mutex::new(Drafts::of(Store::Acl)), Instant::now());
        let id = held(&drafts).open("anna", (1, BASE), None, now).unwrap().draft;
        edit(&drafts, id, &set("allow"), now).unwrap();
        let running = format!("{BASE}\n[[users]]\nusername = \"bob\"\n");
        let theirs = Theirs { from: Origin::Force(2), text: running.as_str().into() };
        let moved = rebase(&drafts, id, &theirs, &BTreeMap::new(), now).unwrap();
        assert_eq!((moved.base, moved.text), (2, running.replace("deny", "allow")));
    }

    #[test]
    fn a_file_that_is_not_in_force_is_merged_into_a_draft_that_stays_where_it_stands() {
        let (drafts, now) = (Mutex::new(Drafts::of(Store::Acl)), Instant::now());
        let id = held(&drafts).open("anna", (1, BASE), None, now).unwrap().draft;
        edit(&drafts, id, &set("allow"), now).unwrap();
        let file = format!("{BASE}\n[[users]]\nusername = \"bob\"\n");
        let theirs = Theirs { from: Origin::File(Digest::of(&file)), text: file.as_str().into() };
        let merged = rebase(&drafts, id, &theirs, &BTreeMap::new(), now).unwrap();
        assert_eq!((merged.base, merged.over), (1, Some(Digest::of(&file))));
        assert_eq!(merged.text, file.replace("deny", "allow"));
        assert_eq!(held(&drafts).undo(id, now).unwrap().over, None, "what was merged may be gone with it");
    }

    #[test]
    fn there_are_only_so_many_and_forgotten_ones_make_room() {
        let (mut drafts, now) = (Drafts::of(Store::Acl), Instant::now());
        for _ in 0..MOST {
            drafts.open("anna", (1, BASE), None, now).unwrap();
        }
        assert!(drafts.open("bob", (1, BASE), None, now).is_err());
        assert_eq!(drafts.all().len(), MOST);
        drafts.open("bob", (1, BASE), None, now + KEPT).unwrap();
        assert_eq!(drafts.all().len(), 1);
    }
}
