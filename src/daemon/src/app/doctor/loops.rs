//! Whether the listeners answer, and whether a client could be led by the proxy back into the proxy.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use config::{Binding, ClientMethod, Listener, Method, Opening, Protocol};

use super::finding::Finding;
use super::patient::Patient;
use crate::engine::sys::interfaces;

/// How long a step may take; it is this very host that answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// RFC 1928 §3: one method, none.
const GREETING: [u8; 3] = [5, 1, 0];

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let settings = patient.settings();
    let own: HashSet<IpAddr> = interfaces::addresses().unwrap_or_default();
    let listeners = settings.listeners();
    let mut found: Vec<Finding> = Vec::new();
    for opening in &settings.guard.allow {
        let Opening::Endpoint(endpoint) = opening else { continue };
        if listeners.iter().any(|listener| leads_to(&listener.binding, *endpoint, &own)) {
            let rest = settings.guard.allow.iter().filter(|other| *other != opening).map(written);
            let rest = rest.collect::<Vec<_>>().join(", ");
            found.push(
                Finding::problem(format!(
                    "guard.allow opens {endpoint}, where this proxy listens: clients can make it call itself"
                ))
                .with(patient.change("guard.allow", &format!("[{rest}]"))),
            );
        }
    }
    found.extend(listeners.iter().filter_map(try_out));
    found
}

fn written(opening: &Opening) -> String {
    match opening {
        Opening::Network(network) => format!("\"{network}\""),
        Opening::Endpoint(endpoint) => format!("\"{endpoint}\""),
    }
}

fn leads_to(binding: &Binding, endpoint: SocketAddr, own: &HashSet<IpAddr>) -> bool {
    let Binding::Tcp(listener) = binding else { return false };
    let (bound, meant) = (listener.ip().to_canonical(), endpoint.ip().to_canonical());
    let is_ours = || meant.is_loopback() || own.contains(&meant);
    listener.port() == endpoint.port() && (bound == meant || (bound.is_unspecified() && is_ours()))
}

/// Asks the listener for a connection to itself.
fn try_out(listener: &Listener) -> Option<Finding> {
    let Binding::Tcp(bound) = listener.binding else { return None };
    let (name, address) = (&listener.name, interfaces::reached_here(bound));
    let mut stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => {
            return Some(Finding::warning(format!("nobody answers at {address}, is the service started? ({error})")));
        }
    };
    if !asks_for_nothing(listener) {
        return Some(Finding::fine(format!(
            "{name} answers; that it is led back to itself is not tried where it wants a proof or a header first"
        )));
    }
    Some(match led_back(&mut stream, address) {
        Ok(Some(0)) => Finding::problem(format!(
            "{name} connects its clients to itself: what listens there is not this configuration's guard"
        )),
        Ok(Some(reply)) => {
            Finding::fine(format!("{name} answers, and refuses to be led back to itself (reply {reply})"))
        }
        Ok(None) => Finding::warning(format!(
            "what listens at {address} is not this configuration's SOCKS5 without authentication"
        )),
        Err(error) => Finding::warning(format!("{name} takes connections and does not answer: {error}")),
    })
}

fn asks_for_nothing(listener: &Listener) -> bool {
    let speaks = listener.protocols.contains(Protocol::Socks5) && listener.methods.contains(Method::None);
    speaks && listener.client_method == ClientMethod::None && listener.proxy_protocol_from.is_empty()
}

/// The reply to a CONNECT to this very address; nothing if the greeting is answered by something else.
fn led_back(stream: &mut TcpStream, address: SocketAddr) -> io::Result<Option<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&GREETING)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen)?;
    if chosen != [5, 0] {
        return Ok(None);
    }
    stream.write_all(&request(address))?;
    let mut reply = [0; 2];
    stream.read_exact(&mut reply)?;
    Ok(Some(reply[1]))
}

/// RFC 1928 §4.
fn request(address: SocketAddr) -> Vec<u8> {
    let mut bytes = vec![5, 1, 0];
    match address.ip() {
        IpAddr::V4(ip) => bytes.extend([1].iter().chain(&ip.octets())),
        IpAddr::V6(ip) => bytes.extend([4].iter().chain(&ip.octets())),
    }
    bytes.extend(address.port().to_be_bytes());
    bytes
}
