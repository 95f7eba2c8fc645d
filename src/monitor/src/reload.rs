//! Reloads: reads the operator's texts anew, hands what has changed to the worker, and keeps what the worker has taken.
//!
//! One at a time: whatever asks for another one of the same extent meanwhile is remembered once. A text that the worker does not take is not kept, so that
//! the next worker is never given something that was refused.
//! A rehearsal is a reload of which nothing comes: the worker judges what the files say, and works on as before.
//! Knows no process and no service manager, and not what the texts say.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tracing::{error, warn};
use wire::{DocumentKind, Extent, Ticket, ToWorker, Trigger};

use crate::handover::{self, Parcel};
use crate::listen::{Claim, Listeners};
use crate::plan::{Document, Plan, Terms};
use crate::sealed;
use crate::source::{Source, Text};
use crate::watch::Watch;

/// How long the service manager is told that a reload is under way, if the worker does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest text that a worker may hand over; rules by the hundred thousand fit.
const MOST_TEXT: u64 = 64 * 1024 * 1024;

/// The reloads of one service.
pub(crate) struct Reloads<'a> {
    source: &'a mut dyn Source,
    watch: Watch,
    /// What somebody asked for, at most one of each extent.
    wanted: Vec<Order>,
    under_way: Option<UnderWay>,
    /// The worker has not answered a rehearsal yet.
    is_rehearsing: bool,
    /// The number of the last one; 1 is the start.
    generation: u64,
    /// What was read the last time, taken or not.
    read: Fingerprints,
    /// What became of the last one.
    outcome: Option<Rc<str>>,
}

/// A reload that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    purpose: Purpose,
    trigger: Trigger,
    extent: Extent,
    ticket: Ticket,
    /// Which text could not be replaced and why: then there is nothing to read, and this answers the order.
    refusal: Option<(DocumentKind, String)>,
}

/// What the worker is to do with what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Work by it, as far as it is right.
    Reload,
    /// Say what it would do.
    Rehearsal,
}

/// What the worker is to be given.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) purpose: Purpose,
    pub(crate) parcels: Vec<Parcel>,
}

/// A number for what each text said, or for why it could not be had.
type Fingerprints = HashMap<DocumentKind, u64>;

/// What a reload works on: what the next worker will be given.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a mut Plan,
    pub(crate) listeners: &'a mut Listeners,
}

/// A reload that the worker has not answered yet.
struct UnderWay {
    generation: u64,
    began: Instant,
    /// Those that the worker was given and that are new.
    offered: Vec<Document>,
    /// Every kind that there is, whether or not it has changed.
    kinds: Vec<DocumentKind>,
    claim: Option<(Claim, Terms)>,
    is_late: bool,
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
        let texts = documents.iter().map(|document| (document.kind, Ok::<_, &String>(&document.text)));
        let read = fingerprints(texts);
        let watch = Watch::new(&source.files(), now);
        Self {
            source,
            watch,
            wanted: Vec::new(),
            under_way: None,
            is_rehearsing: false,
            generation: 1,
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
        self.under_way.is_some() || self.is_rehearsing
    }

    /// Remembers an order, together with one of the same extent that waits already.
    pub(crate) fn want(&mut self, order: Order) {
        let kind = |order: &Order| (order.purpose, order.extent, order.refusal.clone());
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
        let text = descriptor.ok_or_else(|| io::Error::other("no text came with it"));
        let text = text.and_then(|descriptor| sealed::read(descriptor, MOST_TEXT)).map_err(|error| error.to_string());
        let refusal = text.and_then(|text| self.source.replace(kind, former, &text)).err();
        let refusal = refusal.map(|reason| (kind, reason));
        self.want(Order { refusal, ..Order::of_operator(Extent::of(kind), ticket) });
    }

    /// Another worker is in the post: what waits is still wanted, but whoever waited for it has gone with the former one.
    pub(crate) fn forget_tickets(&mut self) {
        for order in &mut self.wanted {
            order.ticket = Ticket::NOBODY;
        }
        // It is given what is in force, and knows nothing of what the files say.
        self.want(Order::of_nobody(Trigger::Signal).rehearsed());
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
        (!self.wanted.is_empty()).then(|| self.wanted.remove(0))
    }

    /// Reads what is to be read; returns what the worker is to be given, or nothing if files that changed say what they said before.
    pub(crate) fn begin(&mut self, order: Order, ground: &Ground<'_>, now: Instant) -> Option<Begun> {
        let purpose = order.purpose;
        let parcels = match purpose {
            Purpose::Reload => self.reload(order, ground, now),
            Purpose::Rehearsal => self.rehearse(&order, ground),
        };
        parcels.map(|parcels| Begun { purpose, parcels })
    }

    fn reload(&mut self, order: Order, ground: &Ground<'_>, now: Instant) -> Option<Vec<Parcel>> {
        let Order { purpose: _, trigger, extent, ticket, refusal } = order;
        let mut claim = None;
        let is_refused = refusal.is_some();
        if extent == Extent::Everything && !is_refused {
            self.watch.note_reading(&self.source.files());
        }
        let texts = match refusal {
            Some((kind, reason)) => vec![Text { kind, content: Err(reason) }],
            None => self.source.read(extent, &mut |terms| {
                claim = Some((ground.listeners.claim(terms, ground.plan.threads)?, terms.clone()));
                Ok(())
            }),
        };
        let read = fingerprints(texts.iter().map(|text| (text.kind, text.content.as_ref())));
        if trigger == Trigger::File && read == self.read {
            return None;
        }
        match extent {
            Extent::Everything | Extent::Rules | Extent::Users if is_refused => {}
            Extent::Everything => self.read = read,
            Extent::Rules | Extent::Users => self.read.extend(read),
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
        self.under_way = Some(UnderWay { generation, began: now, offered, kinds, claim, is_late: false });
        Some(parcels)
    }

    /// What is new bears the number of the next reload, which is none yet. No socket is opened for what may never be in force.
    fn rehearse(&mut self, order: &Order, ground: &Ground<'_>) -> Option<Vec<Parcel>> {
        let texts = self.source.read(order.extent, &mut |_| Ok(()));
        self.source.forget();
        if order.trigger == Trigger::File {
            let read = fingerprints(texts.iter().map(|text| (text.kind, text.content.as_ref())));
            if read == self.read {
                return None;
            }
            self.watch.note_reading(&self.source.files());
            self.read = read;
        }
        let offered = offered(texts, &ground.plan.documents, self.generation + 1);
        let parcels = offered.iter().map(Offer::parcel).collect::<io::Result<Vec<_>>>();
        let mut parcels =
            parcels.inspect_err(|error| error!(%error, "cannot hand the texts of a rehearsal over")).ok()?;
        parcels.push(ToWorker::Rehearse { extent: order.extent, ticket: order.ticket }.into());
        self.is_rehearsing = true;
        Some(parcels)
    }

    /// The worker has judged what it was given.
    pub(crate) fn rehearsed(&mut self) {
        if !std::mem::take(&mut self.is_rehearsing) {
            warn!("the worker answers a rehearsal that nobody asked for");
        }
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
        let took = now.saturating_duration_since(under_way.began);
        under_way.keep(&answer.taken, ground);
        self.source.settle(&answer.taken);
        let in_force = ground.plan.documents.iter().map(|document| document.generation).max().unwrap_or_default();
        self.conclude(answer.generation, in_force, &answer.remark, took);
        true
    }

    /// The worker has died; its successor is given what was in force.
    pub(crate) fn abandon(&mut self, documents: &[Document]) -> bool {
        self.is_rehearsing = false;
        let Some(UnderWay { generation, .. }) = self.under_way.take() else { return false };
        error!(generation, "the worker died while it reloaded; the next one serves by what was in force before");
        self.source.settle(&[]);
        let in_force = documents.iter().map(|document| document.generation).max().unwrap_or_default();
        self.outcome = Some(format!("generation {in_force}, reload {generation} failed: the worker died").into());
        true
    }

    /// Says once whether a reload takes longer than anybody should wait for.
    pub(crate) fn is_late(&mut self, now: Instant) -> bool {
        let Some(under_way) = self.under_way.as_mut().filter(|under_way| !under_way.is_late) else { return false };
        under_way.is_late = now.saturating_duration_since(under_way.began) >= PATIENCE;
        if under_way.is_late {
            let generation = under_way.generation;
            error!(generation, after = ?PATIENCE, "the worker has not finished a reload; it goes on as before");
            self.outcome = Some(format!("reload {generation} has not finished").into());
        }
        under_way.is_late
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

impl Order {
    /// One that reads everything, and whose answer no worker waits for.
    pub(crate) fn of_nobody(trigger: Trigger) -> Self {
        let (purpose, extent) = (Purpose::Reload, Extent::Everything);
        Self { purpose, trigger, extent, ticket: Ticket::NOBODY, refusal: None }
    }

    /// One that a worker passes on and waits for.
    pub(crate) fn of_operator(extent: Extent, ticket: Ticket) -> Self {
        Self { purpose: Purpose::Reload, trigger: Trigger::Operator, extent, ticket, refusal: None }
    }

    /// The same, of which nothing is to come.
    pub(crate) fn rehearsed(self) -> Self {
        Self { purpose: Purpose::Rehearsal, ..self }
    }
}

/// What the worker is told of one text.
enum Offer {
    New(Document),
    /// What is in force says the same, and it keeps its generation.
    Same(Document),
    Unavailable {
        kind: DocumentKind,
        reason: String,
    },
}

/// Those that differ from what is in force with all parts of the same thing, and the reasons for those that cannot be had. With
/// another configuration come all, for it may make something else of a text that has not changed.
fn offered(texts: Vec<Text>, in_force: &[Document], generation: u64) -> Vec<Offer> {
    let offer = |Text { kind, content }| match content {
        Err(reason) => Offer::Unavailable { kind, reason },
        Ok(text) => {
            let same = in_force.iter().find(|document| document.kind == kind && document.text == text);
            same.cloned().map_or(Offer::New(Document { kind, generation, text }), Offer::Same)
        }
    };
    let mut offers: Vec<Offer> = texts.into_iter().map(offer).collect();
    if !offers.iter().any(Offer::is_new_configuration) {
        let news: Vec<_> = offers.iter().filter_map(Offer::news).map(DocumentKind::part_of).collect();
        offers.retain(|offer| news.contains(&offer.kind().part_of()));
    }
    offers
}

impl Offer {
    fn parcel(&self) -> io::Result<Parcel> {
        match self {
            Self::New(document) | Self::Same(document) => handover::document(document),
            Self::Unavailable { kind, reason } => handover::unavailable(*kind, reason),
        }
    }

    fn kind(&self) -> DocumentKind {
        match self {
            Self::New(document) | Self::Same(document) => document.kind,
            Self::Unavailable { kind, .. } => *kind,
        }
    }

    /// Its kind, if it is not as it was.
    fn news(&self) -> Option<DocumentKind> {
        (!matches!(self, Self::Same(_))).then(|| self.kind())
    }

    fn is_new_configuration(&self) -> bool {
        matches!(self, Self::New(document) if document.kind == DocumentKind::Configuration)
    }

    fn into_new(self) -> Option<Document> {
        match self {
            Self::New(document) => Some(document),
            Self::Same(_) | Self::Unavailable { .. } => None,
        }
    }
}

impl UnderWay {
    fn keep(self, taken: &[DocumentKind], Ground { plan, listeners }: &mut Ground<'_>) {
        let former = plan.documents.iter().find(|document| document.kind == DocumentKind::Configuration).cloned();
        for document in self.offered.into_iter().filter(|document| taken.contains(&document.kind)) {
            replace(&mut plan.documents, document);
        }
        let Some((claim, terms)) = self.claim.filter(|_| taken.contains(&DocumentKind::Configuration)) else { return };
        remember_first(&mut plan.documents, former);
        // What this configuration does not name any more is nobody's business.
        plan.documents.retain(|document| {
            document.kind == DocumentKind::FirstConfiguration || self.kinds.contains(&document.kind)
        });
        listeners.settle(claim, &terms);
        plan.terms = terms;
    }
}

fn replace(documents: &mut Vec<Document>, document: Document) {
    documents.retain(|other| other.kind != document.kind);
    documents.push(document);
    documents.sort_by_key(|document| DocumentKind::ALL.iter().position(|kind| *kind == document.kind));
}

/// Keeps the configuration of the start as long as another one is in force.
fn remember_first(documents: &mut Vec<Document>, former: Option<Document>) {
    let is_known = documents.iter().any(|document| document.kind == DocumentKind::FirstConfiguration);
    if let (false, Some(former)) = (is_known, former) {
        replace(documents, Document { kind: DocumentKind::FirstConfiguration, ..former });
    }
}

fn fingerprints<'a, E: Hash + 'a>(texts: impl Iterator<Item = (DocumentKind, Result<&'a Vec<u8>, E>)>) -> Fingerprints {
    let fingerprint = |content: Result<&'a Vec<u8>, E>| {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        hasher.finish()
    };
    texts.map(|(kind, content)| (kind, fingerprint(content))).collect()
}
