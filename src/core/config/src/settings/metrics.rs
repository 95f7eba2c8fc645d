//! `[metrics]`: the table of the HTTP listener for whoever watches.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use crate::kinds::numbers::count;
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::values::endpoint::{MetricsAddress, Mode};
use crate::values::text::HostLabel;

tables! {
    /// `[metrics]`: the HTTP listener that says what is counted and whether all is well.
    Metrics {
        /// Whether there is one.
        enabled: bool = "enabled", Flag, false;
        /// Where it listens.
        bind_address: MetricsAddress = "bind_address", text(), MetricsAddress::Ip(Ipv4Addr::LOCALHOST.into());
        /// Its port, for an IP address; 0 lets the kernel choose a free port.
        bind_port: u16 = "bind_port", count(0, 65_535), 9_090;
        /// Who may connect to it, for a Unix socket.
        socket_mode: Mode = "socket_mode", text(), Mode::OWNER_AND_GROUP;
        /// The certificate chain, as PEM, with which it speaks TLS.
        tls_cert: Option<PathBuf> = "tls_cert", Maybe(text()), None;
        /// The private key that belongs to it, as PEM.
        tls_key: Option<PathBuf> = "tls_key", Maybe(text()), None;
        /// What a request may call this host, besides the address that it came to and `localhost`.
        allowed_hosts: Vec<HostLabel> = "allowed_hosts", list(), Vec::new();
        /// Whether others than this machine's own users may read it.
        i_understand_open_metrics: bool = "i_understand_open_metrics", Flag, false;
    }
}
