//! `rustsocks-cli`: the operator's commands and console.

use std::process::ExitCode;

fn main() -> ExitCode {
    tui::main()
}
