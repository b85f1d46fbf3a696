//! How the console speaks TLS: by the site's certificate, or by one of its own making that browsers know by its fingerprint.

use std::io;
use std::path::Path;
use std::time::Duration;

use forewarn_base::durable;
use forewarn_base::setting::SettingError;
use forewarn_base::tls::server::{ServerFiles, TlsServer};
use forewarn_domain::WallTime;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};

/// Whose certificate is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// One that the console makes and keeps.
    Own,
    /// That of the site.
    Given(ServerFiles),
}

/// The console cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate or its key.
    #[error("{}", .0.line())]
    Setting(#[from] SettingError),
    /// Its own could not be made.
    #[error("failed to make a certificate: {0}")]
    Made(#[from] rcgen::Error),
    /// Its own could not be kept.
    #[error("failed to write {path}: {source}", path = .0, source = .1)]
    Kept(String, io::Error),
}

/// How long a certificate of its own lasts, in years; some browsers take none that lasts longer than 825 days.
const YEARS: i32 = 2;

impl Tls {
    /// Prepares it. A certificate of its own is made at `place`, with its key, where there is none for these names, or where it
    /// ends soon.
    pub(crate) fn open(
        &self,
        place: &Path,
        site: &str,
        names: &[String],
        now: WallTime,
    ) -> Result<TlsServer, TlsError> {
        let files = match self {
            Self::Given(files) => files.clone(),
            Self::Own => {
                let files = ServerFiles { certificate: place.to_owned(), key: place.to_owned() };
                if !place.exists() || !files.faults(names, since_1970(now)).is_empty() {
                    let made = make(site, names, now)?;
                    let kept = durable::replace(place, made.as_bytes());
                    kept.map_err(|error| TlsError::Kept(place.display().to_string(), error))?;
                }
                files
            }
        };
        Ok(TlsServer::open(files)?)
    }
}

/// So long after 1970 a clock on the wall shows this.
pub(crate) fn since_1970(now: WallTime) -> Duration {
    Duration::from_secs(now.as_secs_f64().max(0.0) as u64)
}

/// A certificate and its key as PEM. Browsers take no key but of these kinds.
fn make(site: &str, names: &[String], now: WallTime) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let always = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(always.iter().chain(names).cloned().collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, format!("Forewarn console of {site}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
    let today = today.to_zoned(jiff::tz::TimeZone::UTC).date();
    // From a day earlier on, for browsers whose clock is behind.
    let from = today.yesterday().unwrap_or(today);
    let on = |year: i32, day: jiff::civil::Date| date_time_ymd(year, day.month() as u8, day.day().min(28) as u8);
    params.not_before = on(i32::from(from.year()), from);
    params.not_after = on(i32::from(from.year()) + YEARS, from);
    Ok(format!("{}{}", params.self_signed(&key)?.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 March 2027.
    const NOW: WallTime = WallTime::from_micros(1_803_859_200_000_000);

    fn open(place: &Path, names: &[&str], now: WallTime) -> String {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Tls::Own.open(place, "market", &names, now).unwrap().fingerprint()
    }

    #[test]
    fn a_certificate_of_its_own_is_kept_until_it_ends_or_names_change() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("console-tls.pem");
        let first = open(&place, &["console.example.org"], NOW);
        let rights = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&place).unwrap().permissions());
        assert_eq!(rights & 0o777, 0o600);
        let files = ServerFiles { certificate: place.clone(), key: place.clone() };
        let names = ["console.example.org", "localhost", "127.0.0.1", "::1"].map(str::to_owned);
        assert_eq!(files.faults(&names, since_1970(NOW)), []);
        let later = |days: i64| WallTime::from_micros(NOW.as_micros() + days * 86_400_000_000);
        assert_eq!(open(&place, &[], later(700)), first);
        let second = open(&place, &["other.example.org"], later(700));
        assert_ne!(second, first);
        assert_ne!(open(&place, &["other.example.org"], later(1_430)), second, "it ends in two weeks");
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        let absent = ServerFiles { certificate: "/absent.pem".into(), key: "/absent.key".into() };
        let told = Tls::Given(absent).open(Path::new("/"), "market", &[], NOW).unwrap_err().to_string();
        assert!(told.starts_with("certificate: failed to read /absent.pem: ") && told.contains("PEM file"), "{told}");
        let told = Tls::Own.open(Path::new("/proc/none/tls.pem"), "market", &[], NOW).unwrap_err().to_string();
        assert!(told.starts_with("failed to write /proc/none/tls.pem"), "{told}");
    }
}
