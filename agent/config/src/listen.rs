//! `[metrics]` and `[console]`: where it is listened over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;

use forewarn_base::tls::server::ServerFiles;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::source::{ConfigError, ConfigErrors};

pub(crate) const EXAMPLE: &str = r#"[metrics]
listen = "127.0.0.1:9464"        # Prometheus at /metrics; loopback only

[console]
listen = "127.0.0.1:9465"        # the page for people, who sign in; the agent prints a link
# hosts = ["console.example.org"] # names by which a browser calls it, beside localhost and addresses in figures
# tls = true                      # TLS by a certificate of its own making: it may listen beyond loopback
# certificate = "console.pem"     # or by this one, its chain behind it, taken up anew when it is renewed
# key = "console.key"             # and its key
# behind_proxy = true             # or a reverse proxy before it speaks TLS
"#;

/// `[metrics]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawListener {
    /// The address to listen on, such as `127.0.0.1:9464`; only loopback is allowed. Nothing listens if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
    /// Names by which it may be called, beside `localhost` and addresses in figures.
    #[schemars(with = "Vec<String>")]
    pub hosts: Vec<Spanned<String>>,
}

/// `[console]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawConsole {
    /// The address to listen on, such as `127.0.0.1:9465`. Nothing listens if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
    /// Names by which it may be called, beside `localhost` and addresses in figures.
    #[schemars(with = "Vec<String>")]
    pub hosts: Vec<Spanned<String>>,
    /// It speaks TLS by a certificate of its own making, so that it may listen beyond loopback.
    #[schemars(with = "bool")]
    pub tls: Option<Spanned<bool>>,
    /// The certificate by which it speaks TLS, a PEM file with its chain behind it, relative to the site file.
    #[schemars(with = "Option<PathBuf>")]
    pub certificate: Option<Spanned<PathBuf>>,
    /// The key of `certificate`.
    #[schemars(with = "Option<PathBuf>")]
    pub key: Option<Spanned<PathBuf>>,
    /// A reverse proxy that speaks TLS stands before it, so that it may listen beyond loopback.
    pub behind_proxy: bool,
}

/// Whose certificate the console shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleTls {
    /// One that it makes itself.
    Own,
    /// That of the site.
    Given(ServerFiles),
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
    /// Whose certificate it shows, where it speaks TLS.
    pub console_tls: Option<ConsoleTls>,
    /// Why that cannot be read. The agent watches and warns without a console, and goes on where a certificate is being renewed.
    pub console_fault: Option<ConfigError>,
    /// Whether a reverse proxy that speaks TLS stands before it.
    pub is_behind_proxy: bool,
    /// Whether somebody may sign in by a link for one run. No site file says so; the demo does.
    pub has_guest: bool,
}

impl RawConsole {
    fn fault(&self, tls: Option<&ConsoleTls>, check: &Check<'_>) -> Option<ConfigError> {
        let Some(ConsoleTls::Given(files)) = tls else { return None };
        let error = files.usable().err()?;
        let written = if error.key() == "key" { &self.key } else { &self.certificate };
        Some(check.fault(written.as_ref()?.span(), error.to_string(), error.mend()))
    }

    fn tls(&self, check: &mut Check<'_>) -> Option<ConsoleTls> {
        match (&self.tls, &self.certificate, &self.key) {
            (Some(tls), Some(_), _) => check.fail(
                tls.span(),
                "`certificate` says already whose certificate it shows",
                "leave one of the two out",
            ),
            (tls, None, None) => tls.as_ref().is_some_and(|tls| *tls.get_ref()).then_some(ConsoleTls::Own),
            (_, Some(certificate), Some(key)) => {
                let [certificate, key] = [certificate, key].map(|file| check.path(file.get_ref()));
                Some(ConsoleTls::Given(ServerFiles { certificate, key }))
            }
            (_, Some(one), None) | (_, None, Some(one)) => check.fail(
                one.span(),
                "a certificate and its key belong together",
                "name both, by `certificate` and `key`; both may be one file",
            ),
        }
    }
}

impl Listeners {
    /// Whether every listener could be opened by what lies there now.
    pub fn usable(&self) -> Result<(), ConfigErrors> {
        self.console_fault.clone().map_or(Ok(()), |fault| Err(ConfigErrors(vec![fault])))
    }
}

/// Port 0 is a free one, another for each.
pub(crate) fn check(metrics: &RawListener, console: &RawConsole, check: &mut Check<'_>) -> Listeners {
    let console_tls = console.tls(check);
    let console_fault = console.fault(console_tls.as_ref(), check);
    let may_be_seen = console.behind_proxy || console_tls.is_some();
    let listeners = Listeners {
        metrics: address(metrics.listen.as_ref(), false, check),
        metrics_hosts: names(&metrics.hosts, check),
        console: address(console.listen.as_ref(), may_be_seen, check),
        console_hosts: names(&console.hosts, check),
        console_tls,
        console_fault,
        is_behind_proxy: console.behind_proxy,
        has_guest: false,
    };
    if let (None, Some(host)) = (&console.listen, console.hosts.first()) {
        check.fail::<()>(host.span(), "the console has no address", "add `listen = \"127.0.0.1:9465\"` to [console]");
    }
    let shared = listeners.metrics.filter(|address| address.port() != 0 && listeners.console == Some(*address));
    if let (Some(address), Some(listen)) = (shared, &console.listen) {
        let problem = format!("`[metrics] listen` is {address} too");
        check.fail::<()>(listen.span(), problem, "give each a port of its own");
    }
    listeners
}

/// Names as they stand in `Host:`, whose port is not compared.
fn names(hosts: &[Spanned<String>], check: &mut Check<'_>) -> Vec<String> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    for host in hosts.iter().filter(|host| host.get_ref().is_empty() || !is_name(host.get_ref())) {
        let mend = "write the name alone, without `https://`, port or path, like \"console.example.org\"";
        check.fail::<()>(host.span(), "no browser calls a listener by this name", mend);
    }
    hosts.iter().map(|host| host.get_ref().clone()).collect()
}

fn address(listen: Option<&Spanned<String>>, may_be_seen: bool, check: &mut Check<'_>) -> Option<SocketAddr> {
    let listen = listen?;
    match listen.get_ref().parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() || may_be_seen => Some(address),
        Ok(_) => check.fail(
            listen.span(),
            "only loopback is allowed, because what is said there is not encrypted",
            "write 127.0.0.1 and a port; [console] may be seen from elsewhere with `tls = true`, with `certificate` and \
             `key`, or with `behind_proxy = true` where a reverse proxy speaks TLS",
        ),
        Err(_) => check.fail(listen.span(), "this is no address with a port", "write it like \"127.0.0.1:9464\""),
    }
}

#[cfg(test)]
mod tests {
    use crate::source::Source;

    /// What is wrong with a table.
    fn told(table: &str) -> String {
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n";
        let text = format!("[site]\nid = \"north\"\n{table}\n{camera}");
        crate::site::resolve(&Source::new("site.toml", text)).err().map(|errors| errors.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_told_with_its_line_and_hinders_nobody_who_runs() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "[site]\nid = \"north\"\n[console]\nlisten = \"0.0.0.0:9465\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
        let source = Source::new(folder.path().join("site.toml").display().to_string(), text);
        let told = || crate::site::resolve(&source).unwrap().listen.usable().unwrap_err().to_string();
        assert!(told().contains("site.toml:5: certificate: failed to read"), "{}", told());
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(folder.path().join("a.pem"), pem).unwrap();
        assert!(told().contains("site.toml:6: key: failed to read") && told().contains("fix: "), "{}", told());
    }

    #[test]
    fn a_name_that_no_browser_calls_by_and_a_console_without_an_address_are_told() {
        assert_eq!(told("[console]\nlisten = \"127.0.0.1:9465\"\nhosts = [\"console.example.org\"]"), "");
        for wrong in ["", "https://console.example.org", "console.example.org/", "console:9465", "守望"] {
            let told = told(&format!("[metrics]\nlisten = \"127.0.0.1:9464\"\nhosts = [\"{wrong}\"]"));
            assert!(told.contains("site.toml:5: hosts") && told.contains("the name alone"), "{wrong}: {told}");
        }
        for (tls, says) in [
            ("tls = true", ""),
            ("certificate = \"a.pem\"\nkey = \"a.key\"", ""),
            ("behind_proxy = true", ""),
            ("tls = false", "site.toml:4: listen: only loopback"),
            ("key = \"a.key\"", "site.toml:5: key: a certificate and its key belong together"),
            ("tls = true\ncertificate = \"a.pem\"", "site.toml:5: tls: `certificate` says already"),
        ] {
            let told = told(&format!("[console]\nlisten = \"0.0.0.0:9465\"\n{tls}"));
            assert!(if says.is_empty() { told.is_empty() } else { told.contains(says) }, "{tls}: {told}");
        }
        let nowhere = told("[console]\nhosts = [\"console.example.org\"]");
        assert!(nowhere.contains("site.toml:4: hosts") && nowhere.contains("add `listen"), "{nowhere}");
    }
}
