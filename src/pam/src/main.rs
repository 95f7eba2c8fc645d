//! The PAM helper's executable; the monitor starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    pam_helper::main()
}
