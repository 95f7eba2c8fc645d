//! What somebody needs who helps.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Support {
    /// Put what the daemon says of itself into a tar file that only its owner reads
    Bundle {
        /// The file, which must not be there yet
        #[arg(default_value = "rustsocks-support.tar")]
        file: PathBuf,
        /// Leave addresses whole; without it only their networks are seen
        #[arg(long)]
        addresses: bool,
    },
}
