//! What the outside tests and the benchmarks share.
