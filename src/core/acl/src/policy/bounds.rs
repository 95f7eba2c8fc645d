//! What the connections that a rule lets in may have.
//!
//! Decides nothing: whoever keeps limits asks for it.

/// What a rule says of it; 0 is no limit, and what is not said is as for everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Connections at once of all users together, 0 to 1 000 000.
    pub at_once: Option<u32>,
    /// Bytes a second from the client, of all such connections of one user.
    pub up: Option<u64>,
    /// The same to the client.
    pub down: Option<u64>,
    /// Seconds that a connection may last, 0 to 31 536 000.
    pub max_age: Option<u32>,
    /// Seconds that it may move no byte, 0 to 2 592 000.
    pub idle: Option<u32>,
}

impl Bounds {
    /// Whether it limits what is carried, in either direction.
    #[must_use]
    pub fn limit_bandwidth(&self) -> bool {
        [self.up, self.down].into_iter().flatten().any(|rate| rate > 0)
    }
}
