//! `[metrics]` and `[console]`: where it is listened over HTTP.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"[metrics]
listen = "127.0.0.1:9464"        # Prometheus at /metrics; loopback only

[console]
listen = "127.0.0.1:9465"        # the page for people, who sign in; the agent prints a link
# hosts = ["console.example.org"] # names by which a browser calls it, beside localhost and addresses in figures
# behind_proxy = true             # a reverse proxy before it speaks TLS: it may listen beyond loopback
"#;

/// `[metrics]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawListener {
    /// The address to listen on, such as `127.0.0.1:9464`; only loopback is allowed. Nothing listens if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
    /// Names by which it may be called, beside `localhost` and addresses in figures.
    pub hosts: Vec<String>,
}

/// `[console]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawConsole {
    /// The address to listen on, such as `127.0.0.1:9465`. Nothing listens if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
    /// Names by which it may be called, beside `localhost` and addresses in figures.
    pub hosts: Vec<String>,
    /// A reverse proxy that speaks TLS stands before it, so that it may listen beyond loopback.
    pub behind_proxy: bool,
}

/// Where it is listened over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Metrics, health and open incidents, for programs.
    pub metrics: Option<SocketAddr>,
    /// The names by which the listener of metrics may be called.
    pub metrics_hosts: Vec<String>,
    /// The console, for people.
    pub console: Option<SocketAddr>,
    /// The names by which it may be called.
    pub console_hosts: Vec<String>,
    /// Whether a reverse proxy that speaks TLS stands before it.
    pub is_behind_proxy: bool,
    /// Whether somebody may sign in by a link for one run. No site file says so; the demo does.
    pub has_guest: bool,
}

/// Port 0 is a free one, another for each.
pub(crate) fn check(metrics: &RawListener, console: &RawConsole, check: &mut Check<'_>) -> Listeners {
    let listeners = Listeners {
        metrics: address(metrics.listen.as_ref(), false, check),
        metrics_hosts: metrics.hosts.clone(),
        console: address(console.listen.as_ref(), console.behind_proxy, check),
        console_hosts: console.hosts.clone(),
        is_behind_proxy: console.behind_proxy,
        has_guest: false,
    };
    let shared = listeners.metrics.filter(|address| address.port() != 0 && listeners.console == Some(*address));
    if let (Some(address), Some(listen)) = (shared, &console.listen) {
        let problem = format!("`[metrics] listen` is {address} too");
        check.fail::<()>(listen.span(), problem, "give each a port of its own");
    }
    listeners
}

fn address(listen: Option<&Spanned<String>>, may_be_seen: bool, check: &mut Check<'_>) -> Option<SocketAddr> {
    let listen = listen?;
    match listen.get_ref().parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() || may_be_seen => Some(address),
        Ok(_) => check.fail(
            listen.span(),
            "only loopback is allowed, because what is said there is not encrypted",
            "write 127.0.0.1 and a port, and put a reverse proxy that speaks TLS before it; for [console], \
             `behind_proxy = true` says that there is one",
        ),
        Err(_) => check.fail(listen.span(), "this is no address with a port", "write it like \"127.0.0.1:9464\""),
    }
}
