//! Whether a client may in, from the claim to the verdict, such that guessing does not pay: failures cost their source and lock their name,
//! and all of them look the same and take the same time.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::admission::tell_turned_away;
use super::{Visit, World};
use crate::engine::auth::turns::Turn;
use crate::engine::auth::{Backend, Credentials, Failure};
use crate::engine::sys::chance;
use crate::state::logins::{Login, Outcome};
use crate::state::penalties::Rank;
use crate::state::penalties::tariff::{Caller, Offence, Tariff};
use crate::state::session::course::Stage;
use crate::state::session::facts::{AuthMethod, Proof};
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

/// The longest name that the log shows, in characters after escaping.
const LONGEST_NAME: usize = 256;

/// The part of the delay of a failure that chance adds at most.
const JITTER: u32 = 8;

/// Decides about a name and a password; a refusal comes when every refusal comes.
pub(super) async fn log_in(visit: &Visit, session: &Session, credentials: &Credentials) -> Result<Proof, Refusal> {
    let asked = Instant::now();
    session.enter(Stage::LoggingIn);
    let attempt = Attempt { visit, session, name: Some(&credentials.user), began: asked };
    let verdict = attempt.verdict(|| visit.door.entrance.identify(session, Some(credentials))).await;
    if verdict.is_err() {
        let delay = delay(asked.elapsed(), session.snapshot.penalties.failure_delay, chance::number());
        tokio::time::sleep_until((asked + delay).into()).await;
    }
    verdict
}

/// Decides about a client that brings nothing, by its address at most.
pub(super) async fn come_in(visit: &Visit, session: &Session) -> Result<Proof, Refusal> {
    let identify = || visit.door.entrance.identify(session, None);
    if visit.door.entrance.admits_anybody() {
        return identify().await.map_err(|(failure, _)| failure.into());
    }
    by_address(visit, session, identify).await
}

/// Decides about an address before anything is said.
pub(super) async fn show_address(visit: &Visit, session: &Session, check: &dyn Backend) -> Result<(), Refusal> {
    let method = check.method();
    let checked = || async move {
        let identity = check.check(session, None).await.map_err(|failure| (failure, method))?;
        Ok(Proof { identity, method })
    };
    by_address(visit, session, checked).await.map(drop)
}

async fn by_address<F: Future<Output = Identified>>(
    visit: &Visit,
    session: &Session,
    identify: impl FnOnce() -> F,
) -> Result<Proof, Refusal> {
    // What takes time now is not the client's doing.
    session.enter(Stage::LoggingIn);
    let verdict = Attempt { visit, session, name: None, began: Instant::now() }.verdict(identify).await;
    if verdict.is_ok() {
        session.enter(Stage::Handshake);
    }
    verdict
}

/// How long after the question a failure is answered: the next multiple of `step`, so that what was done meanwhile cannot
/// be measured, and some chance on top.
fn delay(took: Duration, step: Duration, chance: u64) -> Duration {
    if step.is_zero() {
        return took;
    }
    let steps = took.as_nanos().div_ceil(step.as_nanos()).max(1);
    let jitter = step / JITTER * u32::from(chance.to_be_bytes()[0]) / u32::from(u8::MAX);
    step * u32::try_from(steps).unwrap_or(u32::MAX) + jitter
}

/// What a check says, and which method says no.
type Identified = Result<Proof, (Failure, AuthMethod)>;

struct Attempt<'a> {
    visit: &'a Visit,
    session: &'a Session,
    /// Whose password it is about.
    name: Option<&'a [u8]>,
    began: Instant,
}

impl Attempt<'_> {
    async fn verdict<F: Future<Output = Identified>>(&self, identify: impl FnOnce() -> F) -> Result<Proof, Refusal> {
        let Some(caller) = self.session.caller() else { return Err(Refusal::AuthUnavailable) };
        let turn = self.turn(caller).await;
        if turn.is_some() && self.world().penalties.turns_away(caller, Instant::now()) {
            self.note(Outcome::Blocked, None, Some("source_penalised"));
            return Err(Refusal::SourcePenalised);
        }
        if self.is_locked(caller) {
            self.note(Outcome::Blocked, None, Some("name_locked"));
            self.failed(caller, "name_locked", None);
            return Err(Refusal::NameLocked);
        }
        self.session.ranks_as(self.world().penalties.login_begins(caller, self.tariff(), Instant::now()));
        self.conclude(caller, identify().await)
    }

    /// Strangers log in one after the other; when the first of them turns out to be none, the others need not wait any more.
    async fn turn(&self, caller: Caller) -> Option<Turn<'_>> {
        let is_trusted = || caller.is_exempt || self.rank(caller) == Rank::Known;
        if is_trusted() {
            return None;
        }
        let turn = self.world().turns.wait(caller.source).await;
        (!is_trusted()).then_some(turn)
    }

    /// A check that could not be made is nobody's offence.
    fn conclude(&self, caller: Caller, identified: Identified) -> Result<Proof, Refusal> {
        match identified {
            Ok(proof) => {
                self.note(Outcome::Accepted, Some(proof.method), None);
                self.world().penalties.login_succeeded(self.name, caller, self.tariff(), Instant::now());
                Ok(proof)
            }
            Err((Failure::Unavailable, method)) => {
                self.note(Outcome::Failed, Some(method), Some(Failure::Unavailable.label()));
                Err(Failure::Unavailable.into())
            }
            Err((failure, method)) => {
                self.note(Outcome::Refused, Some(method), Some(failure.label()));
                self.failed(caller, failure.label(), Some(method));
                Err(failure.into())
            }
        }
    }

    /// The one line of a failed login, on which ban tools depend (deploy/fail2ban), and what follows from it.
    fn failed(&self, caller: Caller, reason: &'static str, method: Option<AuthMethod>) {
        let user = self.name.map(shown);
        tracing::warn!(
            target: "auth",
            source = %self.session.origin().host(),
            listener = %self.session.listener,
            method = method.map(tracing::field::display),
            reason,
            session = %self.session.id,
            user = user.as_ref().map(tracing::field::display),
            "authentication failed"
        );
        let now = Instant::now();
        let consequences = self.world().penalties.login_failed(self.name, caller, self.tariff(), now);
        if let Some(time) = consequences.turned_away_for {
            tell_turned_away(self.world(), caller, Offence::FailedLogin, time);
        }
        if let Some((time, user)) = consequences.locked_for.zip(user) {
            tracing::warn!(target: "auth", for_secs = time.as_secs(), user = %user, "name locked for strangers");
        }
    }

    /// For operators who look.
    fn note(&self, result: Outcome, method: Option<AuthMethod>, why: Option<&'static str>) {
        self.world().logins.note(Login {
            number: 0,
            at: Timestamp::now().as_microsecond(),
            result,
            user: self.name.map(shown),
            source: self.session.origin().ip(),
            listener: std::sync::Arc::clone(&self.session.listener),
            method,
            why,
            took: self.began.elapsed(),
            session: self.session.id,
        });
    }

    fn is_locked(&self, caller: Caller) -> bool {
        let is_locked = |name| self.world().penalties.is_locked(name, caller, self.tariff(), Instant::now());
        self.name.is_some_and(is_locked)
    }

    fn rank(&self, caller: Caller) -> Rank {
        self.world().penalties.rank(caller, self.tariff(), Instant::now())
    }

    fn world(&self) -> &World {
        &self.visit.world
    }

    fn tariff(&self) -> &Tariff {
        &self.session.snapshot.penalties
    }
}

/// A name as the log may show it: no control characters, and not too long.
fn shown(name: &[u8]) -> String {
    let escaped: String = String::from_utf8_lossy(name).escape_debug().collect();
    match escaped.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_answered_at_a_multiple_of_the_delay_and_a_little_later() {
        let millis = Duration::from_millis;
        for (took, step, chance, expected) in [
            (0, 500, 0, 500),
            (40, 500, 0, 500),
            (500, 500, 0, 500),
            (501, 500, 0, 1_000),
            (2_300, 500, 0, 2_500),
            (40, 0, u64::MAX, 40),
        ] {
            assert_eq!(delay(millis(took), millis(step), chance), millis(expected), "{took} {step} {chance}");
        }
        assert_eq!(delay(millis(40), millis(400), u64::MAX), millis(450));
    }

    #[test]
    fn no_name_makes_a_line_of_its_own_or_fills_the_log() {
        assert_eq!(shown(b"alice"), "alice");
        assert_eq!(shown(b"a\nb\"\x1b[31m\xff"), "a\\nb\\\"\\u{1b}[31m\u{fffd}");
        let long = shown(&[b'\n'; 255]);
        assert_eq!(long.chars().count(), LONGEST_NAME + 1);
    }
}
