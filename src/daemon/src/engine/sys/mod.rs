//! The kernel's side: descriptors, pipes, socket options. Knows nothing of SOCKS or sessions.

pub(crate) mod accepting;
pub(crate) mod accounts;
pub(crate) mod chance;
pub(crate) mod datagrams;
pub(crate) mod descriptors;
pub(crate) mod endurance;
pub(crate) mod heap;
pub(crate) mod interfaces;
pub(crate) mod listener;
pub(crate) mod peer;
pub(crate) mod pipe;
pub(crate) mod pool;
pub(crate) mod ports;
pub(crate) mod private_socket;
pub(crate) mod queue;
pub(crate) mod sandbox;
pub(crate) mod stream;
pub(crate) mod turn;
pub(crate) mod usage;
pub(crate) mod whole_file;
