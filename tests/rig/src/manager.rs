//! The service manager's side of `sd_notify(3)`: hears everything that the daemon says, as long as it lives.

use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::wait::{PATIENCE, found};

/// What no daemon says.
const BARRIER: &str = "BARRIER=RIG";

/// A service manager that listens.
#[derive(Debug)]
pub struct Manager {
    socket: Arc<UnixDatagram>,
    path: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Manager {
    /// Listens in a directory. It reads at once whatever comes, because a few unread notices fill the socket.
    #[must_use]
    pub fn listen(directory: &Path) -> Self {
        let path = directory.join("notify");
        let socket = Arc::new(UnixDatagram::bind(&path).expect("a temporary directory can hold a socket"));
        let heard = Arc::default();
        let (ear, memory) = (Arc::clone(&socket), Arc::clone(&heard));
        thread::spawn(move || listen(&ear, &memory));
        Self { socket, path, heard }
    }

    /// What `NOTIFY_SOCKET` says.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every assignment so far, such as `READY=1`, in the order in which they came.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.lock().expect("no holder of this lock panics").clone();
        heard.retain(|said| said != BARRIER);
        heard
    }

    /// Waits until everything that was said before this call has been heard: what comes in order is heard in order.
    pub fn hear_out(&self) {
        let heard =
            || self.heard.lock().expect("no holder of this lock panics").iter().filter(|said| *said == BARRIER).count();
        let before = heard();
        let us = UnixDatagram::unbound().expect("a socket can be had");
        us.send_to(BARRIER.as_bytes(), &self.path).expect("the manager listens");
        assert!(found(PATIENCE, || (heard() > before).then_some(())).is_some(), "the manager does not listen");
    }

    /// The first assignment that begins so, if one has come or comes in time.
    #[must_use]
    pub fn hears(&self, beginning: &str, within: Duration) -> Option<String> {
        found(within, || self.heard().into_iter().find(|said| said.starts_with(beginning)))
    }

    /// How often an assignment came.
    #[must_use]
    pub fn count(&self, assignment: &str) -> usize {
        self.heard().iter().filter(|said| *said == assignment).count()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // Wakes the thread, whose next receive is empty.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn listen(socket: &UnixDatagram, heard: &Mutex<Vec<String>>) {
    let mut notice = [0; 4096];
    while let Ok(length @ 1..) = socket.recv(&mut notice) {
        let notice = String::from_utf8_lossy(&notice[..length]);
        heard.lock().expect("no holder of this lock panics").extend(notice.lines().map(str::to_owned));
    }
}
