//! The PAM helpers: starts them, sends the worker a line to each, and replaces those that end.
//!
//! A helper ends when the worker hangs up, so each worker has helpers of its own.
//! Knows nothing of what travels on the lines.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tracing::{debug, error, info, warn};
use wire::ToWorker;

use crate::channel::Channel;
use crate::deaths::{Deaths, LONGEST_PAUSE, Next};
use crate::handover::Parcel;
use crate::launch::{Launcher, Profile};
use crate::notify;
use crate::plan::PamHelpers;
use crate::process::Process;

/// What `ps` shows instead of the program's path.
const TITLE: &str = "rustsocks: pam";

/// How long a helper whose worker is gone may go on, for a module may be in the middle of writing a file.
const GRACE: Duration = Duration::from_secs(3);

/// How long the end of the service waits for them.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// All helpers of this service, and those of former workers that have not ended yet.
#[derive(Debug, Default)]
pub(crate) struct Helpers {
    plan: Option<(PamHelpers, Launcher)>,
    posts: Vec<Post>,
    leaving: Vec<Leaving>,
    /// How many have been started so far.
    number: u32,
}

/// The place of one helper.
#[derive(Debug)]
struct Post {
    holder: Holder,
    deaths: Deaths,
}

#[derive(Debug)]
enum Holder {
    Helper(Helper),
    Nobody { until: Instant },
}

/// A process that runs, or whose end has not been noticed yet.
#[derive(Debug)]
struct Helper {
    number: u32,
    process: Process,
    born: Instant,
    is_condemned: bool,
}

/// What came of filling the posts.
#[derive(Debug, Default)]
pub(crate) struct Recruits {
    /// For the worker: the line to each new helper.
    pub(crate) lines: Vec<Parcel>,
    /// Why somebody could not be started; the post is tried again later.
    pub(crate) failure: Option<io::Error>,
}

#[derive(Debug)]
struct Leaving {
    helper: Helper,
    kill_at: Instant,
}

impl Helpers {
    pub(crate) fn new(plan: Option<PamHelpers>, launcher: Launcher, now: Instant) -> Self {
        let count = plan.as_ref().map_or(0, |plan| plan.count.get().into());
        let vacant = || Post { holder: Holder::Nobody { until: now }, deaths: Deaths::default() };
        let plan = plan.map(|plan| (plan, launcher));
        Self { plan, posts: std::iter::repeat_with(vacant).take(count).collect(), leaving: Vec::new(), number: 0 }
    }

    /// Takes in one of a worker that was started by the program whose place this one has taken.
    pub(crate) fn adopt(&mut self, number: u32, process: Process, now: Instant) {
        let helper = Helper { number, process, born: now, is_condemned: false };
        let post = Post { holder: Holder::Helper(helper), deaths: Deaths::default() };
        match self.posts.iter_mut().find(|post| post.is_vacant(now)) {
            Some(vacant) => *vacant = post,
            None => self.posts.push(post),
        }
        self.number = self.number.max(number);
    }

    /// How they are started, if there are any.
    pub(crate) fn plan(&self) -> Option<&PamHelpers> {
        self.plan.as_ref().map(|(plan, _)| plan)
    }

    /// The number and the process of each that is at its post.
    pub(crate) fn present(&self) -> impl Iterator<Item = (u32, u32)> {
        self.posts.iter().filter_map(|post| match &post.holder {
            Holder::Helper(helper) => Some((helper.number, helper.process.pid())),
            Holder::Nobody { .. } => None,
        })
    }

    /// Nobody comes in the place of one that ends.
    pub(crate) fn close(&mut self) {
        self.plan = None;
    }

    /// Whether all have ended.
    pub(crate) fn are_gone(&self) -> bool {
        self.leaving.is_empty() && self.present().next().is_none()
    }

    /// Starts a helper for each post that is vacant and whose pause is over; the worker has to get their lines.
    pub(crate) fn fill(&mut self, now: Instant) -> Recruits {
        let mut recruits = Recruits::default();
        let Some((plan, launcher)) = &self.plan else { return recruits };
        for post in self.posts.iter_mut().filter(|post| post.is_vacant(now)) {
            self.number += 1;
            match Helper::start(plan, launcher, self.number, now) {
                Ok((helper, line)) => {
                    debug!(helper = helper.number, pid = helper.process.pid(), "PAM helper started");
                    recruits.lines.push(parcel(helper.number, line));
                    post.holder = Holder::Helper(helper);
                }
                Err(error) => {
                    error!(%error, program = %plan.program.display(), "cannot start a PAM helper");
                    post.vacate(Duration::ZERO, now);
                    recruits.failure = Some(error);
                }
            }
        }
        recruits
    }

    /// The worker is gone: its helpers hear that from the ends of their lines.
    pub(crate) fn dismiss(&mut self, now: Instant) {
        for post in &mut self.posts {
            match std::mem::replace(&mut post.holder, Holder::Nobody { until: now }) {
                Holder::Helper(helper) => self.leaving.push(Leaving { helper, kill_at: now + GRACE }),
                pause @ Holder::Nobody { .. } => post.holder = pause,
            }
        }
    }

    /// The worker waits in vain for this one.
    pub(crate) fn kill(&mut self, number: u32) {
        let stuck = self.posts.iter_mut().filter_map(Post::helper).find(|helper| helper.number == number);
        if let Some(helper) = stuck {
            error!(helper = number, pid = helper.process.pid(), "a PAM helper is stuck and is killed");
            helper.is_condemned = true;
            helper.kill();
        }
    }

    /// Whether every post has a helper of whom nothing bad was heard.
    pub(crate) fn is_complete(&self) -> bool {
        self.posts.iter().all(|post| matches!(&post.holder, Holder::Helper(helper) if !helper.is_condemned))
    }

    /// Looks who has ended, and kills who has not although it is time; returns how the first one ended that did not end well.
    pub(crate) fn reap(&mut self, now: Instant) -> Option<ExitStatus> {
        self.leaving.retain_mut(|leaving| !leaving.is_over(now));
        let mut worst = None;
        for post in &mut self.posts {
            let Some(status) = post.helper().and_then(Helper::end) else { continue };
            worst = worst.or(post.mourn(status, now));
        }
        worst
    }

    /// When to look again, apart from signals.
    pub(crate) fn due(&self) -> Option<Instant> {
        let vacant = self.posts.iter().filter_map(|post| match post.holder {
            Holder::Nobody { until } => Some(until),
            Holder::Helper(_) => None,
        });
        vacant.chain(self.leaving.iter().map(|leaving| leaving.kill_at)).min()
    }
}

impl Drop for Helpers {
    /// No helper outlives its monitor. The worker is gone by now, so that all but those that are busy are on their way out.
    fn drop(&mut self) {
        self.dismiss(Instant::now());
        let kill_at = Instant::now() + LAST_BREATH;
        self.leaving.iter_mut().for_each(|leaving| leaving.kill_at = kill_at);
        while !self.leaving.is_empty() {
            let now = Instant::now();
            self.leaving.retain_mut(|leaving| !leaving.is_over(now));
            sleep(Duration::from_millis(2));
        }
    }
}

impl Post {
    fn helper(&mut self) -> Option<&mut Helper> {
        match &mut self.holder {
            Holder::Helper(helper) => Some(helper),
            Holder::Nobody { .. } => None,
        }
    }

    fn is_vacant(&self, now: Instant) -> bool {
        matches!(self.holder, Holder::Nobody { until } if now >= until)
    }

    /// Its helper has ended; one that has done its work leaves the post to the next one at once.
    fn mourn(&mut self, status: ExitStatus, now: Instant) -> Option<ExitStatus> {
        let helper = self.helper()?;
        let (number, lived) = (helper.number, now.saturating_duration_since(helper.born));
        if status.success() {
            debug!(helper = number, ?lived, "a PAM helper has done its work");
            self.holder = Holder::Nobody { until: now };
            return None;
        }
        warn!(helper = number, %status, ?lived, "a PAM helper died");
        self.vacate(lived, now);
        Some(status)
    }

    fn vacate(&mut self, lived: Duration, now: Instant) {
        let pause = match self.deaths.count(lived, now) {
            Next::RestartAfter(pause) => pause,
            // A service whose PAM is broken goes on without: sessions run, and other methods may work.
            Next::GiveUp => LONGEST_PAUSE,
        };
        if !pause.is_zero() {
            info!(?pause, "the next PAM helper has to wait");
        }
        self.holder = Holder::Nobody { until: now + pause };
    }
}

impl Helper {
    /// Starts one, and returns the worker's end of the line to it.
    fn start(plan: &PamHelpers, launcher: &Launcher, number: u32, now: Instant) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = Channel::pair()?;
        let mut command = launcher.command(&Profile::PamHelper, &plan.program, TITLE);
        // A process group of its own keeps a terminal's Ctrl-C from it.
        command.args(&plan.args).stdin(Stdio::from(theirs.into_descriptor())).process_group(0);
        for variable in notify::OURS {
            command.env_remove(variable);
        }
        let process = Process::spawn(&mut command)?;
        Ok((Self { number, process, born: now, is_condemned: false }, ours.into_descriptor()))
    }

    fn kill(&mut self) {
        if let Err(error) = self.process.signal(Signal::SIGKILL) {
            debug!(helper = self.number, %error, "the helper was not killed");
        }
    }

    /// How it ended, once it has; a child that cannot be waited for is nobody's child any more, and is left alone.
    fn end(&mut self) -> Option<ExitStatus> {
        let ended = self.process.end();
        ended.inspect_err(|error| debug!(helper = self.number, %error, "cannot wait for a helper")).ok().flatten()
    }
}

impl Leaving {
    fn is_over(&mut self, now: Instant) -> bool {
        if now >= self.kill_at {
            self.helper.kill();
        }
        self.helper.end().is_some()
    }
}

fn parcel(number: u32, line: OwnedFd) -> Parcel {
    Parcel { frame: ToWorker::PamHelper { number }, descriptor: Some(Rc::new(line)) }
}
