//! Numbers that a test has measured, for whoever runs it with `--nocapture`.

use std::fmt::Display;

/// Prints one line.
#[expect(clippy::print_stdout, reason = "the test harness keeps it unless somebody asks")]
pub fn measured(numbers: impl Display) {
    println!("{numbers}");
}
