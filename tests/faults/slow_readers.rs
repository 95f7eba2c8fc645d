//! A side that reads slowly while the other sends without end: the sender waits, and the proxy holds no more than a buffer.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rig::note::measured;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};
use rig::usage::own_memory;
use rig::wire::Wire;

use crate::start;

/// What one relay may hold: both pieces that are copied, a pipe, and the allocator's slack.
const HELD: u64 = 2 << 20;

/// What the kernel's socket buffers on the way hold at most (tcp(7): `tcp_wmem` and `tcp_rmem` of two connections).
const ON_THE_WAY: u64 = 80 << 20;

/// What a slow reader takes at once, and how often it does.
const SIP: usize = 2_000;
const SIPS: usize = 100;

#[test]
fn a_client_that_reads_slowly_makes_the_target_wait() {
    let service = start("");
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let source = Target::listen().serve(move |stream| pour(stream, &counter));
    let mut client = greeted(service.addr());
    let worker = service.worker_pid();
    let before = own_memory(worker);
    assert_eq!(client.ask(CONNECT, source).code, rep::SUCCEEDED);
    assert_bounded(&mut client, &sent, worker, before);
}

#[test]
fn a_target_that_reads_slowly_makes_the_client_wait() {
    let service = start("");
    let worker = service.worker_pid();
    let (client, mut target) = tunnel(service.addr());
    let before = own_memory(worker);
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let source = client.stream().try_clone().expect("a descriptor can be had");
    thread::spawn(move || pour(source, &counter));
    assert_bounded(&mut target, &sent, worker, before);
}

/// The reader takes sips; then it takes everything, and the stream is whole.
fn assert_bounded(reader: &mut Wire, sent: &AtomicU64, worker: u32, before: u64) {
    let mut expected = (0..251).cycle();
    for _ in 0..SIPS {
        let sip = reader.receive_all(SIP);
        assert!(sip.iter().all(|byte| Some(*byte) == expected.next()), "the stream is as it was sent");
        thread::sleep(Duration::from_millis(20));
    }
    let (read, poured) = ((SIP * SIPS) as u64, sent.load(Relaxed));
    let grown = own_memory(worker).saturating_sub(before);
    measured(format!("{poured} bytes sent, {read} read, the worker has grown by {grown} bytes"));
    assert!(poured - read < ON_THE_WAY, "{poured} bytes were taken from the sender and {read} given to the reader");
    assert!(grown < HELD, "the worker has grown by {grown} bytes");
    for _ in 0..50 {
        let gulp = reader.receive_all(1 << 20);
        assert!(gulp.iter().all(|byte| Some(*byte) == expected.next()), "the stream is as it was sent");
    }
}

/// Sends without end, and counts what was taken.
fn pour(mut stream: TcpStream, sent: &AtomicU64) {
    let pattern: Vec<u8> = (0..251).cycle().take(251 << 8).collect();
    while stream.write_all(&pattern).is_ok() {
        sent.fetch_add(pattern.len() as u64, Relaxed);
    }
}
