//! One connection: one request, judged and handed on, and its answer.
//!
//! TLS stands before it where the listener has a certificate; behind it, both are the same.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{timeout, timeout_at};

use super::access;
use super::answer::{Answer, Rest};
use super::crowd::Source;
use super::front::Gate;
use super::head::{self, Head, Progress};
use super::hosts::Arrived;
use super::inner::CALLER;
use super::problem::Problem;
use super::routes::{self, Listener, Route};
use crate::frontends::office::Caller;

/// From accept to the end of the head, a handshake included.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// From the end of the head to the end of the body.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// How long a client may take nothing of its answer, and how long it may take for all of it.
const STALL_LIMIT: Duration = Duration::from_secs(10);
const DELIVERY_LIMIT: Duration = Duration::from_mins(1);

/// How long, and how much, is read of what a client sends that has its answer; unread bytes would turn our FIN into a reset.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

/// No handler works for so long; whatever holds one up then has lost the request.
const HANDLER_LIMIT: Duration = Duration::from_mins(5);

/// An answer of the inner server is held whole, so that a slow client never holds a handler.
const MOST_ANSWER: u64 = 16 * 1024 * 1024;

/// How a connection has come.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    from: Source,
    arrived: Arrived,
    /// When its head must be whole.
    head_by: Instant,
}

/// A request that may be handed on.
#[derive(Debug)]
struct Request {
    head: Head,
    route: &'static Route,
    caller: Caller,
    body: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug)]
enum Unheard {
    /// The client is gone.
    Left,
    Refused(Problem, Option<&'static Route>),
    /// A browser asks whether a page may ask.
    Preflight(&'static str),
}

impl From<Problem> for Unheard {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem, None)
    }
}

/// Serves whoever has just been accepted.
pub(super) async fn receive<S: AsyncRead + AsyncWrite + Unpin>(gate: &Gate, client: S, from: Source, arrived: Arrived) {
    let arrival = Arrival { from, arrived, head_by: Instant::now() + HEAD_LIMIT };
    let Some(identity) = gate.manners.identity.load_full() else {
        return serve(gate, client, arrival).await;
    };
    match timeout_at(arrival.head_by.into(), identity.welcome(client)).await {
        Ok(Ok(client)) => serve(gate, client, arrival).await,
        Ok(Err(_)) | Err(_) => gate.front.note_failed_handshake(),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(gate: &Gate, mut client: S, arrival: Arrival) {
    let mut page = None;
    let (answer, rest) = match hear(gate, &mut client, arrival, &mut page).await {
        Ok(request) => (ask(gate, &request).await, rest(&request.head)),
        Err(Unheard::Refused(problem, route)) => {
            gate.front.note(route, problem.status(), Duration::ZERO);
            (problem.answer(), Rest::Body)
        }
        Err(Unheard::Preflight(methods)) => {
            gate.front.note(None, 204, Duration::ZERO);
            (access::preflight(methods), Rest::Body)
        }
        Err(Unheard::Left) => return,
    };
    see_off(client, &access::readable(answer, page).encode(rest)).await;
}

/// Tells a client without a place why it has none.
pub(super) async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(gate: &Gate, client: S) {
    gate.front.note(None, Problem::Crowded.status(), Duration::ZERO);
    let words = Problem::Crowded.answer().encode(Rest::Body);
    let telling = async {
        match gate.manners.identity.load_full() {
            None => see_off(client, &words).await,
            Some(identity) => match identity.welcome(client).await {
                Ok(client) => see_off(client, &words).await,
                Err(_) => gate.front.note_failed_handshake(),
            },
        }
    };
    let _too_slow = timeout(FAREWELL, telling).await;
}

fn rest(head: &Head) -> Rest {
    if head.method == "HEAD" { Rest::Nothing } else { Rest::Body }
}

/// A request that may be handed on; `page` is the web page that may read what is answered, whatever it is.
async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
    gate: &Gate,
    client: &mut S,
    arrival: Arrival,
    page: &mut Option<String>,
) -> Result<Request, Unheard> {
    let Arrival { from, arrived, head_by } = arrival;
    let mut bytes = Vec::new();
    let read = timeout_at(head_by.into(), read_head(client, &mut bytes)).await;
    let length = read.map_err(|_| Problem::SlowHead)??;
    let head = head::parse(&bytes[..length])?;
    if head.host.as_ref().is_some_and(|host| !gate.manners.hosts.know(host, arrived)) {
        return Err(Problem::WrongHost.into());
    }
    let (route, caller) = admitted(gate, &head, from, page)?;
    let body = bytes.split_off(length);
    let whole = timeout(BODY_LIMIT, read_body(client, &head, body)).await.unwrap_or(Err(Problem::SlowBody.into()));
    match whole {
        Ok(body) => Ok(Request { head, route, caller, body }),
        Err(Unheard::Refused(problem, _)) => Err(Unheard::Refused(problem, Some(route))),
        Err(other @ (Unheard::Left | Unheard::Preflight(_))) => Err(other),
    }
}

/// What is asked for, and by whom, if he may.
fn admitted(
    gate: &Gate,
    head: &Head,
    from: Source,
    page: &mut Option<String>,
) -> Result<(&'static Route, Caller), Unheard> {
    let Some(access) = &gate.manners.access else {
        let (route, _) = routes::find(Listener::Metrics, &head.method, &head.path)?;
        return Ok((route, access::anybody()));
    };
    access.take(from)?;
    *page = access.page(head)?;
    if head.method == "OPTIONS" && page.is_some() {
        return Err(Unheard::Preflight(routes::methods_of(Listener::Api, &head.path)?));
    }
    let (route, _) = routes::find(Listener::Api, &head.method, &head.path)?;
    let refused = |problem| Unheard::Refused(problem, Some(route));
    let caller = access.admit(route, head).map_err(refused)?;
    if route.body.is_some() && !head.content_type.as_deref().is_some_and(is_json) {
        return Err(refused(Problem::NotJson));
    }
    Ok((route, caller))
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads until the head is whole, and returns how long it is.
async fn read_head(client: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Result<usize, Unheard> {
    let mut known = 0;
    loop {
        if client.read_buf(bytes).await.map_or(true, |read| read == 0) {
            return Err(Unheard::Left);
        }
        match head::progress(bytes, known)? {
            Progress::Whole(length) => return Ok(length),
            Progress::NeedMore => known = bytes.len(),
        }
    }
}

/// Reads what is missing of a body whose beginning came with the head.
async fn read_body<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    head: &Head,
    mut body: Vec<u8>,
) -> Result<Vec<u8>, Unheard> {
    if body.len() > head.body {
        return Err(Problem::MoreThanOne.into());
    }
    if head.expects_continue && body.len() < head.body {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.map_err(|_| Unheard::Left)?;
    }
    let missing = head.body - body.len();
    let read = client.take(missing as u64).read_to_end(&mut body).await.map_err(|_| Unheard::Left)?;
    if read == missing { Ok(body) } else { Err(Unheard::Left) }
}

/// The answer to a request, from a handler or, if there is none in time, from here.
async fn ask(gate: &Gate, request: &Request) -> Answer {
    let (front, began) = (&*gate.front, Instant::now());
    let asked = timeout(gate.manners.answer_limit, async {
        let desk = front.desks(request.route.pace).acquire_owned().await.map_err(io::Error::other)?;
        // It keeps the desk as long as the handler works, also when nobody waits any more: else more would come than handlers are.
        tokio::spawn(inquire(front.way_in.clone(), request.canonical(), desk)).await.map_err(io::Error::other)?
    });
    let answer = match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the inner HTTP server gave no answer");
            Problem::Busy.answer()
        }
        Err(_elapsed) => Problem::Busy.answer(),
    };
    front.note(Some(request.route), answer.status, began.elapsed());
    answer
}

async fn inquire(way_in: PathBuf, request: Vec<u8>, desk: OwnedSemaphorePermit) -> io::Result<Answer> {
    let mut inner = UnixStream::connect(way_in).await?;
    inner.write_all(&request).await?;
    let mut bytes = Vec::new();
    timeout(HANDLER_LIMIT, inner.take(MOST_ANSWER).read_to_end(&mut bytes)).await??;
    drop(desk);
    Answer::decode(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

impl Request {
    /// The one way in which the inner server hears it. A HEAD is asked as a GET, whose body is then left out.
    fn canonical(&self) -> Vec<u8> {
        let (method, Head { path, query, .. }) = (self.route.method, &self.head);
        let (Caller { name, scope, .. }, length) = (&self.caller, self.body.len());
        let head = format!(
            "{method} {path}{query} HTTP/1.1\r\nHost: rustsocks\r\n{CALLER}: {scope} {name}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Says the last words, then a FIN, then waits for the client to close: closing at once with bytes unread would send a reset,
/// which may overtake the words.
async fn see_off<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, words: &[u8]) {
    let delivered = timeout(DELIVERY_LIMIT, deliver(&mut client, words)).await;
    if !matches!(delivered, Ok(Ok(()))) || client.shutdown().await.is_err() {
        return;
    }
    let mut rest = client.take(FAREWELL_BYTES);
    let reading = async {
        let mut waste = [0; 512];
        while matches!(rest.read(&mut waste).await, Ok(read) if read > 0) {}
    };
    let _too_slow = timeout(FAREWELL, reading).await;
}

async fn deliver(client: &mut (impl AsyncWrite + Unpin), mut words: &[u8]) -> io::Result<()> {
    while !words.is_empty() {
        let taken = timeout(STALL_LIMIT, client.write(words)).await??;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        words = &words[taken..];
    }
    Ok(())
}
