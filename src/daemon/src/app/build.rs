//! From settings to the options of each part. Every table is taken apart completely,
//! so that a key nobody uses does not compile.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use acl::Exception;
use arc_swap::{ArcSwap, ArcSwapOption};
use config::{
    Admin, Choices, ClientMethod, DatabaseUrl, Dns, Listener, LogFormat, LogLevel, Logging, Method, OnRevoke, Opening,
    Outbound, Protocol, Resolver, Server, Sessions, Settings,
};
use socks::{Command, Offer, Socks4};
use tracing::level_filters::LevelFilter;
use wire::admin::Role;

use super::counting::Counting;
use super::state_directory;
use super::{allowance, quotas};
use crate::engine::auth::Backends;
use crate::engine::dial::options as dial;
use crate::engine::history;
use crate::engine::log;
use crate::engine::relay::udp::Exit;
use crate::engine::sys::endurance::{Endurance, Keepalive};
use crate::engine::sys::interfaces;
use crate::engine::tls::Identity;
use crate::frontends::admin::{self, Roles};
use crate::frontends::http::{self, Access, Hosts, Manners, Terms};
use crate::frontends::socks::{Door, Way, associate, bind};
use crate::state::limits::allowance::Allowance;
use crate::state::penalties::source::Prefixes;
use crate::state::penalties::tariff::{Crowding, Lock, Prices, Tariff};
use crate::state::rules::Rules;
use crate::state::session::facts::AuthMethod;
use crate::state::snapshot::{Lifetimes, Policy, Snapshot, Surroundings};
use crate::state::tokens::Tokens;
use crate::state::users::Users;

/// What the history needs; nothing when none is to be kept, or there is no place for it.
pub(super) fn history(sessions: &Sessions, state_directory: Option<&Path>) -> Option<history::Options> {
    let Sessions {
        enabled,
        database_url,
        batch_size,
        batch_interval,
        // The housekeeping takes it.
        checkpoint: _,
        retention_days,
        cleanup_interval_hours,
        spool_max_mib,
    } = sessions;
    if !enabled {
        return None;
    }
    let retention = Duration::from_hours(24 * u64::from(*retention_days));
    Some(history::Options {
        database: database(database_url.as_ref(), state_directory)?,
        batch_size: (*batch_size).into(),
        batch_interval: *batch_interval,
        spool_bound: u64::from(*spool_max_mib) * 1024 * 1024,
        retention: (*retention_days > 0).then_some(retention),
        cleanup_every: Duration::from_hours((*cleanup_interval_hours).into()),
    })
}

/// The file that is named, or the one in the state directory.
pub(super) fn database(url: Option<&DatabaseUrl>, state_directory: Option<&Path>) -> Option<PathBuf> {
    let named = url.map(|url| url.path().to_owned());
    let found = || state_directory.map(Path::to_owned).or_else(state_directory::find);
    named.or_else(|| Some(found()?.join("sessions.db")))
}

pub(super) fn log(logging: &Logging) -> log::Options {
    let Logging { level, format, file, session_log, queue_lines } = logging;
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let format = match format {
        LogFormat::Pretty => log::Format::Pretty,
        LogFormat::Json => log::Format::Json,
    };
    log::Options { level, format, file: file.clone(), sessions: session_log.clone(), queue_lines: *queue_lines }
}

/// How long a request for the metrics may take.
const METRICS_LIMIT: Duration = Duration::from_secs(10);

/// Where operators' orders are written down, if there is an admin socket and a place.
pub(super) fn audit(admin: &Admin, state_directory: Option<&Path>) -> Option<PathBuf> {
    admin.socket.as_ref().or(admin.readonly_socket.as_ref())?;
    let found = || state_directory.map(Path::to_owned).or_else(state_directory::find);
    admin.audit_log.clone().or_else(|| Some(found()?.join("audit.jsonl")))
}

/// What the admin socket asks of whoever comes.
pub(super) fn admin_terms(admin: &Admin) -> admin::Terms {
    let Admin {
        // Whose file is where is for the monitor; the audit log is opened with the office.
        socket: _,
        readonly_socket: _,
        admin_groups,
        operator_groups,
        read_groups,
        mask_for_read,
        audit_log: _,
        audit_required: _,
    } = admin;
    let named = [(Role::Admin, admin_groups), (Role::Operate, operator_groups), (Role::Read, read_groups)];
    let named = named.into_iter().flat_map(|(role, groups)| groups.iter().map(move |group| (role, group.as_str())));
    let owner = admin.socket.as_ref().or(admin.readonly_socket.as_ref());
    let owner = owner.and_then(|socket| Some(fs::metadata(socket.as_path()).ok()?.uid()));
    let node = nix::sys::utsname::uname().map(|host| host.nodename().to_string_lossy().into_owned());
    admin::Terms {
        roles: Roles::find(named).owned_by(owner),
        is_masked: *mask_for_read,
        node: node.unwrap_or_default(),
    }
}

/// What the metrics' listener asks of a request.
pub(super) fn metrics_manners(metrics: &config::Metrics, identity: Arc<ArcSwapOption<Identity>>) -> Manners {
    let config::Metrics {
        enabled: _,
        bind_address: _,
        bind_port: _,
        socket_mode: _,
        // What is in these is the identity.
        tls_cert: _,
        tls_key: _,
        allowed_hosts,
        i_understand_open_metrics: _,
    } = metrics;
    Manners { identity, hosts: hosts(allowed_hosts), access: None, answer_limit: METRICS_LIMIT }
}

/// What the API's listener asks of a request.
pub(super) fn api_manners(
    api: &config::Api,
    identity: Arc<ArcSwapOption<Identity>>,
    tokens: Arc<ArcSwap<Tokens>>,
) -> Manners {
    let config::Api {
        enabled: _,
        bind_address: _,
        bind_port: _,
        socket_mode: _,
        tokens_file: _,
        tls_cert: _,
        tls_key: _,
        allowed_hosts,
        cors_origins,
        timeout,
        token_rate,
        source_rate,
    } = api;
    let terms = Terms {
        origins: cors_origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        token_rate: *token_rate,
        source_rate: *source_rate,
    };
    let access = Some(Access::new(tokens, terms));
    Manners { identity, hosts: hosts(allowed_hosts), access, answer_limit: *timeout }
}

fn hosts(names: &[config::HostLabel]) -> Hosts {
    names.iter().map(|host| host.as_str().to_owned()).collect()
}

/// Descriptors of the other frontends, beside those of sessions.
pub(super) fn descriptors_beside(settings: &Settings) -> usize {
    let http = [settings.metrics_binding(), settings.api_binding()];
    let admin = settings.admin_bindings();
    http.iter().flatten().count() * http::DESCRIPTORS + admin.iter().flatten().count() * admin::DESCRIPTORS
}

/// As many as configured, or one per core.
pub(super) fn threads(server: &Server) -> NonZeroU16 {
    let cores = || available_parallelism().map_or(1, usize::from);
    let wanted = server.worker_threads.map_or_else(cores, usize::from);
    u16::try_from(wanted).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MIN)
}

/// The policy of these settings, on a host that listens on `own_listeners`.
pub(super) fn snapshot(
    settings: &Settings,
    users: Arc<Users>,
    rules: Arc<Rules>,
    generation: u64,
    own_listeners: HashSet<SocketAddr>,
) -> io::Result<Snapshot> {
    let config::Timeouts { handshake, connect, half_closed, max_age, udp_idle, bind } = settings.timeouts;
    let config::Guard { allow, private_by_name: _ } = &settings.guard;
    let surroundings = Surroundings {
        exceptions: allow.iter().copied().map(exception).collect(),
        own_listeners,
        advertised: advertised(settings),
    };
    let lifetimes = Lifetimes {
        handshake,
        connect,
        bind,
        idle: settings.limits.idle,
        half_closed: Some(half_closed),
        udp_idle: Some(udp_idle),
        max_age,
    };
    let policy = Policy {
        allowance: Allowance { quotas: quotas::of(&settings.quotas)?, ..allowance::of(settings, &users, &rules) },
        rules,
        lifetimes,
        commands: commands(&settings.commands),
        penalties: penalties(&settings.penalties),
        ends_refused: settings.acl.on_revoke == OnRevoke::Close,
    };
    Ok(Snapshot::new(generation, users, policy, surroundings, interfaces::addresses()?))
}

/// Switched off, nothing costs anything and no name is locked; the door has its bounds all the same.
fn penalties(penalties: &config::Penalties) -> Tariff {
    let config::Penalties {
        enabled,
        exempt,
        authfail,
        noauth,
        grace_exceeded,
        enforce_from,
        max,
        max_sources,
        ipv4_prefix,
        ipv6_prefix,
        user_lock_failures,
        user_lock,
        known_address,
        failure_delay,
        early_drop,
        per_source,
    } = penalties;
    let price = |cost: Duration| if *enabled { cost } else { Duration::ZERO };
    let lock = NonZeroU32::new(*user_lock_failures).filter(|_| *enabled);
    Tariff {
        exempt: exempt.clone(),
        prefixes: Prefixes { v4: *ipv4_prefix, v6: *ipv6_prefix },
        prices: Prices { failed_login: price(*authfail), no_login: price(*noauth), too_slow: price(*grace_exceeded) },
        enforce_from: *enforce_from,
        most: *max,
        most_remembered: *max_sources,
        lock: lock.map(|failures| Lock { failures, time: *user_lock }),
        known_for: *known_address,
        failure_delay: *failure_delay,
        crowding: Crowding {
            early_drop: *early_drop,
            per_source: if *per_source == 0 { usize::MAX } else { *per_source },
        },
    }
}

/// What we tell clients and peers is us.
fn advertised(settings: &Settings) -> HashSet<IpAddr> {
    let of =
        |advertised: config::Advertised| advertised.v4.map(IpAddr::V4).into_iter().chain(advertised.v6.map(IpAddr::V6));
    settings.listeners().iter().flat_map(|listener| of(listener.udp).chain(of(listener.bind))).collect()
}

/// Those that are switched on; Tor's two go together.
fn commands(switches: &config::Commands) -> Vec<Command> {
    let config::Commands { connect, bind, udp_associate, resolve } = *switches;
    let switches = [
        (connect, Command::Connect),
        (bind, Command::Bind),
        (udp_associate, Command::UdpAssociate),
        (resolve, Command::Resolve),
        (resolve, Command::ResolvePtr),
    ];
    switches.into_iter().filter(|(is_on, _)| *is_on).map(|(_, command)| command).collect()
}

fn exception(opening: Opening) -> Exception {
    match opening {
        Opening::Network(network) => Exception::Network(network),
        Opening::Endpoint(endpoint) => Exception::Endpoint(endpoint),
    }
}

pub(super) fn dialing(settings: &Settings) -> dial::Options {
    let Outbound {
        address_v4,
        address_v6,
        interface,
        mark,
        keepalive,
        keepalive_interval,
        keepalive_probes,
        user_timeout,
        nodelay,
        attempt_delay,
    } = &settings.outbound;
    dial::Options {
        exit_v4: *address_v4,
        exit_v6: *address_v6,
        interface: interface.as_ref().map(|interface| interface.as_str().to_owned()),
        mark: *mark,
        endurance: Arc::new(Endurance {
            keepalive: keepalive.map(|idle| Keepalive {
                idle,
                interval: *keepalive_interval,
                probes: *keepalive_probes,
            }),
            user_timeout: *user_timeout,
        }),
        small_writes: if *nodelay { dial::SmallWrites::AtOnce } else { dial::SmallWrites::Gathered },
        attempt_delay: *attempt_delay,
        naming: naming(&settings.dns),
    }
}

fn naming(dns: &Dns) -> dial::Naming {
    let Dns {
        resolver,
        resolv_conf,
        hosts_file,
        timeout,
        attempts,
        cache_entries,
        min_ttl,
        max_ttl,
        negative_ttl,
        system_threads,
    } = dns;
    let source = match resolver {
        Resolver::Hickory => dial::Source::Servers(dial::Servers {
            resolv_conf: resolv_conf.clone(),
            hosts: hosts_file.clone(),
            port: dial::DNS_PORT,
            timeout: *timeout,
            attempts: *attempts,
        }),
        Resolver::System => dial::Source::System { threads: *system_threads },
    };
    let cache = dial::CacheBounds {
        capacity: *cache_entries,
        min_ttl: *min_ttl,
        max_ttl: *max_ttl,
        negative_ttl: *negative_ttl,
    };
    dial::Naming { source, cache }
}

/// What a listener needs to serve.
pub(super) fn door(listener: Listener, settings: &Settings, backends: &Backends, counting: &Counting) -> Door {
    let Listener { name, binding: _, protocols, client_method, methods, pam_service, proxy_protocol_from, udp, bind } =
        listener;
    let config::Udp { advertised_v4: _, advertised_v6: _, ports, client_address, replies, max_peers } = settings.udp;
    let outbound = dialing(settings);
    Door {
        name: name.into(),
        offer: Offer {
            socks5: protocols.contains(Protocol::Socks5),
            socks4: socks4(&protocols, &methods),
            http_connect: protocols.contains(Protocol::Http),
            methods: wire_methods(&methods),
        },
        address_check: match client_method {
            ClientMethod::None => None,
            ClientMethod::PamAddress => {
                Some(backends.of(AuthMethod::PamAddress, settings.auth.client_pam_service.as_str()))
            }
        },
        entrance: backends.entrance(methods.as_slice().iter().copied().map(method), pam_service.as_str()),
        trial: backends.trial(methods.as_slice().iter().copied().map(method), pam_service.as_str()),
        ways: ways(client_method, settings.auth.client_pam_service.as_str(), &methods, pam_service.as_str()),
        proxied_from: proxy_protocol_from,
        bind: bind::Options {
            advertised: bind,
            ports: settings.bind.ports.map(config::Ports::range),
            exit_v4: outbound.exit_v4,
            exit_v6: outbound.exit_v6,
        },
        udp: associate::Options {
            advertised_v4: udp.v4,
            advertised_v6: udp.v6,
            ports: ports.map(config::Ports::range),
            client_address,
            replies,
            max_peers,
            exit: Exit {
                v4: outbound.exit_v4,
                v6: outbound.exit_v6,
                interface: outbound.interface,
                mark: outbound.mark,
            },
            drops: Arc::clone(&counting.drops),
        },
    }
}

/// What is asked of clients, in its order.
fn ways(client_method: ClientMethod, client_service: &str, methods: &Choices<Method>, service: &str) -> Vec<Way> {
    let first = match client_method {
        ClientMethod::None => None,
        ClientMethod::PamAddress => {
            Some(Way { method: AuthMethod::PamAddress, service: Some(client_service.into()), is_first: true })
        }
    };
    let later = methods.as_slice().iter().map(|name| {
        let asks_pam = matches!(name, Method::PamAddress | Method::PamUsername);
        Way { method: method(*name), service: asks_pam.then(|| service.into()), is_first: false }
    });
    first.into_iter().chain(later).collect()
}

/// Only who needs no proof is served in SOCKS4.
fn socks4(protocols: &Choices<Protocol>, methods: &Choices<Method>) -> Socks4 {
    match (protocols.contains(Protocol::Socks4), methods.contains(Method::None)) {
        (false, _) => Socks4::Foreign,
        (true, false) => Socks4::Refused,
        (true, true) => Socks4::Spoken,
    }
}

/// Each method of the wire once, where the first of ours that needs it stands.
fn wire_methods(methods: &Choices<Method>) -> Vec<socks::Method> {
    let mut wire = Vec::new();
    for method in methods.as_slice() {
        let needed = match method {
            Method::None | Method::PamAddress => socks::Method::None,
            Method::UserPass | Method::PamUsername => socks::Method::UserPass,
        };
        if !wire.contains(&needed) {
            wire.push(needed);
        }
    }
    wire
}

fn method(method: Method) -> AuthMethod {
    match method {
        Method::None => AuthMethod::None,
        Method::UserPass => AuthMethod::UserPass,
        Method::PamAddress => AuthMethod::PamAddress,
        Method::PamUsername => AuthMethod::PamUsername,
    }
}
