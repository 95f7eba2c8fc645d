//! Names from the name servers of resolv.conf(5), after the hosts file; the default resolver.
//!
//! Never asks anybody whom the operator did not name: without a usable resolv.conf only the hosts file answers.
//! DNSSEC is left to the name servers. Keeps nothing itself; hickory shares one question among all who ask it at once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use acl::HostName;
use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{TokioResolver, system_conf};

use super::files::Watched;
use super::hosts::Hosts;
use super::options::Servers;
use super::resolve::{Answer, Family, Pending, Resolve, ResolveError};

#[derive(Debug)]
pub(super) struct Hickory {
    servers: Servers,
    files: Mutex<Files>,
}

#[derive(Debug)]
struct Files {
    resolv_conf: Watched,
    hosts: Watched,
    looked: Instant,
    known: Arc<Known>,
}

/// What the two files said when they were read last.
#[derive(Debug)]
struct Known {
    edition: u64,
    hosts: Hosts,
    /// Or why there are none.
    resolver: Result<TokioResolver, Arc<str>>,
}

/// How often the files are looked at, on use.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Hickory {
    pub(super) fn new(servers: Servers) -> Self {
        let files = Files::open(&servers);
        Self { servers, files: Mutex::new(files) }
    }

    /// What the files say now; looks at them at most once a second.
    fn known(&self) -> Arc<Known> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.saturating_duration_since(files.looked) >= LOOK_INTERVAL {
            files.looked = now;
            files.look(&self.servers);
        }
        Arc::clone(&files.known)
    }

    async fn ask(&self, name: Name, kind: RecordType) -> Result<Lookup, ResolveError> {
        match &self.known().resolver {
            Ok(resolver) => resolver.lookup(name, kind).await.map_err(|error| failure(&error)),
            Err(why) => Err(ResolveError::Failed(Arc::clone(why))),
        }
    }
}

impl Resolve for Hickory {
    fn addresses<'a>(&'a self, name: &'a HostName, family: Family) -> Pending<'a, Answer> {
        Box::pin(async move {
            if let Some(written) = self.known().hosts.addresses(name.as_str()) {
                return Answer::new(
                    written.iter().copied().filter(|address| Family::of(*address) == family),
                    Duration::ZERO,
                );
            }
            let lookup = self.ask(absolute(name)?, record(family)).await?;
            let ttl = lookup.answers().iter().map(|record| record.ttl).min().unwrap_or_default();
            let addresses = lookup.answers().iter().filter_map(|record| address(&record.data, family));
            Answer::new(addresses, Duration::from_secs(ttl.into()))
        })
    }

    fn name_of(&self, address: IpAddr) -> Pending<'_, String> {
        Box::pin(async move {
            if let Some(name) = self.known().hosts.name_of(address) {
                return Ok(name.to_owned());
            }
            let lookup = self.ask(Name::from(address), RecordType::PTR).await?;
            lookup.answers().iter().find_map(|record| pointer(&record.data)).ok_or(ResolveError::Missing)
        })
    }

    fn edition(&self) -> u64 {
        self.known().edition
    }
}

impl Files {
    fn open(servers: &Servers) -> Self {
        let mut resolv_conf = Watched::new(servers.resolv_conf.clone());
        let mut hosts = Watched::new(servers.hosts.clone());
        let known = Arc::new(Known::read(0, &mut resolv_conf, &mut hosts, servers));
        Self { resolv_conf, hosts, looked: Instant::now(), known }
    }

    fn look(&mut self, servers: &Servers) {
        if self.resolv_conf.has_changed() || self.hosts.has_changed() {
            let edition = self.known.edition + 1;
            self.known = Arc::new(Known::read(edition, &mut self.resolv_conf, &mut self.hosts, servers));
        }
    }
}

impl Known {
    fn read(edition: u64, resolv_conf: &mut Watched, hosts: &mut Watched, servers: &Servers) -> Self {
        let resolver = resolv_conf.read().map_err(|error| error.to_string()).and_then(|text| resolver(&text, servers));
        let resolver = resolver.map_err(|why| {
            tracing::warn!(%why, "no name server can be asked; only the hosts file answers");
            why.into()
        });
        let hosts = hosts.read().map(|text| Hosts::parse(&text)).unwrap_or_default();
        Self { edition, hosts, resolver }
    }
}

fn resolver(text: &str, servers: &Servers) -> Result<TokioResolver, String> {
    // The file's search list, timeouts and attempts stay unused: names are absolute, and the rest is in our own configuration.
    let (parsed, _) = system_conf::parse_resolv_conf(text).map_err(|error| error.to_string())?;
    let mut config = ResolverConfig::from_name_servers(parsed.name_servers);
    for connection in config.name_servers.iter_mut().flat_map(|server| &mut server.connections) {
        connection.port = servers.port;
    }
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options(servers);
    builder.build().map_err(|error| error.to_string())
}

fn options(servers: &Servers) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = servers.timeout;
    // Hickory counts what follows the first.
    options.attempts = servers.attempts.saturating_sub(1);
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options
}

/// With its final dot, so that nothing is appended to it.
fn absolute(name: &HostName) -> Result<Name, ResolveError> {
    let mut name = Name::from_ascii(name.as_str()).map_err(|_| ResolveError::Missing)?;
    name.set_fqdn(true);
    Ok(name)
}

fn record(family: Family) -> RecordType {
    match family {
        Family::V4 => RecordType::A,
        Family::V6 => RecordType::AAAA,
    }
}

/// Aliases stand among the answers too, and a server may add what nobody asked for.
fn address(data: &RData, family: Family) -> Option<IpAddr> {
    data.ip_addr().filter(|address| Family::of(*address) == family)
}

fn pointer(data: &RData) -> Option<String> {
    if let RData::PTR(name) = data { Some(name.to_ascii().trim_end_matches('.').to_owned()) } else { None }
}

fn failure(error: &NetError) -> ResolveError {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error
        && [ResponseCode::NoError, ResponseCode::NXDomain].contains(&none.response_code)
    {
        return ResolveError::Missing;
    }
    ResolveError::Failed(error.to_string().into())
}
