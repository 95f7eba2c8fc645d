//! Every table and key of the configuration, declared once: its type, how it is written, its range and its default.
//!
//! A new key is one line here; reading, showing, defaults and the list of known keys follow from it,
//! and a test asks for its line in `config/rustsocks.toml` and `docs/configuration.md`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::kinds::numbers::{Millis, Secs, SecsOrNone, Threads, count};
use crate::kinds::strings::{choice, list, text, unicast};
use crate::kinds::{Flag, Maybe, Show as _};
use crate::reader::{Reader, Section, Table};
use crate::render::Shown;
use crate::users::UserName;
use crate::values::choices::Choices;
use crate::values::database::DatabaseUrl;
use crate::values::endpoint::{Endpoint, Mode};
use crate::values::network::{BindAddress, Opening, Ports};
use crate::values::text::{AccountName, Interface, Label, PamService};
use crate::values::words::{
    ClientAddress, ClientMethod, LogFormat, LogLevel, Method, OnRevoke, Policy, Protocol, Replies, Resolver,
};

/// Everything the operator decided, or left to the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[[listen]]`, in the order of the file; [`Settings::listeners`] has every listener.
    pub listen: Vec<Listen>,
    /// `[commands]`
    pub commands: Commands,
    /// `[auth]`
    pub auth: Auth,
    /// `[auth.pam]`
    pub pam: Pam,
    /// `[timeouts]`
    pub timeouts: Timeouts,
    /// `[limits]`
    pub limits: Limits,
    /// `[[limits.groups]]`, in the order of the file; no group twice.
    pub group_limits: Vec<GroupLimits>,
    /// `[[limits.quotas]]`, in the order of the file; no name twice.
    pub quotas: Vec<Quota>,
    /// `[penalties]`
    pub penalties: Penalties,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[dns]`
    pub dns: Dns,
    /// `[udp]`
    pub udp: Udp,
    /// `[bind]`
    pub bind: Bind,
    /// `[acl]`
    pub acl: Acl,
    /// `[guard]`
    pub guard: Guard,
    /// `[sessions]`
    pub sessions: Sessions,
    /// `[logging]`
    pub logging: Logging,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[api]`
    pub api: Api,
    /// `[admin]`
    pub admin: Admin,
}

/// Tables in the order of the documentation, each with its keys.
pub(crate) const TABLES: &[(&str, &[&str])] = &[
    ("server", Server::KEYS),
    ("listen", Listen::KEYS),
    ("commands", Commands::KEYS),
    ("auth", Auth::KEYS),
    ("auth.pam", Pam::KEYS),
    ("timeouts", Timeouts::KEYS),
    ("limits", Limits::KEYS),
    ("limits.groups", GroupLimits::KEYS),
    ("limits.quotas", Quota::KEYS),
    ("penalties", Penalties::KEYS),
    ("outbound", Outbound::KEYS),
    ("dns", Dns::KEYS),
    ("udp", Udp::KEYS),
    ("bind", Bind::KEYS),
    ("acl", Acl::KEYS),
    ("guard", Guard::KEYS),
    ("sessions", Sessions::KEYS),
    ("logging", Logging::KEYS),
    ("metrics", Metrics::KEYS),
    ("api", Api::KEYS),
    ("admin", Admin::KEYS),
];

impl Settings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let settings = Self {
            // Before the tables that they are in.
            pam: reader.table("auth.pam"),
            group_limits: reader.tables("limits.groups"),
            quotas: reader.tables("limits.quotas"),
            server: reader.table("server"),
            listen: reader.tables("listen"),
            commands: reader.table("commands"),
            auth: reader.table("auth"),
            timeouts: reader.table("timeouts"),
            limits: reader.table("limits"),
            penalties: reader.table("penalties"),
            outbound: reader.table("outbound"),
            dns: reader.table("dns"),
            udp: reader.table("udp"),
            bind: reader.table("bind"),
            acl: reader.table("acl"),
            guard: reader.table("guard"),
            sessions: reader.table("sessions"),
            logging: reader.table("logging"),
            metrics: reader.table("metrics"),
            api: reader.table("api"),
            admin: reader.table("admin"),
        };
        for index in 0..settings.listen.len() {
            reader.require(&format!("listen[{index}]"), "address", "\"0.0.0.0:1081\"");
        }
        for index in 0..settings.group_limits.len() {
            reader.require(&format!("limits.groups[{index}]"), "name", "\"developers\"");
        }
        for index in 0..settings.quotas.len() {
            reader.require(&format!("limits.quotas[{index}]"), "name", "\"monthly\"");
        }
        settings
    }

    /// Every table with its keys; a `[[listen]]` table is named `listen[0]`, `listen[1]`, …
    pub(crate) fn shown(&self) -> Vec<(String, Vec<Shown>)> {
        let Self {
            server,
            listen,
            commands,
            auth,
            pam,
            timeouts,
            limits,
            group_limits,
            quotas,
            penalties,
            outbound,
            dns,
            udp,
            bind,
            acl,
            guard,
            sessions,
            logging,
            metrics,
            api,
            admin,
        } = self;
        let listen = listen.iter().enumerate().map(|(index, table)| (format!("listen[{index}]"), table.shown()));
        let groups = group_limits.iter().enumerate();
        let groups = groups.map(|(index, table)| (format!("limits.groups[{index}]"), table.shown()));
        let quotas = quotas.iter().enumerate();
        let quotas = quotas.map(|(index, table)| (format!("limits.quotas[{index}]"), table.shown()));
        let mut tables = vec![("server".to_owned(), server.shown())];
        tables.extend(listen);
        tables.extend([
            ("commands".to_owned(), commands.shown()),
            ("auth".to_owned(), auth.shown()),
            ("auth.pam".to_owned(), pam.shown()),
            ("timeouts".to_owned(), timeouts.shown()),
            ("limits".to_owned(), limits.shown()),
        ]);
        tables.extend(groups);
        tables.extend(quotas);
        tables.extend([
            ("penalties".to_owned(), penalties.shown()),
            ("outbound".to_owned(), outbound.shown()),
            ("dns".to_owned(), dns.shown()),
            ("udp".to_owned(), udp.shown()),
            ("bind".to_owned(), bind.shown()),
            ("acl".to_owned(), acl.shown()),
            ("guard".to_owned(), guard.shown()),
            ("sessions".to_owned(), sessions.shown()),
            ("logging".to_owned(), logging.shown()),
            ("metrics".to_owned(), metrics.shown()),
            ("api".to_owned(), api.shown()),
            ("admin".to_owned(), admin.shown()),
        ]);
        tables
    }
}

/// `field: Type = "key", how it is written, default;`
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal, $kind:expr, $default:expr;)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Table for $name {
            const KEYS: &'static [&'static str] = &[$($key,)+];

            fn read(section: &mut Section<'_, '_>) -> Self {
                Self { $($field: section.key($key, &$kind, $default),)+ }
            }
        }

        impl $name {
            pub(crate) fn shown(&self) -> Vec<Shown> {
                vec![$(($key, $kind.show(&self.$field)),)+]
            }
        }
    )+};
}

mod admin;
mod api;
mod limits;
mod metrics;
mod penalties;
mod quotas;

pub use admin::Admin;
pub use api::Api;
pub use limits::{GroupLimits, Limits};
pub(crate) use limits::{LONGEST_AGE, LONGEST_IDLE, MOST_CONNECTIONS, MOST_KIB};
pub use metrics::Metrics;
pub use penalties::Penalties;
pub use quotas::Quota;

/// Where libpam looks by itself, pam.d(5).
pub(crate) const PAM_DIRECTORY: &str = "/etc/pam.d";

const HOUR: u64 = 60 * 60;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Defaults stand in the unit that the operator writes them in.
const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

tables! {
    /// `[server]`: the first listener, and the daemon as a whole.
    Server {
        /// The address of the first listener; `"none"` leaves only the `[[listen]]` tables.
        bind_address: BindAddress = "bind_address", text(), BindAddress::Address(Ipv4Addr::LOCALHOST.into());
        /// The port of the first listener; 0 lets the kernel choose a free port.
        bind_port: u16 = "bind_port", count(0, 65_535), 1080;
        /// Who must start the service, if it is written.
        user_privileged: Option<AccountName> = "user_privileged", Maybe(text()), None;
        /// Whom the worker runs as when root starts the service; nothing means `nobody`.
        user_unprivileged: Option<AccountName> = "user_unprivileged", Maybe(text()), None;
        /// The worker's group; nothing means the primary group of that user.
        group_unprivileged: Option<AccountName> = "group_unprivileged", Maybe(text()), None;
        /// Whether the worker confines itself to the files and system calls that it needs.
        sandbox: bool = "sandbox", Flag, true;
        /// Worker threads, at most 256; nothing means one per core.
        worker_threads: Option<NonZeroUsize> = "worker_threads", Threads { most: 256 }, None;
        /// Whether a listener that others can reach may serve without authentication.
        i_understand_open_proxy: bool = "i_understand_open_proxy", Flag, false;
        /// Connections that may wait to be accepted, per listening socket, 1 to 65 535 (listen(2)).
        backlog: u32 = "backlog", count(1, 65_535), 4096;
        /// How long a worker thread may be silent before the worker is replaced, 2 to 600 s.
        watchdog: Duration = "watchdog_secs", Secs { least: 2, most: 600 }, secs(10);
        /// How long sessions may finish after a stop signal, 0 to 86 400 s; zero ends them at once.
        drain: Duration = "drain_secs", Secs { least: 0, most: DAY }, secs(30);
        /// How long sessions of a worker may go on whose place a newer program's has taken, 0 to 2 592 000 s (30 days).
        upgrade_drain: Duration = "upgrade_drain_secs", Secs { least: 0, most: 30 * DAY }, secs(DAY);
        /// Whether a file of the operator's that has changed is a reload.
        watch_files: bool = "watch_files", Flag, true;
    }

    /// One `[[listen]]` table: a further listener.
    Listen {
        /// Where it listens; always written.
        address: Endpoint = "address", text(), Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 1080)));
        /// What it is called in logs; the address when nothing is written.
        name: Option<Label> = "name", Maybe(text()), None;
        /// The permission bits of a Unix socket.
        mode: Option<Mode> = "mode", Maybe(text()), None;
        /// The protocols it speaks.
        protocols: Choices<Protocol> = "protocols", choice(), Choices::all(Protocol::ALL);
        /// Overrides `auth.socks_method`.
        socks_method: Option<Choices<Method>> = "socks_method", Maybe(choice()), None;
        /// Overrides `auth.client_method`.
        client_method: Option<ClientMethod> = "client_method", Maybe(text()), None;
        /// Overrides `auth.socks_pam_service`.
        pam_service: Option<PamService> = "pam_service", Maybe(text()), None;
        /// Peers whose connections must begin with a PROXY protocol header.
        proxy_protocol_from: Vec<IpNet> = "proxy_protocol_from", list(), Vec::new();
        /// Overrides `advertised_address_v4` of `[udp]` and `[bind]`.
        advertised_v4: Option<Ipv4Addr> = "advertised_address_v4", Maybe(unicast()), None;
        /// Overrides `advertised_address_v6` of `[udp]` and `[bind]`.
        advertised_v6: Option<Ipv6Addr> = "advertised_address_v6", Maybe(unicast()), None;
    }

    /// `[commands]`: what a client may ask for.
    Commands {
        /// CONNECT of SOCKS and HTTP.
        connect: bool = "connect", Flag, true;
        /// BIND (RFC 1928 §4).
        bind: bool = "bind", Flag, false;
        /// UDP ASSOCIATE (RFC 1928 §7).
        udp_associate: bool = "udp_associate", Flag, true;
        /// Tor's RESOLVE (F0) and `RESOLVE_PTR` (F1).
        resolve: bool = "resolve", Flag, false;
    }

    /// `[auth]`: how clients prove who they are.
    Auth {
        /// What a client has to pass before its first word is read.
        client_method: ClientMethod = "client_method", text(), ClientMethod::None;
        /// The PAM service that judges addresses for `client_method`.
        client_pam_service: PamService = "client_pam_service", text(), PamService::of("rustsocks-client");
        /// The methods in order of preference.
        socks_method: Choices<Method> = "socks_method", choice(), Choices::only(Method::None);
        /// The PAM service of the methods in `socks_method` that ask PAM.
        socks_pam_service: PamService = "socks_pam_service", text(), PamService::of("rustsocks");
        /// The users of `userpass`; written whenever a listener uses that method.
        users_file: Option<PathBuf> = "users_file", Maybe(text()), None;
    }

    /// `[auth.pam]`: how PAM is asked.
    Pam {
        /// `PAM_USER` where a client has only an address; some modules want a user that exists.
        default_user: UserName = "default_user", text(), UserName::of("rhostusr");
        /// `PAM_RUSER`: a SOCKS client has no user on its own host to name.
        default_ruser: UserName = "default_ruser", text(), UserName::of("rhostusr");
        /// Whether modules are asked to speak, and what they say is logged.
        verbose: bool = "verbose", Flag, false;
        /// Whether the start is refused if the file of a service that is used is missing.
        verify_service_files: bool = "verify_service_files", Flag, true;
        /// Processes that ask PAM, each one question at a time, 2 to 8.
        helpers: u16 = "helpers", count(2, 8), 2;
        /// Where the files of the services are (pam.d(5)).
        config_dir: PathBuf = "config_dir", text(), PathBuf::from(PAM_DIRECTORY);
    }

    /// `[timeouts]`: how long things may take.
    Timeouts {
        /// From accept to the complete request, authentication included, 1 to 300 s.
        handshake: Duration = "handshake_secs", Secs { least: 1, most: 300 }, secs(10);
        /// Resolving and trying every address, together, 1 to 600 s.
        connect: Duration = "connect_secs", Secs { least: 1, most: 600 }, secs(15);
        /// How long no byte may move after one side has finished, 1 to 86 400 s.
        half_closed: Duration = "half_closed_secs", Secs { least: 1, most: DAY }, secs(60);
        /// The life of a session, up to 365 days; nothing means no limit.
        max_age: Option<Duration> = "max_age_secs", SecsOrNone { most: LONGEST_AGE }, None;
        /// How long an association may move no datagram, 1 to 86 400 s.
        udp_idle: Duration = "udp_idle_secs", Secs { least: 1, most: DAY }, secs(120);
        /// How long a BIND may wait for its peer, 1 to 3 600 s.
        bind: Duration = "bind_secs", Secs { least: 1, most: 3_600 }, secs(60);
    }

    /// `[outbound]`: the connections to targets.
    Outbound {
        /// The source address of IPv4 connections.
        address_v4: Option<Ipv4Addr> = "address_v4", Maybe(unicast()), None;
        /// The source address of IPv6 connections.
        address_v6: Option<Ipv6Addr> = "address_v6", Maybe(unicast()), None;
        /// The interface they leave by (`SO_BINDTODEVICE`).
        interface: Option<Interface> = "interface", Maybe(text()), None;
        /// The firewall mark they carry (`SO_MARK`), 1 to 4 294 967 295.
        mark: Option<u32> = "mark", Maybe(count(1, 0xffff_ffff)), None;
        /// Idle time before the first keepalive probe at most, up to 32 767 s (tcp(7)); nothing turns probes off.
        keepalive: Option<Duration> = "keepalive_secs", SecsOrNone { most: 32_767 }, Some(secs(60));
        /// Time between two probes, 1 to 32 767 s.
        keepalive_interval: Duration = "keepalive_interval_secs", Secs { least: 1, most: 32_767 }, secs(15);
        /// Unanswered probes before the connection is given up, 1 to 127.
        keepalive_probes: u32 = "keepalive_probes", count(1, 127), 4;
        /// How long sent bytes and probes may stay unanswered (`TCP_USER_TIMEOUT`), up to 86 400 s; nothing leaves it to the kernel.
        user_timeout: Option<Duration> = "user_timeout_secs", SecsOrNone { most: DAY }, Some(secs(120));
        /// Send small writes at once (`TCP_NODELAY`).
        nodelay: bool = "nodelay", Flag, true;
        /// Head start of one address over the next (RFC 8305 §5), 10 to 2 000 ms.
        attempt_delay: Duration = "attempt_delay_ms", Millis { least: 10, most: 2_000 }, Duration::from_millis(250);
    }

    /// `[dns]`: how names are resolved.
    Dns {
        /// Who looks names up.
        resolver: Resolver = "resolver", text(), Resolver::Hickory;
        /// The name servers (resolv.conf(5)).
        resolv_conf: PathBuf = "resolv_conf", text(), PathBuf::from("/etc/resolv.conf");
        /// Names that need no server (hosts(5)).
        hosts_file: PathBuf = "hosts_file", text(), PathBuf::from("/etc/hosts");
        /// How long one question may wait for one answer, 1 to 60 s.
        timeout: Duration = "timeout_secs", Secs { least: 1, most: 60 }, secs(5);
        /// How often a question is asked, 1 to 10.
        attempts: usize = "attempts", count(1, 10), 2;
        /// Names kept in the cache, 0 to 1 000 000; 0 turns it off.
        cache_entries: usize = "cache_entries", count(0, 1_000_000), 4096;
        /// An answer is kept at least this long, 0 to 86 400 s.
        min_ttl: Duration = "min_ttl_secs", Secs { least: 0, most: DAY }, secs(1);
        /// An answer is kept at most this long, 0 to 604 800 s.
        max_ttl: Duration = "max_ttl_secs", Secs { least: 0, most: 7 * DAY }, secs(3_600);
        /// How long it is remembered that a name has no address, 0 to 3 600 s.
        negative_ttl: Duration = "negative_ttl_secs", Secs { least: 0, most: 3_600 }, secs(5);
        /// Threads of the system resolver, 1 to 64.
        system_threads: usize = "system_threads", count(1, 64), 8;
    }

    /// `[udp]`: UDP ASSOCIATE.
    Udp {
        /// The IPv4 address that clients are told to send to; nothing means the one they reached us by.
        advertised_v4: Option<Ipv4Addr> = "advertised_address_v4", Maybe(unicast()), None;
        /// The same for IPv6.
        advertised_v6: Option<Ipv6Addr> = "advertised_address_v6", Maybe(unicast()), None;
        /// The ports that clients are told to send to; nothing means any ephemeral port.
        ports: Option<Ports> = "port_range", Maybe(text()), None;
        /// Which address a client sends from.
        client_address: ClientAddress = "client_address", text(), ClientAddress::Control;
        /// Who may answer a client.
        replies: Replies = "replies", text(), Replies::AddressPort;
        /// Peers that one association remembers, 1 to 65 536.
        max_peers: usize = "max_peers", count(1, 65_536), 256;
    }

    /// `[bind]`: BIND.
    Bind {
        /// The IPv4 address that peers are told to connect to; nothing means the one the client reached us by.
        advertised_v4: Option<Ipv4Addr> = "advertised_address_v4", Maybe(unicast()), None;
        /// The same for IPv6.
        advertised_v6: Option<Ipv6Addr> = "advertised_address_v6", Maybe(unicast()), None;
        /// The ports that peers are told to connect to; nothing means any ephemeral port.
        ports: Option<Ports> = "port_range", Maybe(text()), None;
    }

    /// `[acl]`: who may go where.
    Acl {
        /// Whether the rules hold; without them everything is allowed that the guard lets pass.
        enabled: bool = "enabled", Flag, true;
        /// The rule file.
        config_file: Option<PathBuf> = "config_file", Maybe(text()), None;
        /// What happens to every request while there is no rule file.
        default_policy: Policy = "default_policy", text(), Policy::Allow;
        /// What becomes of sessions that new rules would not allow.
        on_revoke: OnRevoke = "on_revoke", text(), OnRevoke::Keep;
    }

    /// `[guard]`: exceptions from the hard guard.
    Guard {
        /// What is opened although the guard would refuse it.
        allow: Vec<Opening> = "allow", list(), Vec::new();
        /// Whether a rule that allows a name also allows the private addresses that it resolves to.
        private_by_name: Policy = "private_by_name", text(), Policy::Allow;
    }

    /// `[sessions]`: the history of sessions.
    Sessions {
        /// Whether a history is kept.
        enabled: bool = "enabled", Flag, true;
        /// Where it is kept; nothing means the state directory of whoever runs the daemon.
        database_url: Option<DatabaseUrl> = "database_url", Maybe(text()), None;
        /// So many records are written at once, without waiting for the interval, 1 to 10 000.
        batch_size: u32 = "batch_size", count(1, 10_000), 100;
        /// A record waits no longer than this, 10 to 60 000 ms.
        batch_interval: Duration = "batch_interval_ms", Millis { least: 10, most: 60_000 }, Duration::from_secs(1);
        /// A session that lasts is written down again this often, 1 to 3 600 s.
        checkpoint: Duration = "checkpoint_secs", Secs { least: 1, most: 3_600 }, secs(30);
        /// Rows are kept for so many days after the end of the session, up to 36 500; 0 keeps them all.
        retention_days: u32 = "retention_days", count(0, 36_500), 90;
        /// Old rows are removed this often, 1 to 8 760 h, and at the start.
        cleanup_interval_hours: u32 = "cleanup_interval_hours", count(1, 8_760), 24;
        /// The most that waits on the disk for a database that cannot be written, 1 to 65 536 MiB.
        spool_max_mib: u32 = "spool_max_mib", count(1, 65_536), 256;
    }

    /// `[logging]`: what is written about it.
    Logging {
        /// The least important event that is written.
        level: LogLevel = "level", text(), LogLevel::Info;
        /// How it is written.
        format: LogFormat = "format", text(), LogFormat::Pretty;
        /// Where it is written; nothing means standard error.
        file: Option<PathBuf> = "file", Maybe(text()), None;
        /// Where the lines of sessions are written once more, as JSON; nothing means nowhere.
        session_log: Option<PathBuf> = "session_log", Maybe(text()), None;
        /// Lines that may wait for a slow disk before lines are lost and counted, 16 to 1 048 576.
        queue_lines: usize = "queue_lines", count(16, 1_048_576), 16_384;
    }
}
