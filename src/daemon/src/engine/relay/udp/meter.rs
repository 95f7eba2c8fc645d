//! Which datagrams a limited bandwidth lets pass: nothing waits for it, what is too much is dropped.

use limits::Credit;

use super::drops::{Cause, Drops};
use super::mail::Parcel;
use crate::state::limits::bandwidth::way::Way;

/// One direction of an association.
#[derive(Debug)]
pub(super) struct Meter<'a> {
    way: Way<'a>,
    credit: Credit,
}

impl<'a> Meter<'a> {
    pub(super) fn new(way: Way<'a>) -> Self {
        Self { way, credit: Credit::default() }
    }

    /// Leaves those among the parcels that may pass now, and counts the others.
    pub(super) fn measure(&mut self, parcels: &mut Vec<Parcel<'_>>, drops: &mut Drops) {
        if !self.way.is_limited() {
            return;
        }
        let before = parcels.len();
        let ask = |want, need| self.way.may_carry(want, need);
        parcels.retain(|parcel| self.credit.lets_pass(parcel.payload.len(), ask));
        drops.count(Cause::OverLimit, before - parcels.len());
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.way.has_left(self.credit.left());
    }
}
