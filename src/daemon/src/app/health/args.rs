//! The command line of `rustsocks health`.

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub(in crate::app) struct Question {
    /// Whether the worker answers, or whether it welcomes new clients
    #[arg(default_value = "live")]
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum What {
    Live,
    Ready,
}
