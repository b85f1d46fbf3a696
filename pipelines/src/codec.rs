//! The video codings that are kept as they come, H.264 and H.265, and the units of their byte streams.

use std::fmt;

/// A video coding that is kept without re-encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// ITU-T H.264, AVC.
    H264,
    /// ITU-T H.265, HEVC.
    H265,
}

/// The element that decodes whatever is not kept.
const ANYTHING: &str = "decodebin";

/// What the decoder of a coding is called that is not kept: its media type is all that tells which that is.
pub(crate) fn decoder_of(media_type: &str) -> String {
    format!("{ANYTHING} for {media_type}")
}

/// What a stream is coded in, for people, by its codec, if it is one that is kept, and by its decoder.
pub fn coding_in_words(codec: Option<Codec>, decoder: &str) -> String {
    let media_type = decoder.strip_prefix(ANYTHING).and_then(|rest| rest.strip_prefix(" for "));
    match (codec, media_type) {
        (Some(codec), _) => codec.to_string(),
        (None, Some("image/jpeg")) => "Motion JPEG".to_owned(),
        (None, Some(media_type)) => media_type.to_owned(),
        (None, None) if decoder == "jpegdec" => "Motion JPEG".to_owned(),
        (None, None) => "raw".to_owned(),
    }
}

impl Codec {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::H264, Self::H265];

    /// The codec of a caps structure's name.
    pub(crate) fn of_caps(caps: &gst::CapsRef) -> Option<Self> {
        match caps.structure(0)?.name().as_str() {
            "video/x-h264" => Some(Self::H264),
            "video/x-h265" => Some(Self::H265),
            _ => None,
        }
    }

    /// The codec of an RTP encoding name (RFC 6184, RFC 7798).
    pub(crate) fn of_rtp(encoding_name: &str) -> Option<Self> {
        match encoding_name {
            "H264" => Some(Self::H264),
            "H265" => Some(Self::H265),
            _ => None,
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::H264 => "video/x-h264",
            Self::H265 => "video/x-h265",
        }
    }

    pub(crate) fn parser(self) -> &'static str {
        match self {
            Self::H264 => "h264parse",
            Self::H265 => "h265parse",
        }
    }

    pub(crate) fn depayloader(self) -> &'static str {
        match self {
            Self::H264 => "rtph264depay",
            Self::H265 => "rtph265depay",
        }
    }

    pub(crate) fn payloader(self) -> &'static str {
        match self {
            Self::H264 => "rtph264pay",
            Self::H265 => "rtph265pay",
        }
    }

    /// The caps between depayloader and parser.
    ///
    /// Some payloaders put parameter sets in front of each slice of a key picture. Where they stay in the stream, the
    /// depayloader takes them for the begin of the next picture; in these formats it takes them out.
    pub(crate) fn packet_caps(self) -> gst::Caps {
        let format = if self == Self::H264 { "avc" } else { "hvc1" };
        gst::Caps::builder(self.media_type()).field("stream-format", format).field("alignment", "au").build()
    }

    /// The caps between parser and fork.
    pub(crate) fn unit_caps(self) -> gst::Caps {
        gst::Caps::builder(self.media_type()).field("stream-format", "byte-stream").field("alignment", "au").build()
    }

    pub(crate) fn is_parameter_set(self, first_byte: u8) -> bool {
        match self {
            // Sequence and picture parameter sets: ITU-T H.264, table 7-1.
            Self::H264 => matches!(first_byte & 0x1F, 7 | 8),
            // Video, sequence and picture parameter sets: ITU-T H.265, table 7-1.
            Self::H265 => matches!((first_byte >> 1) & 0x3F, 32..=34),
        }
    }

    /// Whether a NAL unit holds a part of a picture.
    pub(crate) fn is_slice(self, nal: &[u8]) -> bool {
        nal.first().is_some_and(|first| match self {
            Self::H264 => matches!(first & 0x1F, 1..=5),
            Self::H265 => matches!(first >> 1 & 0x3F, 0..=31),
        })
    }

    /// What stands behind the header of a NAL unit of messages that go before a picture; `None` for other NAL units.
    pub(crate) fn messages_of(self, nal: &[u8]) -> Option<&[u8]> {
        let (is_meant, header) = match self {
            Self::H264 => (nal.first()? & 0x1F == 6, 1),
            Self::H265 => (nal.first()? >> 1 & 0x3F == 39, 2),
        };
        nal.get(header..).filter(|_| is_meant)
    }

    /// The part of an access unit before the first slice, without looking through the slices.
    pub(crate) fn before_slices(self, unit: &[u8]) -> &[u8] {
        let mut at = 0;
        while let Some((begin, end)) = start_code(&unit[at..]) {
            if self.is_slice(&unit[at + end..]) {
                let before = &unit[..at + begin];
                // A start code may be longer by a nought.
                return before.strip_suffix(&[0]).unwrap_or(before);
            }
            at += end;
        }
        unit
    }

    /// Whether a NAL unit only says that an access unit begins.
    pub(crate) fn is_delimiter(self, nal: &[u8]) -> bool {
        nal.first().is_some_and(|first| match self {
            Self::H264 => first & 0x1F == 9,
            Self::H265 => first >> 1 & 0x3F == 35,
        })
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
        })
    }
}

/// The NAL units of an Annex B byte stream, without start codes and trailing zeros.
///
/// Source: ITU-T H.264, annex B.
pub(crate) fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(stream).map_or(&[][..], |(_, after)| &stream[after..]);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (end, next) = start_code(rest).unwrap_or((rest.len(), rest.len()));
        let nal = &rest[..end];
        rest = &rest[next..];
        let used = nal.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        Some(&nal[..used])
    })
}

/// Begin and end of the first start code.
fn start_code(bytes: &[u8]) -> Option<(usize, usize)> {
    memchr::memmem::find(bytes, &[0, 0, 1]).map(|i| (i, i + 3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nal_units_come_back(nals in prop::collection::vec(prop::collection::vec(1_u8.., 1..20), 0..8), long: bool) {
            let code: &[u8] = if long { &[0, 0, 0, 1] } else { &[0, 0, 1] };
            let stream: Vec<u8> = nals.iter().flat_map(|nal| [code, nal].concat()).collect();
            let found: Vec<Vec<u8>> = nal_units(&stream).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(found, nals);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(0_u8..3, 0..60)) {
            prop_assert!(nal_units(&bytes).map(<[u8]>::len).sum::<usize>() <= bytes.len());
        }
    }

    #[test]
    fn what_is_not_kept_is_named_by_what_it_is() {
        let told = |decoder: &str| coding_in_words(None, decoder);
        assert_eq!(coding_in_words(Some(Codec::H265), "avdec_h265"), "H.265");
        assert_eq!((told("jpegdec"), told(&decoder_of("image/jpeg"))), ("Motion JPEG".into(), "Motion JPEG".into()));
        assert_eq!((told(&decoder_of("video/mpeg")), told("none")), ("video/mpeg".into(), "raw".into()));
    }
}
