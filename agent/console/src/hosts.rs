//! By which names a listener may be called: a page of somebody else whose name is made to lead here is turned away.
//!
//! A browser asks under the name that stands in its address bar. An attacker can make a name of his own lead to this box
//! and so have his page talk to it; an address in figures he cannot own. So figures and `localhost` are taken, and other
//! names only where the site file lists them.

use std::net::{IpAddr, Ipv6Addr};

/// The names that the site lists, beside those that are always taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Takes these names, too.
    pub fn listed(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Those that the site lists.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether the box itself goes by the name in this `Host:`.
    pub(crate) fn lists(&self, host: &str) -> bool {
        let name = without_port(host);
        name.eq_ignore_ascii_case("localhost") || self.0.contains(&name.to_ascii_lowercase())
    }

    /// Whether somebody may ask under this `Host:`.
    pub(crate) fn take(&self, host: &str) -> bool {
        let name = without_port(host);
        let figures = name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let is_address = figures.map_or_else(|| name.parse::<IpAddr>().is_ok(), |v6| v6.parse::<Ipv6Addr>().is_ok());
        is_address || self.lists(host)
    }
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_localhost_and_listed_names_are_taken_and_no_other() {
        let hosts = Hosts::listed(["Gate.example".to_owned()]);
        for host in ["127.0.0.1:9465", "localhost", "LOCALHOST:1", "[::1]:9465", "10.0.0.7", "gate.example:443"] {
            assert!(hosts.take(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:9465", "127.0.0.1.evil.example", "[evil]:1", "localhost.evil"] {
            assert!(!hosts.take(host), "{host}");
        }
    }
}
