//! `forewarn backup`, `restore` and `support` as they are typed.

use std::path::PathBuf;

use clap::Args;

/// `forewarn backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The backup, a tar archive for its owner alone.
    #[arg(value_name = "FILE")]
    pub out: PathBuf,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Also the key by which the device signs evidence.
    #[arg(long)]
    pub keys: bool,
    /// Also passwords and certificates that the site file names, accounts and tokens of the console.
    #[arg(long)]
    pub secrets: bool,
    /// Also all evidence; the agent must be stopped for it.
    #[arg(long)]
    pub evidence: bool,
}

/// `forewarn restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub backup: PathBuf,
    /// Where the site file goes; its folders say where all else goes.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Also on a box that is in use, whose files are written over.
    #[arg(long)]
    pub over: bool,
}

/// `forewarn support`.
#[derive(Debug, Args)]
pub struct Support {
    /// The file, a tar archive of texts.
    #[arg(value_name = "FILE")]
    pub out: PathBuf,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A log in a file, in place of the service's journal. May be given several times.
    #[arg(long = "log-file", value_name = "FILE")]
    pub logs: Vec<PathBuf>,
}
