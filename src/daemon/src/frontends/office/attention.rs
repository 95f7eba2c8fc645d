//! What an operator should look at, the worst first: the same for the console, the command line and whoever asks.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Office;
use super::policy::{Pending, Store};
use crate::state::vitals::board::{Check, State};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Info,
    Warn,
    Crit,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Item {
    pub(crate) sev: Severity,
    /// The stable word.
    pub(crate) key: String,
    pub(crate) text: String,
    /// The console's screen that shows more.
    pub(crate) screen: &'static str,
    /// What to look for there, as a filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    pub(crate) since: Option<Timestamp>,
}

impl Office {
    pub(crate) fn attention(&self, now: Timestamp) -> Vec<Item> {
        let mut items: Vec<Item> = self.vitals.board.checks().iter().filter_map(Item::of_check).collect();
        items.extend(self.workshop.pending().map(|(store, pending)| Item::of_pending(store, &pending, now)));
        items.extend(self.drift_items());
        items.extend(self.loudness.exceptions().into_iter().map(|exception| Item {
            text: format!(
                "the log says {} of {} until {:.0}, by {}",
                exception.level, exception.target, exception.until, exception.by
            ),
            ..Item::info(format!("log_level/{}", exception.target), "logs")
        }));
        let conceded = self.concessions_now(now);
        if conceded > 0 {
            items.push(Item {
                text: format!(
                    "{conceded} {} of limits for a while",
                    if conceded == 1 { "grant or override" } else { "grants and overrides" }
                ),
                ..Item::info("concessions".to_owned(), "limits")
            });
        }
        let banned = self.world.penalties.turned_away_sources();
        if banned > 0 {
            items.push(Item {
                text: format!(
                    "{banned} {} turned away because of guessing",
                    if banned == 1 { "source is" } else { "sources are" }
                ),
                ..Item::info("banned".to_owned(), "auth")
            });
        }
        items.sort_by_key(|item| std::cmp::Reverse(item.sev));
        items
    }

    /// Grants and overrides that hold.
    pub(crate) fn concessions_now(&self, now: Timestamp) -> usize {
        self.world.quotas.concessions().iter().filter(|concession| concession.is_valid(now)).count()
    }

    /// What holds for a while instead of what is written.
    pub(crate) fn overrides(&self, now: Timestamp) -> usize {
        self.loudness.exceptions().len() + self.concessions_now(now)
    }

    /// What goes again unless somebody confirms it, as it is told; of several the one that goes first.
    pub(crate) fn to_confirm(&self, now: Timestamp) -> Option<Value> {
        let first = self.workshop.pending().min_by_key(|(_, pending)| pending.until);
        let (store, Pending { number, back_to, until, by, .. }) = first?;
        let left = until.duration_since(now).as_secs().max(0);
        Some(json!({ "store": store.word(), "gen": number, "back_to": back_to, "left_s": left, "by": by }))
    }
}

impl Item {
    fn info(key: String, screen: &'static str) -> Self {
        Self { sev: Severity::Info, key, text: String::new(), screen, filter: None, since: None }
    }

    fn of_check(Check { finding, since }: &Check) -> Option<Self> {
        let sev = match finding.state {
            State::Ok | State::Unknown => return None,
            State::Warn => Severity::Warn,
            State::Fail => Severity::Crit,
        };
        let text = format!("{}: {}", finding.name, finding.measured);
        let key = format!("check/{}", finding.name);
        Some(Self { sev, key, text, screen: finding.screen, filter: None, since: Some(*since) })
    }

    fn of_pending(store: Store, pending: &Pending, now: Timestamp) -> Self {
        let left = pending.until.duration_since(now).as_secs().max(0);
        Self {
            sev: Severity::Crit,
            key: format!("confirm/{}", store.word()),
            // The seconds stand in the status; a list that changes every second is told every second.
            text: format!(
                "{} of generation {} goes in {} unless somebody confirms it",
                store.word(),
                pending.number,
                if left >= 60 { "more than a minute" } else { "less than a minute" }
            ),
            screen: store.word(),
            filter: None,
            since: None,
        }
    }
}
