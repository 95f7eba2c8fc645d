//! The reloads of this worker: what came of the last ones, and who waits for what comes of his own.
//!
//! Knows nothing of texts and files, nor how an order reaches the monitor.

pub(crate) mod drift;
pub(crate) mod report;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wire::{DocumentKind, Extent, Ticket};

use self::drift::{Drift, Drifts};
use self::report::{Rehearsal, Report};

/// Reports that are kept.
const KEPT: usize = 32;

/// Rehearsals that are kept, for those who wait for them.
const REHEARSALS: usize = 4;

/// The same of looks at files.
const LOOKS: usize = 8;

/// Whoever leads the reloads, as far as orders go.
pub(crate) trait Monitor: fmt::Debug + Send + Sync {
    /// Passes an order on; says whether that was possible. Never waits.
    fn want_reload(&self, ticket: Ticket, extent: Extent) -> bool;

    /// Passes on that somebody wants to know what a reload would do; says whether that was possible. Never waits.
    fn want_rehearsal(&self, ticket: Ticket, extent: Extent) -> bool;

    /// Passes on another text for a file, if that says what it said when `former` was made of it.
    fn replace(&self, ticket: Ticket, kind: DocumentKind, former: [u8; 32], text: &str) -> bool;

    /// Passes on another text to work by in the place of a file, which stays as it is.
    fn work_by(&self, ticket: Ticket, kind: DocumentKind, text: &str) -> bool;

    /// Passes on that somebody wants to know whether a file could be written; says whether that was possible. Never waits.
    fn want_writable(&self, ticket: Ticket, kind: DocumentKind) -> bool;
}

#[derive(Debug)]
pub(crate) struct Reloads {
    monitor: Box<dyn Monitor>,
    book: Mutex<Book>,
    noted: Condvar,
}

#[derive(Debug)]
struct Book {
    /// Orders so far.
    orders: u64,
    is_closed: bool,
    /// The latest last.
    reports: VecDeque<Arc<Report>>,
    /// The latest last.
    rehearsals: VecDeque<Arc<Rehearsal>>,
    /// The last order to replace a text.
    replacement: Ticket,
    /// What it replaces is not what the file says, which stays.
    is_beside_file: bool,
    /// Looks at files, for those who wanted to know; the latest last.
    looks: VecDeque<Arc<(Ticket, Look)>>,
    drifts: Drifts,
}

/// What the monitor sees of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Of what it says, as texts are told from each other; nothing if it cannot be read.
    pub(crate) says: Option<[u8; 32]>,
    /// Why it cannot be written, if it cannot.
    pub(crate) why_not: Option<String>,
}

/// Why nobody can say what came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The monitor does not hear us.
    NotPassedOn,
    /// It may yet be done, by another worker if this one ends.
    NotInTime,
}

impl Reloads {
    pub(crate) fn new(monitor: impl Monitor + 'static) -> Self {
        let book = Book {
            orders: 0,
            is_closed: false,
            reports: VecDeque::new(),
            rehearsals: VecDeque::new(),
            replacement: Ticket::NOBODY,
            is_beside_file: false,
            looks: VecDeque::new(),
            drifts: Drifts::default(),
        };
        Self { monitor: Box::new(monitor), book: Mutex::new(book), noted: Condvar::new() }
    }

    /// Orders a reload and waits until it is over, but not longer than `patience`.
    ///
    /// # Errors
    /// The monitor does not hear us, or the time is over and the reload is not.
    pub(crate) fn order(&self, extent: Extent, patience: Duration) -> Result<Arc<Report>, Unanswered> {
        let pass = |monitor: &dyn Monitor, _: &mut Book, ticket| monitor.want_reload(ticket, extent);
        self.pass_on(patience, pass, |book, ticket| book.answer_to(ticket, extent))
    }

    /// Asks what a reload would do, and waits for the answer, but not longer than `patience`.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub(crate) fn rehearse(&self, extent: Extent, patience: Duration) -> Result<Arc<Rehearsal>, Unanswered> {
        let pass = |monitor: &dyn Monitor, _: &mut Book, ticket| monitor.want_rehearsal(ticket, extent);
        self.pass_on(patience, pass, |book, ticket| book.rehearsed_for(ticket, extent))
    }

    /// Puts another text in the place of a file and waits for the reload of it.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub(crate) fn replace(
        &self,
        kind: DocumentKind,
        former: [u8; 32],
        text: &str,
        patience: Duration,
    ) -> Result<Arc<Report>, Unanswered> {
        let pass = |monitor: &dyn Monitor, book: &mut Book, ticket| {
            (book.replacement, book.is_beside_file) = (ticket, false);
            monitor.replace(ticket, kind, former, text)
        };
        self.pass_on(patience, pass, |book, ticket| book.answer_to(ticket, Extent::of(kind)))
    }

    /// Puts another text in force in the place of what a file says until files are read again, and waits for the reload of it.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub(crate) fn work_by(
        &self,
        kind: DocumentKind,
        text: &str,
        patience: Duration,
    ) -> Result<Arc<Report>, Unanswered> {
        let pass = |monitor: &dyn Monitor, book: &mut Book, ticket| {
            (book.replacement, book.is_beside_file) = (ticket, true);
            monitor.work_by(ticket, kind, text)
        };
        self.pass_on(patience, pass, |book, ticket| book.answer_to(ticket, Extent::of(kind)))
    }

    /// Has the monitor look at a file, and waits for the answer, but not longer than `patience`.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub(crate) fn look_at(&self, kind: DocumentKind, patience: Duration) -> Result<Look, Unanswered> {
        let pass = |monitor: &dyn Monitor, _: &mut Book, ticket| monitor.want_writable(ticket, kind);
        let looked = self.pass_on(patience, pass, |book, ticket| book.looks.iter().find(|look| look.0 == ticket))?;
        Ok(looked.1.clone())
    }

    fn pass_on<T>(
        &self,
        patience: Duration,
        pass: impl FnOnce(&dyn Monitor, &mut Book, Ticket) -> bool,
        answer: impl Fn(&Book, Ticket) -> Option<&Arc<T>>,
    ) -> Result<Arc<T>, Unanswered> {
        let mut book = self.book();
        book.orders += 1;
        let ticket = Ticket(book.orders);
        // Under the lock, so that tickets arrive in their order.
        if !pass(&*self.monitor, &mut book, ticket) {
            return Err(Unanswered::NotPassedOn);
        }
        let is_awaited = |book: &mut Book| !book.is_closed && answer(book, ticket).is_none();
        let waited = self.noted.wait_timeout_while(book, patience, is_awaited);
        let (book, _) = waited.unwrap_or_else(PoisonError::into_inner);
        answer(&book, ticket).cloned().ok_or(Unanswered::NotInTime)
    }

    /// Sends everybody away who waits now or will: this worker reloads no more for anybody.
    pub(crate) fn close(&self) {
        self.book().is_closed = true;
        self.noted.notify_all();
    }

    /// A reload is over, for which these texts of operators were delivered.
    pub(crate) fn note(&self, report: Report, texts: &[(DocumentKind, Arc<str>)]) {
        let mut book = self.book();
        // A text that could not take the place of another, or took it beside the file, says nothing of what the file says.
        let is_of_file = report.ticket != book.replacement || (report.is_good() && !book.is_beside_file);
        if is_of_file {
            book.drifts.note(&report.reading(texts));
        } else if !self.monitor.want_rehearsal(Ticket::NOBODY, report.extent) {
            tracing::warn!("nobody can be asked what the files say");
        }
        book.reports.push_back(Arc::new(report));
        if book.reports.len() > KEPT {
            book.reports.pop_front();
        }
        self.noted.notify_all();
    }

    /// The same of a rehearsal.
    pub(crate) fn note_rehearsal(&self, rehearsal: Rehearsal, texts: &[(DocumentKind, Arc<str>)]) {
        let mut book = self.book();
        book.drifts.note(&rehearsal.reading(texts));
        book.rehearsals.push_back(Arc::new(rehearsal));
        if book.rehearsals.len() > REHEARSALS {
            book.rehearsals.pop_front();
        }
        self.noted.notify_all();
    }

    /// The monitor has looked at a file for the one with this ticket.
    pub(crate) fn note_look(&self, ticket: Ticket, look: Look) {
        let mut book = self.book();
        book.looks.push_back(Arc::new((ticket, look)));
        if book.looks.len() > LOOKS {
            book.looks.pop_front();
        }
        self.noted.notify_all();
    }

    /// The first reload behind this one, as far as reports are kept; waits for it, and returns nothing once there are no more.
    pub(crate) fn next_behind(&self, generation: u64) -> Option<Arc<Report>> {
        let next = |book: &Book| book.reports.iter().find(|report| report.generation > generation).cloned();
        let is_awaited = |book: &mut Book| !book.is_closed && next(book).is_none();
        let waited = self.noted.wait_while(self.book(), is_awaited);
        next(&waited.unwrap_or_else(PoisonError::into_inner))
    }

    /// What the files say that is not in force.
    pub(crate) fn drifts(&self) -> Vec<(DocumentKind, Arc<Drift>)> {
        self.book().drifts.all()
    }

    /// The same of one of them.
    pub(crate) fn drift(&self, kind: DocumentKind) -> Option<Arc<Drift>> {
        self.book().drifts.of(kind)
    }

    /// The latest first, so many at most.
    pub(crate) fn latest(&self, most: usize) -> Vec<Arc<Report>> {
        self.book().reports.iter().rev().take(most).cloned().collect()
    }

    /// The last one; nothing if there was none since this worker started.
    pub(crate) fn last(&self) -> Option<Arc<Report>> {
        self.book().reports.back().cloned()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// The first one that began after this order was heard.
    fn answer_to(&self, ticket: Ticket, extent: Extent) -> Option<&Arc<Report>> {
        self.reports.iter().find(|report| report.extent == extent && report.ticket >= ticket)
    }

    /// The same of those of which nothing came.
    fn rehearsed_for(&self, ticket: Ticket, extent: Extent) -> Option<&Arc<Rehearsal>> {
        self.rehearsals.iter().find(|rehearsal| rehearsal.extent == extent && rehearsal.ticket >= ticket)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use super::*;

    /// Longer than any test takes.
    const LONG: Duration = Duration::from_mins(1);

    #[derive(Debug)]
    struct Line(Mutex<Sender<(Ticket, Extent)>>);

    impl Monitor for Line {
        fn want_reload(&self, ticket: Ticket, extent: Extent) -> bool {
            self.0.lock().unwrap().send((ticket, extent)).is_ok()
        }

        fn want_rehearsal(&self, ticket: Ticket, extent: Extent) -> bool {
            self.want_reload(ticket, extent)
        }

        fn replace(&self, ticket: Ticket, kind: DocumentKind, _former: [u8; 32], _text: &str) -> bool {
            self.want_reload(ticket, Extent::of(kind))
        }

        fn work_by(&self, ticket: Ticket, kind: DocumentKind, _text: &str) -> bool {
            self.want_reload(ticket, Extent::of(kind))
        }

        fn want_writable(&self, ticket: Ticket, kind: DocumentKind) -> bool {
            self.want_reload(ticket, Extent::of(kind))
        }
    }

    fn report(generation: u64, ticket: u64, extent: Extent) -> Report {
        Report { generation, ticket: Ticket(ticket), extent, ..Report::for_tests(Vec::new()) }
    }

    #[test]
    fn each_hears_of_the_first_reload_that_began_after_his_order() {
        let (line, orders) = channel();
        let reloads = &Reloads::new(Line(Mutex::new(line)));
        thread::scope(|scope| {
            let [first, second, third] = [Extent::Everything, Extent::Rules, Extent::Everything].map(|extent| {
                let waiting = scope.spawn(move || reloads.order(extent, LONG).map(|report| report.generation));
                assert_eq!(orders.recv_timeout(LONG).unwrap().1, extent);
                waiting
            });
            reloads.note(report(2, 0, Extent::Everything), &[]);
            reloads.note(report(3, 1, Extent::Everything), &[]);
            assert_eq!(first.join().unwrap(), Ok(3));
            reloads.note(report(4, 3, Extent::Everything), &[]);
            assert_eq!(third.join().unwrap(), Ok(4));
            reloads.note(report(5, 2, Extent::Rules), &[]);
            assert_eq!(second.join().unwrap(), Ok(5));
        });
        assert_eq!(reloads.last().map(|report| report.generation), Some(5));
    }

    #[test]
    fn nobody_waits_for_ever_or_for_a_monitor_that_is_gone() {
        let (line, orders) = channel();
        let reloads = Reloads::new(Line(Mutex::new(line)));
        assert_eq!(reloads.order(Extent::Rules, Duration::ZERO).unwrap_err(), Unanswered::NotInTime);
        reloads.close();
        assert_eq!(reloads.order(Extent::Rules, LONG).unwrap_err(), Unanswered::NotInTime);
        drop(orders);
        assert_eq!(reloads.order(Extent::Rules, LONG).unwrap_err(), Unanswered::NotPassedOn);
        assert!(reloads.last().is_none());
    }

    #[test]
    fn each_hears_of_his_own_file_whether_it_can_be_written() {
        let (line, orders) = channel();
        let reloads = &Reloads::new(Line(Mutex::new(line)));
        thread::scope(|scope| {
            let asked = [DocumentKind::Rules, DocumentKind::Users].map(|kind| {
                let waiting = scope.spawn(move || reloads.look_at(kind, LONG));
                (orders.recv_timeout(LONG).unwrap().0, waiting)
            });
            let [(first, rules), (second, users)] = asked;
            let of_rules = Look { says: Some([1; 32]), why_not: Some("it is read-only".to_owned()) };
            let of_users = Look { says: None, why_not: None };
            reloads.note_look(second, of_users.clone());
            reloads.note_look(first, of_rules.clone());
            assert_eq!((rules.join().unwrap(), users.join().unwrap()), (Ok(of_rules), Ok(of_users)));
        });
    }

    #[test]
    fn of_a_text_beside_its_file_nothing_is_learned_about_the_file() {
        let (line, orders) = channel();
        let reloads = &Reloads::new(Line(Mutex::new(line)));
        thread::scope(|scope| {
            let waiting =
                scope.spawn(|| reloads.work_by(DocumentKind::Rules, "", LONG).map(|report| report.generation));
            let (ticket, extent) = orders.recv_timeout(LONG).unwrap();
            reloads.note(report(2, ticket.0, extent), &[]);
            assert_eq!(waiting.join().unwrap(), Ok(2));
        });
        assert_eq!(orders.recv_timeout(LONG).unwrap(), (Ticket::NOBODY, Extent::Rules), "the file is looked at");
    }

    #[test]
    fn old_reports_are_forgotten() {
        let (line, _orders) = channel();
        let reloads = Reloads::new(Line(Mutex::new(line)));
        (0..100).for_each(|generation| reloads.note(report(generation, 0, Extent::Everything), &[]));
        assert_eq!(reloads.book().reports.len(), KEPT);
        assert_eq!(reloads.last().map(|report| report.generation), Some(99));
    }
}
