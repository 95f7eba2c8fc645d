//! `[api]`: the table of the HTTP listener for whoever asks and steers.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use crate::kinds::numbers::{Secs, count};
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::values::endpoint::{MetricsAddress, Mode};
use crate::values::text::{HostLabel, WebOrigin};

tables! {
    /// `[api]`: the HTTP listener by which programs ask about sessions and rules, and end sessions.
    Api {
        /// Whether there is one.
        enabled: bool = "enabled", Flag, false;
        /// Where it listens; others than this machine's own users may reach it only with TLS and with tokens.
        bind_address: MetricsAddress = "bind_address", text(), MetricsAddress::Ip(Ipv4Addr::LOCALHOST.into());
        /// Its port, for an IP address; 0 lets the kernel choose a free port.
        bind_port: u16 = "bind_port", count(0, 65_535), 8_080;
        /// Who may connect to it, for a Unix socket.
        socket_mode: Mode = "socket_mode", text(), Mode::OWNER_AND_GROUP;
        /// Who may do what; without it everybody who reaches it may read, and nobody may do more.
        tokens_file: Option<PathBuf> = "tokens_file", Maybe(text()), None;
        /// The certificate chain, as PEM, with which it speaks TLS.
        tls_cert: Option<PathBuf> = "tls_cert", Maybe(text()), None;
        /// The private key that belongs to it, as PEM.
        tls_key: Option<PathBuf> = "tls_key", Maybe(text()), None;
        /// What a request may call this host, besides the address that it came to and `localhost`.
        allowed_hosts: Vec<HostLabel> = "allowed_hosts", list(), Vec::new();
        /// Whose web pages may ask through a browser.
        cors_origins: Vec<WebOrigin> = "cors_origins", list(), Vec::new();
        /// How long a request may take from its last byte to its answer, 1 to 300 s.
        timeout: Duration = "timeout_secs", Secs { least: 1, most: 300 }, Duration::from_secs(30);
        /// Requests a second of one token, and twice as many at once, 1 to 100 000.
        token_rate: u32 = "token_requests_per_sec", count(1, 100_000), 100;
        /// The same for one source, whichever tokens it has.
        source_rate: u32 = "source_requests_per_sec", count(1, 100_000), 100;
    }
}
