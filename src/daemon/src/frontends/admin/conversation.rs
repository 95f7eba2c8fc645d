//! One conversation: requests in, answers and pushes out, all by one task.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep_until;
use wire::admin::{Answer, Code, Lines, MOST_IN_FLIGHT, MOST_SUBSCRIPTIONS, Refusal, Request, Role};
use zeroize::Zeroize;

use super::catalogue;
use super::desk::{Asker, Desk};
use super::lanes::Lane;
use super::ops::{self, Act, Op};
use super::outbox::Outbox;
use super::presence::Seat;
use super::subscription::{Source, Subject, Subscription};
use crate::engine::history::archive::withdrawn::Withdrawn;
use crate::engine::sys::pool::Urgency;

/// How long somebody may be silent at first.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// Later than anything that is waited for.
const NEVER: Duration = Duration::from_hours(24);

/// Parts of answers that wait to be put into the outbox; whoever makes them waits too.
const PARTS: usize = 4;

pub(super) type Parameters = Map<String, Value>;

pub(super) struct Conversation {
    pub(super) desk: Arc<Desk>,
    pub(super) asker: Asker,
    pub(super) seat: Seat,
    /// Whether the client has said which protocol it speaks.
    pub(super) is_greeted: bool,
    lines: Lines,
    outbox: Outbox,
    /// Requests that others work on.
    in_flight: HashMap<u64, Errand>,
    answers: mpsc::Sender<(u64, Answer)>,
    subscriptions: BTreeMap<u64, Subscription>,
    last_subscription: u64,
    /// What the request takes that is being carried out.
    role_needed: Option<Role>,
    /// Every line that has come has been taken.
    is_hungry: bool,
    hearing: Hearing,
    has_spoken: bool,
}

/// A request that others work on.
struct Errand {
    task: AbortHandle,
    withdrawn: Withdrawn,
}

/// Whether anything more is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    Open,
    /// The client says nothing more.
    Ended,
    /// Nothing more is read from this client.
    Over,
}

/// Talks with a client until it or we have had enough.
pub(super) async fn hold(desk: Arc<Desk>, stream: UnixStream, asker: Asker) {
    let (mut from, mut to) = stream.into_split();
    let (answers, mut answered) = mpsc::channel(PARTS);
    let seat = desk.presence.enter(&asker, Instant::now());
    let longest = asker.longest_request();
    let mut conversation = Conversation {
        desk,
        asker,
        seat,
        is_greeted: false,
        lines: Lines::new(longest),
        outbox: Outbox::default(),
        in_flight: HashMap::new(),
        answers,
        subscriptions: BTreeMap::new(),
        last_subscription: 0,
        role_needed: None,
        is_hungry: true,
        hearing: Hearing::Open,
        has_spoken: false,
    };
    let (began, mut chunk) = (Instant::now(), vec![0; 16 * 1024]);
    loop {
        conversation.work();
        if conversation.is_done() {
            return;
        }
        let patience = conversation.patience(began);
        tokio::select! {
            read = from.read(&mut chunk), if conversation.listens() => match read {
                Ok(0) | Err(_) => conversation.hearing = Hearing::Ended,
                Ok(count) => {
                    conversation.lines.push(&chunk[..count]);
                    chunk[..count].zeroize();
                }
            },
            written = to.write(conversation.outbox.bytes()), if !conversation.outbox.is_empty() => match written {
                Ok(0) | Err(_) => return,
                Ok(count) => conversation.outbox.took(count, Instant::now()),
            },
            Some((id, answer)) = answered.recv(), if conversation.outbox.has_room() => conversation.report(id, answer),
            () = sleep_until(conversation.next_look().into()), if conversation.may_push() => conversation.look(),
            () = sleep_until(patience.into()) => return,
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.in_flight.values().for_each(Errand::end);
    }
}

impl Errand {
    /// Whoever works on it stops as soon as that is noticed, and nobody waits for it.
    fn end(&self) {
        self.withdrawn.withdraw();
        self.task.abort();
    }
}

impl Conversation {
    fn listens(&self) -> bool {
        self.is_hungry && self.hearing == Hearing::Open && self.has_room()
    }

    /// Whether another request may be taken.
    fn has_room(&self) -> bool {
        self.hearing != Hearing::Over && self.in_flight.len() < MOST_IN_FLIGHT && self.outbox.has_room()
    }

    /// A client that has closed its side still gets its answers.
    fn is_done(&self) -> bool {
        let hears_no_more = match self.hearing {
            Hearing::Open => false,
            Hearing::Ended => self.is_hungry,
            Hearing::Over => true,
        };
        hears_no_more && self.in_flight.is_empty() && self.outbox.is_empty()
    }

    /// When it is given up.
    fn patience(&self, began: Instant) -> Instant {
        let first_word = (!self.has_spoken).then_some(began + FIRST_WORD);
        let reading = self.outbox.deadline();
        first_word.into_iter().chain(reading).min().unwrap_or_else(|| Instant::now() + NEVER)
    }

    fn may_push(&self) -> bool {
        self.hearing == Hearing::Open && self.outbox.is_empty() && !self.subscriptions.is_empty()
    }

    fn next_look(&self) -> Instant {
        self.subscriptions.values().map(|subscription| subscription.due).min().unwrap_or_else(|| Instant::now() + NEVER)
    }

    /// Says what is new in whatever is due.
    fn look(&mut self) {
        let now = Instant::now();
        for subscription in self.subscriptions.values_mut().filter(|subscription| subscription.due <= now) {
            for push in subscription.look(&self.desk, &self.asker, now) {
                self.outbox.push(push);
            }
        }
    }

    /// Takes the lines that have come, as many as there is room for.
    fn work(&mut self) {
        while self.has_room() {
            let line = self.lines.next_line();
            self.is_hungry = matches!(line, Ok(None));
            match line {
                Ok(None) => return,
                Ok(Some(line)) => self.hear(&line),
                Err(error) => {
                    self.say(None, Err(Refusal::new(Code::TooLarge, error.to_string())));
                    self.hearing = Hearing::Over;
                }
            }
        }
    }

    fn hear(&mut self, line: &[u8]) {
        self.has_spoken = true;
        self.seat.heard(Instant::now());
        match Request::read(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok(request) => self.take(request),
            Err(bad) => {
                let refusal = Refusal::new(Code::BadRequest, bad.to_string());
                self.say(bad.id(), Err(refusal));
                if bad.is_the_end() {
                    self.hearing = Hearing::Over;
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        let Request { id, op, p } = request;
        if self.in_flight.contains_key(&id) {
            return self
                .say(Some(id), Err(Refusal::new(Code::BadRequest, "a request of this number waits for its answer")));
        }
        match self.allowed(&op) {
            Err(refusal) => {
                wipe(p);
                self.say(Some(id), Err(refusal));
            }
            Ok(op) => match op.act {
                Act::Meta(act) => {
                    self.role_needed = op.role;
                    let answer = act(self, p);
                    self.say(Some(id), answer);
                }
                Act::Quick(act) => {
                    let answer = act(&self.desk, &self.asker, p);
                    self.say(Some(id), answer);
                }
                Act::Slow(lane, _) | Act::Named(lane, _) => self.leave_to_others(id, (op, lane), p),
            },
        }
    }

    fn allowed(&self, name: &str) -> Result<&'static Op, Refusal> {
        let op = catalogue::find(name)
            .ok_or_else(|| Refusal::new(Code::UnknownOp, format!("there is no operation {name:?}")))?;
        if op.role.is_some_and(|role| self.asker.role < role) {
            self.desk.is_denied(&self.asker, op.name);
            let needed = op.role.map_or("", Role::word);
            let msg = format!("{} takes the role {needed}, and yours is {}", op.name, self.asker.role);
            return Err(Refusal::new(Code::Denied, msg));
        }
        if op.wants_hello && !self.is_greeted {
            return Err(Refusal::new(Code::BadRequest, format!("say hello before {}", op.name)));
        }
        Ok(op)
    }

    /// One of the threads for what takes long does it, and tells.
    fn leave_to_others(&mut self, id: u64, (op, lane): (&'static Op, Lane), p: Parameters) {
        let (desk, asker, answers) = (Arc::clone(&self.desk), self.asker.clone(), self.answers.clone());
        let withdrawn = Withdrawn::default();
        let asker = Asker { withdrawn: withdrawn.clone(), ..asker };
        let job = move |answers: mpsc::Sender<(u64, Answer)>| {
            move || {
                let mut part = |part: Value| answers.blocking_send((id, Answer::Part(part))).is_ok();
                ops::carry_out(&desk, &asker, op, p, &mut part)
            }
        };
        let threads = Arc::clone(&self.desk);
        let task = tokio::spawn(async move {
            let outcome = threads.lanes.of(lane).run(Urgency::Usual, job(answers.clone())).await;
            let outcome = outcome.unwrap_or_else(|busy| Err(Refusal::new(Code::Busy, busy.to_string()).for_now()));
            let _client_is_gone = answers.send((id, answer_of(outcome))).await;
        });
        self.in_flight.insert(id, Errand { task: task.abort_handle(), withdrawn });
    }

    /// Somebody else has worked on it.
    fn report(&mut self, id: u64, answer: Answer) {
        let is_last = !matches!(answer, Answer::Part(_));
        // One that was taken back.
        if !self.in_flight.contains_key(&id) {
            return;
        }
        if is_last {
            self.in_flight.remove(&id);
        }
        self.desk.count(&answer);
        self.outbox.answer(Some(id), answer, Instant::now());
    }

    /// Takes a request back: whatever comes of it is not told.
    pub(super) fn cancel(&mut self, id: u64) -> bool {
        let Some(errand) = self.in_flight.remove(&id) else { return false };
        errand.end();
        self.say(Some(id), Err(Refusal::new(Code::Cancelled, "taken back")));
        true
    }

    fn say(&mut self, id: Option<u64>, outcome: Result<Value, Refusal>) {
        let answer = answer_of(outcome);
        self.desk.count(&answer);
        self.outbox.answer(id, answer, Instant::now());
    }

    /// Begins to tell about something, and returns the number under which that is told.
    ///
    /// # Errors
    /// Too much is told already.
    pub(super) fn subscribe(&mut self, subject: Subject, every_ms: Option<u64>) -> Result<u64, Refusal> {
        if self.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return Err(Refusal::new(
                Code::Busy,
                format!("a connection has at most {MOST_SUBSCRIPTIONS} subscriptions"),
            ));
        }
        self.last_subscription += 1;
        let number = self.last_subscription;
        let subscription = Subscription::new(number, (subject, self.role_needed), every_ms, Instant::now());
        self.subscriptions.insert(number, subscription);
        Ok(number)
    }

    /// The same about what a source has to say.
    ///
    /// # Errors
    /// Too much is told already.
    pub(super) fn follow(&mut self, source: impl Source + 'static, every_ms: Option<u64>) -> Result<u64, Refusal> {
        self.subscribe(Subject::Other(Box::new(source)), every_ms)
    }

    /// # Errors
    /// There is no such subscription.
    pub(super) fn subscription(&mut self, number: u64) -> Result<&mut Subscription, Refusal> {
        self.subscriptions.get_mut(&number).ok_or_else(|| Refusal::new(Code::NotFound, "there is no such subscription"))
    }

    /// Goes on with less, and returns the numbers of the subscriptions that this ends.
    pub(super) fn lower(&mut self, role: Role) -> Vec<u64> {
        self.asker.lower(&self.desk, role);
        self.seat.lower(self.asker.role);
        let role = self.asker.role;
        self.subscriptions
            .extract_if(.., |_, subscription| !subscription.is_for(role))
            .map(|(number, _)| number)
            .collect()
    }

    pub(super) fn unsubscribe(&mut self, number: u64) -> bool {
        self.subscriptions.remove(&number).is_some()
    }
}

/// Whatever was in them may have been a password.
fn wipe(p: Parameters) {
    for value in p.into_iter().map(|(_, value)| value) {
        if let Value::String(mut text) = value {
            text.zeroize();
        }
    }
}

fn answer_of(outcome: Result<Value, Refusal>) -> Answer {
    match outcome {
        Ok(value) => Answer::Ok(value),
        Err(refusal) => Answer::Err(refusal),
    }
}
