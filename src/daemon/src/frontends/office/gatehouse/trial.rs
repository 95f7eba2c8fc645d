//! A login that an operator tries: the same backends as for clients, asked on nobody's account.
//!
//! It costs no source anything, makes nobody known, and nothing that it finds out is remembered: neither here nor by a backend.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use config::tokens::Scope;
use serde_json::{Value, json};
use socks::Password;
use tokio::runtime::Builder;

use super::super::record::Order;
use super::super::{Caller, No, Office};
use crate::engine::auth::{Credentials, Failure};
use crate::frontends::socks::Door;
use crate::state::session::ending::Ending;
use crate::state::session::facts::{AuthMethod, Identity, Origin, Proof};
use crate::state::session::roster::Roster;
use crate::state::session::ticket::{Arrival, Session, Ticket};
use crate::state::snapshot::Snapshot;

/// Tries within [`A_WHILE`], of all operators together: the socket is no place to guess.
const MOST: usize = 10;

const A_WHILE: Duration = Duration::from_mins(1);

/// How long a try may take: PAM's modules may think for half a minute.
const PATIENCE: Duration = Duration::from_secs(35);

/// The name under which the backends know it.
const LISTENER: &str = "auth.test";

/// Who, with what, and as if from where.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) user: String,
    pub(crate) password: Password,
    pub(crate) source: Option<IpAddr>,
    /// By whose methods; those of the first one that asks for names without it.
    pub(crate) listener: Option<String>,
}

/// What the backends say of it, and which of them.
type Verdict = Result<Proof, (Failure, AuthMethod)>;

impl Office {
    /// # Errors
    /// Why nobody was asked.
    pub(crate) fn try_login(&self, caller: &Caller, trial: Trial) -> Result<Value, No> {
        if caller.scope < Scope::Operate {
            return Err(No::Forbidden(Scope::Operate));
        }
        let Trial { user, password, source, listener } = trial;
        let regime = self.world.regime();
        let door = find(regime.doors.all(), listener.as_deref())?;
        self.may_try(Instant::now())?;
        let target = json!({ "user": user, "src": source, "listener": &*door.name });
        let order = Order { op: "auth.test", target, ..Order::default() };
        let credentials = Credentials { user: user.into_bytes(), password };
        let deed = || {
            let ticket = nobody(source, &regime.snapshot);
            let began = Instant::now();
            let verdict = asked(door, ticket.session(), &credentials)?;
            let told = told(&verdict, ticket.session(), began.elapsed());
            ticket.close(Ending::ClientLeft);
            Ok(told)
        };
        let words = |told: &Value| told["result"].as_str().unwrap_or_default().to_owned();
        let mut told = self.on_record(caller, &order, deed, words)?.outcome;
        self.with_penalties(&mut told, &credentials, source);
        told["listener"] = json!(&*door.name);
        Ok(told)
    }

    fn may_try(&self, now: Instant) -> Result<(), No> {
        let mut tried = self.gatehouse.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.retain(|at| now.saturating_duration_since(*at) < A_WHILE);
        if tried.len() >= MOST {
            return Err(No::TooOften);
        }
        tried.push(now);
        Ok(())
    }

    /// What a client from there would meet besides.
    fn with_penalties(&self, told: &mut Value, credentials: &Credentials, source: Option<IpAddr>) {
        let (tariff, now) = (&self.world.regime().snapshot.penalties, Instant::now());
        let caller = tariff.caller(source);
        let bans = self.world.penalties.bans(now);
        told["banned"] = (!caller.is_exempt && bans.iter().any(|ban| ban.source == caller.source)).into();
        told["name_locked"] = self.world.penalties.is_locked(&credentials.user, caller, tariff, now).into();
    }
}

/// A session that nobody sees and nobody counts.
fn nobody(source: Option<IpAddr>, snapshot: &Arc<Snapshot>) -> Ticket {
    let roster = Roster::new(1, Vec::new());
    let origin = source.map_or(Origin::Local, |ip| Origin::Address(SocketAddr::new(ip, 0)));
    let place = roster.handshakes().place();
    let caller = Some(snapshot.penalties.caller(source));
    Ticket::open(&roster, Arrival { origin, caller, listener: LISTENER.into(), place }, Arc::clone(snapshot))
}

fn find<'a>(mut doors: impl Iterator<Item = &'a Arc<Door>>, name: Option<&str>) -> Result<&'a Arc<Door>, No> {
    let Some(name) = name else {
        let found = doors.find(|door| door.trial.takes_credentials());
        return found.ok_or_else(|| No::Invalid("no listener asks for names and passwords".to_owned()));
    };
    let found = doors.find(|door| *door.name == *name);
    let door = found.ok_or_else(|| No::Invalid(format!("there is no listener {name:?}")))?;
    let asks = door.trial.takes_credentials();
    asks.then_some(door).ok_or_else(|| No::Invalid(format!("the listener {name:?} asks for no names")))
}

/// This thread may wait.
fn asked(door: &Door, session: &Session, credentials: &Credentials) -> Result<Verdict, No> {
    let runtime = Builder::new_current_thread().enable_time().build().map_err(|error| {
        tracing::error!(%error, "a login cannot be tried");
        No::NotKept
    })?;
    let asking = async { tokio::time::timeout(PATIENCE, door.trial.identify(session, Some(credentials))).await };
    runtime.block_on(asking).map_err(|_elapsed| No::TooLate)
}

fn told(verdict: &Verdict, session: &Session, took: Duration) -> Value {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let remark = session.facts().remark.as_deref().map(str::to_owned);
    match verdict {
        Ok(Proof { identity, method }) => {
            let groups = match identity {
                Identity::Anonymous => Vec::new(),
                Identity::User(user) => user.groups.iter().map(ToString::to_string).collect(),
            };
            json!({ "result": "ok", "method": method.to_string(), "groups": groups, "ms": ms })
        }
        Err((failure, method)) => {
            let result = if *failure == Failure::Unavailable { "error" } else { "fail" };
            json!({ "result": result, "why": failure.label(), "method": method.to_string(), "remark": remark, "ms": ms })
        }
    }
}
