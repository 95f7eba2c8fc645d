//! What a monitor leaves to the program that takes its place, as frames with descriptors, and how that program takes it over.
//!
//! All of it waits in a socket pair before the one becomes the other: there is nobody at the other end to send more.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::rc::Rc;
use std::time::{Duration, Instant};

use wire::{MAX_SOCKETS, Standing, ToSuccessor};

use crate::channel::{Channel, Received, Wait};
use crate::crew::Crew;
use crate::helpers::Helpers;
use crate::launch::Launcher;
use crate::listen::Listeners;
use crate::outcome::LegacyError;
use crate::plan::{Document, Listener, PamHelpers, Plan};
use crate::process::Process;
use crate::retirees::{Retirees, milliseconds};
use crate::sealed::sealed;
use crate::worker::Worker;

/// What there is to leave.
#[derive(Debug)]
pub(crate) struct Estate<'a> {
    pub(crate) documents: &'a [Document],
    pub(crate) listeners: &'a Listeners,
    pub(crate) post: (&'a Worker, &'a Helpers),
    pub(crate) retirees: &'a Retirees,
    pub(crate) generation: u64,
    pub(crate) restarts: u32,
}

/// What has been left, taken over.
#[derive(Debug)]
pub(crate) struct Legacy {
    pub(crate) documents: Vec<Document>,
    pub(crate) listeners: Listeners,
    pub(crate) post: Crew,
    pub(crate) retirees: Retirees,
    pub(crate) generation: u64,
    pub(crate) restarts: u32,
}

impl Estate<'_> {
    /// Puts everything into the line.
    ///
    /// # Errors
    /// It does not fit, or the system has nothing left; nothing has changed.
    pub(crate) fn leave(&self, line: &Channel, now: Instant) -> io::Result<()> {
        for document in self.documents {
            let Document { kind, generation, text } = document;
            let text = sealed(kind.name(), text)?;
            send(line, &ToSuccessor::Document { kind: *kind, generation: *generation }, &[text.as_fd()])?;
        }
        for (frame, sockets) in self.listeners.left_behind()? {
            send(line, &frame, &[])?;
            leave_sockets(line, &sockets)?;
        }
        let (worker, helpers) = self.post;
        leave_crew(line, worker, helpers, Standing::Serving)?;
        for retiree in self.retirees.present() {
            let left_ms = milliseconds(retiree.until.saturating_duration_since(now));
            leave_crew(line, &retiree.crew.worker, &retiree.crew.helpers, Standing::Retiring { left_ms })?;
        }
        send(line, &ToSuccessor::End { generation: self.generation, restarts: self.restarts }, &[])
    }
}

fn leave_sockets(line: &Channel, sockets: &[Rc<OwnedFd>]) -> io::Result<()> {
    for some in sockets.chunks(MAX_SOCKETS) {
        let descriptors: Vec<BorrowedFd<'_>> = some.iter().map(|socket| socket.as_fd()).collect();
        let count = u16::try_from(some.len()).expect("MAX_SOCKETS fits into 16 bits");
        send(line, &ToSuccessor::Sockets { count }, &descriptors)?;
    }
    Ok(())
}

fn leave_crew(line: &Channel, worker: &Worker, helpers: &Helpers, standing: Standing) -> io::Result<()> {
    let hung_up = || io::Error::other("a worker is about to end");
    let to_worker = worker.line().ok_or_else(hung_up)?;
    let frame = ToSuccessor::Worker { pid: worker.pid(), standing, sessions: worker.sessions };
    send(line, &frame, &[to_worker])?;
    if let Some(plan) = helpers.plan() {
        let words = sealed("helpers", &words(plan))?;
        send(line, &ToSuccessor::PamHelpers { count: plan.count.get() }, &[words.as_fd()])?;
    }
    for (number, pid) in helpers.present() {
        send(line, &ToSuccessor::PamHelper { number, pid }, &[])?;
    }
    Ok(())
}

fn send(line: &Channel, frame: &ToSuccessor, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    debug_assert_eq!(frame.descriptors(), descriptors.len());
    let bytes = frame.encode().map_err(io::Error::other)?;
    match line.send_with(&bytes, descriptors) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::other("there is more to leave than a socket holds"))
        }
        sent => sent,
    }
}

fn words(plan: &PamHelpers) -> Vec<u8> {
    let words = [plan.program.as_os_str()].into_iter().chain(plan.args.iter().map(OsString::as_os_str));
    words.flat_map(|word: &OsStr| [word.as_bytes(), b"\0"].concat()).collect()
}

impl Legacy {
    /// Takes over everything that waits in the line.
    ///
    /// # Errors
    /// [`LegacyError`] if it is not what [`Estate::leave`] of this version has left.
    pub(crate) fn take(line: &Channel, plan: &Plan, now: Instant) -> Result<Self, LegacyError> {
        let mut reader =
            Reader { launcher: &plan.launcher, watchdog: plan.terms.watchdog, now, taken: Taken::default() };
        loop {
            let Received::Datagram { bytes, descriptors } = line.receive(Wait::Never)? else {
                return Err(LegacyError::Broken("its end is missing"));
            };
            let frame = ToSuccessor::decode(&bytes)?;
            if frame.descriptors() != descriptors.len() {
                return Err(LegacyError::Broken("descriptors are missing"));
            }
            if let ToSuccessor::End { generation, restarts } = frame {
                return reader.taken.whole(generation, restarts);
            }
            reader.read(frame, descriptors)?;
        }
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Taken {
    documents: Vec<Document>,
    listeners: Listeners,
    crews: Vec<(Crew, Standing, Instant)>,
}

struct Reader<'a> {
    launcher: &'a Launcher,
    watchdog: Duration,
    now: Instant,
    taken: Taken,
}

impl Reader<'_> {
    fn read(&mut self, frame: ToSuccessor, mut descriptors: Vec<OwnedFd>) -> Result<(), LegacyError> {
        match frame {
            ToSuccessor::Document { kind, generation } => {
                let text = read(one(&mut descriptors)?)?;
                self.taken.documents.push(Document { kind, generation, text });
            }
            ToSuccessor::Tcp { address } => self.taken.listeners.inherit(Listener::Tcp { address }, None),
            ToSuccessor::Unix { path, mode, device, inode } => {
                self.taken
                    .listeners
                    .inherit(Listener::Unix { path: path.into(), mode, group: None }, Some((device, inode)));
            }
            ToSuccessor::Sockets { .. } => {
                let is_expected = self.taken.listeners.inherit_sockets(descriptors);
                is_expected.then_some(()).ok_or(LegacyError::Broken("sockets of no listener"))?;
            }
            ToSuccessor::Worker { pid, standing, sessions } => {
                let crew = self.crew(pid, sessions, one(&mut descriptors)?)?;
                self.taken.crews.push((crew, standing, self.now));
            }
            ToSuccessor::PamHelpers { count } => {
                let plan = helpers_of(count, &read(one(&mut descriptors)?)?)?;
                let helpers = Helpers::new(Some(plan), self.launcher.clone(), self.now);
                self.last_crew()?.helpers = helpers;
            }
            ToSuccessor::PamHelper { number, pid } => {
                let (now, process) = (self.now, Process::adopted(pid)?);
                self.last_crew()?.helpers.adopt(number, process, now);
            }
            ToSuccessor::End { .. } => {}
        }
        Ok(())
    }

    fn crew(&self, pid: u32, sessions: u32, line: OwnedFd) -> Result<Crew, LegacyError> {
        let line = Channel::from_descriptor(line).ok_or(LegacyError::Broken("a worker without a line"))?;
        let worker = Worker::adopted(Process::adopted(pid)?, line, sessions, self.watchdog, self.now);
        Ok(Crew { worker, helpers: Helpers::new(None, self.launcher.clone(), self.now) })
    }

    fn last_crew(&mut self) -> Result<&mut Crew, LegacyError> {
        self.taken.crews.last_mut().map(|(crew, ..)| crew).ok_or(LegacyError::Broken("helpers of no worker"))
    }
}

impl Taken {
    fn whole(self, generation: u64, restarts: u32) -> Result<Legacy, LegacyError> {
        let (mut post, mut retirees) = (None, Retirees::default());
        for (crew, standing, now) in self.crews {
            match standing {
                Standing::Serving => post = Some(crew),
                Standing::Retiring { left_ms } => retirees.adopt(crew, now + Duration::from_millis(left_ms.into())),
            }
        }
        let post = post.ok_or(LegacyError::Broken("no worker serves"))?;
        let Self { documents, listeners, .. } = self;
        if !listeners.are_whole() {
            return Err(LegacyError::Broken("a listener without a socket"));
        }
        Ok(Legacy { documents, listeners, post, retirees, generation, restarts })
    }
}

fn one(descriptors: &mut Vec<OwnedFd>) -> Result<OwnedFd, LegacyError> {
    descriptors.pop().ok_or(LegacyError::Broken("descriptors are missing"))
}

fn read(descriptor: OwnedFd) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::from(descriptor).read_to_end(&mut text)?;
    Ok(text)
}

fn helpers_of(count: u16, words: &[u8]) -> Result<PamHelpers, LegacyError> {
    let mut words =
        words.split_inclusive(|byte| *byte == 0).map(|word| OsString::from_vec(word[..word.len() - 1].into()));
    let program = words.next().ok_or(LegacyError::Broken("helpers without a program"))?;
    let count = count.try_into().map_err(|_| LegacyError::Broken("no helpers"))?;
    Ok(PamHelpers { program: program.into(), args: words.collect(), count })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn helpers_are_started_by_the_same_words() {
        let args = ["--directory", "a b", ""].map(OsString::from).to_vec();
        let plan =
            PamHelpers { program: "/usr/lib/helper".into(), args: args.clone(), count: 3.try_into().expect("some") };
        let taken = helpers_of(3, &words(&plan)).expect("understood");
        assert_eq!((taken.program, taken.args, taken.count.get()), (PathBuf::from("/usr/lib/helper"), args, 3));
    }

    #[test]
    fn what_does_not_end_is_not_taken() {
        let (ours, theirs) = Channel::pair().expect("a pair");
        let plan = Plan::for_tests();
        let take = || Legacy::take(&theirs, &plan, Instant::now()).expect_err("refused").to_string();
        assert!(take().contains("its end is missing"));
        send(&ours, &ToSuccessor::End { generation: 1, restarts: 0 }, &[]).expect("sent");
        assert!(take().contains("no worker serves"));
        send(&ours, &ToSuccessor::PamHelper { number: 1, pid: 1 }, &[]).expect("sent");
        assert!(take().contains("helpers of no worker"));
        ours.send(&ToSuccessor::Sockets { count: 2 }.encode().expect("short"), None).expect("sent");
        assert!(take().contains("descriptors are missing"));
    }
}
