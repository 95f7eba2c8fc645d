//! SOCKS clients that nobody here wrote, driven through the real daemon.
//!
//! Each test makes three hosts of its own (client, proxy, target) out of network namespaces.
//! The client has no route to the target and no name service, so what arrives went through the proxy.
//! `RUSTSOCKS_CLIENTS_AGAINST=dante` or `=microsocks` puts another server in the daemon's place:
//! a test that fails there as well accuses the client or this rig, not the daemon.
//!
//! Knows the daemon only by its command line and its configuration files.

mod browser;
mod curl;
mod dante;
mod libraries;
mod pipes;
mod repositories;
mod wrapped;

mod errands;
mod host;
mod program;
mod server;
mod services;
mod world;
