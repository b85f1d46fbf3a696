//! Downloads into the cache of the store, each through its registry's ordinary client.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};

use super::client::{self, CurlOutcome, WheelTarget};
use super::{FetchError, Fetcher};

impl Fetcher {
    pub(super) fn npm(
        &self,
        package: &str,
        version: &str,
        sha256: Option<&str>,
        megabytes: Option<u32>,
    ) -> Result<PathBuf, FetchError> {
        let label = sized(format!("npm package {package}@{version}"), megabytes);
        self.cached(&label, &npm_file(package, version), sha256, |dir| client::npm_pack(package, version, dir))
    }

    pub(super) fn wheel(
        &self,
        target: &WheelTarget<'_>,
        sha256: Option<&str>,
        megabytes: Option<u32>,
    ) -> Result<PathBuf, FetchError> {
        let label = sized(format!("wheel {}=={}", target.package, target.version), megabytes);
        let platform = target.platform.map_or("any", |(platform, _)| platform);
        let file = format!("pip-{}-{}-{platform}.whl", flat(target.package), target.version);
        self.cached(&label, &file, sha256, |dir| client::pip_download(target, dir))
    }

    /// A download that a client makes in one go, from the cache if it is there.
    fn cached(
        &self,
        label: &str,
        file: &str,
        sha256: Option<&str>,
        download: impl FnOnce(&Path) -> Result<PathBuf, FetchError>,
    ) -> Result<PathBuf, FetchError> {
        let cached = self.cache_dir().join(file);
        let is_good = |path: &Path| sha256.is_none_or(|expected| hash::verify(path, expected).is_ok());
        if cached.is_file() && is_good(&cached) {
            return Ok(cached);
        }
        let activity = self.progress.begin(&format!("fetching {label}"));
        let partial = Partial::new(&self.cache_dir(), file)?;
        let came = download(partial.dir())?;
        drop(activity);
        if let Some(expected) = sha256 {
            hash::verify(&came, expected).map_err(|source| FetchError::Hash { what: label.to_owned(), source })?;
        }
        durable::move_file(&came, &cached).map_err(|source| FetchError::io("keep", &cached, source))?;
        Ok(cached)
    }

    /// A file on the web, continued where an earlier attempt stopped.
    pub(super) fn url(&self, url: &str, file: &str, sha256: Option<&str>) -> Result<PathBuf, FetchError> {
        let cached = self.cache_dir().join(format!("url-{file}"));
        let is_good = |path: &Path| sha256.is_none_or(|expected| hash::verify(path, expected).is_ok());
        if cached.is_file() && is_good(&cached) {
            return Ok(cached);
        }
        let part = cached.with_added_extension("part");
        let remove = |path: &Path| fs::remove_file(path).map_err(|source| FetchError::io("remove", path, source));
        let activity = self.progress.begin(&format!("fetching {url}"));
        let was_partial = part.exists();
        let mut outcome = client::curl(url, &part)?;
        let is_spoilt = was_partial && (matches!(outcome, CurlOutcome::CannotContinue) || !is_good(&part));
        if is_spoilt {
            // What was continued is not the file that is served now; it is fetched from its first byte.
            remove(&part)?;
            outcome = client::curl(url, &part)?;
        }
        drop(activity);
        if matches!(outcome, CurlOutcome::CannotContinue) {
            return Err(FetchError::NoFile { wanted: url.to_owned(), ending: "part".to_owned() });
        }
        if let Some(expected) = sha256
            && let Err(source) = hash::verify(&part, expected)
        {
            remove(&part)?;
            return Err(FetchError::Hash { what: url.to_owned(), source });
        }
        durable::move_file(&part, &cached).map_err(|source| FetchError::io("keep", &cached, source))?;
        Ok(cached)
    }
}

/// What is fetched, with its size if that is known.
fn sized(what: String, megabytes: Option<u32>) -> String {
    match megabytes {
        Some(megabytes) => format!("{what} ({megabytes} MB)"),
        None => what,
    }
}

/// Name of a package of npm in the cache.
pub(super) fn npm_file(package: &str, version: &str) -> String {
    format!("npm-{}-{version}.tgz", flat(package))
}

/// A package name as part of a file name.
fn flat(package: &str) -> String {
    package.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// A folder for one attempt; whatever is left in it goes with it.
pub(super) struct Partial(PathBuf);

impl Partial {
    pub(super) fn new(cache: &Path, name: &str) -> Result<Self, FetchError> {
        let dir = cache.join(format!("partial-{name}"));
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|source| FetchError::io("remove", &dir, source))?;
        }
        fs::create_dir_all(&dir).map_err(|source| FetchError::io("create", &dir, source))?;
        Ok(Self(dir))
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // A folder that stays behind is removed by the next attempt.
        let _ = fs::remove_dir_all(&self.0);
    }
}
