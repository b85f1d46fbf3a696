//! What can go wrong with a loudspeaker, in words that help.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use forewarn_domain::SpeakerId;

/// A speaker's configuration makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is out of range or contradicts another.
    #[error("speaker {speaker}: {key}: {reason}")]
    Value {
        /// The speaker.
        speaker: SpeakerId,
        /// The key in the site file.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// GStreamer did not start.
    #[error("speaker {speaker}: failed to start GStreamer: {reason}; `cargo xtask setup` installs it")]
    Media {
        /// The speaker.
        speaker: SpeakerId,
        /// GStreamer's message.
        reason: String,
    },
}

/// An announcement was not played, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// There is nothing to say.
    #[error("the announcement has neither a text nor a sound file")]
    Nothing,
    /// The text is longer than any warning.
    #[error("the text has {bytes} bytes, more than the {limit} that are spoken; shorten it")]
    TextTooLong {
        /// Length of the text.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The speech program is not there.
    #[error("failed to find {}: install the package espeak-ng or set speech.program", program.display())]
    SpeechMissing {
        /// What was looked for.
        program: PathBuf,
    },
    /// The speech program did not start or broke off.
    #[error("failed to run {}", program.display())]
    SpeechRun {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The speech program refused.
    #[error("{} made no speech ({status}): {message}", program.display())]
    SpeechFailed {
        /// The program.
        program: PathBuf,
        /// Its exit status.
        status: String,
        /// The first line of its complaint.
        message: String,
    },
    /// The speech program took too long.
    #[error("{} did not finish within {limit_s:.1} s and was stopped", program.display())]
    SpeechTimeout {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit_s: f64,
    },
    /// The speech program's output is no WAV.
    #[error("{} wrote no WAV that can be read: {reason}", program.display())]
    SpeechFormat {
        /// The program.
        program: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// A sound file cannot be opened.
    #[error("failed to open the sound file {}", path.display())]
    AudioOpen {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A sound file cannot be decoded.
    #[error("failed to decode the sound file {}: {reason}; use WAV or OGG", path.display())]
    AudioDecode {
        /// The file.
        path: PathBuf,
        /// The decoder's message.
        reason: String,
    },
    /// No sound card answered.
    #[error(
        "this box has no sound card that opens ({tried}); connect one, name it by `device`, \
         or set `wav_dir` to write WAV files instead"
    )]
    NoSoundCard {
        /// What was tried, and how each attempt ended.
        tried: String,
    },
    /// A part of GStreamer is not installed.
    #[error("GStreamer has no element {element}: install the package {package}")]
    ElementMissing {
        /// The element.
        element: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// Playing broke off.
    #[error("playing broke off: {reason}")]
    Broken {
        /// GStreamer's message.
        reason: String,
    },
    /// Nothing moved for too long.
    #[error("playing stalled: no progress for {for_s:.1} s")]
    Stalled {
        /// The limit.
        for_s: f64,
    },
    /// The sound card, the sound server or the network hangs in a call that cannot be broken off.
    #[error("the speaker has not answered for {after_s:.1} s; look after the sound server or the device")]
    Hung {
        /// The limit.
        after_s: f64,
    },
    /// An earlier announcement hangs.
    #[error("the speaker still hangs in an earlier announcement; look after the sound server or the device")]
    Busy,
    /// Playing did not end in time.
    #[error("playing did not end by the announcement's deadline")]
    Timeout,
    /// The deadline lay in the past before anything was played.
    #[error("the announcement's deadline has passed")]
    DeadlinePassed,
    /// The announcement lasts longer than the time left.
    #[error("the announcement lasts {lasts_s:.1} s but only {left_s:.1} s are left; raise the warning's timeout_s")]
    TooLong {
        /// How long it lasts.
        lasts_s: f64,
        /// The time left.
        left_s: f64,
    },
    /// Less was played than there is.
    #[error("only {played_s:.1} s of {expected_s:.1} s were played")]
    Incomplete {
        /// What was rendered.
        played_s: f64,
        /// What was to be rendered.
        expected_s: f64,
    },
    /// The network did not take a packet; a horn that is off answers "connection refused".
    #[error("failed to send to {address}")]
    Send {
        /// The horn.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A WAV file was not written.
    #[error("failed to write {}", path.display())]
    Wav {
        /// The file or its directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The error and its causes in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}
