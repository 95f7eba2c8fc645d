//! Frames between monitor and worker: what is decoded is encoded to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{ToMonitor, ToWorker};

fuzz_target!(|datagram: &[u8]| {
    if let Ok(frame) = ToWorker::decode(datagram) {
        assert_eq!(frame.encode(), datagram);
    }
    if let Ok(frame) = ToMonitor::decode(datagram) {
        assert_eq!(frame.encode(), datagram);
    }
});
