//! Encodes samples for devices that take no plain ones.

use gst::prelude::*;

use crate::speaker::error::PlayError;
use crate::speaker::pcm::Pcm;
use crate::speaker::run::{Limits, Rendered, chain, element, keeping_sink, mono_caps, source, to_end};

/// What a device takes: 8000 samples a second, one byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// Samples a second; each is one byte.
    pub const RATE_HZ: u32 = 8000;

    fn encoder(self) -> &'static str {
        match self {
            Self::Pcmu => "mulawenc",
            Self::Pcma => "alawenc",
        }
    }

    /// GStreamer's name of the encoded sound.
    pub(in crate::speaker) fn caps(self) -> gst::Caps {
        let name = match self {
            Self::Pcmu => "audio/x-mulaw",
            Self::Pcma => "audio/x-alaw",
        };
        gst::Caps::builder(name).field("rate", Self::RATE_HZ as i32).field("channels", 1_i32).build()
    }
}

/// The samples in another encoding.
pub(super) fn encode(pcm: &Pcm, codec: Codec, limits: &Limits) -> Result<Vec<u8>, PlayError> {
    let narrow = element("capsfilter", "libgstreamer1.0-0")?;
    narrow.set_property("caps", mono_caps(Codec::RATE_HZ));
    let encoder = element(codec.encoder(), "gstreamer1.0-plugins-good")?;
    through(pcm, &[&narrow, &encoder], &codec.caps(), Codec::RATE_HZ as usize, limits)
}

/// The samples at another rate, 16 bits each, the lower byte first.
pub(super) fn resample(pcm: &Pcm, rate_hz: u32, limits: &Limits) -> Result<Vec<u8>, PlayError> {
    through(pcm, &[], &mono_caps(rate_hz), 2 * rate_hz as usize, limits)
}

/// Samples of one access unit of AAC-LC.
pub const AAC_UNIT: u32 = 1024;
/// The head of an access unit in ADTS, without a checksum (ISO/IEC 13818-7, 6.2).
const ADTS_HEAD: usize = 7;
/// More than AAC takes of a voice.
const AAC_BYTES_A_SECOND: usize = 40_000;

/// The samples as AAC-LC at this rate: access units of [`AAC_UNIT`] samples each. The first holds silence that decoders begin
/// with.
pub(super) fn aac(pcm: &Pcm, rate_hz: u32, limits: &Limits) -> Result<Vec<Vec<u8>>, PlayError> {
    let narrow = element("capsfilter", "libgstreamer1.0-0")?;
    narrow.set_property(
        "caps",
        gst::Caps::builder("audio/x-raw").field("rate", rate_hz as i32).field("channels", 1_i32).build(),
    );
    let encoder = element("avenc_aac", "gstreamer1.0-libav")?;
    let parser = element("aacparse", "gstreamer1.0-plugins-good")?;
    let convert = element("audioconvert", "gstreamer1.0-plugins-base")?;
    // With a head each, so that one is known from the next.
    let adts = gst::Caps::builder("audio/mpeg").field("mpegversion", 4_i32).field("stream-format", "adts").build();
    let bytes = through(pcm, &[&narrow, &convert, &encoder, &parser], &adts, AAC_BYTES_A_SECOND, limits)?;
    let units = units_of(&bytes);
    units.ok_or_else(|| PlayError::Broken { reason: "the encoder of AAC gave no whole access units".to_owned() })
}

fn units_of(mut adts: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut units = Vec::new();
    while let [0xff, _, _, high, middle, low, ..] = adts {
        let length = usize::from(high & 3) << 11 | usize::from(*middle) << 3 | usize::from(low >> 5);
        units.push(adts.get(ADTS_HEAD..length)?.to_vec());
        adts = adts.get(length..)?;
    }
    adts.is_empty().then_some(units)
}

/// What comes out of these elements behind a change of rate, five minutes at most.
fn through(
    pcm: &Pcm,
    elements: &[&gst::Element],
    caps: &gst::Caps,
    bytes_a_second: usize,
    limits: &Limits,
) -> Result<Vec<u8>, PlayError> {
    let base = "gstreamer1.0-plugins-base";
    let (convert, resample) = (element("audioconvert", base)?, element("audioresample", base)?);
    let (sink, kept) = keeping_sink(caps, 300 * bytes_a_second);
    let source = source(pcm)?;
    let mut all = vec![&source, &convert, &resample];
    all.extend(elements);
    all.push(sink.upcast_ref());
    to_end(&chain(&all)?, &Rendered::default(), limits)?;
    Ok(kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// ITU-T G.711, A-law: a sign, three bits of exponent and four of mantissa, every second bit inverted.
    fn alaw_to_linear(code: u8) -> (i32, i32) {
        let code = code ^ 0x55;
        let (exponent, mantissa) = ((code >> 4) & 7, i32::from(code & 15));
        let magnitude = if exponent == 0 { (mantissa << 4) + 8 } else { ((mantissa << 4) + 264) << (exponent - 1) };
        (if code & 0x80 == 0 { -magnitude } else { magnitude }, 16 << exponent.max(1))
    }

    #[test]
    fn a_law_is_within_half_a_step_and_sounds_as_long() {
        gst::init().unwrap();
        let sample = |i: usize| (i as f64 * 4.0 * (i as f64 * 0.2).sin()) as i16;
        let pcm = Pcm { rate_hz: Codec::RATE_HZ, samples: (0..8000).map(sample).collect() };
        let limit = Duration::from_secs(20);
        let bytes = encode(&pcm, Codec::Pcma, &Limits::new(limit, limit)).unwrap();
        assert_eq!(bytes.len(), pcm.samples.len());
        for (code, sample) in bytes.iter().zip(&pcm.samples) {
            let (linear, step) = alaw_to_linear(*code);
            assert!((linear - i32::from(*sample)).abs() <= step, "{sample} became {linear}");
        }
    }

    #[test]
    fn other_rates_are_resampled() {
        gst::init().unwrap();
        let pcm = Pcm { rate_hz: 22_050, samples: vec![1000; 22_050] };
        let limit = Duration::from_secs(20);
        let n = encode(&pcm, Codec::Pcmu, &Limits::new(limit, limit)).unwrap().len();
        assert!((7900..=8100).contains(&n), "one second became {n} samples");
    }
}
