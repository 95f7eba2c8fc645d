//! Reloads: reads the operator's texts anew, hands what has changed to the worker, and keeps what the worker has taken.
//!
//! One at a time: whatever asks for another one of the same extent meanwhile is remembered once. A text that the worker does not take is not kept, so that
//! the next worker is never given something that was refused.
//! A rehearsal is a reload of which nothing comes: the worker judges what the files say, and works on as before.
//! Knows no process and no service manager, and not what the texts say.

mod fingerprints;
mod offer;
mod rehearsals;
mod under_way;

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tracing::{error, warn};
use wire::{DocumentKind, Extent, Ticket, ToWorker, Trigger};

use self::fingerprints::Fingerprints;
use self::offer::{Offer, offered};
use self::rehearsals::Rehearsals;
use self::under_way::UnderWay;
use crate::handover::{self, Parcel};
use crate::listen::Listeners;
use crate::order::{Given, Order, Purpose, in_place_of, received};
use crate::plan::{Document, Plan};
use crate::source::{Source, Text};
use crate::watch::Watch;

/// How long the service manager is told that a reload is under way, if the worker does not answer; a rehearsal keeps nobody waiting
/// for longer either.
const PATIENCE: Duration = Duration::from_secs(30);

/// The reloads of one service.
pub(crate) struct Reloads<'a> {
    source: &'a mut dyn Source,
    watch: Watch,
    /// What somebody asked for, at most one of each extent.
    wanted: Vec<Order>,
    under_way: Option<UnderWay>,
    rehearsals: Rehearsals,
    /// The number of the last one; 1 is the start.
    generation: u64,
    /// What was read for the last reload, taken or not.
    read: Fingerprints,
    /// What the worker has judged last, in a reload or a rehearsal.
    judged: Fingerprints,
    /// What became of the last one.
    outcome: Option<Rc<str>>,
}

/// What the worker is to be given.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) purpose: Purpose,
    pub(crate) parcels: Vec<Parcel>,
}

/// What a reload works on: what the next worker will be given.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a mut Plan,
    pub(crate) listeners: &'a mut Listeners,
}

/// What the worker says of a reload.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) generation: u64,
    pub(crate) taken: Vec<DocumentKind>,
    pub(crate) remark: String,
}

impl<'a> Reloads<'a> {
    pub(crate) fn new(source: &'a mut dyn Source, documents: &[Document], now: Instant) -> Self {
        let read = Fingerprints::of_documents(documents);
        let watch = Watch::new(&source.files(), now);
        Self {
            source,
            watch,
            wanted: Vec::new(),
            under_way: None,
            rehearsals: Rehearsals::default(),
            generation: 1,
            judged: read.clone(),
            read,
            outcome: None,
        }
    }

    /// Goes on counting where the program stopped whose place this one has taken. What the files say may not be in force.
    pub(crate) fn count_from(&mut self, generation: u64) {
        self.generation = generation;
        self.want(Order::of_nobody(Trigger::Signal).rehearsed());
    }

    /// The number of the last one.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether files are about to be in force.
    pub(crate) fn is_reloading(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether the worker is about to answer one, a rehearsal too.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.is_some() || self.rehearsals.is_under_way()
    }

    /// Remembers an order, together with one of the same extent that waits already.
    pub(crate) fn want(&mut self, order: Order) {
        let kind = |order: &Order| (order.purpose, order.extent, order.text.clone());
        let is_like = |waiting: &Order| kind(waiting) == kind(&order);
        match self.wanted.iter_mut().find(|waiting| is_like(waiting)) {
            Some(waiting) => waiting.ticket = waiting.ticket.max(order.ticket),
            None => self.wanted.push(order),
        }
    }

    /// Writes another text, and orders the reload that answers.
    pub(crate) fn replace_text(
        &mut self,
        ticket: Ticket,
        kind: DocumentKind,
        former: &[u8; 32],
        descriptor: Option<OwnedFd>,
    ) {
        let written = received(descriptor).and_then(|text| self.source.replace(kind, former, &text));
        let text = written.map_or_else(|reason| Given::Refused(kind, reason), |()| Given::Nothing);
        self.want(Order { text, ..Order::of_operator(Extent::of(kind), ticket) });
    }

    /// Orders the reload of a text that is in no file, and answers.
    pub(crate) fn work_by_text(&mut self, ticket: Ticket, kind: DocumentKind, descriptor: Option<OwnedFd>) {
        let text = received(descriptor).and_then(|text| self.source.suits(kind, &text).map(|()| text));
        let text = text.map_or_else(|reason| Given::Refused(kind, reason), |text| Given::Text(kind, text));
        self.want(Order { text, ..Order::of_operator(Extent::of(kind), ticket) });
    }

    /// The answer to whoever wants to know whether a file could be written; nothing if it cannot be handed over.
    pub(crate) fn writable(&self, ticket: Ticket, kind: DocumentKind) -> Option<Parcel> {
        let why_not = self.source.is_writable(kind).err().unwrap_or_default();
        let parcel = handover::writable(ticket, self.source.says(kind), &why_not);
        parcel.inspect_err(|error| warn!(%error, "nobody can be told whether a file can be written")).ok()
    }

    /// Another worker is in the post: what waits is still wanted, but whoever waited for it has gone with the former one.
    pub(crate) fn forget_tickets(&mut self) {
        for order in &mut self.wanted {
            order.ticket = Ticket::NOBODY;
        }
        // It is given what is in force, and knows nothing of what the files say; unless it dies of that.
        if self.rehearsals.may_be_tried_by_another() {
            self.want(Order::of_nobody(Trigger::Signal).rehearsed());
        }
    }

    /// Gives the one that should begin; to be asked only when the worker can be given one.
    pub(crate) fn due(&mut self, watch_files: bool, now: Instant) -> Option<Order> {
        if self.is_under_way() {
            return None;
        }
        if self.watch.is_changed(&self.source.files(), now) {
            let changed = Order::of_nobody(Trigger::File);
            let changed = if watch_files { changed } else { changed.rehearsed() };
            let says_as_much = |order: &Order| order.extent == Extent::Everything && order.purpose == changed.purpose;
            if !self.wanted.iter().any(says_as_much) {
                self.wanted.push(changed);
            }
        }
        let next = self.wanted.iter().position(|order| !self.rehearsals.come_too_early(order, now))?;
        Some(self.wanted.remove(next))
    }

    /// Reads what is to be read; returns what the worker is to be given, or nothing if files that changed say what they said before.
    pub(crate) fn begin(&mut self, order: Order, ground: &Ground<'_>, now: Instant) -> Option<Begun> {
        let purpose = order.purpose;
        let parcels = match purpose {
            Purpose::Reload => self.reload(order, ground, now),
            Purpose::Rehearsal => self.rehearse(&order, ground, now),
        };
        parcels.map(|parcels| Begun { purpose, parcels })
    }

    fn reload(&mut self, order: Order, ground: &Ground<'_>, now: Instant) -> Option<Vec<Parcel>> {
        let Order { purpose: _, trigger, extent, ticket, text, is_second } = order;
        let mut claim = None;
        let is_of_files = text == Given::Nothing;
        if extent == Extent::Everything && is_of_files {
            self.watch.note_reading(&self.source.files());
        }
        let texts = match text {
            Given::Refused(kind, reason) => vec![Text { kind, content: Err(reason) }],
            Given::Text(kind, text) => in_place_of(&ground.plan.documents, kind, text),
            Given::Nothing => self.source.read(extent, &mut |terms| {
                claim = Some((ground.listeners.claim(terms, ground.plan.threads)?, terms.clone()));
                Ok(())
            }),
        };
        let read = Fingerprints::of_texts(&texts);
        // What was rehearsed in between is known as what the files say.
        if trigger == Trigger::File && read == self.read && read == self.judged {
            return None;
        }
        if is_of_files {
            self.judged.note(extent, read.clone());
            self.read.note(extent, read);
        }
        self.generation += 1;
        let generation = self.generation;
        let kinds = texts.iter().map(|text| text.kind).collect();
        let offered = offered(texts, &ground.plan.documents, generation);
        let mut parcels = match offered.iter().map(Offer::parcel).collect::<io::Result<Vec<_>>>() {
            Ok(parcels) => parcels,
            Err(error) => return self.give_up(&error),
        };
        let new_sockets = claim.iter().flat_map(|(claim, _)| claim.new_sockets(ground.plan.threads));
        parcels.extend(new_sockets.map(|bound| handover::listener(&bound)));
        parcels.push(ToWorker::Reload { generation, trigger, extent, ticket }.into());
        let offered = offered.into_iter().filter_map(Offer::into_new).collect();
        let may_come_again = trigger == Trigger::Operator && is_of_files && !is_second;
        let again = may_come_again.then(|| Order { is_second: true, ..Order::of_operator(extent, Ticket::NOBODY) });
        self.under_way = Some(UnderWay { generation, began: now, offered, kinds, claim, is_late: false, again });
        Some(parcels)
    }

    /// What is new bears the number of the next reload, which is none yet. No socket is opened for what may never be in force.
    fn rehearse(&mut self, order: &Order, ground: &Ground<'_>, now: Instant) -> Option<Vec<Parcel>> {
        let texts = self.source.read(order.extent, &mut |_| Ok(()));
        self.source.forget();
        let read = Fingerprints::of_texts(&texts);
        if order.trigger == Trigger::File {
            if read == self.judged {
                return None;
            }
            self.watch.note_reading(&self.source.files());
        }
        self.judged.note(order.extent, read);
        let offered = offered(texts, &ground.plan.documents, self.generation + 1);
        let parcels = offered.iter().map(Offer::parcel).collect::<io::Result<Vec<_>>>();
        let mut parcels =
            parcels.inspect_err(|error| error!(%error, "cannot hand the texts of a rehearsal over")).ok()?;
        parcels.push(ToWorker::Rehearse { extent: order.extent, ticket: order.ticket }.into());
        self.rehearsals.begin(now);
        Some(parcels)
    }

    /// The worker has judged what it was given.
    pub(crate) fn rehearsed(&mut self) {
        self.rehearsals.answered();
    }

    /// Waits no longer for a rehearsal that the worker does not answer: what else is wanted may be more urgent.
    pub(crate) fn give_up_late_rehearsal(&mut self, now: Instant) {
        self.rehearsals.give_up_late_one(now);
    }

    /// The system has nothing left to hand texts over with.
    fn give_up(&mut self, error: &io::Error) -> Option<Vec<Parcel>> {
        let generation = self.generation;
        error!(generation, %error, "cannot hand the texts of a reload over");
        self.source.settle(&[]);
        self.outcome = Some(format!("reload {generation} failed: {error}").into());
        None
    }

    /// The worker has answered: keeps what it has taken, and says whether that was the answer that is awaited.
    pub(crate) fn finish(&mut self, answer: &Answer, ground: &mut Ground<'_>, now: Instant) -> bool {
        let Some(under_way) = self.under_way.take_if(|under_way| under_way.generation == answer.generation) else {
            warn!(generation = answer.generation, "the worker answers a reload that nobody asked for");
            return false;
        };
        let took = under_way.took(now);
        under_way.keep(&answer.taken, ground);
        self.source.settle(&answer.taken);
        let in_force = ground.plan.documents.iter().map(|document| document.generation).max().unwrap_or_default();
        self.conclude(answer.generation, in_force, &answer.remark, took);
        true
    }

    /// The worker has died; its successor is given what was in force.
    pub(crate) fn abandon(&mut self, documents: &[Document]) -> bool {
        self.rehearsals.abandon();
        let Some(UnderWay { generation, again, .. }) = self.under_way.take() else { return false };
        if let Some(again) = again {
            self.want(again);
        }
        error!(generation, "the worker died while it reloaded; the next one serves by what was in force before");
        self.source.settle(&[]);
        let in_force = documents.iter().map(|document| document.generation).max().unwrap_or_default();
        self.outcome = Some(format!("generation {in_force}, reload {generation} failed: the worker died").into());
        true
    }

    /// Says once whether a reload takes longer than anybody should wait for.
    pub(crate) fn is_late(&mut self, now: Instant) -> bool {
        let Some(under_way) = &mut self.under_way else { return false };
        let is_late = under_way.is_newly_late(now);
        if is_late {
            let generation = under_way.generation;
            error!(generation, after = ?PATIENCE, "the worker has not finished a reload; it goes on as before");
            self.outcome = Some(format!("reload {generation} has not finished").into());
        }
        is_late
    }

    /// What became of the last one, for whoever looks at the service.
    pub(crate) fn outcome(&self) -> Option<Rc<str>> {
        self.outcome.clone()
    }

    fn conclude(&mut self, generation: u64, in_force: u64, remark: &str, took: Duration) {
        let took = took.as_millis();
        let outcome = if remark.is_empty() {
            format!("generation {in_force}, reload {generation} took {took} ms")
        } else {
            format!("generation {in_force}, reload {generation} took {took} ms: {remark}")
        };
        self.outcome = Some(outcome.into());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::PathBuf;

    use super::rehearsals::PACE;
    use super::*;
    use crate::outcome::BindError;
    use crate::plan::Terms;

    /// One file.
    struct Shelf(Rc<RefCell<&'static str>>);

    impl Source for Shelf {
        fn read(&mut self, _: Extent, _: &mut dyn FnMut(&Terms) -> Result<(), BindError>) -> Vec<Text> {
            vec![Text { kind: DocumentKind::Users, content: Ok(self.0.borrow().as_bytes().to_vec()) }]
        }

        fn replace(&mut self, _: DocumentKind, _: &[u8; 32], _: &str) -> Result<(), String> {
            Err("nobody writes here".to_owned())
        }

        fn settle(&mut self, _: &[DocumentKind]) {}

        fn files(&self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    const IN_FORCE: &str = "what is in force";

    /// Gives the file and the reloads of a service that works by it.
    fn scene(test: impl FnOnce(&RefCell<&'static str>, &mut Reloads<'_>, &mut Plan)) {
        let file = Rc::new(RefCell::new(IN_FORCE));
        let (mut source, mut plan) = (Shelf(Rc::clone(&file)), Plan::for_tests());
        plan.documents = vec![Document { kind: DocumentKind::Users, generation: 1, text: IN_FORCE.into() }];
        let documents = plan.documents.clone();
        test(&file, &mut Reloads::new(&mut source, &documents, Instant::now()), &mut plan);
    }

    /// Whether there is anything to hand over; a rehearsal is answered at once.
    fn is_begun(reloads: &mut Reloads<'_>, order: Order, plan: &mut Plan) -> bool {
        let ground = Ground { plan, listeners: &mut Listeners::default() };
        let begun = reloads.begin(order, &ground, Instant::now());
        if begun.as_ref().is_some_and(|begun| begun.purpose == Purpose::Rehearsal) {
            reloads.rehearsed();
        }
        begun.is_some()
    }

    fn changed() -> Order {
        Order::of_nobody(Trigger::File)
    }

    #[test]
    fn a_file_that_is_put_back_is_judged_again_whoever_had_it_rehearsed() {
        let by_operator = || Order::of_operator(Extent::Everything, Ticket::NOBODY).rehearsed();
        for rehearsal in [by_operator(), Order::of_nobody(Trigger::Signal).rehearsed(), changed().rehearsed()] {
            scene(|file, reloads, plan| {
                *file.borrow_mut() = "something else";
                assert!(is_begun(reloads, rehearsal, plan));
                assert!(!is_begun(reloads, changed().rehearsed(), plan), "that is known");
                *file.borrow_mut() = IN_FORCE;
                assert!(is_begun(reloads, changed().rehearsed(), plan), "it is as it was");
                assert!(!is_begun(reloads, changed().rehearsed(), plan));
            });
        }
        for is_put_back in [false, true] {
            scene(|file, reloads, plan| {
                *file.borrow_mut() = "something else";
                assert!(is_begun(reloads, by_operator(), plan));
                if is_put_back {
                    *file.borrow_mut() = IN_FORCE;
                }
                assert!(is_begun(reloads, changed(), plan), "a rehearsal is no reload");
            });
        }
    }

    #[test]
    fn an_order_that_a_worker_died_under_comes_once_more_and_no_file_is_rehearsed_for_ever() {
        scene(|_, reloads, plan| {
            let now = Instant::now();
            let rehearsal = Order::of_nobody(Trigger::Signal).rehearsed();
            let mut begin = |reloads: &mut Reloads<'_>| {
                let order = reloads.due(false, now);
                let ground = Ground { plan, listeners: &mut Listeners::default() };
                if let Some(order) = order.clone() {
                    assert!(reloads.begin(order, &ground, now).is_some());
                }
                order
            };
            let dies = |reloads: &mut Reloads<'_>| {
                reloads.forget_tickets();
                reloads.abandon(&[]);
            };
            let order = Order::of_operator(Extent::Rules, Ticket(7));
            reloads.want(order.clone());
            assert_eq!(begin(reloads), Some(order.clone()));
            dies(reloads);
            assert_eq!(begin(reloads), Some(rehearsal.clone()));
            reloads.rehearsed();
            let second = Order { ticket: Ticket::NOBODY, is_second: true, ..order };
            assert_eq!(begin(reloads), Some(second));
            dies(reloads);
            for _ in 0..2 {
                assert_eq!(begin(reloads), Some(rehearsal.clone()), "and the order does not come a third time");
                dies(reloads);
            }
            assert_eq!(begin(reloads), None);
        });
    }

    #[test]
    fn operators_rehearsals_are_paced_and_nothing_waits_for_them() {
        scene(|_, reloads, plan| {
            let ground = Ground { plan, listeners: &mut Listeners::default() };
            let by_operator = |number| Order::of_operator(Extent::Everything, Ticket(number)).rehearsed();
            let begin = Instant::now();
            reloads.want(by_operator(1));
            let first = reloads.due(false, begin).expect("nothing is under way");
            assert!(reloads.begin(first, &ground, begin).is_some());
            reloads.rehearsed();
            let reload = Order::of_operator(Extent::Rules, Ticket(4));
            for order in [by_operator(2), by_operator(3), reload.clone()] {
                reloads.want(order);
            }
            assert_eq!(reloads.due(false, begin), Some(reload));
            assert_eq!(reloads.due(false, begin), None);
            assert_eq!(reloads.due(false, begin + PACE), Some(by_operator(3)), "both are answered by one");
        });
    }

    #[test]
    fn a_rehearsal_that_is_not_answered_holds_nothing_up_for_long() {
        scene(|_, reloads, plan| {
            let ground = Ground { plan, listeners: &mut Listeners::default() };
            let begin = Instant::now();
            let rehearsal = || Order::of_nobody(Trigger::Signal).rehearsed();
            assert!(reloads.begin(rehearsal(), &ground, begin).is_some());
            reloads.want(Order::of_nobody(Trigger::Signal));
            let before = begin + PATIENCE.saturating_sub(Duration::from_millis(1));
            reloads.give_up_late_rehearsal(before);
            assert_eq!(reloads.due(false, before), None);
            reloads.give_up_late_rehearsal(begin + PATIENCE);
            assert_eq!(reloads.due(false, begin + PATIENCE), Some(Order::of_nobody(Trigger::Signal)));
            // The answer that comes after all is not taken for that of the next one.
            assert!(reloads.begin(rehearsal(), &ground, begin + PATIENCE).is_some());
            reloads.rehearsed();
            assert!(reloads.is_under_way());
            reloads.rehearsed();
            assert!(!reloads.is_under_way());
        });
    }
}
