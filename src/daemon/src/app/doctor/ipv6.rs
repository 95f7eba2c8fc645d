//! Whether IPv6 is there, or absent, or half there: which costs each new connection a moment.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::args::Target;
use super::finding::Finding;
use super::names::Found;
use super::patient::Patient;
use crate::engine::sys::interfaces;

/// How long a connection may take before it counts as not to be had.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn examine(patient: &Patient<'_>, target: &Target, found: &Found) -> Vec<Finding> {
    let own = interfaces::addresses().unwrap_or_default();
    let has_address = own.iter().any(|address| matches!(address, IpAddr::V6(address) if is_of_the_world(*address)));
    let addresses = found.addresses.as_deref().unwrap_or_default();
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv6());
    let finding = match (v6.first(), v4.first()) {
        _ if !has_address => Finding::fine("this host has no IPv6 address of the world, and reaches targets by IPv4"),
        (Some(v6), _) if reaches(*v6, target.port) => Finding::fine(format!("{target} was reached by IPv6")),
        (Some(_), Some(v4)) if reaches(*v4, target.port) => {
            let lost = patient.settings().outbound.attempt_delay;
            Finding::problem(format!(
                "IPv6 is half there: {target} is reached by IPv4 and not by IPv6, so that connections to such targets begin {lost:?} later"
            ))
            .with(patient.change("outbound.attempt_delay_ms", "50"))
        }
        (Some(_), _) => {
            Finding::warning(format!("{target} is reached neither by IPv6 nor by IPv4; name a --target that is"))
        }
        (None, _) => Finding::fine(format!("{target} has no IPv6 address, so that it says nothing about IPv6")),
    };
    vec![finding]
}

/// `2000::/3` (RFC 4291 §2.5.4).
fn is_of_the_world(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

fn reaches(address: IpAddr, port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), PATIENCE).is_ok()
}
