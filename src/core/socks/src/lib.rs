//! The SOCKS language without sockets.
