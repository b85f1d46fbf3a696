//! What a tuning measured, kept beside the store, and what it holds for.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_base::hash;
use serde::{Deserialize, Serialize};

use super::{LeftOut, Measured};
use crate::card::Card;
use crate::fetch;
use crate::runtime::LIBRARY_VARIABLE;
use crate::store::Store;

/// The layout of the file.
const SCHEMA: &str = "forewarn.tuned/1";

/// What a tuning holds for. On another box, by another library or with another card everything may be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The ONNX Runtime libraries that this program pins, or the one that `ORT_DYLIB_PATH` names.
    pub library: String,
    /// Hash over the card and those of its variants.
    pub cards_sha256: String,
    /// Name of the processor or the board.
    pub processor: String,
    /// Logical processors.
    pub cores: usize,
}

/// What a tuning measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    schema: String,
    /// What it holds for.
    pub key: Key,
    /// Name of the card.
    pub card: String,
    /// What was measured, the usual way first.
    pub ways: Vec<Measured>,
    /// What was not tried, or failed.
    pub left_out: Vec<LeftOut>,
}

/// A tuning is there and cannot be used, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// The file cannot be read.
    #[error("failed to read `{path}`: {source}; make it anew by `forewarn models tune`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("failed to write `{path}`: {source}; the store is written by whoever fetches models into it")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no tuning of this program.
    #[error("`{path}` is no tuning that this program reads: {problem}; make it anew by `forewarn models tune`")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Key {
    /// Of this program with these cards on this box.
    pub fn here<'a>(store: &Store, cards: impl IntoIterator<Item = &'a Card>, processor: &str, cores: usize) -> Self {
        let named = env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty());
        let library = named.map_or_else(fetch::pinned_libraries, |path| path.to_string_lossy().into_owned());
        let described: String = cards.into_iter().map(|card| description(store, card)).collect();
        let cards_sha256 = hash::sha256_of_bytes(described.as_bytes());
        Self { library, cards_sha256, processor: processor.to_owned(), cores }
    }

    /// Why what was measured under this key does not hold `here`; none if it does.
    pub fn other_than(&self, here: &Self) -> Option<String> {
        if (&self.processor, self.cores) != (&here.processor, here.cores) {
            let of = |key: &Self| format!("{} with {} cores", key.processor, key.cores);
            return Some(format!("it was made on another box, {}; this one is {}", of(self), of(here)));
        }
        if self.library != here.library {
            return Some(format!("it was made by other libraries, {}; now they are {}", self.library, here.library));
        }
        (self.cards_sha256 != here.cards_sha256).then(|| "the card or one of its variants is another by now".to_owned())
    }
}

/// All that a card says as this program reads it, and which weights it means.
fn description(store: &Store, card: &Card) -> String {
    let unpinned = card.weights.sha256.is_none().then(|| {
        // Weights that are not there yet have no hash, and are another thing once they are.
        hash::digest_of_file(&store.path(&card.weights.file)).map(|digest| digest.sha256).unwrap_or_default()
    });
    format!("{card:?}{unpinned:?}")
}

impl Tuning {
    /// What was measured under `key`.
    pub fn new(key: Key, card: &str, ways: Vec<Measured>, left_out: Vec<LeftOut>) -> Self {
        Self { schema: SCHEMA.to_owned(), key, card: card.to_owned(), ways, left_out }
    }

    /// Where that of a card lies.
    pub fn path(store: &Store, card: &Card) -> PathBuf {
        store.path("tuned").join(format!("{}.json", card.name))
    }

    /// Reads that of a card; none where there is none.
    pub fn read(store: &Store, card: &Card) -> Result<Option<Self>, TuningError> {
        let path = Self::path(store, card);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TuningError::Read { path, source }),
        };
        let syntax = |problem: String| TuningError::Syntax { path: path.clone(), problem };
        let tuning: Self = serde_json::from_str(&text).map_err(|error| syntax(error.to_string()))?;
        if tuning.schema != SCHEMA {
            return Err(syntax(format!("its schema is `{}`, not `{SCHEMA}`", tuning.schema)));
        }
        Ok(Some(tuning))
    }

    /// Keeps it; returns where.
    pub fn write(&self, store: &Store, card: &Card) -> Result<PathBuf, TuningError> {
        let path = Self::path(store, card);
        let folder = path.parent().unwrap_or(Path::new(""));
        let text = serde_json::to_string(self).map_err(io::Error::other);
        let written = text
            .and_then(|text| fs::create_dir_all(folder).and_then(|()| durable::replace_shared(&path, text.as_bytes())));
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(TuningError::Write { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards;
    use crate::providers::{Precision, Provider};
    use crate::tune::Way;

    fn key(store: &Store, card: &Card) -> Key {
        Key::here(store, [card], "AMD EPYC", 2)
    }

    #[test]
    fn a_trial_comes_back_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (store, card) = (Store::at(dir.path()), cards::builtin("nanodet-g-416").unwrap());
        assert_eq!(Tuning::read(&store, &card).unwrap(), None);
        let way = Way { card: card.name.clone(), provider: Provider::Cpu, precision: Precision::Fp32, threads: 1 };
        let ways = vec![Measured { way, look_us: vec![20_000, 21_000], processor_us: vec![19_000, 20_500] }];
        let left_out = vec![LeftOut { what: "nanodet-g-416-int8".to_owned(), why: "it loses 1.3 AP".to_owned() }];
        let tuning = Tuning::new(key(&store, &card), &card.name, ways, left_out);
        let path = tuning.write(&store, &card).unwrap();
        assert_eq!(Tuning::read(&store, &card).unwrap().as_ref(), Some(&tuning));

        let later = fs::read_to_string(&path).unwrap().replace(SCHEMA, "forewarn.tuned/2");
        for text in [later.as_str(), "{}", ""] {
            fs::write(&path, text).unwrap();
            let error = Tuning::read(&store, &card).unwrap_err().to_string();
            assert!(error.contains("models tune") && error.contains("nanodet-g-416.json"), "{error}");
        }
    }

    #[test]
    fn what_holds_for_another_box_says_what_is_other() {
        let store = Store::at("nowhere");
        let card = cards::builtin("nanodet-g-416").unwrap();
        let here = key(&store, &card);
        assert_eq!(here.other_than(&here), None);
        let told = |was: Key| was.other_than(&here).unwrap();
        let other = told(Key { processor: "Cortex-A76".to_owned(), cores: 4, ..here.clone() });
        assert!(other.contains("Cortex-A76 with 4 cores") && other.contains("AMD EPYC with 2"), "{other}");
        assert!(told(Key { library: "1.20.0".to_owned(), ..here.clone() }).contains("other libraries"));
        let mut changed = card.clone();
        changed.thresholds.score = 0.4;
        assert!(told(key(&store, &changed)).contains("card"));
        assert!(here.library.contains("libonnxruntime.so.") || env::var_os(LIBRARY_VARIABLE).is_some(), "{here:?}");
    }

    #[test]
    fn weights_that_nobody_pinned_are_told_apart_by_what_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let (store, card) = (Store::at(dir.path()), cards::builtin("yolox-s").unwrap());
        let keys = ["", "one", "two"].map(|content| {
            fs::write(store.path(&card.weights.file), content).unwrap();
            key(&store, &card).cards_sha256
        });
        assert!(keys[0] != keys[1] && keys[1] != keys[2]);
    }
}
