//! The server behind the front: `tiny_http` on a socket that only this process can reach, and the threads that handle requests.
//!
//! It sees one request for each connection, whole, small and written by us. It forgives no failure of its listener: its accepting
//! thread ends, with an error or, where there is no descriptor to double a connection's, with a panic. Then it is built anew on
//! another descriptor of the same socket, where whoever has connected meanwhile still waits.

use std::fmt;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tiny_http::{Header, Request, Response, Server};

use super::access;
use super::answer::Answer;
use super::handlers::Asked;
use super::head::MOST_BODY;
use super::problem::Problem;
use super::routes::{self, Listener};
use crate::engine::sys::private_socket::PrivateSocket;
use crate::frontends::office::{Caller, Office};

/// Threads that handle requests: as many as there are at once of those of each pace.
pub(super) const QUICK: usize = 4;
pub(super) const SLOW: usize = 2;
pub(super) const PATIENT: usize = 2;

/// The field in which the front says who asks: the scope and the name.
pub(super) const CALLER: &str = "Rustsocks-Caller";

/// How long a thread waits before it builds the server once more.
const BUILD_AGAIN: Duration = Duration::from_millis(100);

/// How often a thread without work looks whether anybody waits in vain.
const LOOK: Duration = Duration::from_secs(1);

/// How long a connection may wait to be accepted, which takes microseconds.
const ACCEPTED_WITHIN: Duration = Duration::from_millis(250);

/// The server, for as long as it is held.
#[derive(Debug)]
pub(super) struct Inner {
    shared: Arc<Shared>,
    handlers: Vec<JoinHandle<()>>,
}

struct Shared {
    socket: PrivateSocket,
    server: Mutex<Arc<Server>>,
    office: Arc<Office>,
    is_over: AtomicBool,
}

impl Inner {
    /// # Errors
    /// No descriptor or thread is to be had.
    pub(super) fn start(socket: PrivateSocket, office: Arc<Office>) -> io::Result<Self> {
        let server = Mutex::new(Arc::new(serve(&socket)?));
        let shared = Arc::new(Shared { socket, server, office, is_over: AtomicBool::new(false) });
        let handlers = (0..QUICK + SLOW + PATIENT).map(|number| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("http-{number}")).spawn(move || shared.handle())
        });
        Ok(Self { handlers: handlers.collect::<io::Result<_>>()?, shared })
    }

    /// What the front connects to.
    pub(super) fn path(&self) -> PathBuf {
        self.shared.socket.path()
    }

    /// Another descriptor that can be given up in need.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn spare_descriptor(&self) -> io::Result<std::os::fd::OwnedFd> {
        self.shared.socket.listener().map(Into::into)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Relaxed);
        let server = Arc::clone(&self.shared.server());
        for _ in &self.handlers {
            server.unblock();
        }
        for handler in self.handlers.drain(..) {
            let _panicked = handler.join();
        }
    }
}

impl Shared {
    fn handle(&self) {
        while !self.is_over.load(Relaxed) {
            let server = Arc::clone(&self.server());
            match server.recv_timeout(LOOK) {
                Ok(Some(request)) => respond(request, &self.office),
                Ok(None) if self.socket.is_neglected_for(ACCEPTED_WITHIN) => {
                    self.build_anew(&server, &"nobody accepts");
                }
                Ok(None) => {}
                Err(error) => self.build_anew(&server, &error),
            }
        }
    }

    /// One of the threads replaces a server that has failed; the others find its successor.
    fn build_anew(&self, failed: &Arc<Server>, why: &dyn fmt::Display) {
        let mut server = self.server();
        if !Arc::ptr_eq(&server, failed) {
            return;
        }
        tracing::warn!(%why, "the inner HTTP server has failed and is built anew");
        while !self.is_over.load(Relaxed) {
            match serve(&self.socket) {
                Ok(successor) => {
                    *server = Arc::new(successor);
                    return;
                }
                Err(error) => {
                    tracing::debug!(%error, "the inner HTTP server cannot be built yet");
                    std::thread::sleep(BUILD_AGAIN);
                }
            }
        }
    }

    fn server(&self) -> MutexGuard<'_, Arc<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// It panics where the kernel gives no thread.
fn serve(socket: &PrivateSocket) -> io::Result<Server> {
    let listener = socket.listener()?;
    let server = catch_unwind(AssertUnwindSafe(|| Server::from_listener(listener, None)));
    server.map_err(|_panicked| io::Error::other("no thread"))?.map_err(io::Error::other)
}

fn respond(mut request: Request, office: &Office) {
    let answer = match asked(&mut request) {
        // A handler that panics costs its client the answer, and nobody anything else.
        Ok(asked) => catch_unwind(AssertUnwindSafe(|| (asked.route.handler)(office, &asked)))
            .unwrap_or_else(|_| Problem::Failed.answer()),
        Err(problem) => problem.answer(),
    };
    // Its reader is the front, which may have given up.
    let _nobody_waits = request.respond(response(answer));
}

/// What the front has handed on, and so has judged.
fn asked(request: &mut Request) -> Result<Asked, Problem> {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let (route, named) = routes::find(Listener::Api, request.method().as_str(), path)?;
    let (named, query, caller) = (named.map(str::to_owned), query.to_owned(), caller(request));
    let mut body = Vec::new();
    let length = request.body_length().unwrap_or(0).min(MOST_BODY);
    let read = request.as_reader().take(length as u64).read_to_end(&mut body);
    read.map_err(|_| Problem::Failed)?;
    Ok(Asked { route, named, query, body, caller })
}

fn caller(request: &Request) -> Caller {
    let field = request.headers().iter().find(|field| field.field.equiv(CALLER));
    let words = field.and_then(|field| field.value.as_str().split_once(' '));
    let caller = words.and_then(|(scope, name)| Some(Caller::holder(name, scope.parse().ok()?)));
    caller.unwrap_or_else(access::anybody)
}

fn response(answer: Answer) -> Response<io::Cursor<Vec<u8>>> {
    let Answer { status, fields, body } = answer;
    let fields = fields.into_iter().filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    // Chunks would have to be taken apart again.
    let response = Response::from_data(body).with_status_code(status).with_chunked_threshold(usize::MAX);
    fields.fold(response, Response::with_header)
}
