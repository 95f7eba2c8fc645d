//! Frames between monitor, worker and PAM helpers: what is decoded is encoded to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{FromPam, ToMonitor, ToPam, ToWorker};

fuzz_target!(|datagram: &[u8]| {
    if let Ok(frame) = ToWorker::decode(datagram) {
        assert_eq!(frame.encode(), datagram);
    }
    if let Ok(frame) = ToMonitor::decode(datagram) {
        assert_eq!(frame.encode(), datagram);
    }
    if let Ok(frame) = ToPam::decode(datagram) {
        assert_eq!(*frame.encode().expect("what was read can be written"), datagram);
    }
    if let Ok(frame) = FromPam::decode(datagram) {
        assert_eq!(frame.encode().expect("what was read can be written"), datagram);
    }
});
