//! What can go wrong with a sound file.

use std::io;
use std::path::PathBuf;

/// A sound file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum SoundFileError {
    /// It cannot be opened.
    #[error("failed to open the sound file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing that is heard.
    #[error("the sound file {} holds silence", path.display())]
    Silent {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be decoded.
    #[error("failed to decode the sound file {}: {reason}; use WAV or OGG", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's message.
        reason: String,
    },
}
