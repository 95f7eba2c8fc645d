//! What all conversations share, and who it is that asks in one of them.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use config::tokens::Scope;
use serde_json::{Value, json};
use wire::admin::{Answer, Code, MOST_REQUEST, MOST_REQUEST_OF_ADMIN, Refusal, Role, You};

use super::lanes::Lanes;
use super::outcomes::Outcomes;
use super::presence::Presence;
use super::refusals::{Refusals, Wanted};
use super::roles::{Roles, name_of};
use crate::engine::history::archive::withdrawn::Withdrawn;
use crate::engine::sys::chance;
use crate::engine::sys::peer::{Peer, Traces};
use crate::frontends::office::{Caller, No, Office, Operation};
use crate::state::metrics::Words;

/// The word for a request that was not refused.
const FINE: &str = "ok";

/// What the operator says of it.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) roles: Roles,
    /// Whoever may only look sees no whole addresses.
    pub(crate) is_masked: bool,
    /// What this host is called.
    pub(crate) node: String,
}

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) office: Arc<Office>,
    pub(super) terms: Terms,
    /// This run of the daemon.
    pub(super) epoch: String,
    pub(super) started: Instant,
    pub(super) lanes: Lanes,
    pub(super) outcomes: Outcomes,
    pub(super) presence: Arc<Presence>,
    answers: Words,
    refusals: Refusals,
}

/// Who asks in one conversation.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) caller: Caller,
    pub(super) you: You,
    pub(super) role: Role,
    pub(super) highest: Role,
    pub(super) is_masked: bool,
    /// Whether the request has been taken back.
    pub(super) withdrawn: Withdrawn,
}

impl Desk {
    /// Has the office do it, and tells its answer as it stands.
    pub(super) fn perform(&self, asker: &Asker, operation: Operation) -> Result<Value, Refusal> {
        let answer = self.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
        Ok(serde_json::to_value(answer).expect("an answer can be written"))
    }

    /// Counts what ends a request.
    pub(super) fn count(&self, answer: &Answer) {
        match answer {
            Answer::Part(_) => {}
            Answer::Ok(_) => self.answers.count(FINE),
            Answer::Err(refusal) => self.answers.count(refusal.code.word()),
        }
    }

    pub(super) fn open(terms: Terms, office: Arc<Office>) -> io::Result<Self> {
        let answers = office.metrics.words(
            "rustsocks_admin_requests_total",
            "Requests over the admin socket by what they were answered with: \"ok\", or the code of a refusal.",
            "result",
            Code::ALL.map(Code::word).into_iter().chain([FINE]),
        );
        Ok(Self {
            answers,
            office,
            terms,
            epoch: format!("{:08x}", chance::number() >> 32),
            started: Instant::now(),
            lanes: Lanes::open()?,
            outcomes: Outcomes::default(),
            presence: Arc::default(),
            refusals: Refusals::default(),
        })
    }

    /// Somebody wants what the role does not allow; written down, but not as often as somebody may want it.
    pub(super) fn is_denied(&self, asker: &Asker, op: &str) {
        if let Some(missed) = self.refusals.written_down(asker.you.uid, Wanted::Operation, Instant::now()) {
            self.office.denied(&asker.caller, op, missed);
        }
    }

    /// Somebody without any role has come.
    pub(super) fn strangers_are_told(&self, peer: &Peer) {
        if let Some(missed) = self.refusals.written_down(peer.user, Wanted::Conversation, Instant::now()) {
            self.office.denied(&caller(peer, Scope::Read), "connect", missed);
        }
    }
}

impl Asker {
    pub(super) fn new(desk: &Desk, peer: &Peer, role: Role) -> Self {
        let you = You {
            uid: peer.user,
            user: name_of(peer.user),
            login: peer.traces.login.map(name_of),
            groups: desk.terms.roles.groups_of(peer),
        };
        let caller = caller(peer, scope(role));
        let is_masked = desk.terms.is_masked && role == Role::Read;
        Self { caller, you, role, highest: role, is_masked, withdrawn: Withdrawn::default() }
    }

    /// In bytes: whoever may change files sends whole ones.
    pub(super) fn longest_request(&self) -> usize {
        if self.highest == Role::Admin { MOST_REQUEST_OF_ADMIN } else { MOST_REQUEST }
    }

    /// Goes on with less.
    pub(super) fn lower(&mut self, desk: &Desk, role: Role) {
        self.role = role.min(self.role);
        self.caller.scope = scope(self.role);
        self.is_masked = desk.terms.is_masked && self.role == Role::Read;
    }
}

fn caller(peer: &Peer, scope: Scope) -> Caller {
    let Traces { login, program, terminal } = &peer.traces;
    let (user, login) = (name_of(peer.user), login.map(name_of));
    let name = match &login {
        Some(login) if *login != user => format!("{login} as {user}"),
        Some(_) | None => user.clone(),
    };
    let who = json!({
        "uid": peer.user, "user": user, "login": login, "pid": peer.process, "comm": program, "tty": terminal,
    });
    Caller::process(name, scope, Arc::new(who))
}

fn scope(role: Role) -> Scope {
    match role {
        Role::Read => Scope::Read,
        Role::Operate => Scope::Operate,
        Role::Admin => Scope::Admin,
    }
}

/// What the office refuses, in the words of the protocol.
pub(super) fn refusal(no: &No) -> Refusal {
    let msg = no.to_string();
    match no {
        No::Forbidden(_) => Refusal::new(Code::Denied, msg),
        No::NotThere | No::NeverReloaded | No::DraftGone(_) | No::GenerationGone(_) | No::SaysTheSame(_) => {
            Refusal::new(Code::NotFound, msg)
        }
        No::Invalid(_) => Refusal::new(Code::BadRequest, msg),
        No::Misfit { op, .. } => Refusal::new(Code::BadRequest, msg).with(json!({ "op": op })),
        No::Faulty(diagnoses) => Refusal::new(Code::Invalid, msg).with(json!({ "diag": diagnoses })),
        No::Conflict(_) => Refusal::new(Code::Conflict, msg),
        No::FileDrift(edited) => Refusal::new(Code::Conflict, msg).with(json!(edited)),
        No::Unwritable(_) => Refusal::new(Code::ReadonlyStore, msg),
        No::NothingKept | No::NothingWritten(_) | No::Unresolved(_) => Refusal::new(Code::Unavailable, msg),
        No::TooOften => Refusal::new(Code::Busy, msg).for_now(),
        No::Withdrawn => Refusal::new(Code::Cancelled, msg),
        No::TooMuch(_) => Refusal::new(Code::TooLarge, msg),
        No::TooLate | No::StillReloading => Refusal::new(Code::Timeout, msg),
        No::Unreadable | No::NobodyReloads | No::NotKept => Refusal::new(Code::Unavailable, msg).for_now(),
        No::TestsFail(tests) => {
            let told = |(number, fault): &(usize, String)| json!({ "test": number, "fault": fault });
            Refusal::new(Code::Invalid, msg).with(json!({ "tests": tests.iter().map(told).collect::<Vec<_>>() }))
        }
        No::OtherNumber { matched, .. } => {
            Refusal::new(Code::Conflict, msg).with(json!({ "matched": matched })).for_now()
        }
        No::NotReloaded(reload) => Refusal::new(Code::Invalid, msg).with(json!({ "reload": reload })),
        No::Unrecorded => Refusal::new(Code::AuditFailed, msg).for_now(),
    }
}
