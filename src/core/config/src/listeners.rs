//! The listeners that follow from the settings, each with everything it needs to serve.
//!
//! Knows which key outranks which, and nothing of sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::settings::{Admin, Api, Listen, Metrics, Settings};
use crate::values::choices::Choices;
use crate::values::endpoint::{Endpoint, MetricsAddress, Mode};
use crate::values::network::BindAddress;
use crate::values::text::PamService;
use crate::values::words::{ClientMethod, Method, Protocol};

/// One listener with every override applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What logs and messages call it.
    pub name: String,
    /// Where it listens.
    pub binding: Binding,
    /// The protocols it speaks.
    pub protocols: Choices<Protocol>,
    /// What a client has to pass before its first word is read.
    pub client_method: ClientMethod,
    /// The authentication methods, in order of preference.
    pub methods: Choices<Method>,
    /// The PAM service of those methods that ask PAM.
    pub pam_service: PamService,
    /// Peers whose connections must begin with a PROXY protocol header.
    pub proxy_protocol_from: Vec<IpNet>,
    /// What UDP clients are told to send to.
    pub udp: Advertised,
    /// What peers of a BIND are told to connect to.
    pub bind: Advertised,
}

/// A place to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// A TCP address; port 0 lets the kernel choose.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix {
        /// Its absolute path.
        path: PathBuf,
        /// Who may connect.
        mode: Mode,
    },
}

/// The address we tell others, per family; nothing means the one the client reached us by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Advertised {
    /// For IPv4.
    pub v4: Option<Ipv4Addr>,
    /// For IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Listener {
    /// Whether one of its methods asks its PAM service.
    pub(crate) fn asks_pam(&self) -> bool {
        self.methods.contains(Method::PamAddress) || self.methods.contains(Method::PamUsername)
    }

    /// Whether it judges clients by their addresses.
    pub(crate) fn asks_for_addresses(&self) -> bool {
        self.methods.contains(Method::PamAddress) || self.client_method == ClientMethod::PamAddress
    }

    /// Whether others than this machine's own users can reach it without authentication.
    pub(crate) fn is_open(&self) -> bool {
        self.binding.is_reachable() && self.methods.contains(Method::None) && self.client_method == ClientMethod::None
    }
}

impl Binding {
    /// Whether others than this machine's own users can come to it.
    pub(crate) fn is_reachable(&self) -> bool {
        match self {
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            Self::Unix { .. } => false,
        }
    }
}

impl Settings {
    /// Every listener: the one of `[server]` first, unless its address is `"none"`, then each `[[listen]]` table.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let further = self.listen.iter().map(|table| self.further(table));
        self.first().into_iter().chain(further).collect()
    }

    /// The PAM services that some listener asks, none twice: their numbers for the PAM helpers; none if nobody asks PAM.
    #[must_use]
    pub fn pam_services(&self) -> Vec<PamService> {
        let mut services = Vec::new();
        for listener in self.listeners() {
            let client =
                (listener.client_method == ClientMethod::PamAddress).then(|| self.auth.client_pam_service.clone());
            let socks = listener.asks_pam().then_some(listener.pam_service);
            for service in client.into_iter().chain(socks) {
                if !services.contains(&service) {
                    services.push(service);
                }
            }
        }
        services
    }

    /// Where the metrics listener waits, if there is one.
    #[must_use]
    pub fn metrics_binding(&self) -> Option<Binding> {
        let Metrics { enabled, bind_address, bind_port, socket_mode, .. } = &self.metrics;
        enabled.then(|| http_binding(bind_address, *bind_port, *socket_mode))
    }

    /// Where the API's listener waits, if there is one.
    #[must_use]
    pub fn api_binding(&self) -> Option<Binding> {
        let Api { enabled, bind_address, bind_port, socket_mode, .. } = &self.api;
        enabled.then(|| http_binding(bind_address, *bind_port, *socket_mode))
    }

    /// Where the admin socket waits, and the one for those who only look, as far as there are any.
    #[must_use]
    pub fn admin_bindings(&self) -> [Option<Binding>; 2] {
        let Admin { socket, readonly_socket, .. } = &self.admin;
        [socket, readonly_socket].map(|path| {
            path.as_ref().map(|path| Binding::Unix { path: path.as_path().to_owned(), mode: Mode::OWNER_AND_GROUP })
        })
    }

    fn first(&self) -> Option<Listener> {
        match self.server.bind_address {
            BindAddress::Address(address) => Some(self.plain(SocketAddr::new(address, self.server.bind_port))),
            BindAddress::None => None,
        }
    }

    fn plain(&self, address: SocketAddr) -> Listener {
        self.further(&Listen { address: Endpoint::Tcp(address), ..Listen::default() })
    }

    fn further(&self, table: &Listen) -> Listener {
        let own = Advertised { v4: table.advertised_v4, v6: table.advertised_v6 };
        Listener {
            name: table.name.as_ref().map_or_else(|| table.address.to_string(), ToString::to_string),
            binding: binding(table),
            protocols: table.protocols.clone(),
            client_method: table.client_method.unwrap_or(self.auth.client_method),
            methods: table.socks_method.as_ref().unwrap_or(&self.auth.socks_method).clone(),
            pam_service: table.pam_service.as_ref().unwrap_or(&self.auth.socks_pam_service).clone(),
            proxy_protocol_from: table.proxy_protocol_from.clone(),
            udp: own.or(self.udp.advertised_v4, self.udp.advertised_v6),
            bind: own.or(self.bind.advertised_v4, self.bind.advertised_v6),
        }
    }
}

impl Advertised {
    /// The address for the family of a given one.
    #[must_use]
    pub fn like(self, family: IpAddr) -> Option<IpAddr> {
        match family {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }

    fn or(self, v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>) -> Self {
        Self { v4: self.v4.or(v4), v6: self.v6.or(v6) }
    }
}

fn http_binding(address: &MetricsAddress, port: u16, mode: Mode) -> Binding {
    match address {
        MetricsAddress::Ip(address) => Binding::Tcp(SocketAddr::new(*address, port)),
        MetricsAddress::Unix(path) => Binding::Unix { path: path.clone(), mode },
    }
}

fn binding(table: &Listen) -> Binding {
    match &table.address {
        Endpoint::Tcp(address) => Binding::Tcp(*address),
        Endpoint::Unix(path) => Binding::Unix { path: path.clone(), mode: table.mode.unwrap_or(Mode::OWNER_AND_GROUP) },
    }
}
