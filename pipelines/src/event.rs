//! What a live stream reports: connections, outages and the faults behind them.

use std::time::Duration;

use gst::prelude::*;

use crate::{Codec, MissingElement, NoDecoderError, SourceKind, SourceUrl};

/// Why a connection failed or broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// Wrong user or password.
    #[error("the camera refused the user or the password; check the camera's secret")]
    Unauthorized,
    /// No such stream.
    #[error("the camera knows no such stream; check the path of the address ({detail})")]
    NotFound {
        /// The camera's words.
        detail: String,
    },
    /// No connection.
    #[error("the source cannot be reached ({detail})")]
    Unreachable {
        /// What failed.
        detail: String,
    },
    /// A login that GStreamer does not know.
    #[error(
        "the camera takes digest authentication by SHA-256 alone, which is not supported; allow MD5 or basic \
         authentication in the camera's settings"
    )]
    UnknownLogin,
    /// The camera said no.
    #[error("the camera answered \"{answer}\"")]
    Refused {
        /// Status and words of its answer.
        answer: String,
    },
    /// Units come, and none with which decoding can begin. Told, not a reason to stop.
    #[error(
        "no picture with which decoding can begin has come for {after_s} s; it is waited for. A shorter distance between \
         key frames in the camera's settings would help"
    )]
    NoKeyFrame {
        /// How long.
        after_s: u64,
    },
    /// Units come over a way that loses packets, and none with which decoding can begin comes whole. Told, not a reason to stop.
    #[error(
        "no whole picture with which decoding can begin has come for {after_s} s: {}.{} % of the packets are lost on the way, \
         and nobody sends them again. Set `transport = \"tcp\"` of the camera, over which what is lost is sent again",
        lost_thousandths / 10, lost_thousandths % 10
    )]
    LossyWay {
        /// How long.
        after_s: u64,
        /// How many of a thousand packets were lost.
        lost_thousandths: u32,
    },
    /// Pictures come over a way that loses packets. Told, not a reason to stop.
    #[error(
        "{}.{} % of the packets are lost on the way, and nobody sends them again, so pictures and clips have pieces that are wrong. \
         Set `transport = \"tcp\"` of the camera, over which what is lost is sent again",
        lost_thousandths / 10, lost_thousandths % 10
    )]
    LossyPictures {
        /// How many of a thousand packets were lost.
        lost_thousandths: u32,
    },
    /// Nothing came for too long.
    #[error("no frame came for {after_s} s")]
    Stalled {
        /// The watchdog's limit in seconds.
        after_s: u64,
    },
    /// The camera ended the stream.
    #[error("the camera ended the stream")]
    EndOfStream,
    /// No video at all.
    #[error("the source has no video that can be used: {detail}")]
    NoVideo {
        /// What it has.
        detail: String,
    },
    /// Neither H.264 nor H.265.
    #[error("the video is coded as {codec}; set the camera to H.264 or H.265")]
    UnsupportedCodec {
        /// What it is.
        codec: String,
    },
    /// A layout of samples that is not analysed as it is, such as 10-bit or 4:2:2. Told, not a reason to stop.
    #[error(
        "decoder {decoder} gives {format} pictures, each of which the processor converts; 8-bit 4:2:0 would cost less"
    )]
    Converted {
        /// GStreamer's name of the format.
        format: String,
        /// The decoder.
        decoder: String,
    },
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// No decoder at all.
    #[error(transparent)]
    NoDecoder(#[from] NoDecoderError),
    /// The decoder failed.
    #[error("decoder {decoder} failed: {detail}")]
    Decoder {
        /// Its factory's name.
        decoder: String,
        /// What it said.
        detail: String,
    },
    /// Anything else.
    #[error("the stream failed: {detail}")]
    Other {
        /// What was said.
        detail: String,
    },
}

impl StreamFault {
    pub(crate) fn other(detail: impl std::fmt::Display) -> Self {
        Self::Other { detail: detail.to_string() }
    }
}

/// One of the two streams of a camera is away.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Away {
    /// The one that is watched.
    #[error("its sub-stream is away, so the main stream is watched, which costs more: {reason}")]
    Watched {
        /// Why.
        reason: StreamFault,
    },
    /// The one that is kept.
    #[error("its main stream is away, so no clips are kept: {reason}")]
    Kept {
        /// Why.
        reason: StreamFault,
    },
}

/// What happened to a stream. Events of one stream come from one thread, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The first frame of a connection was decoded.
    Connected {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The codec; `None` for a camera that gives raw pictures.
        codec: Option<Codec>,
        /// The decoder's factory, or "none".
        decoder: String,
    },
    /// An outage began: the connection was lost, or the first attempt failed.
    Interrupted {
        /// Why.
        reason: StreamFault,
        /// Wait before the next attempt.
        retry_in: Duration,
    },
    /// A further attempt of the same outage failed.
    RetryFailed {
        /// Failed attempts since the outage began, this one too.
        attempt: u32,
        /// Why.
        reason: StreamFault,
        /// Wait before the next attempt.
        retry_in: Duration,
        /// Whether this reason has not been told of this outage, or long ago; others need no words.
        is_news: bool,
    },
    /// An outage is over; follows the `Connected` of the new connection.
    Resumed {
        /// From the last frame before the outage (or the start of the stream) to the first one after it.
        gap: Duration,
    },
    /// Size or parameter sets changed in mid-stream; clips do not go across.
    FormatChanged {
        /// New width in pixels.
        width: u32,
        /// New height in pixels.
        height: u32,
    },
    /// The stream works, but not as well as it could.
    Degraded {
        /// Why.
        reason: StreamFault,
    },
    /// Of two streams of one camera one is away, or none any more; the camera is watched all the same.
    Halved {
        /// Which, and why; none if both are there again.
        away: Option<Away>,
    },
    /// The stream is over for good: a file has ended, or the stream was stopped.
    Ended,
}

/// Turns an error that an element posted into a fault. `decoder` is the decoder's element and factory name.
pub(crate) fn fault_of_error(
    error: &gst::message::Error,
    source: &SourceUrl,
    decoder: Option<(gst::Element, &str)>,
) -> StreamFault {
    let (what, debug) = (error.error(), error.debug().map(|d| d.to_string()).unwrap_or_default());
    let text = source.scrub(&what.to_string());
    let details = source.scrub(&debug);
    tracing::debug!(error = %text, %details, "an element posted an error");
    if let (Some(origin), Some((element, name))) = (error.src(), decoder)
        && (origin == element.upcast_ref::<gst::Object>() || origin.has_as_ancestor(&element))
    {
        return StreamFault::Decoder { decoder: name.to_owned(), detail: text };
    }
    if let Some(kind) = what.kind::<gst::ResourceError>() {
        return match kind {
            gst::ResourceError::NotAuthorized => StreamFault::Unauthorized,
            gst::ResourceError::NotFound => StreamFault::NotFound { detail: text },
            _ if debug.contains("Unauthorized") || debug.contains("(401)") => StreamFault::Unauthorized,
            _ => match answer_of(&details) {
                Some(answer) => StreamFault::Refused { answer },
                None => StreamFault::Unreachable { detail: text },
            },
        };
    }
    match what.kind::<gst::StreamError>() {
        Some(gst::StreamError::WrongType | gst::StreamError::CodecNotFound | gst::StreamError::TypeNotFound) => {
            StreamFault::NoVideo { detail: unreadable(source.kind(), &text) }
        }
        _ => StreamFault::Other { detail: text },
    }
}

/// What GStreamer says of bytes out of which it can make nothing, with what should have come.
fn unreadable(kind: SourceKind, said: &str) -> String {
    let said = said.trim_end_matches('.');
    match kind {
        SourceKind::Srt | SourceKind::Udp => format!(
            "what came is no MPEG transport stream ({said}). Have the sender send one, with H.264 or H.265 in it, as `ffmpeg … -f \
             mpegts` does; if nobody should send here, shut strangers out by the firewall{}",
            if kind == SourceKind::Srt { ", or by a passphrase in the address" } else { "" }
        ),
        _ => said.to_owned(),
    }
}

/// The answer of a camera as it stands at the end of what `rtspsrc` says of it: "Service Unavailable (503)".
fn answer_of(details: &str) -> Option<String> {
    let (words, code) = details.lines().last()?.trim().strip_suffix(')')?.rsplit_once(" (")?;
    (code.len() == 3 && code.chars().all(|c| c.is_ascii_digit())).then(|| format!("{code} {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_transport_stream_is_told_with_what_should_come() {
        let said = "This appears to be a text file";
        for (kind, has_passphrase) in [(SourceKind::Srt, true), (SourceKind::Udp, false)] {
            let told = unreadable(kind, said);
            assert!(
                told.contains(said) && told.contains("MPEG transport stream") && told.contains("-f mpegts"),
                "{told}"
            );
            assert_eq!(told.contains("passphrase"), has_passphrase, "{told}");
        }
        assert_eq!(
            unreadable(SourceKind::Http, "Could not determine type of stream."),
            "Could not determine type of stream"
        );
    }

    #[test]
    fn the_answer_is_found_at_the_end() {
        assert_eq!(answer_of("gst_rtspsrc_send (): rtspsrc0:\nNot Now (503)").as_deref(), Some("503 Not Now"));
        assert_eq!(answer_of("rtspsrc0:\nFailed to connect. (Generic error)"), None);
        assert_eq!(answer_of(""), None);
    }
}
