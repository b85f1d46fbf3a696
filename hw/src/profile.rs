//! Defaults for kinds of boxes: `hw/profiles/*.toml`, embedded in the binary, or a file of the integrator.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::BoxFacts;

/// The profiles that come along, by name.
const EMBEDDED: [(&str, &str); 2] = [
    ("generic-x86", include_str!("../profiles/generic-x86.toml")),
    ("generic-arm64", include_str!("../profiles/generic-arm64.toml")),
];

/// Defaults for one kind of box. The site file overrides them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxProfile {
    /// What people call the box.
    pub title: String,
    /// Instruction set as Rust names it: `x86_64` or `aarch64`.
    pub arch: String,
    /// How video is decoded.
    pub decode: DecodeProfile,
    /// How models are run.
    pub inference: InferenceProfile,
}

/// How video is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodeProfile {
    /// Kinds of decoders, best first.
    pub prefer: Vec<DecoderKind>,
    /// Threads of one software decoder; 0 lets the decoder choose.
    pub software_threads: u32,
}

/// A family of decoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecoderKind {
    /// NVIDIA's, on graphics cards and Jetson.
    Nvdec,
    /// Intel's and AMD's, through VA-API.
    Vaapi,
    /// The codec blocks of boards, through Video4Linux.
    V4l2,
    /// The processor.
    Software,
}

/// How models are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceProfile {
    /// Cores that are left to everything else.
    pub reserve_cores: usize,
    /// The most threads of one session.
    pub max_threads: usize,
}

/// A profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No such profile comes along.
    #[error("there is no profile \"{name}\": take {known}, or give the path of a file that ends in .toml")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("failed to read the profile {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is no profile.
    #[error("failed to understand the profile {name}: {reason}")]
    Parse {
        /// The profile's name or file.
        name: String,
        /// The line, the key and what is wrong.
        reason: String,
    },
}

impl BoxProfile {
    /// A profile by its name, or by the path of a file that ends in `.toml`.
    pub fn load(name: &str) -> Result<Self, ProfileError> {
        if Path::new(name).extension().is_some_and(|e| e == "toml") {
            let path = PathBuf::from(name);
            let text = fs::read_to_string(&path).map_err(|source| ProfileError::Read { path, source })?;
            return Self::parse(name, &text);
        }
        let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            let known = EMBEDDED.map(|(known, _)| known).join(" or ");
            return Err(ProfileError::Unknown { name: name.to_owned(), known });
        };
        Self::parse(name, text)
    }

    /// The name of the embedded profile that fits a box.
    pub fn name_for(facts: &BoxFacts) -> &'static str {
        if facts.arch == "aarch64" { "generic-arm64" } else { "generic-x86" }
    }

    fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let wrong = |reason: String| ProfileError::Parse { name: name.to_owned(), reason };
        let profile: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if profile.decode.prefer.is_empty() {
            return Err(wrong("decode.prefer is empty: name at least \"software\"".to_owned()));
        }
        if profile.inference.max_threads == 0 {
            return Err(wrong("inference.max_threads is 0: a session needs a thread".to_owned()));
        }
        Ok(profile)
    }
}

impl InferenceProfile {
    /// Threads of one session on a box with so many cores; at least one.
    pub fn threads(&self, cores: usize) -> usize {
        cores.saturating_sub(self.reserve_cores).clamp(1, self.max_threads.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_profile_is_sound_and_ends_with_software() {
        for (name, _) in EMBEDDED {
            let profile = BoxProfile::load(name).unwrap();
            assert_eq!(profile.decode.prefer.last(), Some(&DecoderKind::Software), "{name}");
        }
        let known = BoxProfile::load(BoxProfile::name_for(&BoxFacts::read())).unwrap();
        assert_eq!(known.arch, std::env::consts::ARCH);
    }

    #[test]
    fn threads_leave_cores_to_the_rest() {
        let inference = InferenceProfile { reserve_cores: 1, max_threads: 4 };
        assert_eq!([0, 1, 2, 4, 64].map(|cores| inference.threads(cores)), [1, 1, 1, 3, 4]);
    }

    #[test]
    fn mistakes_are_named() {
        let unknown = BoxProfile::load("generic-riscv").unwrap_err().to_string();
        assert!(unknown.contains("generic-x86 or generic-arm64"), "{unknown}");
        let missing = BoxProfile::load("nowhere/box.toml").unwrap_err();
        assert!(matches!(missing, ProfileError::Read { .. }));
        let text = EMBEDDED[0].1.replace("max_threads", "max_treads");
        let typo = BoxProfile::parse("x", &text).unwrap_err().to_string();
        assert!(typo.contains("max_treads") && typo.contains("line"), "{typo}");
        let idle = BoxProfile::parse("x", &EMBEDDED[0].1.replace("max_threads = 4", "max_threads = 0"));
        assert!(idle.unwrap_err().to_string().contains("needs a thread"));
    }
}
