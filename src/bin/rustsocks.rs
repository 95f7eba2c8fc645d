//! The daemon's executable: both of its roles and its offline commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::main()
}
