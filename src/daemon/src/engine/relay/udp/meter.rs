//! Which datagrams a limited bandwidth lets pass: nothing waits for it, what is too much is dropped.

use super::drops::{Cause, Drops};
use super::mail::Parcel;
use crate::state::limits::bandwidth::way::Way;

/// What is asked for at once, so that not every datagram has to ask; also what an association may be ahead with.
const AHEAD: usize = 64 * 1024;

/// One direction of an association.
#[derive(Debug)]
pub(super) struct Meter<'a> {
    way: Way<'a>,
    /// Bytes that may pass and have not.
    credit: usize,
}

impl<'a> Meter<'a> {
    pub(super) fn new(way: Way<'a>) -> Self {
        Self { way, credit: 0 }
    }

    /// Leaves those among the parcels that may pass now, and counts the others.
    pub(super) fn measure(&mut self, parcels: &mut Vec<Parcel<'_>>, drops: &mut Drops) {
        if !self.way.is_limited() {
            return;
        }
        let before = parcels.len();
        parcels.retain(|parcel| self.lets_pass(parcel.payload.len()));
        drops.count(Cause::OverLimit, before - parcels.len());
    }

    fn lets_pass(&mut self, bytes: usize) -> bool {
        if self.credit < bytes {
            self.credit += self.way.may_carry(AHEAD);
        }
        let passes = self.credit >= bytes;
        self.credit -= if passes { bytes } else { 0 };
        passes
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.way.has_left(self.credit);
    }
}
