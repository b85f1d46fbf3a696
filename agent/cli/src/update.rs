//! `forewarn update` as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `forewarn update`.
#[derive(Debug, Subcommand)]
pub enum Update {
    /// Make the key that signs updates: keep the file, give its printed half to sites
    #[command(after_help = "Example:\n  forewarn update keygen update-key.pem")]
    Keygen {
        /// Where the secret half goes; it must not be there yet.
        #[arg(value_name = "FILE")]
        key: PathBuf,
    },
    /// Pack and sign an update: a program, models, violations, a site file, together or alone
    #[command(
        after_help = "Examples:\n  forewarn update pack forewarn-0.2.0.update --key update-key.pem \\\n      --version 0.2.0 --follows 0.1.0 --program target/dist/forewarn\n  forewarn update pack rules.update --key update-key.pem --version 0.2.0.1 \\\n      --follows 0.2.0 --violation smoking.toml --note \"smoking at the pumps\""
    )]
    Pack(UpdatePack),
    /// Say what an update brings and whether this site would take it; change nothing
    #[command(after_help = "Example:\n  forewarn update check forewarn-0.2.0.update --config site.toml")]
    Check(UpdateTake),
    /// Put an update ready, so that the agent's next start tries it
    #[command(
        after_help = "Examples:\n  forewarn update apply forewarn-0.2.0.update --config site.toml\n  forewarn update apply --config site.toml\n\nThe second fetches it from `[update] url`. Then: systemctl restart forewarn"
    )]
    Apply(UpdateTake),
    /// Say what is in force, what is tried, and what was undone, and why
    #[command(after_help = "Examples:\n  forewarn update status\n  forewarn update status --json")]
    Status {
        /// Where updates are kept.
        #[command(flatten)]
        kept: UpdateDir,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Return to what was in force before, with the agent's next start
    #[command(
        after_help = "Examples:\n  forewarn update rollback --why \"the horn is silent\"\n  forewarn update rollback --of-trial"
    )]
    Rollback {
        /// Where updates are kept.
        #[command(flatten)]
        kept: UpdateDir,
        /// Why, for `forewarn update status`.
        #[arg(long, value_name = "TEXT", default_value = "by hand")]
        why: String,
        /// Only if an update is being tried; the exit code is 1 otherwise.
        #[arg(long)]
        of_trial: bool,
    },
    /// Withdraw an update that lies ready and was not tried yet
    #[command(after_help = "Example:\n  forewarn update withdraw")]
    Withdraw(UpdateDir),
    /// Before the agent's start: begin what lies ready, or undo what did not do well. The service does it
    #[command(after_help = "Example:\n  forewarn update begin")]
    Begin(UpdateDir),
    /// After the agent's start: watch it, and keep the update or undo it. The service does it
    #[command(after_help = "Example:\n  forewarn update confirm --config site.toml")]
    Confirm {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Where updates are kept.
        #[command(flatten)]
        kept: UpdateDir,
    },
    /// Run the program that is in force. The service does it
    #[command(
        after_help = "Example:\n  forewarn update exec -- run --config site.toml\n\nWhere no update is in force, or its program was damaged, the program itself goes on."
    )]
    Exec {
        /// Where updates are kept.
        #[command(flatten)]
        kept: UpdateDir,
        /// What it is to do.
        #[arg(last = true, required = true, value_name = "ARGUMENT")]
        arguments: Vec<OsString>,
    },
}

/// Where updates are kept.
#[derive(Debug, Args)]
pub struct UpdateDir {
    /// The folder of updates; only whoever may change the program should write there.
    #[arg(long, value_name = "DIR", env = "FOREWARN_UPDATE_DIR", default_value = "/var/lib/forewarn-update")]
    pub dir: PathBuf,
}

/// `forewarn update pack`.
#[derive(Debug, Args)]
pub struct UpdatePack {
    /// The update.
    #[arg(value_name = "FILE")]
    pub out: PathBuf,
    /// The secret key of `forewarn update keygen`.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The version that is in force with it, numbers with dots; that of a program is the program's own.
    #[arg(long, value_name = "VERSION")]
    pub version: String,
    /// The least version that it can follow.
    #[arg(long, value_name = "VERSION")]
    pub follows: String,
    /// The program `forewarn`; for which processor it is, its file says.
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// A file for the model store. May be given several times.
    #[arg(long = "model", value_name = "FILE")]
    pub models: Vec<PathBuf>,
    /// A violation file. May be given several times.
    #[arg(long = "violation", value_name = "FILE")]
    pub violations: Vec<PathBuf>,
    /// A site file in place of the site's own.
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// What it changes, for whoever decides on it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
}

/// `forewarn update check` and `apply`.
#[derive(Debug, Args)]
pub struct UpdateTake {
    /// The update: a file, or a folder (such as a USB stick) with one file that ends with .update; what `[update] url` names
    /// if absent.
    #[arg(value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where updates are kept.
    #[command(flatten)]
    pub kept: UpdateDir,
    /// Also one that was tried here and undone.
    #[arg(long)]
    pub again: bool,
}
