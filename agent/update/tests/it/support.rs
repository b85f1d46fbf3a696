//! A box with a site, and bundles for it.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_base::hash::sha256_of_bytes;
use forewarn_seal::key::{DeviceKey, PublicKey};
use forewarn_update::UpdateError;
use forewarn_update::bundle;
use forewarn_update::folder::{Folder, Places, Taking};
use forewarn_update::manifest::{Entry, FORMAT, Here, Manifest, Part};
use forewarn_update::version::Version;
use tempfile::TempDir;

/// What a bundle holds: the part, the name, the content.
pub(crate) type Content = (Part, &'static str, String);

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// The files of a version, of every part.
pub(crate) fn all_of(version: &str) -> Vec<Content> {
    vec![
        (Part::Program, "forewarn", format!("program {version}")),
        (Part::Models, "new.onnx", format!("weights {version}")),
        (Part::Violations, "smoking.toml", format!("smoking {version}")),
        (Part::Configuration, "site.toml", format!("site {version}")),
    ]
}

pub(crate) fn manifest_of(version_text: &str, files: &[Content]) -> Manifest {
    let entry = |(part, name, text): &Content| Entry {
        part: *part,
        name: (*name).to_owned(),
        bytes: text.len() as u64,
        sha256: sha256_of_bytes(text.as_bytes()),
    };
    let has_program = files.iter().any(|(part, _, _)| *part == Part::Program);
    Manifest {
        format: FORMAT,
        version: version(version_text),
        follows: version("0.1.0"),
        arch: has_program.then(|| "x86_64".to_owned()),
        note: String::new(),
        files: files.iter().map(entry).collect(),
    }
}

/// A folder in memory, where there is one.
pub(crate) fn memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Whoever makes updates.
pub(crate) struct Maker {
    pub(crate) key: DeviceKey,
    dir: TempDir,
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self { key: DeviceKey::generate().unwrap(), dir: memory() }
    }

    /// A bundle of these files.
    pub(crate) fn bundle(&self, version: &str, files: &[Content]) -> Vec<u8> {
        self.sign(&manifest_of(version, files), files)
    }

    pub(crate) fn sign(&self, manifest: &Manifest, files: &[Content]) -> Vec<u8> {
        let place = |(n, (_, _, text)): (usize, &Content)| -> PathBuf {
            let path = self.dir.path().join(n.to_string());
            fs::write(&path, text).unwrap();
            path
        };
        let paths: Vec<PathBuf> = files.iter().enumerate().map(place).collect();
        let out = self.dir.path().join("out.update");
        bundle::pack(&out, manifest, &paths, &self.key).unwrap();
        let bytes = fs::read(&out).unwrap();
        fs::remove_file(out).unwrap();
        bytes
    }
}

/// A box on which version 0.1.0 of the package is installed.
pub(crate) struct Gateway {
    root: PathBuf,
    pub(crate) folder: Folder,
    key: PublicKey,
}

impl Gateway {
    /// A new one.
    pub(crate) fn new(root: &Path, key: PublicKey) -> Self {
        fs::create_dir(root.join("models")).unwrap();
        fs::write(root.join("site.toml"), "site 0.1.0").unwrap();
        Self::at(root, key)
    }

    /// One that is there.
    pub(crate) fn at(root: &Path, key: PublicKey) -> Self {
        Self { root: root.to_owned(), folder: Folder::at(root.join("update")), key }
    }

    pub(crate) fn take(&self, bundle: &[u8]) -> Result<Manifest, UpdateError> {
        let places = Places {
            models: self.root.join("models"),
            violations: self.root.join("violations"),
            site_file: self.root.join("site.toml"),
        };
        let own = version("0.1.0");
        let taking = Taking { name: "a.update", key: &self.key, own: &own, places: &places, ailing: Vec::new() };
        let parts = [Part::Program, Part::Models, Part::Violations, Part::Configuration];
        let judge = |manifest: &Manifest, state: &forewarn_update::state::State| {
            let here = Here { arch: "x86_64", version: state.version(&own), parts: &parts, failed: None };
            Ok(manifest.judge(&here)?)
        };
        self.folder.take(bundle, &taking, judge, |_, _| Ok(()))
    }

    /// The text of a file; none if it is not there.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join(name)).ok()
    }

    /// Which version's files lie in the places; fails where they are of several.
    pub(crate) fn placed(&self) -> Result<String, String> {
        let site = self.text("site.toml").ok_or("there is no site file")?;
        let version = site.strip_prefix("site ").ok_or_else(|| format!("the site file is {site:?}"))?.to_owned();
        let is_first = version == "0.1.0";
        for (name, word) in [("models/new.onnx", "weights"), ("violations/smoking.toml", "smoking")] {
            let expected = (!is_first).then(|| format!("{word} {version}"));
            if self.text(name) != expected {
                return Err(format!("the site file is of {version}, and {name} is {:?}", self.text(name)));
            }
        }
        Ok(version)
    }

    /// The text of the program that runs; that of the package if none of an update does.
    pub(crate) fn program(&self) -> Result<String, UpdateError> {
        let runs = self.folder.runs(&version("0.1.0"))?;
        Ok(runs.map_or_else(|| "program 0.1.0".to_owned(), |(path, _)| fs::read_to_string(path).unwrap()))
    }
}
