//! Values that are each right and cannot all be meant.
//!
//! Only asks questions that need more than one key; the range of a single value is its kind's business.

use std::collections::HashMap;

use crate::listeners::{Binding, Listener};
use crate::origin::Origin;
use crate::problem::{Fault, Problem};
use crate::reader::Reader;
use crate::settings::{Commands, Settings};
use crate::values::{BindAddress, Endpoint, Method};

pub(crate) fn check(settings: &Settings, reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) {
    let listeners = keyed_listeners(settings);
    something_listens(&listeners, reader);
    no_address_twice(&listeners, reader);
    no_name_twice(&listeners, reader);
    nothing_open_by_accident(settings, &listeners, reader);
    unix_keys_fit(settings, reader);
    users_file_fits(settings, &listeners, reader, warnings);
    some_command_is_on(&settings.commands, reader);
    ttl_bounds_fit(settings, reader);
}

/// Every listener with the key that its address stands under.
fn keyed_listeners(settings: &Settings) -> Vec<(String, Listener)> {
    let first = match settings.server.bind_address {
        BindAddress::Address(_) => Some("server.bind_address".to_owned()),
        BindAddress::None => None,
    };
    let further = (0..settings.listen.len()).map(|index| format!("listen[{index}].address"));
    first.into_iter().chain(further).zip(settings.listeners()).collect()
}

fn something_listens(listeners: &[(String, Listener)], reader: &mut Reader<'_>) {
    if listeners.is_empty() {
        let fault = Fault::new("nothing listens").hint("write an address here, or add a [[listen]] table");
        reader.report(reader.origin("server.bind_address"), "server.bind_address", fault);
    }
}

fn no_address_twice(listeners: &[(String, Listener)], reader: &mut Reader<'_>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (key, listener) in listeners {
        let place = match &listener.binding {
            Binding::Tcp(address) if address.port() == 0 => continue,
            Binding::Tcp(address) => address.to_string(),
            Binding::Unix { path, .. } => path.display().to_string(),
        };
        if let Some(other) = seen.insert(place.clone(), key) {
            let fault = Fault::new(format!("{place} is already the address of {other}"));
            reader.report(placed(reader, key, other), key, fault.hint("change or remove one of them"));
        }
    }
}

fn no_name_twice(listeners: &[(String, Listener)], reader: &mut Reader<'_>) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (key, listener) in listeners {
        let table = key.trim_end_matches(".address");
        let name_key = format!("{table}.name");
        let is_named = reader.origin(&name_key) != Origin::Default;
        if let Some(other) = seen.insert(&listener.name, key).filter(|_| is_named) {
            let fault = Fault::new(format!("{:?} already names the listener of {other}", listener.name));
            reader.report(reader.origin(&name_key), &name_key, fault.hint("give each listener a name of its own"));
        }
    }
}

fn nothing_open_by_accident(settings: &Settings, listeners: &[(String, Listener)], reader: &mut Reader<'_>) {
    if settings.server.i_understand_open_proxy {
        return;
    }
    for (key, listener) in listeners.iter().filter(|(_, listener)| listener.is_open()) {
        let fault = Fault::new(format!("{} can be reached by others and asks for no authentication", listener.name)).hint(
            "set auth.socks_method = \"userpass\", or listen on 127.0.0.1, or set server.i_understand_open_proxy = true",
        );
        reader.report(placed(reader, key, "auth.socks_method"), key, fault);
    }
}

fn unix_keys_fit(settings: &Settings, reader: &mut Reader<'_>) {
    for (index, table) in settings.listen.iter().enumerate() {
        let (key, message, hint) = match &table.address {
            Endpoint::Tcp(_) if table.mode.is_some() => {
                ("mode", "is for Unix sockets only", "remove it, or listen on \"unix:/…\"")
            }
            Endpoint::Unix(_) if !table.proxy_protocol_from.is_empty() => (
                "proxy_protocol_from",
                "cannot match: a peer on a Unix socket has no address",
                "remove it, or listen on a TCP address",
            ),
            Endpoint::Tcp(_) | Endpoint::Unix(_) => continue,
        };
        let key = format!("listen[{index}].{key}");
        reader.report(reader.origin(&key), &key, Fault::new(message).hint(hint));
    }
}

fn users_file_fits(
    settings: &Settings,
    listeners: &[(String, Listener)],
    reader: &mut Reader<'_>,
    warnings: &mut Vec<Problem>,
) {
    const FILE: &str = "auth.users_file";
    let is_used = listeners.iter().any(|(_, listener)| listener.methods.contains(Method::UserPass));
    if is_used && settings.auth.users_file.is_none() {
        let fault = Fault::new("is missing, and a listener asks for user names and passwords");
        let asking = asking_for_passwords(settings, reader);
        reader.report(asking, FILE, fault.hint("add users_file = \"/etc/rustsocks/users.toml\" to [auth]"));
    }
    if !is_used && settings.auth.users_file.is_some() {
        let message = "is not read: no listener uses \"userpass\"".to_owned();
        let hint = Some("set auth.socks_method = \"userpass\", or remove it".to_owned());
        warnings.push(Problem { origin: reader.origin(FILE), key: FILE.to_owned(), message, hint });
    }
}

/// The place of the first key that names `userpass`.
fn asking_for_passwords(settings: &Settings, reader: &Reader<'_>) -> Origin {
    let asks = |index: &usize| {
        settings.listen[*index].socks_method.as_ref().is_some_and(|methods| methods.contains(Method::UserPass))
    };
    let further = (0..settings.listen.len()).find(asks).map(|index| format!("listen[{index}].socks_method"));
    let general = settings.auth.socks_method.contains(Method::UserPass).then(|| "auth.socks_method".to_owned());
    general.or(further).map_or(Origin::Default, |key| reader.origin(&key))
}

fn some_command_is_on(commands: &Commands, reader: &mut Reader<'_>) {
    let Commands { connect, bind, udp_associate, resolve } = commands;
    if !(*connect || *bind || *udp_associate || *resolve) {
        let fault = Fault::new("every command is off, so no request can succeed").hint("set connect = true");
        reader.report(reader.origin("commands.connect"), "commands", fault);
    }
}

fn ttl_bounds_fit(settings: &Settings, reader: &mut Reader<'_>) {
    let (least, most) = (settings.dns.min_ttl.as_secs(), settings.dns.max_ttl.as_secs());
    if least > most {
        let fault = Fault::new(format!("{least} is more than dns.max_ttl_secs, which is {most}"));
        let place = placed(reader, "dns.min_ttl_secs", "dns.max_ttl_secs");
        reader.report(place, "dns.min_ttl_secs", fault.hint("lower this one or raise the other"));
    }
}

/// The place of a key, or of another one that shares the blame when the first was not written.
fn placed(reader: &Reader<'_>, key: &str, other: &str) -> Origin {
    let origin = reader.origin(key);
    if origin == Origin::Default { reader.origin(other) } else { origin }
}
