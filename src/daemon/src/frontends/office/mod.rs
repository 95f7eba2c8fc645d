//! What operators can ask and order, whichever way they come: one dispatcher, one form of answers and refusals.
//!
//! Knows nothing of HTTP, tokens or sockets: a frontend says who asks and what that one may do.

mod about;
pub(crate) mod acl;
pub(crate) mod attention;
mod census;
pub(crate) mod classes;
mod drift;
pub(crate) mod forgiveness;
pub(crate) mod gatehouse;
pub(crate) mod journal;
mod lately;
pub(crate) mod limits;
mod live;
pub(crate) mod moment;
pub(crate) mod paces;
mod past;
pub(crate) mod people;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod reload;
mod reload_book;
mod rules;
pub(crate) mod several;
pub(crate) mod sight;
mod statistics;
pub(crate) mod top;

use std::cmp::Reverse;
use std::sync::Arc;

use arc_swap::ArcSwap;
use config::tokens::Scope;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use wire::Extent;

use self::forgiveness::Forgive;
pub(crate) use self::gatehouse::Gatehouse;
use self::journal::Hear;
pub(crate) use self::lately::Lately;
use self::limits::{Conceded, Quotas, Shown, Voided};
pub(crate) use self::limits::{Grant, Override, Reset};
use self::live::Live;
pub(crate) use self::paces::Paces;
pub(crate) use self::past::Past;
pub(crate) use self::policy::Workshop;
use self::record::Order;
pub(crate) use self::record::Record;
pub(crate) use self::register::Register;
use self::reload::{Rehearsed, Reload};
pub(crate) use self::rules::Question;
use self::rules::RuleList;
use self::several::Several;
use self::statistics::Statistics;
use crate::engine::concessions::Concessions;
use crate::engine::history::archive::aggregate::{Aggregate, Wanted};
use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::flows::Whole;
use crate::engine::history::archive::row::Row;
use crate::engine::history::archive::sum::{By, Sum};
use crate::engine::log::Loudness;
use crate::frontends::socks::World;
use crate::state::effective::Effective;
use crate::state::history::record::Scratch;
use crate::state::journal::Journal;
use crate::state::metrics::Metrics;
use crate::state::metrics::today::Today;
use crate::state::readiness::Readiness;
use crate::state::reloads::Reloads;
use crate::state::session::ending::ByHouse;
use crate::state::session::ticket::Session;
use crate::state::vitals::Vitals;

/// What the operations work on.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) world: Arc<World>,
    pub(crate) today: Arc<Today>,
    /// The history, if one is kept.
    pub(crate) past: Option<Past>,
    /// What it said of each user's last day.
    pub(crate) lately: Lately,
    /// Who is known, for those who look at everybody.
    pub(crate) register: Register,
    pub(crate) reloads: Arc<Reloads>,
    /// Where orders are written down, if they are.
    pub(crate) record: Option<Arc<Record>>,
    pub(crate) paces: Paces,
    pub(crate) gatehouse: Gatehouse,
    /// The settings in force, and where they come from.
    pub(crate) effective: Arc<ArcSwap<Effective>>,
    /// What operators let somebody have for a while.
    pub(crate) concessions: Concessions,
    pub(crate) workshop: Workshop,
    pub(crate) blueprint: Arc<dyn policy::Blueprint>,
    /// The last lines of the log, and how much is written.
    pub(crate) journal: Arc<Journal>,
    pub(crate) loudness: Loudness,
    /// How all of it goes.
    pub(crate) vitals: Arc<Vitals>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// For the log.
    pub(crate) name: String,
    pub(crate) scope: Scope,
    /// What the kernel says of a process that asks.
    who: Option<Arc<Value>>,
}

/// Everything that can be asked or ordered.
#[derive(Debug)]
pub(crate) enum Operation {
    Statistics,
    /// The same of the sessions in the history that a filter lets through.
    PastStatistics(Box<Filter>),
    /// Those sessions summed up, so many sums at most.
    Sums(Box<Filter>, By, u32),
    Active(Sought),
    Session(Uuid),
    EndSession(Uuid),
    EndSessions(Box<Several>),
    Forgive(Box<Forgive>),
    History(Box<Filter>, u32),
    /// Those sessions in numbers.
    Aggregate(Box<Filter>, Wanted),
    Rules {
        after: usize,
        limit: usize,
    },
    TestRequest(Box<Question>),
    /// Reads texts anew, and waits for what comes of it.
    Reload(Extent),
    /// The same, and nothing comes of it.
    Rehearse(Extent),
    LastReload,
    /// Of a user or of everybody, so many.
    Quotas(Option<String>, usize),
    Concessions,
    Grant(Box<Grant>),
    Override(Box<Override>),
    Reset(Reset),
    /// Another level of the log for a while.
    Hear(Box<Hear>),
    /// One of the operator's files before it counts.
    Policy(policy::Store, Box<policy::Order>),
    Password(Box<policy::NewPassword>),
}

/// Which of the living.
#[derive(Debug, Default)]
pub(crate) struct Sought {
    pub(crate) user: Option<String>,
    /// Comes behind this one, which was the last of the page before.
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: usize,
}

/// What an operation answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Statistics(Box<Statistics>),
    Active(Vec<Live>),
    Past(Vec<Row>),
    Sums(Vec<Sum>),
    Aggregate(Box<Aggregate>),
    Session(Box<Live>),
    PastSession(Box<Whole>),
    Ended { session_id: Uuid, ended: bool },
    Several(Value),
    Forgiven { source: String, forgiven: bool, audit: Option<String> },
    Rules(RuleList),
    Tested(Value),
    Reloaded(Box<Reload>),
    Rehearsed(Box<Rehearsed>),
    Quotas(Quotas),
    Concessions(Conceded),
    Conceded(Box<Shown>),
    Voided(Voided),
    Heard(Value),
    Policy(Value),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum No {
    #[error("this takes the scope {0}")]
    Forbidden(Scope),
    #[error("there is no such session")]
    NotThere,
    #[error("{0}")]
    Invalid(String),
    /// An edit that does not fit, by its place among those that were sent.
    #[error("{why}")]
    Misfit { op: usize, why: String },
    /// A text of the operator's, with everything that is wrong with it.
    #[error("{}", policy::first_of(.0))]
    Faulty(Vec<policy::Diagnosis>),
    #[error("{matched} sessions match now, {expected} expected")]
    OtherNumber { matched: u64, expected: u64 },
    #[error("it cannot be written into the audit log, so it is not done; the log has the reason")]
    Unrecorded,
    #[error("{}", .0.absence())]
    NothingWritten(policy::Store),
    #[error("the file of {} is not known to say anything else than what is in force", .0.word())]
    SaysTheSame(policy::Store),
    #[error("there is no draft {0}; drafts that nobody touches for half an hour are gone")]
    DraftGone(u64),
    #[error("there is no generation {0}; the last 50 are kept")]
    GenerationGone(u64),
    #[error("{}", failing(.0))]
    TestsFail(Vec<(usize, String)>),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unresolved(String),
    #[error("{0}")]
    Unwritable(String),
    #[error("{0}")]
    FileDrift(Box<policy::Edited>),
    #[error("no history is kept")]
    NothingKept,
    #[error("the answer takes too long; ask for a shorter time or fewer rows")]
    TooLate,
    #[error(
        "the sessions are of more than {0} users, destinations or what else they are put together by; ask for a shorter time"
    )]
    TooMuch(usize),
    #[error("at most 10 logins are tried in a minute")]
    TooOften,
    #[error("taken back")]
    Withdrawn,
    #[error("the history cannot be read now; the log has the reason")]
    Unreadable,
    #[error("{}", .0.trouble())]
    NotReloaded(Box<Reload>),
    #[error("the reload is not over yet; what comes of it will be shown as the last one")]
    StillReloading,
    #[error("the order cannot be passed on: the service stops or is busy")]
    NobodyReloads,
    #[error("there was no reload since this worker started")]
    NeverReloaded,
    #[error("it cannot be kept now; the log has the reason")]
    NotKept,
}

/// Saved tests with their numbers and what is wrong.
fn failing(tests: &[(usize, String)]) -> String {
    let lines: Vec<String> =
        tests.iter().map(|(number, fault)| format!("the saved test {number} fails: {fault}")).collect();
    lines.join("; ")
}

impl Caller {
    /// Somebody with a token, or without one.
    pub(crate) fn holder(name: &str, scope: Scope) -> Self {
        Self { name: name.to_owned(), scope, who: None }
    }

    /// A process on this host.
    pub(crate) fn process(name: String, scope: Scope, who: Arc<Value>) -> Self {
        Self { name, scope, who: Some(who) }
    }

    /// Where the process is, as far as the kernel knows it.
    pub(crate) fn terminal(&self) -> Option<&str> {
        self.who.as_deref()?["tty"].as_str()
    }

    /// For the audit log.
    fn shown(&self) -> Value {
        self.who.as_deref().cloned().unwrap_or_else(|| serde_json::json!({ "token": self.name }))
    }
}

impl Operation {
    /// What it takes to be allowed.
    pub(crate) fn scope(&self) -> Scope {
        match self {
            Self::Statistics
            | Self::PastStatistics(_)
            | Self::Sums(..)
            | Self::Aggregate(..)
            | Self::Active(_)
            | Self::Session(_)
            | Self::History(..)
            | Self::Rules { .. }
            | Self::TestRequest(_)
            | Self::LastReload
            | Self::Quotas(..)
            | Self::Concessions => Scope::Read,
            Self::EndSession(_)
            | Self::EndSessions(_)
            | Self::Forgive(_)
            | Self::Reload(_)
            | Self::Rehearse(_)
            | Self::Grant(_)
            | Self::Override(_)
            | Self::Reset(_)
            | Self::Hear(_) => Scope::Operate,
            Self::Policy(store, order) => order.scope(*store),
            Self::Password(_) => Scope::Admin,
        }
    }
}

impl Office {
    /// Does what is asked, if the caller may ask for it.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) fn perform(&self, caller: &Caller, operation: Operation) -> Result<Answer, No> {
        if caller.scope < operation.scope() {
            return Err(No::Forbidden(operation.scope()));
        }
        match operation {
            Operation::Statistics => Ok(Answer::Statistics(Box::new(self.statistics()))),
            Operation::PastStatistics(filter) => self.past_statistics(&filter),
            Operation::Sums(filter, by, limit) => self.past()?.sums(&filter, by, limit).map(Answer::Sums),
            Operation::Active(sought) => Ok(Answer::Active(self.active(&sought))),
            Operation::Session(id) => self.session(id),
            Operation::EndSession(id) => self.end(caller, id),
            Operation::Forgive(forgive) => self.forgive(caller, &forgive),
            Operation::EndSessions(several) => {
                let done = self.end_several(caller, &several)?;
                Ok(Answer::Several(done.outcome.json(done.audit.as_deref())))
            }
            Operation::Aggregate(filter, wanted) => {
                self.past()?.aggregate(&filter, wanted).map(Box::new).map(Answer::Aggregate)
            }
            Operation::History(filter, limit) => self.past()?.page(&filter, limit).map(Answer::Past),
            Operation::Rules { after, limit } => {
                Ok(Answer::Rules(RuleList::of(&self.world.regime().snapshot, after, limit)))
            }
            Operation::TestRequest(question) => {
                self.answered(&question, &acl::Book::in_force(&self.world.regime().snapshot)).map(Answer::Tested)
            }
            Operation::Reload(extent) => self.reload(caller, extent).map(|reload| Answer::Reloaded(Box::new(reload))),
            Operation::Rehearse(extent) => self.rehearse(extent).map(Box::new).map(Answer::Rehearsed),
            Operation::LastReload => self.last_reload().map(|reload| Answer::Reloaded(Box::new(reload))),
            Operation::Quotas(user, limit) => Ok(Answer::Quotas(self.quotas(user.as_deref(), limit))),
            Operation::Concessions => Ok(Answer::Concessions(self.concessions())),
            Operation::Grant(order) => self.grant(caller, *order).map(Box::new).map(Answer::Conceded),
            Operation::Override(order) => self.lay_over(caller, *order).map(Box::new).map(Answer::Conceded),
            Operation::Reset(order) => self.reset(caller, &order).map(Answer::Voided),
            Operation::Hear(order) => self.hear(caller, &order).map(Answer::Heard),
            Operation::Policy(store, order) => self.on_policy(caller, store, *order).map(Answer::Policy),
            Operation::Password(order) => self.set_password(caller, &order).map(Answer::Policy),
        }
    }

    fn statistics(&self) -> Statistics {
        self.today.summary(&self.world.roster, statistics::MOST, Timestamp::now()).into()
    }

    fn past_statistics(&self, filter: &Filter) -> Result<Answer, No> {
        let most = u32::try_from(statistics::MOST).unwrap_or(u32::MAX);
        let overview = self.past()?.overview(filter, most)?;
        let moment = |micros: Option<i64>| micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let statistics = Statistics::of_past(overview, moment(filter.since), moment(filter.until));
        Ok(Answer::Statistics(Box::new(statistics)))
    }

    /// The latest first.
    fn active(&self, sought: &Sought) -> Vec<Live> {
        let mut found: Vec<Arc<Session>> = Vec::new();
        self.world.roster.each(|session| {
            if sought.means(session) {
                found.push(Arc::clone(session));
            }
        });
        found.sort_unstable_by_key(|session| Reverse(session.id));
        found.truncate(sought.limit);
        let mut scratch = Scratch::default();
        found.iter().map(|session| Live::of(session, &mut scratch)).collect()
    }

    fn session(&self, id: Uuid) -> Result<Answer, No> {
        if let Some(session) = self.world.roster.find(id) {
            return Ok(Answer::Session(Box::new(Live::of(&session, &mut Scratch::default()))));
        }
        let row = self.past.as_ref().map_or(Ok(None), |past| past.find(id))?;
        row.map(|row| Answer::PastSession(Box::new(row))).ok_or(No::NotThere)
    }

    /// Its task hears of it wherever it waits.
    fn end(&self, caller: &Caller, id: Uuid) -> Result<Answer, No> {
        let session = self.world.roster.find(id).ok_or(No::NotThere)?;
        let order = Order { op: "sessions.kill", target: id.to_string().into(), ..Order::default() };
        let deed = || {
            session.course.end(ByHouse::Killed);
            Ok(())
        };
        self.on_record(caller, &order, deed, |()| "ordered to end".to_owned())?;
        tracing::info!(target: "audit", caller = %caller.name, session = %id, "session ended by an operator");
        Ok(Answer::Ended { session_id: id, ended: true })
    }

    /// All recorded sessions that a filter lets through, page by page, for somebody who takes them away; says how many.
    ///
    /// # Errors
    /// Why it was not done, or not to the end.
    pub(crate) fn export(
        &self,
        caller: &Caller,
        (filter, words): (&Filter, Value),
        each: impl FnMut(Vec<Whole>) -> bool,
    ) -> Result<u64, No> {
        if caller.scope < Scope::Operate {
            return Err(No::Forbidden(Scope::Operate));
        }
        let past = self.past()?;
        let order = Order { op: "history.export", target: words, ..Order::default() };
        let done = self.on_record(caller, &order, || past.export(filter, each), |count| format!("{count} rows"))?;
        Ok(done.outcome)
    }

    fn past(&self) -> Result<&Past, No> {
        self.past.as_ref().ok_or(No::NothingKept)
    }
}

impl Sought {
    fn means(&self, session: &Session) -> bool {
        let is_behind = self.after.is_none_or(|after| session.id < after);
        let is_theirs =
            |user: &String| session.facts().proof.as_ref().is_some_and(|proof| proof.identity.name() == user);
        is_behind && self.user.as_ref().is_none_or(is_theirs)
    }
}
