//! How many descriptors there are, and how many sessions they suffice for.

use std::{fs::File, os::fd::RawFd};

use nix::{
    fcntl::{FcntlArg, fcntl},
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::close,
};

use super::pipe;

/// Descriptors of one relay: the client's socket and the target's.
const PER_SESSION: usize = 2;

/// Kept back for logs, name servers, heartbeats, listeners and whatever the libraries open.
const RESERVE: usize = 128;

/// What the descriptor limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// `RLIMIT_NOFILE` after its soft limit has been raised to the hard one.
    pub(crate) limit: usize,
    /// Sessions that fit, `wanted` at most.
    pub(crate) sessions: usize,
    wanted: usize,
    handshakes: usize,
    http: usize,
}

/// Raises the soft limit to the hard one and works out what fits beside so many for operators, over HTTP and the admin socket.
///
/// # Errors
/// The words of getrlimit(2), or that not even one session fits.
pub(crate) fn plan(wanted_sessions: usize, handshakes: usize, http: usize) -> Result<Budget, String> {
    let (_, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).map_err(|errno| format!("cannot read the descriptor limit: {errno}"))?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
        .map_err(|errno| format!("cannot raise the descriptor limit to {hard}: {errno}"))?;
    let limit = usize::try_from(hard).unwrap_or(usize::MAX);
    let budget = Budget::of(limit, wanted_sessions, handshakes, http);
    if budget.sessions == 0 {
        return Err(format!("{budget}: raise LimitNOFILE (ulimit -n) or lower limits.max_handshakes"));
    }
    make_room(budget.needed().min(limit));
    Ok(budget)
}

/// Has the kernel make its table of this process's descriptors large enough for so many at once.
///
/// It grows by doubling otherwise, whenever one more descriptor does not fit, and with several threads each of these waits for an
/// RCU grace period (`expand_fdtable` in Linux's fs/file.c): all sessions of a relay stood still for up to 30 ms while connections
/// came in. The table never shrinks again, and takes 8 bytes for each descriptor of memory of the kernel.
fn make_room(descriptors: usize) {
    let Ok(last) = RawFd::try_from(descriptors.saturating_sub(1)) else { return };
    let Ok(any) = File::open("/dev/null") else { return };
    if let Ok(highest) = fcntl(&any, FcntlArg::F_DUPFD_CLOEXEC(last)) {
        let _only_made_for_its_number = close(highest);
    }
}

impl Budget {
    /// What fits under a limit.
    pub(crate) fn of(limit: usize, wanted: usize, handshakes: usize, http: usize) -> Self {
        let sessions = (limit.saturating_sub(fixed(handshakes, http)) / PER_SESSION).min(wanted);
        Self { limit, sessions, wanted, handshakes, http }
    }

    /// The lowest limit under which as many sessions fit as were asked for.
    pub(crate) fn needed(&self) -> usize {
        fixed(self.handshakes, self.http) + PER_SESSION * self.wanted
    }

    /// Whether fewer sessions fit than were asked for.
    pub(crate) fn is_short(&self) -> bool {
        self.sessions < self.wanted
    }
}

/// What is needed however many sessions there are.
fn fixed(handshakes: usize, http: usize) -> usize {
    RESERVE + 2 * pipe::MOST + handshakes + http
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} descriptors = {} sessions x {PER_SESSION} + {} handshakes + {} pipes x 2 + {} for operators + {RESERVE} in reserve; limits.max_connections asks for {}",
            self.limit,
            self.sessions,
            self.handshakes,
            pipe::MOST,
            self.http,
            self.wanted,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_thousand_sessions_fit_under_a_limit_of_twenty_thousand() {
        let budget = Budget::of(20_000, 9_000, 1_000, 100);
        assert_eq!((budget.sessions, budget.is_short()), (9_000, false));
    }

    #[test]
    fn the_table_of_descriptors_has_room_before_they_come() {
        make_room(1_000);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        assert!(size.trim().parse::<usize>().unwrap() >= 1_000, "{status}");
    }

    #[test]
    fn a_low_limit_lowers_the_sessions_and_never_underflows() {
        assert_eq!(Budget::of(1_024, 9_000, 1_000, 0).sessions, 0);
        let short = Budget::of(4_096, 9_000, 1_000, 0);
        assert!(short.is_short());
        assert!(!Budget::of(short.needed(), 9_000, 1_000, 0).is_short());
        assert!(Budget::of(short.needed() - 1, 9_000, 1_000, 0).is_short());
    }
}
