//! What a request may call this host. A web page that makes a browser believe that its own name is here (DNS rebinding) is
//! found out by the name, for that is what the browser sends.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

/// Names and addresses that the operator added, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Hosts(HashSet<String>);

/// Where a connection arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    At(IpAddr),
    /// On a Unix socket, where every address would do.
    Here,
}

impl FromIterator<String> for Hosts {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Hosts {
    /// Whether a `Host` is the address that the connection arrived at, `localhost` where that is true, or one of the operator's.
    pub(super) fn know(&self, host: &str, arrived: Arrived) -> bool {
        let Some(name) = without_port(host) else { return false };
        let address = address(name);
        let is_own = match (arrived, address) {
            (Arrived::At(here), Some(address)) => here.to_canonical() == address,
            (Arrived::At(here), None) => here.to_canonical().is_loopback() && is_localhost(name),
            (Arrived::Here, None) => is_localhost(name),
            (Arrived::Here, Some(address)) => address.is_loopback(),
        };
        let spelled = address.map_or_else(|| name.to_ascii_lowercase(), |address| address.to_string());
        is_own || self.0.contains(&spelled)
    }
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

fn address(name: &str) -> Option<IpAddr> {
    match name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical()),
        None => name.parse::<IpAddr>().ok().filter(IpAddr::is_ipv4),
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2); which port it is says nothing about who asks.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    (is_port && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arrived: &str, known: &[&str], unknown: &[&str]) {
        let hosts: Hosts = ["proxy.example.com", "192.0.2.99", "2001:db8::99"].map(str::to_owned).into_iter().collect();
        let arrived = arrived.parse().map_or(Arrived::Here, Arrived::At);
        for host in known {
            assert!(hosts.know(host, arrived), "{host} at {arrived:?}");
        }
        for host in unknown {
            assert!(!hosts.know(host, arrived), "{host} at {arrived:?}");
        }
    }

    const ALWAYS: [&str; 5] =
        ["proxy.example.com", "PROXY.example.com:9090", "192.0.2.99", "192.0.2.99:1", "[2001:db8::99]:9090"];
    const NEVER: [&str; 9] =
        ["evil.test", "evil.test:9090", "", ":9090", "localhost.evil.test", "a:b", "[::1", "::1", "127.1"];

    #[test]
    fn on_loopback_it_is_localhost_too() {
        for (arrived, own, other) in [("127.0.0.1", "127.0.0.1:9090", "[::1]"), ("::1", "[::1]:9090", "127.0.0.1")] {
            check(arrived, &ALWAYS, &NEVER);
            check(arrived, &[own, "localhost", "LocalHost:9090"], &[other, "192.0.2.1"]);
        }
    }

    #[test]
    fn elsewhere_it_is_the_address_that_was_reached() {
        check("192.0.2.1", &ALWAYS, &NEVER);
        check("192.0.2.1", &["192.0.2.1", "192.0.2.1:9090"], &["192.0.2.2", "localhost", "127.0.0.1"]);
        check("::ffff:192.0.2.1", &["192.0.2.1", "[::ffff:192.0.2.1]"], &["192.0.2.2"]);
        check("2001:db8::1", &["[2001:db8::1]", "[2001:DB8:0::1]:9090"], &["[2001:db8::2]"]);
    }

    #[test]
    fn on_a_unix_socket_it_is_localhost() {
        check("unix", &ALWAYS, &NEVER);
        check("unix", &["localhost", "127.0.0.1:80", "[::1]"], &["192.0.2.1"]);
    }
}
