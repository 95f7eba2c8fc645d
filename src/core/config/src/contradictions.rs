//! Values that are each right and cannot all be meant.
//!
//! Only asks questions that need more than one key; the range of a single value is its kind's business.

use std::collections::HashMap;

use crate::kinds::rates::{EachWay, Rate};
use crate::listeners::{Binding, Listener};
use crate::origin::Origin;
use crate::problem::{Fault, Problem};
use crate::reader::Reader;
use crate::settings::{Commands, Listen, Settings};
use crate::values::endpoint::Endpoint;
use crate::values::network::BindAddress;
use crate::values::words::{Directions, Method, QuotaAction, QuotaPeriod};

const USERS_FILE: &str = "auth.users_file";

/// What decides where the metrics listener waits.
const METRICS: [&str; 3] = ["metrics.bind_address", "metrics.bind_port", "metrics.enabled"];

/// What decides where the API's listener waits.
const API: [&str; 3] = ["api.bind_address", "api.bind_port", "api.enabled"];

/// What decides when a silent connection is given up.
const SILENCE: [&str; 4] = [
    "outbound.user_timeout_secs",
    "outbound.keepalive_secs",
    "outbound.keepalive_interval_secs",
    "outbound.keepalive_probes",
];

/// Where the admin sockets are.
const ADMIN: [&str; 2] = ["admin.socket", "admin.readonly_socket"];

/// Reports every contradiction, and hands back the warnings.
pub(crate) fn check(settings: &Settings, reader: &mut Reader<'_>) -> Vec<Problem> {
    let mut check = Check::new(settings, reader);
    check.something_listens();
    check.no_address_twice();
    check.no_name_twice();
    check.no_group_twice();
    check.guarantees_can_be_kept();
    check.no_quota_twice();
    check.quotas_can_be_meant();
    check.nothing_is_open_by_accident();
    check.certificates_have_keys();
    check.metrics_are_not_open_by_accident();
    check.api_is_not_open();
    check.unix_keys_fit();
    check.no_method_hides_another();
    check.addresses_can_be_judged();
    check.users_file_is_there();
    check.some_command_is_on();
    check.ttl_bounds_fit();
    check.penalties_can_be_enforced();
    check.failures_are_answered_in_time();
    let mut warnings: Vec<Problem> = check.users_file_is_used().into_iter().collect();
    warnings.extend(check.pam_services_are_used());
    warnings.extend(check.policy_is_asked_for());
    warnings.extend(check.guarantees_of_groups_fit_together());
    warnings.extend(check.guarantees_of_users_fit());
    warnings.extend(check.probes_are_waited_for());
    warnings
}

struct Check<'c, 'a> {
    settings: &'c Settings,
    /// Every listener with the key that its address stands under.
    listeners: Vec<(String, Listener)>,
    /// Keys whose values were refused: a default stands in for them, and a default contradicts nothing.
    refused: Vec<String>,
    reader: &'c mut Reader<'a>,
}

impl<'c, 'a> Check<'c, 'a> {
    fn new(settings: &'c Settings, reader: &'c mut Reader<'a>) -> Self {
        let first = match settings.server.bind_address {
            BindAddress::Address(_) => Some("server.bind_address".to_owned()),
            BindAddress::None => None,
        };
        let further = (0..settings.listen.len()).map(|index| format!("listen[{index}].address"));
        let listeners = first.into_iter().chain(further).zip(settings.listeners()).collect();
        Self { settings, listeners, refused: reader.refused_keys(), reader }
    }

    /// Reports a contradiction between keys at the first of them that was written; it is about that first key.
    fn contradict(&mut self, keys: &[&str], fault: Fault) {
        if keys.iter().any(|key| self.refused.iter().any(|refused| refused == key)) {
            return;
        }
        self.reader.report(self.written(keys), keys[0], fault);
    }

    /// Where the first of these keys that is written at all is written.
    fn written(&self, keys: &[&str]) -> Origin {
        let mut origins = keys.iter().map(|key| self.reader.origin(key));
        origins.find(|origin| *origin != Origin::Default).unwrap_or(Origin::Default)
    }

    fn something_listens(&mut self) {
        if self.listeners.is_empty() {
            let fault = Fault::new("nothing listens").hint("write an address here, or add a [[listen]] table");
            self.contradict(&["server.bind_address", "listen"], fault);
        }
    }

    fn no_address_twice(&mut self) {
        let mut seen: HashMap<String, String> = HashMap::new();
        for (keys, binding) in self.bindings() {
            let Some(place) = fixed_place(&binding) else { continue };
            if let Some(other) = seen.insert(place.clone(), keys[0].clone()) {
                let fault = Fault::new(format!("{place} is already taken by {other}"));
                let keys: Vec<&str> = keys.iter().chain([&other]).map(String::as_str).collect();
                self.contradict(&keys, fault.hint("change or remove one of them"));
            }
        }
    }

    /// Every place to listen, with the keys that it follows from.
    fn bindings(&self) -> Vec<(Vec<String>, Binding)> {
        let listeners = self.listeners.iter().map(|(key, listener)| (vec![key.clone()], listener.binding.clone()));
        let metrics = self.settings.metrics_binding().map(|binding| (METRICS.map(str::to_owned).to_vec(), binding));
        let api = self.settings.api_binding().map(|binding| (API.map(str::to_owned).to_vec(), binding));
        let admin = ADMIN.into_iter().zip(self.settings.admin_bindings());
        let admin = admin.filter_map(|(key, binding)| Some((vec![key.to_owned()], binding?)));
        listeners.chain(metrics).chain(api).chain(admin).collect()
    }

    fn no_name_twice(&mut self) {
        let mut seen: HashMap<&str, String> = HashMap::new();
        let settings = self.settings;
        for (index, table) in settings.listen.iter().enumerate() {
            let Some(name) = &table.name else { continue };
            let key = format!("listen[{index}].name");
            if let Some(other) = seen.insert(name.as_str(), key.clone()) {
                let fault = Fault::new(format!("{:?} is already {other}", name.as_str()));
                self.contradict(&[&key], fault.hint("give each listener a name of its own"));
            }
        }
    }

    fn no_group_twice(&mut self) {
        let mut seen: HashMap<&str, String> = HashMap::new();
        let settings = self.settings;
        for (index, table) in settings.group_limits.iter().enumerate() {
            let key = format!("limits.groups[{index}].name");
            if let Some(other) = seen.insert(table.name.as_str(), key.clone()) {
                let fault = Fault::new(format!("{:?} is already {other}", table.name.as_str()));
                self.contradict(&[&key], fault.hint("write everything for one group in one table"));
            }
        }
    }

    fn no_quota_twice(&mut self) {
        let mut seen: HashMap<&str, String> = HashMap::new();
        let settings = self.settings;
        for (index, table) in settings.quotas.iter().enumerate() {
            let key = format!("limits.quotas[{index}].name");
            if let Some(other) = seen.insert(table.name.as_str(), key.clone()) {
                let fault = Fault::new(format!("{:?} is already {other}", table.name.as_str()));
                self.contradict(&[&key], fault.hint("give each quota a name of its own"));
            }
        }
    }

    fn quotas_can_be_meant(&mut self) {
        for (index, table) in self.settings.quotas.iter().enumerate() {
            let key = |key: &str| format!("limits.quotas[{index}].{key}");
            if table.period == QuotaPeriod::Week && table.reset_day > 7 {
                let fault = Fault::new("a week has seven days").hint("write 1 for Monday to 7 for Sunday");
                self.contradict(&[&key("reset_day"), &key("period")], fault);
            }
            if table.action == QuotaAction::Slow && table.slow == Rate::NONE {
                let fault = Fault::new("nothing would be slowed down").hint("write what is left, such as 1");
                self.contradict(&[&key("slow_mbps"), &key("action")], fault);
            }
            if table.action == QuotaAction::Slow && table.shared && table.group.is_none() {
                let fault = Fault::new("without a group there is nobody to share what is left");
                let fault = fault.hint("name a group, or set bandwidth_limit_mbps");
                self.contradict(&[&key("shared"), &key("action")], fault);
            }
            if table.action == QuotaAction::Slow && table.end_live {
                let fault = Fault::new("who is slowed down goes on").hint("remove it, or set action = \"refuse\"");
                self.contradict(&[&key("end_live"), &key("action")], fault);
            }
        }
    }

    fn guarantees_can_be_kept(&mut self) {
        for (index, table) in self.settings.group_limits.iter().enumerate() {
            let guaranteed = table.guaranteed.bytes();
            let is_beyond = |most: Rate| most.bytes() > 0 && guaranteed > most.bytes();
            if is_beyond(table.bandwidth.up) || is_beyond(table.bandwidth.down) {
                let key = |key: &str| format!("limits.groups[{index}].{key}");
                let fault = Fault::new("more is guaranteed than bandwidth_limit_mbps lets pass");
                let keys = [&*key("bandwidth_guaranteed_mbps"), &*key("bandwidth_limit_mbps")];
                self.contradict(&keys, fault.hint("lower this one or raise the other"));
            }
        }
    }

    /// Nobody may be able to want everything at once, so this is no error.
    fn guarantees_of_groups_fit_together(&self) -> Option<Problem> {
        const KEY: &str = "limits.bandwidth_limit_mbps";
        let sum =
            self.settings.group_limits.iter().fold(0, |sum: u64, table| sum.saturating_add(table.guaranteed.bytes()));
        let is_beyond = self.least(self.settings.limits.bandwidth).is_some_and(|most| sum > most);
        let is_refused = self.refused.iter().any(|key| key == KEY || key.ends_with("bandwidth_guaranteed_mbps"));
        (is_beyond && !is_refused).then(|| Problem {
            origin: self.reader.origin(KEY),
            key: KEY.to_owned(),
            message: "is less than what bandwidth_guaranteed_mbps of all groups is together".to_owned(),
            hint: Some("raise it, or guarantee less".to_owned()),
        })
    }

    fn guarantees_of_users_fit(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        for (index, table) in self.settings.group_limits.iter().enumerate() {
            let guaranteed = table.user_guaranteed.unwrap_or(Rate::NONE).bytes();
            let of_user = table.user_bandwidth.unwrap_or(self.settings.limits.user_bandwidth);
            let limits = [("bandwidth_per_user_mbps", of_user), ("bandwidth_limit_mbps", table.bandwidth)];
            let is_beyond = |limit| self.least(limit).is_some_and(|most| guaranteed > most);
            let key = format!("limits.groups[{index}].bandwidth_per_user_guaranteed_mbps");
            if let Some((limit, _)) = limits.into_iter().find(|(_, limit)| is_beyond(*limit)) {
                warnings.push(Problem {
                    origin: self.reader.origin(&key),
                    key,
                    message: format!("more is guaranteed to each user than {limit} lets pass"),
                    hint: Some("lower this one or raise the other".to_owned()),
                });
            }
        }
        warnings
    }

    /// The user timeout ends connections that are only idle, too, however many probes are to be sent (tcp(7)).
    fn probes_are_waited_for(&self) -> Option<Problem> {
        let outbound = &self.settings.outbound;
        let (timeout, idle) = (outbound.user_timeout?, outbound.keepalive?);
        let (interval, probes) = (outbound.keepalive_interval, outbound.keepalive_probes);
        let wanted = idle + interval * probes;
        (timeout < wanted).then(|| {
            let sent = timeout.saturating_sub(idle).as_secs().div_ceil(interval.as_secs()).max(1);
            Problem {
                origin: self.written(&SILENCE),
                key: SILENCE[0].to_owned(),
                message: format!("ends idle connections, too, after {sent} of {probes} unanswered probes"),
                hint: Some(format!("{} s let all of them be sent, and 0 leaves it to the kernel", wanted.as_secs())),
            }
        })
    }

    /// Bytes a second that a limit lets pass in the direction that has less; nothing if it limits neither, or not the sum of both.
    fn least(&self, limit: EachWay) -> Option<u64> {
        let limited = [limit.up, limit.down].into_iter().map(Rate::bytes).filter(|most| *most > 0);
        match self.settings.limits.directions {
            Directions::Separate => limited.min(),
            Directions::Together => limited.max().filter(|_| limit.up != Rate::NONE && limit.down != Rate::NONE),
        }
    }

    fn nothing_is_open_by_accident(&mut self) {
        if self.settings.server.i_understand_open_proxy {
            return;
        }
        for (key, listener) in self.listeners.clone().into_iter().filter(|(_, listener)| listener.is_open()) {
            let own_method = key.replace(".address", ".socks_method");
            let keys = [&key, "auth.socks_method", &own_method, "auth.client_method", "server.i_understand_open_proxy"];
            self.contradict(&keys, open_proxy(&listener));
        }
    }

    fn metrics_are_not_open_by_accident(&mut self) {
        let is_open = self.settings.metrics_binding().is_some_and(|binding| binding.is_reachable());
        if is_open && !self.settings.metrics.i_understand_open_metrics {
            self.contradict(&METRICS, open_metrics());
        }
    }

    /// Without TLS others could read tokens on their way; without tokens everybody could read everything.
    fn api_is_not_open(&mut self) {
        let api = &self.settings.api;
        let missing = match (api.tls_cert.is_some(), api.tokens_file.is_some()) {
            (true, true) => return,
            (false, false) => "neither TLS nor tokens",
            (false, true) => "no TLS, so that others could read tokens on their way",
            (true, false) => "no tokens, so that others could read everything",
        };
        if self.settings.api_binding().is_some_and(|binding| binding.is_reachable()) {
            let fault = Fault::new(format!("others can reach the API there, and it has {missing}"));
            let hint = "set api.tls_cert, api.tls_key and api.tokens_file, or listen on 127.0.0.1 or on a Unix socket";
            self.contradict(&API, fault.hint(hint));
        }
    }

    /// A certificate is nothing without its key, and the other way round.
    fn certificates_have_keys(&mut self) {
        let Settings { api, metrics, .. } = self.settings;
        let pairs = [
            ("api.tls_cert", "api.tls_key", api.tls_cert.is_some(), api.tls_key.is_some()),
            ("metrics.tls_cert", "metrics.tls_key", metrics.tls_cert.is_some(), metrics.tls_key.is_some()),
        ];
        for (certificate, key, has_certificate, has_key) in pairs {
            if has_certificate != has_key {
                let fault = Fault::new(format!("{certificate} and {key} belong together, and one of them is missing"));
                self.contradict(&[certificate, key], fault);
            }
        }
    }

    fn unix_keys_fit(&mut self) {
        for (index, table) in self.settings.listen.iter().enumerate() {
            let Some((key, fault)) = misplaced(table) else { continue };
            self.contradict(&[&format!("listen[{index}].{key}"), &format!("listen[{index}].address")], fault);
        }
    }

    /// On the wire neither asks the client for anything, so the second one would never be reached.
    fn no_method_hides_another(&mut self) {
        for (key, listener) in self.listeners.clone() {
            if listener.methods.contains(Method::None) && listener.methods.contains(Method::PamAddress) {
                let own = key.replace(".address", ".socks_method");
                let fault =
                    Fault::new("\"none\" and \"pam.address\" exclude each other: a client sends the same for both");
                let keys = [own.as_str(), "auth.socks_method"];
                // The first listener has no methods of its own.
                let keys = if own.starts_with("listen[") { &keys[..] } else { &keys[1..] };
                self.contradict(keys, fault.hint("remove one of them"));
            }
        }
    }

    fn addresses_can_be_judged(&mut self) {
        for (key, listener) in self.listeners.clone() {
            if matches!(listener.binding, Binding::Unix { .. }) && listener.asks_for_addresses() {
                let fault = Fault::new("\"pam.address\" cannot be asked here: a peer on a Unix socket has no address");
                let hint = "give this [[listen]] table a client_method and a socks_method of its own";
                self.contradict(&[&key], fault.hint(hint));
            }
        }
    }

    fn pam_services_are_used(&self) -> Vec<Problem> {
        let written = self.settings.listen.iter().map(|table| table.pam_service.is_some());
        let further = self.listeners.iter().filter(|(key, _)| key.starts_with("listen["));
        let idle = written.zip(further).filter(|(is_written, (_, listener))| *is_written && !listener.asks_pam());
        let warn = |key: &str| {
            let key = key.replace(".address", ".pam_service");
            let message = "is not asked: no method of this listener asks PAM".to_owned();
            let hint = Some("set socks_method = \"pam.username\", or remove it".to_owned());
            Problem { origin: self.reader.origin(&key), key, message, hint }
        };
        idle.map(|(_, (key, _))| warn(key)).collect()
    }

    fn users_file_is_there(&mut self) {
        if self.asks_for_passwords() && self.settings.auth.users_file.is_none() {
            let own_methods = (0..self.settings.listen.len()).map(|index| format!("listen[{index}].socks_method"));
            let own_methods: Vec<String> = own_methods.collect();
            let mut keys = vec![USERS_FILE, "auth.socks_method"];
            keys.extend(own_methods.iter().map(String::as_str));
            let fault = Fault::new("is missing, and a listener asks for user names and passwords");
            self.contradict(&keys, fault.hint("add users_file = \"/etc/rustsocks/users.toml\" to [auth]"));
        }
    }

    fn users_file_is_used(&self) -> Option<Problem> {
        let is_idle = self.settings.auth.users_file.is_some() && !self.asks_for_passwords();
        is_idle.then(|| Problem {
            origin: self.reader.origin(USERS_FILE),
            key: USERS_FILE.to_owned(),
            message: "is not read: no listener uses \"userpass\"".to_owned(),
            hint: Some("set auth.socks_method = \"userpass\", or remove it".to_owned()),
        })
    }

    fn policy_is_asked_for(&self) -> Option<Problem> {
        const KEY: &str = "acl.default_policy";
        let is_idle = self.settings.acl.config_file.is_some() && self.reader.origin(KEY) != Origin::Default;
        is_idle.then(|| Problem {
            origin: self.reader.origin(KEY),
            key: KEY.to_owned(),
            message: "is not asked for: the rule file has a default_policy of its own".to_owned(),
            hint: Some("write it in the rule file's [global] table, and remove it here".to_owned()),
        })
    }

    fn asks_for_passwords(&self) -> bool {
        self.listeners.iter().any(|(_, listener)| listener.methods.contains(Method::UserPass))
    }

    fn some_command_is_on(&mut self) {
        let Commands { connect, bind, udp_associate, resolve } = self.settings.commands;
        if !(connect || bind || udp_associate || resolve) {
            let fault = Fault::new("every command is off, so no request can succeed");
            let keys = ["commands.connect", "commands.bind", "commands.udp_associate", "commands.resolve"];
            self.contradict(&keys, fault.hint("set connect = true"));
        }
    }

    fn ttl_bounds_fit(&mut self) {
        let (least, most) = (self.settings.dns.min_ttl.as_secs(), self.settings.dns.max_ttl.as_secs());
        if least > most {
            let fault = Fault::new(format!("{least} is more than dns.max_ttl_secs, which is {most}"));
            let keys = ["dns.min_ttl_secs", "dns.max_ttl_secs"];
            self.contradict(&keys, fault.hint("lower this one or raise the other"));
        }
    }

    fn penalties_can_be_enforced(&mut self) {
        let (from, most) = (self.settings.penalties.enforce_from.as_secs(), self.settings.penalties.max.as_secs());
        if from > most {
            let fault =
                Fault::new(format!("{from} is more than penalties.max_secs, which is {most}, so nobody gets there"));
            let keys = ["penalties.enforce_from_secs", "penalties.max_secs"];
            self.contradict(&keys, fault.hint("lower this one or raise the other"));
        }
    }

    fn failures_are_answered_in_time(&mut self) {
        let (delay, deadline) = (self.settings.penalties.failure_delay, self.settings.timeouts.handshake);
        if delay >= deadline {
            let fault = Fault::new(format!(
                "a failed login would be answered after timeouts.handshake_secs, which is {}",
                deadline.as_secs()
            ));
            let keys = ["penalties.failure_delay_ms", "timeouts.handshake_secs"];
            self.contradict(&keys, fault.hint("lower this one or raise the other"));
        }
    }
}

/// The place that nobody else can have; a port that the kernel chooses is always another one.
fn fixed_place(binding: &Binding) -> Option<String> {
    match binding {
        Binding::Tcp(address) => (address.port() != 0).then(|| address.to_string()),
        Binding::Unix { path, .. } => Some(path.display().to_string()),
    }
}

fn open_proxy(listener: &Listener) -> Fault {
    let hint = "set socks_method = \"userpass\", or listen on 127.0.0.1, or set server.i_understand_open_proxy = true";
    Fault::new(format!("{} can be reached by others and asks for no authentication", listener.name)).hint(hint)
}

fn open_metrics() -> Fault {
    Fault::new("others could read users and destinations there, for it wants no token")
        .hint("listen on 127.0.0.1 or on a Unix socket, or set metrics.i_understand_open_metrics = true")
}

/// A key that makes no sense for the kind of address beside it.
fn misplaced(table: &Listen) -> Option<(&'static str, Fault)> {
    match &table.address {
        Endpoint::Tcp(_) => table
            .mode
            .map(|_| ("mode", Fault::new("is for Unix sockets only").hint("remove it, or listen on \"unix:/…\""))),
        Endpoint::Unix(_) => (!table.proxy_protocol_from.is_empty()).then(|| {
            let fault = Fault::new("cannot match: a peer on a Unix socket has no address");
            ("proxy_protocol_from", fault.hint("remove it, or listen on a TCP address"))
        }),
    }
}
