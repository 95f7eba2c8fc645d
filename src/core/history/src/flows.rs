//! What an association exchanged with each of its peers, as it lies behind a record.
//!
//! A record has a bounded number of them; what the session carried beyond these it carried with others.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::record::Traffic;

/// Peers of one record: those with the most bytes.
pub const FLOWS_MAX: usize = 32;

/// A flow with an IPv6 address and the greatest counts takes 60 bytes.
const LONGEST: usize = 64;

/// One peer of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub peer: SocketAddr,
    /// From the client, delivered to the peer.
    pub sent: Traffic,
    /// From the peer, delivered to the client.
    pub received: Traffic,
}

/// Flows one after the other, borrowed from whoever packed them or from the frame that was read; none for most sessions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Flows<'a>(pub(crate) &'a [u8]);

impl<'a> Flows<'a> {
    /// Packs `flows` into `room`, which is emptied first; of more than [`FLOWS_MAX`] only the first ones.
    ///
    /// # Panics
    /// Never: there is room for the longest flow.
    #[must_use]
    pub fn packed(flows: &[Flow], room: &'a mut Vec<u8>) -> Self {
        room.clear();
        let mut one = [0; LONGEST];
        for flow in flows.iter().take(FLOWS_MAX) {
            room.extend_from_slice(postcard::to_slice(flow, &mut one).expect("there is room for the longest"));
        }
        Self(room)
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in the order in which they were packed.
    pub fn iter(self) -> impl Iterator<Item = Flow> + 'a {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (flow, behind) = postcard::take_from_bytes(rest).ok()?;
            rest = behind;
            Some(flow)
        })
    }

    /// Whether every byte belongs to a flow, and there are no more than there may be.
    pub(crate) fn are_whole(self) -> bool {
        let mut rest = self.0;
        for _ in 0..FLOWS_MAX {
            match postcard::take_from_bytes::<Flow>(rest) {
                Ok((_, behind)) => rest = behind,
                Err(_malformed) => break,
            }
        }
        rest.is_empty()
    }
}
