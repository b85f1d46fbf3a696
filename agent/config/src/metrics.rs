//! `[metrics]`: where metrics are served.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"[metrics]
listen = "127.0.0.1:9464"        # Prometheus at /metrics; loopback only
"#;

/// `[metrics]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawMetrics {
    /// Address of the Prometheus endpoint, such as `127.0.0.1:9464`; only loopback is allowed. None if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
}

impl RawMetrics {
    pub(crate) fn check(&self, check: &mut Check<'_>) -> Option<SocketAddr> {
        let listen = self.listen.as_ref()?;
        match listen.get_ref().parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(address),
            Ok(_) => check.fail(
                listen.span(),
                "only loopback is allowed, because metrics are served without asking who is there",
                "write 127.0.0.1 and a port, and put an authenticating proxy before it",
            ),
            Err(_) => check.fail(listen.span(), "this is no address with a port", "write it like \"127.0.0.1:9464\""),
        }
    }
}
