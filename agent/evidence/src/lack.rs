//! Why something lacks of an incident's evidence: one list, of which each page tells its own words.
//!
//! A manifest holds the English sentence, which is signed with it, so what is read there is told apart again by that sentence.

use std::fmt;

/// Why a file lacks, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack<'a> {
    /// The incident was not over.
    GoesOn,
    /// No picture of a moment was kept.
    NoFrame,
    /// No clip of a moment was kept.
    NoClip,
    /// It was there.
    Gone,
    /// The stream gave no picture when one was wanted.
    NoFrameInTime,
    /// The picture of the best look was given up.
    NoBestLook,
    /// The disk was too slow.
    DiskTooSlow,
    /// The stream is not kept as it is coded.
    NothingEncoded,
    /// The agent was stopped.
    Stopped,
    /// The stream came to its end.
    StreamEnded,
    /// The stream was away.
    Interrupted,
    /// The picture changed its format.
    FormatChanged,
    /// The clip became too large.
    TooLarge,
    /// The clip was ended before its time.
    EndedEarly,
    /// Footage has one gap.
    Gap,
    /// Footage has so many gaps.
    Gaps(&'a str),
    /// The clip begins so many seconds late.
    Late(&'a str),
    /// Nothing was kept between two times.
    NoVideo(&'a str, &'a str),
}

/// What stands around the values of the last three.
const GAPS: (&str, &str) = ("there are ", " gaps in the footage");
const LATE: (&str, &str) = ("the video before was not kept; the clip begins ", " s late");
const NO_VIDEO: (&str, &str) = ("no video was kept between ", "; the stream was away or the ring is too short");

impl<'a> Lack<'a> {
    /// Each of them once, with values where it has some.
    pub const ALL: [Lack<'static>; 18] = [
        Lack::GoesOn,
        Lack::NoFrame,
        Lack::NoClip,
        Lack::Gone,
        Lack::NoFrameInTime,
        Lack::NoBestLook,
        Lack::DiskTooSlow,
        Lack::NothingEncoded,
        Lack::Stopped,
        Lack::StreamEnded,
        Lack::Interrupted,
        Lack::FormatChanged,
        Lack::TooLarge,
        Lack::EndedEarly,
        Lack::Gap,
        Lack::Gaps("3"),
        Lack::Late("2.4"),
        Lack::NoVideo("3.000", "9.500"),
    ];

    /// Which of them a sentence says; none for what a disk or another program said.
    pub fn of(said: &'a str) -> Option<Self> {
        let within = |(before, after): (&str, &str)| said.strip_prefix(before)?.strip_suffix(after);
        let plain = || Lack::ALL.into_iter().find(|one| one.sentence() == Some(said));
        let span = || within(NO_VIDEO)?.split_once(" and ");
        plain()
            .or_else(|| within(GAPS).map(Self::Gaps))
            .or_else(|| within(LATE).map(Self::Late))
            .or_else(|| span().map(|(from, to)| Self::NoVideo(from, to)))
    }

    /// The sentence of one without values.
    fn sentence(&self) -> Option<&'static str> {
        Some(match self {
            Self::GoesOn => "the incident went on when this was sealed",
            Self::NoFrame => "no frame of this moment was kept",
            Self::NoClip => "no clip of this moment was kept",
            Self::Gone => "it was kept and is gone",
            Self::NoFrameInTime => "no frame was at hand in time",
            Self::NoBestLook => "the picture of the best look was no longer at hand",
            Self::DiskTooSlow => "the disk did not take it in time",
            Self::NothingEncoded => "the stream keeps no encoded video",
            Self::Stopped => "the agent was stopped before it was kept",
            Self::StreamEnded => "the stream ended before the clip's time was over",
            Self::Interrupted => "the stream was interrupted",
            Self::FormatChanged => "the picture's format changed",
            Self::TooLarge => "the clip reached its limit of bytes",
            Self::EndedEarly => "the agent stopped, or the camera stayed away",
            Self::Gap => "there is a gap in the footage",
            Self::Gaps(_) | Self::Late(_) | Self::NoVideo(..) => return None,
        })
    }
}

impl fmt::Display for Lack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let around = |f: &mut fmt::Formatter<'_>, (before, after): (&str, &str), value: &str| {
            write!(f, "{before}{value}{after}")
        };
        match self {
            Self::Gaps(n) => around(f, GAPS, n),
            Self::Late(seconds) => around(f, LATE, seconds),
            Self::NoVideo(from, to) => around(f, NO_VIDEO, &format!("{from} and {to}")),
            other => f.write_str(other.sentence().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_again_by_its_sentence() {
        for lack in Lack::ALL {
            let said = lack.to_string();
            assert_eq!(Lack::of(&said), Some(lack), "{said}");
        }
        assert_eq!(Lack::of("No space left on device (os error 28)"), None);
    }
}
