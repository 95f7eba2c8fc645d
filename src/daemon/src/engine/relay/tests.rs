//! Pairs of real loopback streams with a relay between them.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::pump::{Pair, pump};
use crate::engine::sys::endurance::{Endurance, Keepalive};
use crate::engine::sys::stream::Stream;
use crate::state::session::course::Stage;
use crate::state::session::ending::{ByHouse, ByPeer, Ending};
use crate::state::session::roster::Roster;
use crate::state::session::sweep::sweep;
use crate::state::session::ticket::{Session, Ticket};
use crate::state::snapshot::Snapshot;

/// Enough to be spliced, and more than the socket buffers hold.
const BULK: usize = 24 << 20;

/// A client, a target, and the relay between them.
struct Relayed {
    client: TcpStream,
    target: TcpStream,
    session: Arc<Session>,
    ending: JoinHandle<Ending>,
}

#[tokio::test]
async fn bulk_arrives_whole_and_is_counted_exactly() {
    let Relayed { mut client, mut target, session, ending } = relayed(b"early").await;
    let sent = bytes(BULK);
    let (expected, sending) = (
        sent.clone(),
        tokio::spawn(async move {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            answer
        }),
    );
    let mut got = Vec::new();
    target.read_to_end(&mut got).await.unwrap();
    assert!(got.strip_prefix(b"early").unwrap() == expected);
    target.write_all(b"answer after the FIN").await.unwrap();
    drop(target);
    assert_eq!(sending.await.unwrap(), b"answer after the FIN");
    assert_eq!(ending.await.unwrap(), Ending::Client(ByPeer::Closed));
    assert_eq!((session.up.bytes(), session.down.bytes()), (BULK as u64 + 5, 20));
}

#[tokio::test]
async fn urgent_data_in_a_spliced_stream_neither_ends_nor_stalls_it() {
    let Relayed { mut client, mut target, ending, .. } = relayed(b"").await;
    let sending = tokio::spawn(async move {
        client.write_all(&bytes(4 << 20)).await.unwrap();
        SockRef::from(&client).send_out_of_band(b"!").unwrap();
        client.write_all(&bytes(20_000)).await.unwrap();
        client.shutdown().await.unwrap();
        let _ = client.read(&mut [0]).await;
    });
    let mut got = Vec::new();
    target.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), (4 << 20) + 1 + 20_000);
    drop(target);
    sending.await.unwrap();
    assert_eq!(ending.await.unwrap(), Ending::Client(ByPeer::Closed));
}

#[tokio::test]
async fn what_a_target_sent_before_its_reset_reaches_a_slow_client() {
    let Relayed { mut client, mut target, ending, .. } = relayed(b"").await;
    target.write_all(&bytes(500_000)).await.unwrap();
    while !Stream::is_flushed(&Stream::Tcp(duplicate(&target))) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Stream::Tcp(target).abort();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut got = Vec::new();
    let end = client.read_to_end(&mut got).await;
    assert_eq!(got.len(), 500_000);
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(ending.await.unwrap(), Ending::Upstream(ByPeer::Reset));
}

#[tokio::test]
async fn an_answer_that_cuts_an_upload_short_is_delivered() {
    let Relayed { mut client, mut target, ending, .. } = relayed(b"").await;
    let target = tokio::spawn(async move {
        target.read_exact(&mut [0; 1000]).await.unwrap();
        target.write_all(b"413 too large").await.unwrap();
        // Closing with bytes unread sends a reset after the answer.
    });
    while client.write_all(&bytes(64 * 1024)).await.is_ok() {
        if target.is_finished() {
            break;
        }
    }
    let mut answer = [0; 13];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"413 too large");
    drop(client);
    assert!(matches!(ending.await.unwrap(), Ending::Upstream(_) | Ending::Client(_)));
}

#[tokio::test]
async fn a_client_that_resets_after_its_fin_is_heard() {
    let Relayed { mut client, target, session, ending } = relayed(b"").await;
    client.shutdown().await.unwrap();
    while session.course.stage() != Stage::HalfClosed {
        tokio::task::yield_now().await;
    }
    Stream::Tcp(client).abort();
    while !ending.is_finished() {
        sweep(&session, Instant::now());
        tokio::task::yield_now().await;
    }
    assert_eq!(ending.await.unwrap(), Ending::Client(ByPeer::Reset));
    drop(target);
}

#[tokio::test]
async fn an_order_ends_a_relay_that_is_blocked_in_a_write() {
    let Relayed { mut client, target, session, ending } = relayed(b"").await;
    let sending = tokio::spawn(async move { client.write_all(&bytes(64 << 20)).await });
    while session.up.bytes() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    session.course.end(ByHouse::Stopped);
    assert_eq!(ending.await.unwrap(), Ending::House(ByHouse::Stopped));
    assert!(sending.await.unwrap().is_err());
    drop(target);
}

#[tokio::test]
async fn only_a_session_that_lasts_is_watched_for_silence() {
    let ((_client, inner), (upstream, _target)) = (pair().await, pair().await);
    let watched = [&inner, &upstream].map(|stream| stream.as_fd().try_clone_to_owned().unwrap());
    let [client, target] = [&watched[0], &watched[1]].map(SockRef::from);
    let (session, _ending) = relay_between(inner, upstream, b"");
    while session.course.stage() != Stage::Relaying {
        tokio::task::yield_now().await;
    }
    assert!(!client.keepalive().unwrap() && !target.keepalive().unwrap());
    sweep(&session, Instant::now());
    while !client.keepalive().unwrap() {
        tokio::task::yield_now().await;
    }
    let Endurance { keepalive, user_timeout } = endurance();
    let Keepalive { idle, interval, probes } = keepalive.unwrap();
    for socket in [&client, &target] {
        let (first, between) = (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
        assert!(first <= idle && between >= interval, "{first:?} {between:?}");
        assert_eq!(first + between * probes, idle + interval * probes);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), probes);
    }
    assert_eq!(target.tcp_user_timeout().unwrap(), user_timeout);
}

fn endurance() -> Endurance {
    let keepalive = Keepalive { idle: Duration::from_secs(61), interval: Duration::from_secs(16), probes: 5 };
    Endurance { keepalive: Some(keepalive), user_timeout: Some(Duration::from_secs(59)) }
}

async fn relayed(early: &[u8]) -> Relayed {
    let ((client, inner), (upstream, target)) = (pair().await, pair().await);
    for stream in [&inner, &upstream] {
        SockRef::from(stream).set_out_of_band_inline(true).unwrap();
    }
    let (session, ending) = relay_between(inner, upstream, early);
    Relayed { client, target, session, ending }
}

fn relay_between(inner: TcpStream, upstream: TcpStream, early: &[u8]) -> (Arc<Session>, JoinHandle<Ending>) {
    let roster = Roster::new(1, Vec::new());
    let ticket = Ticket::for_tests(&roster, Arc::new(Snapshot::for_tests()));
    let session = Arc::clone(ticket.session());
    let (client, upstream, endurance) = (Stream::Tcp(inner), Stream::Tcp(upstream), Arc::new(endurance()));
    let pair = Pair { client, upstream, early: early.to_vec(), endurance };
    let ending = tokio::spawn(async move { pump(pair, ticket.session()).await });
    (session, ending)
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (one, other) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (one.unwrap(), other.unwrap().0)
}

fn duplicate(stream: &TcpStream) -> TcpStream {
    let duplicate = stream.as_fd().try_clone_to_owned().unwrap();
    TcpStream::from_std(duplicate.into()).unwrap()
}

/// A pattern in which a lost or doubled piece shows.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| ((at / 251 + at) % 256).try_into().expect("less than 256")).collect()
}
