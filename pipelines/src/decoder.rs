//! Choice of the decoder from what the GStreamer registry offers.
//!
//! Automatic choice takes hardware before software, then the higher rank, then the name. A decoder of rank
//! "none" has been set aside by its authors and is taken only when the site file names it. Software comes last in
//! every list, so that a hardware decoder that cannot be opened, or that fails later, has a fall-back.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use gst::prelude::*;

use crate::Codec;
use crate::plugin::package_of;

/// What does the decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecoderKind {
    /// VA-API: Intel and AMD.
    VaApi,
    /// NVDEC: NVIDIA.
    Nvdec,
    /// Video4linux2 memory-to-memory devices: most arm64 boards.
    V4l2,
    /// Another hardware decoder.
    OtherHardware,
    /// The processor.
    Software,
}

impl DecoderKind {
    fn of(name: &str, class: &str) -> Self {
        if name.starts_with("va") {
            Self::VaApi
        } else if name.starts_with("nv") && !name.starts_with("nvv4l2") {
            Self::Nvdec
        } else if name.starts_with("v4l2") || name.starts_with("nvv4l2") {
            Self::V4l2
        } else if class.contains("Hardware") {
            Self::OtherHardware
        } else {
            Self::Software
        }
    }
}

impl fmt::Display for DecoderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::VaApi => "VA-API",
            Self::Nvdec => "NVDEC",
            Self::V4l2 => "V4L2",
            Self::OtherHardware => "hardware",
            Self::Software => "software",
        })
    }
}

/// What the site file asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DecoderPreference {
    /// The best that is there.
    #[default]
    Auto,
    /// The processor only.
    Software,
    /// A kind of hardware: `vaapi`, `nvdec` or `v4l2`; software if it is not there.
    Kind(DecoderKind),
    /// A GStreamer element by its name; software if it is not there or decodes another codec, which
    /// [`problem`](Self::problem) tells.
    Element(String),
}

impl FromStr for DecoderPreference {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.trim() {
            "" | "auto" => Self::Auto,
            "software" => Self::Software,
            "vaapi" => Self::Kind(DecoderKind::VaApi),
            "nvdec" => Self::Kind(DecoderKind::Nvdec),
            "v4l2" => Self::Kind(DecoderKind::V4l2),
            name => Self::Element(name.to_owned()),
        })
    }
}

/// The words that the site file may use besides the names of elements.
const WORDS: [&str; 5] = ["auto", "software", "vaapi", "nvdec", "v4l2"];

impl DecoderPreference {
    /// What is wrong with it on this machine, worded as help: it names an element that is not there or decodes
    /// neither H.264 nor H.265. `None` if nothing is; software would be used all the same.
    pub fn problem(&self) -> Option<String> {
        let Self::Element(name) = self else { return None };
        if let Err(error) = crate::init() {
            return Some(error.to_string());
        }
        let known: BTreeSet<String> =
            Codec::ALL.into_iter().flat_map(registered).map(|candidate| candidate.name).collect();
        if known.contains(name) {
            return None;
        }
        if gst::ElementFactory::find(name).is_some() {
            return Some(format!("{name} is no decoder of H.264 or H.265; {}", help(&known)));
        }
        let hint = nearest(name, WORDS.into_iter().chain(known.iter().map(String::as_str)))
            .map_or_else(|| help(&known), |nearest| format!("did you mean {nearest}?"));
        Some(format!("no decoder {name} is installed; {hint}"))
    }
}

fn help(known: &BTreeSet<String>) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    format!("write one of {}, or a decoder of this machine: {}", WORDS.join(", "), known.join(", "))
}

/// The name that is most like `wrong`, if one is like enough to be a slip.
fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let like = names.into_iter().map(|name| (strsim::jaro_winkler(&wrong, name), name));
    like.filter(|(like, _)| *like >= 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// A decoder that the registry offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Name of its factory.
    pub name: String,
    /// What does the decoding.
    pub kind: DecoderKind,
    /// GStreamer's rank; 0 is "none", 256 is "primary".
    pub rank: i32,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedDecoder {
    /// The candidate.
    pub candidate: Candidate,
    /// Its place in the order of attempts, from 0; `None` if it is not tried.
    pub place: Option<usize>,
    /// Why.
    pub reason: String,
}

/// There is nothing to decode with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no decoder for {codec} is installed; install one with: apt install {package}")]
pub struct NoDecoderError {
    /// The codec.
    pub codec: Codec,
    /// Debian package of the software decoder.
    pub package: &'static str,
}

/// What was found for one codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecProbe {
    /// The codec.
    pub codec: Codec,
    /// Every decoder with what became of it, those that are tried first, in order.
    pub ranked: Vec<RankedDecoder>,
}

impl CodecProbe {
    /// The decoder that is used.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.ranked.iter().find(|v| v.place == Some(0)).map(|v| &v.candidate)
    }
}

/// Puts `candidates` in the order in which they are tried.
pub(crate) fn choose(preference: &DecoderPreference, candidates: &[Candidate]) -> Vec<RankedDecoder> {
    let mut ranked: Vec<(u32, RankedDecoder)> = candidates.iter().map(|c| judge(preference, c)).collect();
    ranked.sort_by(|(class_a, a), (class_b, b)| {
        let key = |v: &RankedDecoder| (v.candidate.kind == DecoderKind::Software, -v.candidate.rank);
        class_a.cmp(class_b).then_with(|| key(a).cmp(&key(b))).then_with(|| a.candidate.name.cmp(&b.candidate.name))
    });
    let place = |(i, (class, mut decoder)): (usize, (u32, RankedDecoder))| {
        decoder.place = (class < NOT_TRIED).then_some(i);
        decoder
    };
    ranked.into_iter().enumerate().map(place).collect()
}

const NOT_TRIED: u32 = 9;

/// The class of a candidate, lowest tried first, and why.
fn judge(preference: &DecoderPreference, candidate: &Candidate) -> (u32, RankedDecoder) {
    let is_software = candidate.kind == DecoderKind::Software;
    let is_set_aside = candidate.rank <= 0;
    let (class, reason) = match preference {
        DecoderPreference::Element(name) if *name == candidate.name => (0, "named by the site file".to_owned()),
        _ if is_set_aside => (NOT_TRIED, "rank none: used only when the site file names it".to_owned()),
        DecoderPreference::Kind(kind) if *kind == candidate.kind => (0, format!("the site file asks for {kind}")),
        DecoderPreference::Auto if !is_software => (1, format!("{}, rank {}", candidate.kind, candidate.rank)),
        DecoderPreference::Auto | DecoderPreference::Software if is_software => {
            (2, format!("software, rank {}", candidate.rank))
        }
        _ if is_software => (2, format!("software fall-back, rank {}", candidate.rank)),
        _ => (NOT_TRIED, "the site file asks for another".to_owned()),
    };
    (class, RankedDecoder { candidate: candidate.clone(), place: None, reason })
}

/// Every decoder of the registry for `codec`.
fn registered(codec: Codec) -> Vec<Candidate> {
    let kinds = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let caps = gst::Caps::new_empty_simple(codec.media_type());
    let factories = gst::ElementFactory::factories_with_type(kinds, gst::Rank::NONE);
    let candidate = |factory: gst::ElementFactory| {
        let name = factory.name().to_string();
        let kind = DecoderKind::of(&name, factory.metadata("klass").unwrap_or_default());
        Candidate { name, kind, rank: i32::from(factory.rank()) }
    };
    factories.into_iter().filter(|f| f.can_sink_any_caps(&caps)).map(candidate).collect()
}

/// Looks at the registry and says which decoder is used for each codec, and why.
pub fn probe(preference: &DecoderPreference) -> Vec<CodecProbe> {
    Codec::ALL.map(|codec| CodecProbe { codec, ranked: choose(preference, &registered(codec)) }).into()
}

/// A decoder, ready to be linked.
pub(crate) struct OpenedDecoder {
    pub(crate) element: gst::Element,
    pub(crate) name: String,
    pub(crate) kind: DecoderKind,
}

/// Opens the first decoder for `codec` that can be opened and is not among `excluded`.
pub(crate) fn open(
    codec: Codec,
    preference: &DecoderPreference,
    excluded: &[String],
    threads: u32,
) -> Result<OpenedDecoder, NoDecoderError> {
    let ranked = choose(preference, &registered(codec));
    let tried = ranked.into_iter().filter(|v| v.place.is_some() && !excluded.contains(&v.candidate.name));
    for RankedDecoder { candidate, .. } in tried {
        let Ok(element) = gst::ElementFactory::make(&candidate.name).build() else { continue };
        // Hardware opens its device here, so that one without a device is passed over.
        if element.set_state(gst::State::Ready).is_err() {
            let _ = element.set_state(gst::State::Null);
            tracing::warn!(decoder = %candidate.name, "decoder cannot be opened, trying the next");
            continue;
        }
        limit_threads(&element, threads);
        return Ok(OpenedDecoder { element, name: candidate.name, kind: candidate.kind });
    }
    let package = package_of(if codec == Codec::H264 { "avdec_h264" } else { "avdec_h265" });
    Err(NoDecoderError { codec, package })
}

fn limit_threads(decoder: &gst::Element, threads: u32) {
    for name in ["max-threads", "n-threads"] {
        crate::plugin::set_if_present(decoder, name, &threads.to_string());
    }
    // Threads over slices add no delay; threads over frames hold one frame back each.
    crate::plugin::set_if_present(decoder, "thread-type", if threads == 1 { "slice" } else { "frame+slice" });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, rank: i32) -> Candidate {
        let class = if name.starts_with("mpp") { "Codec/Decoder/Video/Hardware" } else { "Codec/Decoder/Video" };
        Candidate { name: name.to_owned(), kind: DecoderKind::of(name, class), rank }
    }

    fn order(preference: &str, names: &[(&str, i32)]) -> Vec<String> {
        let candidates: Vec<Candidate> = names.iter().map(|&(name, rank)| candidate(name, rank)).collect();
        let ranked = choose(&preference.parse().unwrap(), &candidates);
        let tried = ranked.iter().filter(|v| v.place.is_some());
        tried.map(|v| v.candidate.name.clone()).collect()
    }

    const DESKTOP: [(&str, i32); 5] =
        [("avdec_h264", 256), ("openh264dec", 64), ("vah264dec", 257), ("nvh264dec", 258), ("vaapih264dec", 0)];

    #[test]
    fn hardware_comes_first_by_rank_and_software_last() {
        assert_eq!(order("auto", &DESKTOP), ["nvh264dec", "vah264dec", "avdec_h264", "openh264dec"]);
        assert_eq!(order("auto", &[("avdec_h264", 256), ("v4l2h264dec", 128)]), ["v4l2h264dec", "avdec_h264"]);
        assert_eq!(order("auto", &[("mppvideodec", 1), ("avdec_h264", 256)]), ["mppvideodec", "avdec_h264"]);
    }

    #[test]
    fn the_site_file_decides() {
        assert_eq!(order("software", &DESKTOP), ["avdec_h264", "openh264dec"]);
        assert_eq!(order("vaapi", &DESKTOP), ["vah264dec", "avdec_h264", "openh264dec"]);
        assert_eq!(order("vaapih264dec", &DESKTOP), ["vaapih264dec", "avdec_h264", "openh264dec"]);
        assert_eq!(order("openh264dec", &DESKTOP), ["openh264dec", "avdec_h264"]);
        assert_eq!(order("v4l2", &DESKTOP), ["avdec_h264", "openh264dec"]);
    }

    #[test]
    fn every_candidate_has_a_reason() {
        let candidates: Vec<Candidate> = DESKTOP.iter().map(|&(name, rank)| candidate(name, rank)).collect();
        for preference in ["auto", "software", "nvdec", "avdec_h264"] {
            let ranked = choose(&preference.parse().unwrap(), &candidates);
            assert_eq!(ranked.len(), candidates.len());
            assert!(ranked.iter().all(|v| !v.reason.is_empty()));
            assert_eq!(ranked[0].place, Some(0));
        }
        assert!(choose(&DecoderPreference::Auto, &[]).is_empty());
    }

    #[test]
    fn this_machine_decodes_both_codecs() {
        crate::init().unwrap();
        for found in probe(&DecoderPreference::Software) {
            let chosen = found.chosen().unwrap();
            assert_eq!(chosen.kind, DecoderKind::Software, "{found:?}");
            let opened = open(found.codec, &DecoderPreference::Software, &[], 1).unwrap();
            assert_eq!(opened.name, chosen.name);
            opened.element.set_state(gst::State::Null).unwrap();
            let next = open(found.codec, &DecoderPreference::Software, std::slice::from_ref(&opened.name), 1);
            assert!(next.is_ok_and(|d| {
                let _ = d.element.set_state(gst::State::Null);
                d.name != opened.name
            }));
        }
    }

    #[test]
    fn a_preference_that_this_machine_does_not_have_is_told() {
        let problem = |text: &str| text.parse::<DecoderPreference>().unwrap().problem();
        for right in ["auto", "software", "vaapi", "nvdec", "v4l2", "avdec_h264", "avdec_h265"] {
            assert_eq!(problem(right), None, "{right}");
        }
        for (wrong, right) in
            [("sofware", "software"), ("VAAPI", "vaapi"), ("va-api", "vaapi"), ("nvdc", "nvdec"), ("v412", "v4l2")]
        {
            let told = problem(wrong).unwrap();
            assert_eq!(told, format!("no decoder {wrong} is installed; did you mean {right}?"));
        }
        let told = problem("avdec_h246").unwrap();
        assert!(told.ends_with("did you mean avdec_h264?"), "{told}");
        let told = problem("identity").unwrap();
        assert!(told.starts_with("identity is no decoder of H.264 or H.265; write one of auto, software"), "{told}");
        assert!(problem("qqq").unwrap().contains("avdec_h264"));
    }

    #[test]
    fn nothing_to_decode_with_names_the_package() {
        crate::init().unwrap();
        let all: Vec<String> = registered(Codec::H264).into_iter().map(|c| c.name).collect();
        let error = open(Codec::H264, &DecoderPreference::Auto, &all, 1).err().unwrap();
        assert!(error.to_string().contains("apt install gstreamer1.0-libav"), "{error}");
    }
}
