//! How long a relay may live, how long it may be silent, and how much it may hold.

use std::thread;
use std::time::{Duration, Instant};

use rig::daemon::Daemon;
use rig::process::proportional_set_size;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Endless, tunnel};
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

/// Often enough for a limit of one second.
const SIGN_OF_LIFE: Duration = Duration::from_millis(250);

#[test]
fn half_close_linger() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nhalf_closed_secs = 1\n"].concat());
    let (client, mut target) = tunnel(daemon.addr());
    client.finish();
    assert_eq!(target.end(), End::Closed);
    // As long as bytes move, the other direction lives.
    for _ in 0..8 {
        target.send(b".");
        thread::sleep(SIGN_OF_LIFE);
    }
    assert_eq!(daemon.log.sessions().len(), 0, "the answer was still on its way");
    assert_eq!(daemon.session_of(client.local()).text("ending"), "half_closed");
}

#[test]
fn idle_timeout() {
    let daemon = start(&[LOOPBACK, "[limits]\nconnection_timeout_secs = 1\n"].concat());
    let (mut quiet, _target) = tunnel(daemon.addr());
    let (mut downloading, mut source) = tunnel(daemon.addr());
    let (mut uploading, mut sink) = tunnel(daemon.addr());
    for _ in 0..12 {
        source.send(b".");
        uploading.send(b".");
        thread::sleep(SIGN_OF_LIFE);
    }
    assert_eq!(downloading.receive(), [b'.'; 12]);
    assert_eq!(sink.receive(), [b'.'; 12]);
    let _ = quiet.end();
    let line = daemon.session();
    assert_eq!((line.text("client"), line.text("ending")), (quiet.local().to_string().as_str(), "idle"));
    for sign in 0..4_u8 {
        downloading.send(&[sign]);
        assert_eq!(source.receive(), [sign], "either direction keeps a session alive");
        thread::sleep(SIGN_OF_LIFE);
    }
}

#[test]
fn max_age() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nmax_age_secs = 1\n"].concat());
    let (mut client, mut target) = tunnel(daemon.addr());
    let began = Instant::now();
    let (mut is_open, limit) = (true, Duration::from_secs(15));
    while is_open && began.elapsed() < limit {
        is_open = client.try_send(b".").is_ok() && target.hear(1, limit).1.is_none();
    }
    assert!(began.elapsed() > Duration::from_millis(900), "it ended after {:?}", began.elapsed());
    assert_eq!(daemon.session_of(client.leave()).text("ending"), "max_age");
}

/// Clients that never read cost what they cost when idle: the rest waits at the source.
#[test]
fn backpressure() {
    const SESSIONS: u64 = 16;
    let daemon = start(LOOPBACK);
    let source = Endless::listen();
    let worker = daemon.worker_pid();
    let before = proportional_set_size(worker);
    let mut clients: Vec<_> = (0..SESSIONS).map(|_| download(&daemon, &source)).collect();
    source.wait_until_stalled();
    let grown = proportional_set_size(worker).saturating_sub(before);
    assert!(grown < SESSIONS * 512 * 1024, "{SESSIONS} stopped readers cost {grown} bytes");
    let reader = &mut clients[0];
    let beyond_all_buffers = 64 << 20;
    let mut read = 0;
    while read < beyond_all_buffers {
        read += reader.receive_all(1 << 20).len();
    }
}

fn download(daemon: &Daemon, source: &Endless) -> Wire {
    let mut client = greeted(daemon.addr());
    assert_eq!(client.ask(CONNECT, source.addr()).code, rep::SUCCEEDED);
    client
}
