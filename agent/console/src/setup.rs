//! What the console is told when it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use forewarn_base::tls::server::TlsServer;
use forewarn_domain::Clock;

use crate::hosts::Hosts;
use crate::tls::{Tls, TlsError};

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
    /// The links by which phones answer.
    pub answer_links: PathBuf,
    /// The phones that are told by Web Push.
    pub web_push: PathBuf,
    /// A certificate of the console's own making, and its key.
    pub certificate: PathBuf,
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
    /// Whose certificate is shown, where it speaks TLS itself; it may listen beyond loopback then.
    pub tls: Option<Tls>,
    /// Whether somebody may sign in by a link for this run, without an account.
    pub has_guest: bool,
    /// The site file; none where this run has one of its own.
    pub site_file: Option<PathBuf>,
    /// The agent's own program, which makes copies of evidence and tries changes.
    pub program: PathBuf,
    /// The time line.
    pub clock: Arc<dyn Clock>,
}

/// Where the console is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Its address; the link of the first sign-in while there is one.
    pub address: String,
    /// The SHA-256 of a certificate that nobody vouches for, by which a browser's owner knows it.
    pub fingerprint: Option<String>,
}

impl Setup {
    /// Whether what is said goes over TLS, so that cookies are sent over that alone.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_behind_proxy || self.tls.is_some()
    }

    /// Prepares TLS, where the site has it, to be shown at this address.
    pub(crate) fn open_tls(&self, address: SocketAddr) -> Result<Option<TlsServer>, TlsError> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let mut names = self.hosts.names().to_vec();
        names.extend((!address.ip().is_unspecified() && !address.ip().is_loopback()).then(|| address.ip().to_string()));
        let now = self.clock.wall(self.clock.now());
        tls.open(&self.places.certificate, &self.site, &names, now).map(Some)
    }

    /// Where it is found, once its address is known. What makes the first account is asked for on the box itself.
    pub(crate) fn found(
        &self,
        tls: Option<&TlsServer>,
        link: Option<String>,
    ) -> impl FnOnce(SocketAddr) -> Found + use<> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let name = self.hosts.names().first().filter(|_| link.is_none() && tls.is_some()).cloned();
        let is_own = self.tls == Some(Tls::Own);
        let fingerprint = tls.filter(|_| is_own).map(TlsServer::fingerprint);
        move |mut at| {
            if at.ip().is_unspecified() {
                at.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
            let place = name.map_or_else(|| at.to_string(), |name| format!("{name}:{}", at.port()));
            // A browser sends nobody what stands behind the #, so that the token is in no log.
            let link = link.map(|link| format!("#{link}")).unwrap_or_default();
            Found { address: format!("{scheme}://{place}/{link}"), fingerprint }
        }
    }
}
