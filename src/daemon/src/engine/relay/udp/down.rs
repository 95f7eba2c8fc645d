//! From the peers to the client: who may answer, and the header that says who it was.

use std::net::SocketAddr;

use socks::{Message, udp};

use super::Association;
use super::drops::Cause;
use super::mail::Parcel;
use crate::engine::sys::datagrams::{Letter, Letterbox};

impl Association<'_> {
    /// Sends the client what came from its peers and returns how many datagrams that were.
    pub(super) fn answer(&mut self, letterbox: &Letterbox) -> usize {
        let headers: Vec<Message> = letterbox.letters().iter().map(|letter| udp::encode_header(letter.from)).collect();
        let (mut parcels, mut count) = (Vec::new(), 0);
        for (letter, header) in letterbox.letters().iter().zip(&headers) {
            count += letter.count();
            match self.admit_answer(letter) {
                Ok(to) => {
                    let (peer, header) = (letter.from, header.as_bytes());
                    parcels.extend(letterbox.datagrams(letter).map(|payload| Parcel { to, peer, header, payload }));
                }
                Err(cause) => self.drops.count(cause, letter.count()),
            }
        }
        self.down_meter.measure(&mut parcels, &mut self.drops);
        self.relay.post(&parcels, self.down, &mut self.drops);
        count
    }

    /// Where a peer's datagram goes: to the client, once it was heard.
    fn admit_answer(&mut self, letter: &Letter) -> Result<SocketAddr, Cause> {
        let client = self.client.address().filter(|_| self.peers.may_answer(letter.from));
        match client {
            None => Err(Cause::Unsolicited),
            Some(_) if !self.bench.lets_pass(self.peers.name_of(letter.from), letter.from) => Err(Cause::Blocked),
            Some(_) if letter.is_cut => Err(Cause::TooLarge),
            Some(client) => Ok(client),
        }
    }
}
