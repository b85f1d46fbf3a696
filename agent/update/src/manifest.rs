//! What a bundle says of itself, and whether this box may take it.

use std::fmt;

pub use forewarn_config::UpdatePart as Part;
use forewarn_seal::canonical;
use forewarn_seal::key::PublicKey;
use serde::{Deserialize, Serialize};

use crate::version::Version;

/// The one layout of bundles so far.
pub const FORMAT: u32 = 1;
/// Most files of a bundle.
const MOST_FILES: usize = 4096;
/// What a signature is of begins with this, so that none of another purpose counts as one.
const PURPOSE: &[u8] = b"forewarn update 1\n";

/// The folder of a part in a bundle, which is its name in the site file.
pub fn name_of(part: Part) -> &'static str {
    match part {
        Part::Program => "program",
        Part::Models => "models",
        Part::Violations => "violations",
        Part::Configuration => "configuration",
    }
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is part of.
    pub part: Part,
    /// Its name, without a folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
}

impl Entry {
    /// Where it lies in a bundle.
    pub fn path(&self) -> String {
        format!("{}/{}", name_of(self.part), self.name)
    }
}

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout.
    pub format: u32,
    /// The version that is in force with it.
    pub version: Version,
    /// The least version that it can follow.
    pub follows: Version,
    /// The processor that its program is for; none where it has no program.
    pub arch: Option<String>,
    /// What it changes, for people.
    pub note: String,
    /// Its files.
    pub files: Vec<Entry>,
}

/// A bundle is not for this box.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// The signature is somebody else's, or none.
    #[error(
        "refused: the update is not signed by the key of this site ({key}…); take one from whoever has that key, or name the \
         new key in `[update] key`"
    )]
    Signature {
        /// The beginning of the key that the site names.
        key: String,
    },
    /// The signed text is no manifest.
    #[error("refused: what the update says of itself cannot be used: {0}; it was made for another version of Forewarn")]
    Unreadable(String),
    /// It is for another processor.
    #[error("refused: the update is for {its}, and this box is {here}; take the one for {here}")]
    Architecture {
        /// What it is for.
        its: String,
        /// What this is.
        here: String,
    },
    /// It is older than what is in force, or the same.
    #[error(
        "refused: the update has version {its}, and {here} is in force; versions only go up, so that nobody brings an old \
         mistake back. `forewarn update rollback` returns to the version before"
    )]
    Old {
        /// The bundle's version.
        its: Version,
        /// What is in force.
        here: Version,
    },
    /// What is in force is too old for it.
    #[error("refused: the update follows {follows} and later, and {here} is in force; take {follows} first")]
    Gap {
        /// What must be in force.
        follows: Version,
        /// What is.
        here: Version,
    },
    /// The site does not let others change this.
    #[error(
        "refused: the update brings {}, which this site does not take; add \"{}\" to `[update] parts` if it should",
        name_of(*.0), name_of(*.0)
    )]
    Part(Part),
    /// It was tried.
    #[error("refused: {version} was tried here and undone: {why}; fix that, and try it anyway with --again")]
    Failed {
        /// The version.
        version: Version,
        /// What was wrong.
        why: String,
    },
}

/// What of a box decides whether it may take a bundle.
#[derive(Debug, Clone)]
pub struct Here<'a> {
    /// Its processor.
    pub arch: &'a str,
    /// What is in force.
    pub version: Version,
    /// What the site lets others change.
    pub parts: &'a [Part],
    /// The version that was tried and undone, with the reason, where it counts.
    pub failed: Option<(&'a Version, &'a str)>,
}

impl Manifest {
    /// As it is signed.
    pub fn text(&self) -> Vec<u8> {
        // A struct of texts and numbers has a spelling.
        canonical(self).unwrap_or_default()
    }

    /// What a signature is of.
    pub fn signed(text: &[u8]) -> Vec<u8> {
        [PURPOSE, text].concat()
    }

    /// Reads a manifest, if the holder of `key` signed it.
    pub fn read(text: &[u8], signature: &[u8], key: &PublicKey) -> Result<Self, Refusal> {
        if !key.has_signed(&Self::signed(text), signature) {
            return Err(Refusal::Signature { key: key.short() });
        }
        let unreadable = |why: &dyn fmt::Display| Refusal::Unreadable(why.to_string());
        let manifest: Self = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
        manifest.check().map_err(|why| unreadable(&why))?;
        if manifest.text() != text {
            return Err(unreadable(&"it has more than one spelling"));
        }
        Ok(manifest)
    }

    /// What is wrong with it, whoever signed it.
    pub fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is {}, and {FORMAT} is known", self.format));
        }
        if self.files.is_empty() || self.files.len() > MOST_FILES {
            return Err(format!("it has {} files", self.files.len()));
        }
        for (n, file) in self.files.iter().enumerate() {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
            if file.name.starts_with('.') || file.name.is_empty() || !file.name.chars().all(is_plain) {
                return Err(format!("\"{}\" is no name of a file", file.name));
            }
            if self.files[..n].iter().any(|other| other.path() == file.path()) {
                return Err(format!("{} stands in it twice", file.path()));
            }
        }
        let one_at_most = |part| self.of(part).count() <= 1;
        if !one_at_most(Part::Program) || !one_at_most(Part::Configuration) {
            return Err("it has two programs or two site files".to_owned());
        }
        if self.program().is_some() != self.arch.is_some() {
            return Err("it names a processor without a program, or a program without one".to_owned());
        }
        Ok(())
    }

    /// Its files of one part.
    pub fn of(&self, part: Part) -> impl Iterator<Item = &Entry> {
        self.files.iter().filter(move |file| file.part == part)
    }

    /// Its program.
    pub fn program(&self) -> Option<&Entry> {
        self.of(Part::Program).next()
    }

    /// The bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// Whether a box may take it.
    pub fn judge(&self, here: &Here<'_>) -> Result<(), Refusal> {
        if let Some(its) = self.arch.as_deref().filter(|its| *its != here.arch) {
            return Err(Refusal::Architecture { its: its.to_owned(), here: here.arch.to_owned() });
        }
        if let Some((version, why)) = here.failed.filter(|(version, _)| **version == self.version) {
            return Err(Refusal::Failed { version: version.clone(), why: why.to_owned() });
        }
        if self.version <= here.version {
            return Err(Refusal::Old { its: self.version.clone(), here: here.version.clone() });
        }
        if self.follows > here.version {
            return Err(Refusal::Gap { follows: self.follows.clone(), here: here.version.clone() });
        }
        match self.files.iter().find(|file| !here.parts.contains(&file.part)) {
            Some(file) => Err(Refusal::Part(file.part)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_seal::key::DeviceKey;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn manifest() -> Manifest {
        let file = |part, name: &str| Entry { part, name: name.to_owned(), bytes: 3, sha256: "ab".repeat(32) };
        Manifest {
            format: FORMAT,
            version: version("0.3.0"),
            follows: version("0.2.0"),
            arch: Some("x86_64".to_owned()),
            note: "mends the gate".to_owned(),
            files: vec![file(Part::Program, "forewarn"), file(Part::Violations, "smoking.toml")],
        }
    }

    fn read(manifest: &Manifest, by: &DeviceKey, key: &DeviceKey) -> Result<Manifest, Refusal> {
        let text = manifest.text();
        Manifest::read(&text, &by.sign(&Manifest::signed(&text)).unwrap(), &key.public())
    }

    #[test]
    fn only_what_the_sites_key_signed_is_read() {
        let (key, other) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        assert_eq!(read(&manifest(), &key, &key).unwrap(), manifest());
        assert!(matches!(read(&manifest(), &other, &key), Err(Refusal::Signature { .. })));
        let text = manifest().text();
        // A signature of the same bytes for another purpose is none.
        let elsewhere = key.sign(&text).unwrap();
        assert!(matches!(Manifest::read(&text, &elsewhere, &key.public()), Err(Refusal::Signature { .. })));
        let spaced = [&text[..], b"\n"].concat();
        let signature = key.sign(&Manifest::signed(&spaced)).unwrap();
        assert!(matches!(Manifest::read(&spaced, &signature, &key.public()), Err(Refusal::Unreadable(_))));
    }

    #[test]
    fn a_manifest_that_names_a_place_outside_or_a_file_twice_is_none() {
        for (name, told) in [("../x", "no name"), ("a/b", "no name"), (".x", "no name"), ("forewarn", "twice")] {
            let mut wrong = manifest();
            wrong.files.push(Entry { name: name.to_owned(), ..wrong.files[0].clone() });
            assert!(wrong.check().unwrap_err().contains(told), "{name}");
        }
        let mut newer = manifest();
        newer.format = 2;
        assert!(newer.check().unwrap_err().contains("format is 2"));
        let mut homeless = manifest();
        homeless.arch = None;
        assert!(homeless.check().is_err());
    }

    #[test]
    fn a_box_takes_what_is_for_it_and_newer_and_says_why_it_takes_nothing_else() {
        let (all, failed) = ([Part::Program, Part::Violations], version("0.3.0"));
        let here = Here { arch: "x86_64", version: version("0.2.0"), parts: &all, failed: None };
        let judge = |here: Here<'_>| manifest().judge(&here).map_err(|refusal| refusal.to_string());
        assert_eq!(judge(here.clone()), Ok(()));
        for (here, told) in [
            (Here { arch: "aarch64", ..here.clone() }, "for x86_64, and this box is aarch64"),
            (Here { version: version("0.3.0"), ..here.clone() }, "0.3.0 is in force; versions only go up"),
            (Here { version: version("0.4"), ..here.clone() }, "version 0.3.0, and 0.4 is in force"),
            (Here { version: version("0.1.9"), ..here.clone() }, "take 0.2.0 first"),
            (Here { parts: &all[..1], ..here.clone() }, "brings violations"),
            (Here { failed: Some((&failed, "camera gate")), ..here.clone() }, "undone: camera gate"),
        ] {
            let refused = judge(here).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
