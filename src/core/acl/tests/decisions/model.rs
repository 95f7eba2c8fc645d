//! A decision as one would make it with pencil and paper: rule by rule, destination by destination, character by
//! character. Slow and obvious; shares no code with the rules engine but the list of what an address carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use acl::{Carrier, carried};

/// A rule in plain words.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// `alice`, `*`, `anonymous`, or `%staff` for a group.
    pub(crate) owner: &'static str,
    pub(crate) blocks: bool,
    pub(crate) is_shadow: bool,
    pub(crate) destinations: Vec<&'static str>,
    /// First and last of each range; every port when there is none.
    pub(crate) ports: Vec<(u16, u16)>,
    pub(crate) protocols: Vec<&'static str>,
    pub(crate) commands: Vec<&'static str>,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) sources: Vec<&'static str>,
    pub(crate) priority: i32,
    /// Days from 0, and minutes of the day; an end before the beginning is on the next day.
    pub(crate) time: Option<(Vec<u8>, u16, u16)>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) service: Option<&'static str>,
    pub(crate) internal: Option<bool>,
    /// Its place in the file; no two rules have the same.
    pub(crate) line: u32,
}

/// A request in plain words.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) name: Option<&'static str>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    pub(crate) command: &'static str,
    pub(crate) method: &'static str,
    pub(crate) source: Option<IpAddr>,
    pub(crate) seconds: i64,
    pub(crate) day: u8,
    pub(crate) minute: u16,
    pub(crate) accepting: Vec<&'static str>,
    pub(crate) refusing: Vec<&'static str>,
}

/// The circumstances of all requests.
#[derive(Debug, Clone)]
pub(crate) struct House {
    pub(crate) allows_by_default: bool,
    pub(crate) private_by_name: bool,
    /// Whose rules hold for the client, as in [`Written::owner`].
    pub(crate) owners: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Allow {
        by: Option<u32>,
        shadow: Option<u32>,
    },
    Deny {
        by: Option<u32>,
        shadow: Option<u32>,
    },
    /// The rule that allows the name, if one does.
    Resolve {
        by: Option<u32>,
    },
    Ask(&'static str),
}

/// What one rule has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// If this service accepts the client.
    If(&'static str),
    /// If an address is the right one.
    Perhaps,
}

pub(crate) fn decide(house: &House, rules: &[Written], asked: &Asked) -> Said {
    let rules: Vec<&Written> = rules.iter().filter(|rule| house.owners.contains(&rule.owner)).collect();
    let fitting = |blocks: bool, is_shadow: bool| -> Vec<(&Written, Answer)> {
        let kind = rules.iter().filter(|rule| rule.blocks == blocks && rule.is_shadow == is_shadow);
        let mut kind: Vec<_> = kind.map(|rule| (*rule, answer(house, rule, asked))).collect();
        kind.retain(|(_, answer)| *answer != Answer::No);
        kind.sort_by_key(|(rule, _)| (-i64::from(rule.priority), rule.line));
        kind
    };
    let first = |of: &[(&Written, Answer)]| {
        of.iter().find(|(_, answer)| *answer == Answer::Yes).map(|(rule, _)| (-i64::from(rule.priority), rule.line))
    };
    let asks = |of: &[(&Written, Answer)]| {
        of.iter().find_map(|(_, answer)| if let Answer::If(service) = answer { Some(*service) } else { None })
    };
    let (blocks, allows) = (fitting(true, false), fitting(false, false));
    let (shadow_blocks, shadow_allows) = (fitting(true, true), fitting(false, true));
    let (block, allow) = (first(&blocks), first(&allows));
    // What would be credited if shadow rules were enforced.
    let earlier = |shadow: Option<(i64, u32)>, enforced: Option<(i64, u32)>| {
        shadow.filter(|shadow| enforced.is_none_or(|enforced| *shadow < enforced))
    };
    let shadow = if block.is_some() || first(&shadow_blocks).is_some() {
        earlier(first(&shadow_blocks), block)
    } else {
        earlier(first(&shadow_allows), allow)
    };
    let (shadow, line) = (shadow.map(|(_, line)| line), |found: Option<(i64, u32)>| found.map(|(_, line)| line));
    if block.is_some() {
        return Said::Deny { by: line(block), shadow };
    }
    if let Some(service) = asks(&blocks) {
        return Said::Ask(service);
    }
    if asked.address.is_none() {
        let may = allows.iter().any(|(_, answer)| *answer == Answer::Perhaps);
        if allow.is_some() || house.allows_by_default || may {
            return Said::Resolve { by: line(allow) };
        }
    }
    if allow.is_some() || house.allows_by_default {
        return Said::Allow { by: line(allow), shadow };
    }
    asks(&allows).map_or(Said::Deny { by: None, shadow }, Said::Ask)
}

pub(crate) fn answer(house: &House, rule: &Written, asked: &Asked) -> Answer {
    // A v4-mapped address is the IPv4 address, everywhere and always.
    let asked = &Asked { address: asked.address.map(|address| address.to_canonical()), ..asked.clone() };
    let protocol = if asked.command == "udp_associate" { "udp" } else { "tcp" };
    let fits = (rule.ports.is_empty()
        || rule.ports.iter().any(|(first, last)| *first <= asked.port && asked.port <= *last))
        && (rule.protocols.is_empty() || rule.protocols.contains(&protocol))
        && (rule.commands.is_empty() || rule.commands.contains(&asked.command))
        && (rule.methods.is_empty() || rule.methods.contains(&asked.method))
        && (rule.sources.is_empty()
            || asked.source.is_some_and(|source| rule.sources.iter().any(|network| is_in(network, source))))
        && rule.valid_until.is_none_or(|until| asked.seconds < until)
        && rule.time.as_ref().is_none_or(|(days, from, to)| is_within(days, *from, *to, asked));
    if !fits {
        return Answer::No;
    }
    let destination = rule.destinations.iter().map(|destination| meant(house, rule, destination, asked));
    let destination = destination
        .max_by_key(|answer| [Answer::No, Answer::Perhaps, Answer::Yes].iter().position(|known| known == answer));
    match (destination, rule.service) {
        (Some(Answer::Yes), Some(service)) if asked.accepting.contains(&service) => Answer::Yes,
        (Some(Answer::Yes | Answer::Perhaps), Some(service)) if asked.refusing.contains(&service) => Answer::No,
        (Some(Answer::Yes), Some(service)) => Answer::If(service),
        (Some(answer), _) => answer,
        (None, _) => Answer::No,
    }
}

fn meant(house: &House, rule: &Written, destination: &str, asked: &Asked) -> Answer {
    let is_address =
        destination.starts_with("@p") || destination.contains('/') || destination.parse::<IpAddr>().is_ok();
    let yes_if = |fits: bool| if fits { Answer::Yes } else { Answer::No };
    if is_address {
        return asked
            .address
            .map_or(Answer::Perhaps, |address| yes_if(fits_address(destination, address, rule.blocks)));
    }
    let fits = destination == "*" || asked.name.is_some_and(|name| fits_name(destination, name));
    let is_private = asked.address.is_some_and(|address| all_of(address).iter().any(|address| !is_public(*address)));
    let admits = match rule.internal {
        Some(admits) => admits,
        None => house.private_by_name || asked.name.is_none(),
    };
    yes_if(fits && (rule.blocks || !is_private || admits))
}

fn fits_name(pattern: &str, name: &str) -> bool {
    let labels = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (pattern, name) = (labels(pattern), labels(name));
    if pattern[0] == "*" {
        let least = pattern.len() - 1;
        return name.len() > least && all_fit(&pattern[1..], &name[name.len() - least..]);
    }
    pattern.len() == name.len() && all_fit(&pattern, &name)
}

fn all_fit(pattern: &[String], name: &[String]) -> bool {
    pattern.iter().zip(name).all(|(pattern, label)| fits_label(pattern.as_bytes(), label.as_bytes()))
}

fn fits_label(pattern: &[u8], label: &[u8]) -> bool {
    match (pattern, label) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => fits_label(rest, label) || (!label.is_empty() && fits_label(pattern, &label[1..])),
        ([first, rest @ ..], [letter, more @ ..]) => first == letter && fits_label(rest, more),
        _ => false,
    }
}

fn fits_address(destination: &str, address: IpAddr, blocks: bool) -> bool {
    let (all, host) = (all_of(address), host(address));
    match (destination, blocks) {
        ("@public", true) => all.iter().any(|address| is_public(*address)),
        ("@public", false) => all.iter().all(|address| is_public(*address)),
        ("@private", true) => all.iter().any(|address| !is_public(*address)),
        ("@private", false) => !is_public(host),
        (network, true) => all.iter().any(|address| is_in(network, *address)),
        (network, false) => is_in(network, address) || is_in(network, host),
    }
}

/// The address and everything it carries.
fn all_of(address: IpAddr) -> Vec<IpAddr> {
    let inner = match address {
        IpAddr::V4(_) => Vec::new(),
        IpAddr::V6(address) => carried(address).map(|found| found.address.into()).collect(),
    };
    [vec![address], inner].concat()
}

/// Where packets to the address end up.
fn host(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let found: Vec<_> = carried(v6).collect();
    match &found[..] {
        [only] if [Carrier::Nat64, Carrier::Nat64Local, Carrier::Translated].contains(&only.carrier) => {
            only.address.into()
        }
        _ => address,
    }
}

fn is_in(network: &str, address: IpAddr) -> bool {
    let (base, length) =
        network.split_once('/').map_or((network, None), |(base, length)| (base, length.parse::<u32>().ok()));
    match (base.parse().expect("an address"), address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            bits(u128::from(base.to_bits()), u128::from(address.to_bits()), 32, length.unwrap_or(32))
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => bits(base.to_bits(), address.to_bits(), 128, length.unwrap_or(128)),
        _ => false,
    }
}

fn bits(base: u128, address: u128, width: u32, length: u32) -> bool {
    (0..length).all(|bit| (base >> (width - 1 - bit)) & 1 == (address >> (width - 1 - bit)) & 1)
}

fn is_public(address: IpAddr) -> bool {
    const PRIVATE: [&str; 17] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];
    !PRIVATE.iter().any(|network| is_in(network, address))
}

fn is_within(days: &[u8], from: u16, to: u16, asked: &Asked) -> bool {
    let began = |day: u8| days.contains(&day);
    let (today, yesterday) = (asked.day, (asked.day + 6) % 7);
    if from < to {
        return began(today) && from <= asked.minute && asked.minute < to;
    }
    (began(today) && asked.minute >= from) || (began(yesterday) && asked.minute < to)
}

#[test]
fn the_model_itself_is_right() {
    for (pattern, name, fits) in [
        ("*.b", "a.b", true),
        ("*.b", "b", false),
        ("a*.b", "ax.b", true),
        ("a*.b", "a.x.b", false),
        ("*.a*.b", "x.y.ab.b", true),
    ] {
        assert_eq!(fits_name(pattern, name), fits, "{pattern} {name}");
    }
    assert!(is_in("10.0.0.0/8", Ipv4Addr::new(10, 9, 9, 9).into()) && !is_in("10.0.0.0/8", Ipv6Addr::LOCALHOST.into()));
}
