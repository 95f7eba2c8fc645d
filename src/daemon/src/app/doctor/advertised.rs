//! Whether clients and peers are told an address at which they reach this host.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use acl::Realm;
use config::{Advertised, Binding, Listener, Ports};

use super::finding::Finding;
use super::patient::Patient;
use crate::engine::sys::interfaces;

/// One of the tables that tell others an address.
struct Table<'a> {
    name: &'static str,
    /// What comes of a wrong one.
    who: &'static str,
    ports: Option<Ports>,
    of: &'a dyn Fn(&Listener) -> Advertised,
}

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let settings = patient.settings();
    let udp = Table { name: "udp", who: "UDP clients", ports: settings.udp.ports, of: &|listener| listener.udp };
    let bind =
        Table { name: "bind", who: "peers of a BIND", ports: settings.bind.ports, of: &|listener| listener.bind };
    let tables = [(settings.commands.udp_associate, udp), (settings.commands.bind, bind)];
    let own = interfaces::addresses().unwrap_or_default();
    let mut found = Vec::new();
    for (_, table) in tables.iter().filter(|(is_on, _)| *is_on) {
        let reachable = settings.listeners().into_iter().filter(|listener| is_reachable(&listener.binding));
        found.extend(reachable.filter_map(|listener| judge(patient, table, &listener, &own)));
    }
    found.dedup();
    if found.is_empty() {
        found.push(Finding::fine("whoever is told an address of this host can be meant to reach it"));
    }
    found
}

fn judge(patient: &Patient<'_>, table: &Table<'_>, listener: &Listener, own: &HashSet<IpAddr>) -> Option<Finding> {
    let Table { name, who, ports, of } = table;
    let key = format!("{name}.advertised_address_v4");
    let advertised = of(listener).v4;
    match advertised {
        Some(address) if address.is_loopback() => Some(
            Finding::problem(format!("{who} of {} are told {address}, which is their own machine", listener.name))
                .with(patient.change(&key, "\"ADDRESS\"")),
        ),
        Some(address) if !own.contains(&IpAddr::V4(address)) && ports.is_none() => Some(
            Finding::warning(format!(
                "{who} of {} are told {address}, which no interface here has, and any port: what translates addresses cannot pass them on",
                listener.name
            ))
            .with(patient.change(&format!("{name}.port_range"), "\"20000-20999\"")),
        ),
        None if told(listener, own).is_some_and(|address| Realm::of(address.into()) == Realm::Private) => Some(
            Finding::warning(format!(
                "{who} of {} are told a private address: from outside this network they cannot reach it",
                listener.name
            ))
            .with(patient.change(&key, "\"OUTER ADDRESS\"")),
        ),
        Some(_) | None => None,
    }
}

/// The IPv4 address that is told when none is configured, as far as it can be known before a client comes.
fn told(listener: &Listener, own: &HashSet<IpAddr>) -> Option<Ipv4Addr> {
    let Binding::Tcp(address) = listener.binding else { return None };
    let IpAddr::V4(bound) = address.ip() else { return None };
    if !bound.is_unspecified() {
        return Some(bound);
    }
    let mut public = own.iter().filter_map(|address| match address {
        IpAddr::V4(address) if !address.is_loopback() && !address.is_link_local() => Some(*address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    });
    // Any public one may be the one that clients come to.
    let first = public.next()?;
    public.chain([first]).find(|address| Realm::of((*address).into()) == Realm::Public).or(Some(first))
}

fn is_reachable(binding: &Binding) -> bool {
    matches!(binding, Binding::Tcp(address) if !address.ip().to_canonical().is_loopback())
}
