//! What holds for every password, wherever it is typed.

/// The longest one, in bytes (RFC 1929). What holds one sets so much aside at once, since what grows leaves copies behind.
pub(crate) const LONGEST: usize = 255;
