//! The model store: the folder where weights and the runtime library lie.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_base::hash::{self, HashError};

use crate::card::{Card, WeightSource};
use crate::shipped;

/// Environment variable that names the store.
pub const STORE_VARIABLE: &str = "FOREWARN_MODEL_DIR";

/// A folder with weights, the runtime library and a cache of downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// Weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not there.
    #[error(
        "the weights of model `{model}` are missing: there is no `{path}`; run `forewarn models fetch {model}`, \
         or put the file there by hand"
    )]
    Missing {
        /// The card's name.
        model: String,
        /// Where the file should be.
        path: PathBuf,
    },
    /// What is part of the program cannot be put into the store.
    #[error("failed to put the weights of model `{model}`, which are part of the program, to `{path}`: {source}")]
    Place {
        /// The card's name.
        model: String,
        /// Where the file should be.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is not the pinned one.
    #[error("the weights of model `{model}` cannot be trusted: {source}")]
    Hash {
        /// The card's name.
        model: String,
        /// What differs.
        source: HashError,
    },
}

impl Store {
    /// A store in a folder of one's choice.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The store of this machine.
    ///
    /// That is `FOREWARN_MODEL_DIR` if it is set; else `models/store` of the checkout that holds the working
    /// directory or the executable; else `forewarn/models` under `XDG_DATA_HOME` or `~/.local/share`.
    pub fn locate() -> Self {
        let exe = env::current_exe().ok();
        let starts = [env::current_dir().ok(), exe.as_deref().and_then(Path::parent).map(Path::to_owned)];
        Self::locate_from(|name| env::var_os(name).map(PathBuf::from), &starts)
    }

    fn locate_from(variable: impl Fn(&str) -> Option<PathBuf>, starts: &[Option<PathBuf>]) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.as_os_str().is_empty());
        if let Some(root) = set(STORE_VARIABLE) {
            return Self::at(root);
        }
        let checkout = starts.iter().flatten().find_map(|start| start.ancestors().find(|dir| is_checkout(dir)));
        if let Some(checkout) = checkout {
            return Self::at(checkout.join("models/store"));
        }
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
        Self::at(data.unwrap_or_else(env::temp_dir).join("forewarn/models"))
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the store, whether it exists or not.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Puts weights that are part of the program into the store, unless they are there.
    fn place_shipped(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let is_there = fs::metadata(path).is_ok_and(|meta| meta.len() == bytes.len() as u64)
            && fs::read(path).is_ok_and(|found| found == bytes);
        if is_there {
            return Ok(());
        }
        // Another process may do the same; each renames a complete file of its own.
        fs::create_dir_all(&self.root)?;
        durable::replace_shared(path, bytes)
    }

    /// Where the weights of a card lie; checks that they are there and, where the card pins a hash, that they
    /// are the right ones.
    pub fn weights(&self, card: &Card) -> Result<PathBuf, StoreError> {
        let path = self.path(&card.weights.file);
        if let WeightSource::Shipped { file } = &card.source
            && let Some(bytes) = shipped::bytes(file)
        {
            let placed = bytes.and_then(|bytes| self.place_shipped(&path, &bytes));
            placed.map_err(|source| StoreError::Place { model: card.name.clone(), path: path.clone(), source })?;
        }
        if !path.is_file() {
            return Err(StoreError::Missing { model: card.name.clone(), path });
        }
        if let Some(expected) = &card.weights.sha256 {
            hash::verify(&path, expected).map_err(|source| StoreError::Hash { model: card.name.clone(), source })?;
        } else {
            let file = path.display();
            tracing::warn!(model = %card.name, %file, "the model card pins no sha256, so the weights are used unverified");
        }
        Ok(path)
    }
}

/// A checkout of this project is recognised by the default model card.
fn is_checkout(dir: &Path) -> bool {
    dir.join("models/cards/nanodet-g-416.toml").is_file() && dir.join("Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_then_the_checkout_then_the_home() {
        let dir = tempfile::tempdir().unwrap();
        let checkout = dir.path().join("repo");
        std::fs::create_dir_all(checkout.join("models/cards")).unwrap();
        std::fs::create_dir_all(checkout.join("target/debug")).unwrap();
        std::fs::write(checkout.join("models/cards/nanodet-g-416.toml"), "").unwrap();
        std::fs::write(checkout.join("Cargo.toml"), "").unwrap();
        let inside = [None, Some(checkout.join("target/debug"))];
        let outside = [Some(dir.path().to_owned()), None];
        let with =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| PathBuf::from(value));
        let root = |store: Store| store.root().to_owned();
        assert_eq!(root(Store::locate_from(with(STORE_VARIABLE, "/x"), &inside)), PathBuf::from("/x"));
        assert_eq!(root(Store::locate_from(with(STORE_VARIABLE, ""), &inside)), checkout.join("models/store"));
        assert_eq!(
            root(Store::locate_from(with("HOME", "/h"), &outside)),
            PathBuf::from("/h/.local/share/forewarn/models")
        );
        assert_eq!(
            root(Store::locate_from(with("XDG_DATA_HOME", "/d"), &outside)),
            PathBuf::from("/d/forewarn/models")
        );
    }

    #[test]
    fn missing_and_changed_weights_say_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let card = crate::cards::builtin("yolox-nano").unwrap();
        let missing = store.weights(&card).unwrap_err().to_string();
        assert!(missing.contains("forewarn models fetch yolox-nano"), "{missing}");
        std::fs::write(dir.path().join("yolox_nano.onnx"), b"something else").unwrap();
        let changed = store.weights(&card).unwrap_err().to_string();
        assert!(changed.contains("sha256") && changed.contains("yolox_nano.onnx"), "{changed}");
    }
}
