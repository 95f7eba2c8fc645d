//! Where a client may go, decided without sockets.
