//! What the console is told when it starts.

use std::path::PathBuf;
use std::sync::Arc;

use forewarn_domain::Clock;

use crate::hosts::Hosts;

/// Where what the console needs lies in the storage directory.
#[derive(Debug, Clone)]
pub struct Places {
    /// The evidence.
    pub evidence: PathBuf,
    /// Reports and the incidents that the agent remembers.
    pub outbox: PathBuf,
    /// What operators said.
    pub feedback: PathBuf,
    /// What is passed over.
    pub suppressions: PathBuf,
    /// The console's accounts.
    pub accounts: PathBuf,
    /// The tokens of programs.
    pub tokens: PathBuf,
    /// The index of incidents.
    pub index: PathBuf,
    /// Who did what in the console.
    pub audit: PathBuf,
    /// All video of cameras that keep it, a folder each.
    pub footage: PathBuf,
    /// Where people stayed.
    pub heat: PathBuf,
    /// For what is made to be sent.
    pub scratch: PathBuf,
}

/// What the console is told when it starts.
#[derive(Clone)]
pub struct Setup {
    /// The site's name.
    pub site: String,
    /// The time zone in which it lives, by its IANA name; the page shows times in it.
    pub time_zone: String,
    /// The agent's version.
    pub version: String,
    /// Where its files lie.
    pub places: Places,
    /// The names by which it may be called.
    pub hosts: Hosts,
    /// Whether a reverse proxy before it speaks TLS, so that it may listen beyond loopback.
    pub is_behind_proxy: bool,
    /// Whether somebody may sign in by a link for this run, without an account.
    pub has_guest: bool,
    /// The site file; none where this run has one of its own.
    pub site_file: Option<PathBuf>,
    /// The agent's own program, which makes copies of evidence and tries changes.
    pub program: PathBuf,
    /// The time line.
    pub clock: Arc<dyn Clock>,
}
