//! Whose datagrams an association takes.
//!
//! The address is known when the association opens, the port at the latest from the first valid datagram.
//! Nothing is sent to a client before that datagram, and no stranger's datagram can stand in for it.

use std::net::{IpAddr, SocketAddr};

use config::ClientAddress;
use socks::{Host, Target};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    address: IpAddr,
    /// `None` until the request or a datagram has told.
    port: Option<u16>,
    /// Where its first valid datagram came from.
    heard: Option<SocketAddr>,
}

/// The request names another address than the one that the client comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OtherAddress;

impl Client {
    /// Reads the address that the client announced in its request against the one that it came `from` (RFC 1928 §4 and §6).
    ///
    /// Zeros and any name (`PySocks` sends "0") announce nothing. An address that is not the client's own was written behind NAT:
    /// then its port means nothing either, and `Control` learns it from the first datagram.
    ///
    /// # Errors
    /// The announced address is another one and `trust` is `Strict`.
    pub(crate) fn announced(said: &Target, from: IpAddr, trust: ClientAddress) -> Result<Self, OtherAddress> {
        let address = from.to_canonical();
        let port = (said.port != 0).then_some(said.port);
        let is_own = announced_address(&said.host).is_none_or(|announced| announced == address);
        match trust {
            ClientAddress::Strict if !is_own => Err(OtherAddress),
            ClientAddress::Strict | ClientAddress::Control => {
                Ok(Self { address, port: port.filter(|_| is_own), heard: None })
            }
        }
    }

    /// Whether a datagram from there can be the client's; IPv4-mapped addresses have to be unmapped.
    pub(super) fn may_be(&self, sender: SocketAddr) -> bool {
        sender.ip() == self.address && self.port.is_none_or(|port| sender.port() == port)
    }

    /// The client has sent a valid datagram from there: from now on it is no other port.
    pub(super) fn is_heard(&mut self, sender: SocketAddr) {
        self.port = Some(sender.port());
        self.heard = Some(sender);
    }

    /// Where replies go; nothing goes anywhere before the client was heard.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.heard
    }
}

fn announced_address(host: &Host) -> Option<IpAddr> {
    let address = match host {
        Host::V4(address) => IpAddr::from(*address),
        Host::V6(address) => IpAddr::from(*address).to_canonical(),
        Host::Name(_) => return None,
    };
    (!address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use socks::Name;

    use super::*;

    const PEER: &str = "192.0.2.7";

    #[test]
    fn zeros_and_names_lock_the_address_of_the_control_connection_and_leave_the_port_open() {
        for said in ["0.0.0.0:0", "[::]:0", "0:0", "client.example:0", "[::ffff:0.0.0.0]:0"] {
            check(said, ClientAddress::Strict, Ok("192.0.2.7 any"));
        }
    }

    #[test]
    fn a_port_alone_is_taken_by_its_word() {
        check("0.0.0.0:5000", ClientAddress::Strict, Ok("192.0.2.7 5000"));
        check("[::]:5000", ClientAddress::Control, Ok("192.0.2.7 5000"));
    }

    #[test]
    fn the_right_address_is_pinned_in_either_spelling() {
        check("192.0.2.7:5000", ClientAddress::Strict, Ok("192.0.2.7 5000"));
        check("[::ffff:192.0.2.7]:5000", ClientAddress::Strict, Ok("192.0.2.7 5000"));
        check("192.0.2.7:0", ClientAddress::Strict, Ok("192.0.2.7 any"));
    }

    #[test]
    fn an_inner_address_is_corrected_or_refused_as_configured() {
        check("10.0.0.5:5000", ClientAddress::Control, Ok("192.0.2.7 any"));
        check("10.0.0.5:5000", ClientAddress::Strict, Err(OtherAddress));
        check("10.0.0.5:0", ClientAddress::Strict, Err(OtherAddress));
    }

    #[test]
    fn a_client_behind_a_mapped_address_is_the_ipv4_client_it_is() {
        let from = "::ffff:192.0.2.7".parse().unwrap();
        let client = Client::announced(&target("0.0.0.0:0"), from, ClientAddress::Strict).unwrap();
        assert!(client.may_be("192.0.2.7:1".parse().unwrap()));
    }

    #[test]
    fn the_first_datagram_fixes_the_port() {
        let mut client =
            Client::announced(&target("0.0.0.0:0"), PEER.parse().unwrap(), ClientAddress::Control).unwrap();
        let (first, second) = ("192.0.2.7:5000".parse().unwrap(), "192.0.2.7:5001".parse().unwrap());
        assert_eq!((client.address(), client.may_be(first), client.may_be(second)), (None, true, true));
        client.is_heard(first);
        assert_eq!((client.address(), client.may_be(first), client.may_be(second)), (Some(first), true, false));
    }

    fn check(said: &str, trust: ClientAddress, expected: Result<&str, OtherAddress>) {
        let client = Client::announced(&target(said), PEER.parse().unwrap(), trust);
        let shown = client.map(|client| {
            let port = client.port.map_or("any".to_owned(), |port| port.to_string());
            format!("{} {port}", client.address)
        });
        assert_eq!(shown, expected.map(str::to_owned), "{said} with {trust}");
    }

    fn target(text: &str) -> Target {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return address.into();
        }
        let (name, port) = text.rsplit_once(':').unwrap();
        Target { host: Host::Name(Name::new(name.as_bytes()).unwrap()), port: port.parse().unwrap() }
    }
}
