//! Which program this is.

/// The revision of the source that it was built from, as whoever built it has said; see the Makefile.
pub(crate) const REVISION: &str = match option_env!("SOURCE_REVISION") {
    Some(revision) if !revision.is_empty() => revision,
    Some(_) | None => "unknown",
};

/// For whoever wants to know exactly.
pub(crate) fn description() -> String {
    use std::env::consts::{ARCH, OS};
    format!("{}\nrevision {REVISION}\nbuilt for {ARCH} {OS}", env!("CARGO_PKG_VERSION"))
}
