//! What is known of the rules: those in force, those that are being written, and what was said about them.

use std::collections::{BTreeMap, BTreeSet};

use policy::{Document, Entry, Kind, Outline, Owner, Place, compare};
use serde_json::Value;

use crate::console::live::{Live, View};
use crate::output::raw;

/// A text of rules and what it says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Nothing while the text is no TOML; then this is why.
    pub(crate) outline: Outline,
    pub(crate) fault: Option<String>,
}

/// A draft of ours, as the daemon has it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: u64,
    /// The generation on which it builds.
    pub(crate) base: u64,
    pub(crate) undo: u64,
    pub(crate) redo: u64,
    pub(crate) is: Written,
}

/// What a page of the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Page {
    #[default]
    Rules,
    /// How other rules differ, and what they would change.
    Change,
    Generations,
    Merge,
    /// What both rule files say to one request, and to every saved one.
    Trial,
    /// The live sessions for whom other rules would decide otherwise.
    Affected,
}

/// How a text that is kept becomes a draft again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Comeback {
    /// It may be another's, or old: the operator is asked.
    #[default]
    Asked,
    /// It was the draft of this console when the daemon went.
    ByItself,
}

/// The screen's state.
#[derive(Debug)]
pub(crate) struct Acl {
    pub(crate) page: Page,
    pub(crate) running: Option<Written>,
    /// The generation that `running` is, on which changes of it build.
    pub(crate) of: u64,
    pub(crate) draft: Option<Draft>,
    /// A text that the daemon does not have, of an earlier console, a lost daemon or an editor: its base and itself.
    pub(crate) kept: Option<(u64, String)>,
    pub(crate) comes_back: Comeback,
    /// What `txn.sub` says: current, confirm, drafts.
    pub(crate) state: Value,
    pub(crate) sub: Option<u64>,
    /// Changes that wait for a draft.
    pub(crate) wanted: Vec<Value>,
    /// Something is under way by which the draft will be another; until then nothing else is done with it.
    pub(crate) is_changing: bool,
    /// The subscription to them.
    pub(crate) hits_sub: Option<u64>,
    /// By the name of the rule.
    pub(crate) hits: BTreeMap<String, Hits>,
    /// What the daemon says about the draft.
    pub(crate) remarks: Vec<Value>,
    pub(crate) is_valid: Option<bool>,
    /// Groups that the users file has for a user, by the user's name.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) is_effective: bool,
    /// The rule that somebody came for, as sessions name it, until the rules are there.
    pub(crate) sought: Option<String>,
    pub(crate) owner: usize,
    pub(crate) rule: usize,
    /// Which generation the page of the change is about; nothing for the draft.
    pub(crate) of_generation: Option<u64>,
    pub(crate) difference: Option<Value>,
    pub(crate) effect: Option<Value>,
    /// How many requests are judged of how many, while the effect is worked out.
    pub(crate) progress: Option<(u64, u64)>,
    /// The live sessions that it names.
    pub(crate) affected: Live,
    /// Saved tests, with what the draft or the rules in force say to each if they were run.
    pub(crate) tests: Vec<Value>,
    /// Of the file in which they stand.
    pub(crate) tests_sha: Value,
    /// The one that is meant.
    pub(crate) test: usize,
    /// What the last look at the draft said of them: count, failed, off.
    pub(crate) tested: Value,
    /// Users who may log in no more.
    pub(crate) disabled: BTreeSet<String>,
    pub(crate) generations: Vec<Value>,
    pub(crate) merge: Vec<Value>,
    /// The generation onto which is merged.
    pub(crate) onto: u64,
    /// `mine`, `theirs`, `both` or another rule, by the number of the item.
    pub(crate) picks: BTreeMap<usize, Value>,
    /// The request that was tried last, and what the rules in force and the draft said.
    pub(crate) request: Value,
    pub(crate) trials: [Option<Value>; 2],
    /// The row that is meant on a page of lines.
    pub(crate) line: usize,
    pub(crate) is_waiting: bool,
    pub(crate) fault: Option<String>,
}

/// What became of a rule in the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Same,
    New,
    Changed,
    Gone,
}

/// How often a rule decided.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Hits {
    pub(crate) all: u64,
    /// About so many in the last hour.
    pub(crate) hour: u64,
    /// The last one, in seconds since 1970.
    pub(crate) last: Option<f64>,
    /// Sessions that are in by it.
    pub(crate) live: u64,
}

/// A row of the owners.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// Nothing for what is nobody's.
    pub(crate) owner: Option<Owner>,
    pub(crate) rules: usize,
    pub(crate) new: usize,
    pub(crate) changed: usize,
    pub(crate) gone: usize,
}

/// A row of the rules.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) entry: Entry,
    pub(crate) sign: Sign,
}

impl Written {
    pub(crate) fn of(text: String) -> Self {
        match Document::parse(&text) {
            Ok(document) => Self { outline: document.outline(), text, fault: None },
            Err(fault) => Self { outline: Outline::default(), text, fault: Some(fault.to_string()) },
        }
    }
}

impl Draft {
    /// As the daemon tells it.
    pub(crate) fn of(told: &Value) -> Option<Self> {
        let number = |name: &str| told[name].as_u64();
        let is = Written::of(told["text"].as_str()?.to_owned());
        let (undo, redo) = (number("undo").unwrap_or(0), number("redo").unwrap_or(0));
        Some(Self { id: number("draft")?, base: number("base")?, undo, redo, is })
    }
}

impl Sign {
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::New => "+",
            Self::Changed => "~",
            Self::Gone => "-",
        }
    }
}

impl Acl {
    pub(crate) fn new() -> Self {
        Self {
            page: Page::default(),
            running: None,
            of: 0,
            draft: None,
            kept: None,
            comes_back: Comeback::Asked,
            state: Value::Null,
            sub: None,
            wanted: Vec::new(),
            is_changing: false,
            hits_sub: None,
            hits: BTreeMap::new(),
            remarks: Vec::new(),
            is_valid: None,
            groups: BTreeMap::new(),
            is_effective: false,
            sought: None,
            owner: 0,
            rule: 0,
            of_generation: None,
            difference: None,
            effect: None,
            progress: None,
            affected: Live::new(View::WhatIf, "start"),
            tests: Vec::new(),
            tests_sha: Value::Null,
            test: 0,
            tested: Value::Null,
            disabled: BTreeSet::new(),
            generations: Vec::new(),
            merge: Vec::new(),
            onto: 0,
            picks: BTreeMap::new(),
            request: Value::Null,
            trials: [None, None],
            line: 0,
            is_waiting: false,
            fault: None,
        }
    }

    /// Saved tests that the draft fails, as far as it was judged.
    pub(crate) fn failing(&self) -> usize {
        let ran = self.tests.iter().filter(|test| test["pass"] == false && test["enabled"] == true).count();
        let said = self.draft.as_ref().and_then(|_| self.tested["failed"].as_u64()).unwrap_or(0);
        ran.max(usize::try_from(said).unwrap_or(usize::MAX))
    }

    /// The generation in force.
    pub(crate) fn generation(&self) -> u64 {
        self.state["current"]["gen"].as_u64().unwrap_or(0)
    }

    /// What is shown: the draft if there is one.
    pub(crate) fn shown(&self) -> Option<&Written> {
        self.draft.as_ref().map(|draft| &draft.is).or(self.running.as_ref())
    }

    /// The generation on which what is shown builds.
    pub(crate) fn base(&self) -> u64 {
        self.draft.as_ref().map_or(self.of, |draft| draft.base)
    }

    /// What the answer to an order of ours says already, ahead of the news of it.
    pub(crate) fn came_into_force(&mut self, answer: &Value) {
        self.state["current"]["gen"] = answer["gen"].clone();
        self.state["confirm"] = answer["confirm"].clone();
    }

    /// Whether other rules came into force while the draft was written.
    pub(crate) fn has_conflict(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.base < self.generation())
    }

    /// Numbers of drafts and subscriptions mean nothing in another run of the daemon; the text of ours is kept.
    pub(crate) fn restarted(&mut self) {
        self.sub = None;
        // A text that an editor left later is not what the daemon had.
        let is_ours = self.draft.is_some() && self.kept.is_none();
        self.comes_back = if is_ours { Comeback::ByItself } else { Comeback::Asked };
        self.keep_draft();
        self.lost();
    }

    /// The daemon's draft is none any more. What an editor left later than that is there already.
    pub(super) fn keep_draft(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.kept.get_or_insert((draft.base, draft.is.text));
        }
    }

    /// Nothing is under way any more; whether a change that waited for a draft is given up by it.
    /// A text that the daemon may not have got is offered again instead of what it had before.
    pub(crate) fn lost(&mut self) -> bool {
        self.is_changing = false;
        if self.kept.is_some() {
            self.draft = None;
        }
        !std::mem::take(&mut self.wanted).is_empty()
    }

    /// How many differences the draft makes.
    pub(crate) fn changes(&self) -> usize {
        let (Some(running), Some(draft)) = (&self.running, &self.draft) else { return 0 };
        compare(&running.outline, &draft.is.outline).len()
    }

    /// What is nobody's, then groups and users in the order of the file; owners that the draft removes stay in sight.
    pub(crate) fn holders(&self) -> Vec<Holder> {
        let Some(shown) = self.shown() else { return Vec::new() };
        let mut holders = vec![Holder { owner: None, rules: 0, new: 0, changed: 0, gone: 0 }];
        let before = self.draft.as_ref().and(self.running.as_ref()).map(|running| &running.outline);
        let lost = before.into_iter().flat_map(|before| &before.shares);
        let lost = lost.filter(|share| shown.outline.share(&share.owner).is_none());
        for share in shown.outline.shares.iter().chain(lost) {
            let lines = self.lines_of(&share.owner);
            let count = |sign: Sign| lines.iter().filter(|line| line.sign == sign).count();
            let gone = count(Sign::Gone);
            let (new, changed) = (count(Sign::New), count(Sign::Changed));
            holders.push(Holder { owner: Some(share.owner.clone()), rules: lines.len() - gone, new, changed, gone });
        }
        holders
    }

    /// The owner that is meant.
    pub(crate) fn holder(&self) -> Option<Owner> {
        self.holders().into_iter().nth(self.owner)?.owner
    }

    /// The rules on the screen: the owner's own, or all that hold for it in the order in which they decide.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let Some(owner) = self.holder() else { return Vec::new() };
        if !self.is_effective {
            return self.lines_of(&owner);
        }
        let mut lines = self.lines_of(&owner);
        if let Owner::User(name) = &owner {
            let groups = self.groups_of(name);
            lines.extend(groups.into_iter().flat_map(|group| self.lines_of(&Owner::Group(group))));
            if name != "*" {
                lines.extend(self.lines_of(&Owner::User("*".to_owned())));
            }
        }
        lines.retain(|line| line.sign != Sign::Gone);
        lines.sort_by_key(|line| (is_allowing(&line.entry), std::cmp::Reverse(priority(&line.entry))));
        lines
    }

    /// The rule that is meant.
    pub(crate) fn line(&self) -> Option<Line> {
        self.lines().into_iter().nth(self.rule)
    }

    /// Means the rule that somebody came for; says whether it is there. Sessions name it with its description.
    pub(super) fn find_sought(&mut self) -> bool {
        let Some(sought) = self.sought.take() else { return false };
        let is_it = |line: &Line| {
            let rest = sought.strip_prefix(&line.place.to_string());
            line.sign != Sign::Gone && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        };
        let found = self.holders().iter().enumerate().find_map(|(place, holder)| {
            let rule = self.lines_of(holder.owner.as_ref()?).iter().position(is_it)?;
            Some((place, rule))
        });
        if let Some((owner, rule)) = found {
            (self.owner, self.rule, self.is_effective, self.page) = (owner, rule, false, Page::Rules);
        }
        found.is_some()
    }

    /// Those of the rule file and those of the users file.
    fn groups_of(&self, name: &str) -> Vec<String> {
        let written = self.shown().and_then(|shown| shown.outline.share(&Owner::User(name.to_owned())));
        let mut groups = written.and_then(|share| share.groups.clone()).unwrap_or_default();
        let known = self.groups.get(name).into_iter().flatten();
        known.for_each(|group| {
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        });
        groups
    }

    fn lines_of(&self, owner: &Owner) -> Vec<Line> {
        let rules_of = |text: Option<&Written>| -> Vec<Entry> {
            text.and_then(|text| text.outline.share(owner)).map(|share| share.rules.clone()).unwrap_or_default()
        };
        let now = rules_of(self.shown());
        let line = |(index, entry): (usize, Entry), sign: Sign| Line { place: owner.rule(index), entry, sign };
        let (Some(running), Some(draft)) = (&self.running, &self.draft) else {
            return now.into_iter().enumerate().map(|rule| line(rule, Sign::Same)).collect();
        };
        let changes = compare(&running.outline, &draft.is.outline);
        let mine: Vec<_> = changes
            .into_iter()
            .filter(|change| change.place.as_ref().is_some_and(|place| place.owner == *owner))
            .collect();
        let sign = |entry: &Entry| {
            let found = mine.iter().find(|change| change.after.as_ref() == Some(entry) && change.kind != Kind::Moved);
            match found.map(|change| change.kind) {
                Some(Kind::Added) => Sign::New,
                Some(Kind::Changed) => Sign::Changed,
                Some(Kind::Removed | Kind::Moved) | None => Sign::Same,
            }
        };
        let mut lines: Vec<Line> = now
            .into_iter()
            .enumerate()
            .map(|rule| {
                let sign = sign(&rule.1);
                line(rule, sign)
            })
            .collect();
        for change in mine.iter().filter(|change| change.kind == Kind::Removed) {
            if let (Some(place), Some(entry)) = (change.place.clone(), change.before.clone()) {
                lines.push(Line { place, entry, sign: Sign::Gone });
            }
        }
        lines
    }
}

/// What a key of a rule says, lists with commas.
pub(crate) fn says(entry: &Entry, key: &str) -> String {
    entry.get(key).map(raw).unwrap_or_default()
}

pub(crate) fn is_allowing(entry: &Entry) -> bool {
    entry.get("action").is_some_and(|action| action == "allow")
}

fn priority(entry: &Entry) -> i64 {
    entry.get("priority").and_then(Value::as_i64).unwrap_or(0)
}
