//! What can go wrong with speech.

use std::path::PathBuf;

use forewarn_base::child::ChildError;

/// A text could not be turned into speech.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The text is longer than any warning.
    #[error("the text has {bytes} bytes, more than the {limit} that are spoken; shorten it")]
    TooLong {
        /// Length of the text.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The speech program is not there.
    #[error("failed to find {}: install the package espeak-ng or set speech.program", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
    },
    /// The speech program did not come to its end.
    #[error(transparent)]
    Program(#[from] ChildError),
    /// The speech program refused.
    #[error("{} made no speech ({status}): {message}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// Its exit status.
        status: String,
        /// The first line of its complaint.
        message: String,
    },
    /// The speech program gave silence, and said that all was well.
    #[error("{} gave {lasts_s:.1} s of silence for {text:?}; look at the text, the voice and speech.volume", program.display())]
    Silent {
        /// The program.
        program: PathBuf,
        /// How long it is silent.
        lasts_s: f64,
        /// What it was to say.
        text: String,
    },
    /// A voice of the site's own does not speak.
    #[error("the voice {} does not speak: {why}", file.display())]
    Voice {
        /// Its file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The speech program's output is no WAV.
    #[error("{} wrote no WAV that can be read: {reason}", program.display())]
    Format {
        /// The program.
        program: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
}
