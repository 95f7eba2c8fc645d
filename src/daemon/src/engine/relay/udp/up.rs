//! From the client to its peers: whose datagram it is, where it goes, whether it may.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use acl::{Destination, HostName};
use socks::udp;
use socks::{Host, Name, Target};

use super::drops::Cause;
use super::mail::{Outlet, Parcel};
use super::names::{Answered, Full, Waiting};
use super::{Association, Family};
use crate::engine::sys::datagrams::{Letter, Letterbox};

/// Where a datagram goes, and what the client called it.
type Place = (Option<Arc<HostName>>, IpAddr);

impl Association<'_> {
    /// Sends on what came to the client's side and returns how many datagrams that were.
    pub(super) fn forward(&mut self, letterbox: &Letterbox) -> usize {
        let (mut to_v4, mut to_v6, mut count) = (Vec::new(), Vec::new(), 0);
        for letter in letterbox.letters() {
            count += letter.count();
            if let Err(cause) = self.admit(letter) {
                self.drops.count(cause, letter.count());
                continue;
            }
            for datagram in letterbox.datagrams(letter) {
                match self.addressed(datagram, letter.from) {
                    Ok(Some(parcel)) if parcel.to.is_ipv4() => to_v4.push(parcel),
                    Ok(Some(parcel)) => to_v6.push(parcel),
                    Ok(None) => {}
                    Err(cause) => self.drops.count(cause, 1),
                }
            }
        }
        self.send(Family::V4, to_v4);
        self.send(Family::V6, to_v6);
        count
    }

    fn admit(&self, letter: &Letter) -> Result<(), Cause> {
        match letter.is_cut {
            _ if !self.client.may_be(letter.from) => Err(Cause::Stranger),
            true => Err(Cause::TooLarge),
            false => Ok(()),
        }
    }

    /// Takes a client's datagram apart and judges where it goes; `None` when it waits for a name.
    fn addressed<'d>(&mut self, datagram: &'d [u8], sender: SocketAddr) -> Result<Option<Parcel<'d>>, Cause> {
        let udp::Datagram { target, payload, .. } = udp::decode(datagram)?;
        if target.port == 0 {
            return Err(Cause::Malformed);
        }
        self.client.is_heard(sender);
        let Some((name, address)) = self.resolve(&target, payload)? else { return Ok(None) };
        self.judged(name.as_ref(), SocketAddr::new(address, target.port), payload).map(Some)
    }

    fn resolve(&mut self, target: &Target, payload: &[u8]) -> Result<Option<Place>, Cause> {
        match &target.host {
            Host::V4(address) => Ok(Some((None, (*address).into()))),
            Host::V6(address) => Ok(Some((None, IpAddr::from(*address).to_canonical()))),
            Host::Name(name) => match self.names.address(name, Instant::now()) {
                Some((host, address)) => Ok(Some((Some(host), address))),
                None => self.look_up(name, target.port, payload),
            },
        }
    }

    fn look_up(&mut self, name: &Name, port: u16, payload: &[u8]) -> Result<Option<Place>, Cause> {
        match Destination::parse_name(name.as_bytes()) {
            Ok(Destination::Address(address)) => Ok(Some((None, address))),
            Ok(Destination::Name(host)) if !self.bench.lets_look_up(&host, port) => Err(Cause::Blocked),
            Ok(Destination::Name(host)) => match self.names.wait(name, host, port, payload) {
                Ok(()) => Ok(None),
                Err(Full) => Err(Cause::QueueFull),
            },
            Err(_) => Err(Cause::Unresolved),
        }
    }

    fn judged<'d>(
        &mut self,
        name: Option<&Arc<HostName>>,
        to: SocketAddr,
        payload: &'d [u8],
    ) -> Result<Parcel<'d>, Cause> {
        if !self.bench.lets_pass(name, to) {
            return Err(Cause::Blocked);
        }
        self.peers.contact(name, to);
        Ok(Parcel { to, peer: to, header: &[], payload })
    }

    /// Sends on what waited for a name.
    pub(super) fn forward_waiting(&mut self, Answered { name, host, addresses, waiting }: Answered) {
        let addresses = addresses.unwrap_or_default();
        let Some(address) = self.choose(&host, &addresses, &waiting) else {
            let cause = if addresses.is_empty() { Cause::Unresolved } else { Cause::Blocked };
            return self.drops.count(cause, waiting.len());
        };
        self.names.remember(name, Arc::clone(&host), address, Instant::now());
        for Waiting { port, payload } in &waiting {
            match self.judged(Some(&host), SocketAddr::new(address, *port), payload) {
                Ok(parcel) => self.send(Family::of(address), vec![parcel]),
                Err(cause) => self.drops.count(cause, 1),
            }
        }
    }

    /// The first address that may be reached and can be, or failing that one that at least may.
    fn choose(&mut self, host: &Arc<HostName>, addresses: &[IpAddr], waiting: &[Waiting]) -> Option<IpAddr> {
        let port = waiting.first()?.port;
        let addresses = addresses.iter().map(|address| SocketAddr::new(address.to_canonical(), port));
        let allowed: Vec<_> = addresses.filter(|address| self.bench.lets_pass(Some(host), *address)).collect();
        let best = allowed.iter().find(|address| self.exit.reaches(**address)).or(allowed.first());
        best.map(SocketAddr::ip)
    }

    fn send(&mut self, family: Family, mut parcels: Vec<Parcel<'_>>) {
        self.up_meter.measure(&mut parcels, &mut self.drops);
        let Some(first) = parcels.first() else { return };
        let outlet = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        if outlet.is_none() {
            *outlet = self.exit.open(first.to.ip()).ok().map(Outlet::new);
        }
        match outlet {
            Some(outlet) => outlet.post(&parcels, self.up, &mut self.drops),
            None => self.drops.count(Cause::SendFailed, parcels.len()),
        }
    }
}
