//! `[metrics]` and `[console]`: where it is listened over HTTP.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"[metrics]
listen = "127.0.0.1:9464"        # Prometheus at /metrics; loopback only

[console]
listen = "127.0.0.1:9465"        # health and open incidents for people; loopback only
"#;

/// `[metrics]` and `[console]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawListener {
    /// The address to listen on, such as `127.0.0.1:9464`; only loopback is allowed. Nothing listens if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
}

/// Where it is listened over HTTP, on loopback only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Metrics, health and open incidents, for programs.
    pub metrics: Option<SocketAddr>,
    /// Health and open incidents, for people.
    pub console: Option<SocketAddr>,
}

/// Port 0 is a free one, another for each.
pub(crate) fn check(metrics: &RawListener, console: &RawListener, check: &mut Check<'_>) -> Listeners {
    let listeners = Listeners { metrics: metrics.check(check), console: console.check(check) };
    let shared = listeners.metrics.filter(|address| address.port() != 0 && listeners.console == Some(*address));
    if let (Some(address), Some(listen)) = (shared, &console.listen) {
        let problem = format!("`[metrics] listen` is {address} too");
        check.fail::<()>(listen.span(), problem, "give each a port of its own");
    }
    listeners
}

impl RawListener {
    fn check(&self, check: &mut Check<'_>) -> Option<SocketAddr> {
        let listen = self.listen.as_ref()?;
        match listen.get_ref().parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(address),
            Ok(_) => check.fail(
                listen.span(),
                "only loopback is allowed, because nobody is asked who he is",
                "write 127.0.0.1 and a port, and put an authenticating proxy before it",
            ),
            Err(_) => check.fail(listen.span(), "this is no address with a port", "write it like \"127.0.0.1:9464\""),
        }
    }
}
