//! The port of voices that are networks: the sounds of a sentence in, samples out.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What a voice gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Voiced {
    /// Samples a second.
    pub rate_hz: u32,
    /// The samples, of which full scale is 1.
    pub samples: Vec<f32>,
}

/// One voice.
pub trait Voice: fmt::Debug + Send + Sync {
    /// The voice of espeak-ng that spells out its sounds.
    fn speller(&self) -> &str;

    /// Speaks one sentence, which is given by its sounds in letters of the IPA with marks between; `tempo` is 1.0 as usual, and
    /// 2.0 twice as fast. In words why it cannot.
    fn speak(&self, sounds: &str, tempo: f64) -> Result<Voiced, String>;
}

/// Opens voices.
pub trait Voices: fmt::Debug + Send + Sync {
    /// The voice in a file; in words why it cannot be used.
    fn open(&self, file: &Path) -> Result<Arc<dyn Voice>, String>;
}

/// Where there is nobody who runs networks.
#[derive(Debug, Clone, Copy)]
pub struct NoVoices;

impl Voices for NoVoices {
    fn open(&self, _: &Path) -> Result<Arc<dyn Voice>, String> {
        Err("nobody runs networks here".to_owned())
    }
}
