//! Truth files as they are written: every name is looked up, every number checked, every mistake collected.

use std::ops::Range;
use std::path::PathBuf;

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};
use serde::Deserialize;
use toml::Spanned;

use crate::truth::{ClipTruth, Ignored, Known, TOLERANCE_S, Truth};

/// No clip is longer than this, in seconds; a larger number is a slip of the pen.
const LONGEST_S: f64 = 31.0 * 86_400.0;

/// A truth file as it is written, with the places of its values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthFile {
    #[serde(default)]
    camera: Option<Spanned<StreamId>>,
    #[serde(default)]
    tolerance_s: Option<Spanned<f64>>,
    #[serde(default)]
    clip: Vec<Spanned<RawClip>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClip {
    file: Spanned<PathBuf>,
    #[serde(default)]
    camera: Option<Spanned<StreamId>>,
    #[serde(default)]
    start: Option<Spanned<String>>,
    #[serde(default)]
    duration_s: Option<Spanned<f64>>,
    #[serde(default)]
    tolerance_s: Option<Spanned<f64>>,
    #[serde(default)]
    judged: Option<Spanned<Vec<Spanned<ViolationId>>>>,
    #[serde(default)]
    nothing: Option<Spanned<bool>>,
    #[serde(default)]
    ignore: Vec<RawIgnored>,
    #[serde(default)]
    truth: Vec<RawTruth>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIgnored {
    #[serde(default)]
    violation: Option<Spanned<ViolationId>>,
    #[serde(default)]
    zone: Option<Spanned<ZoneId>>,
    from_s: Spanned<f64>,
    to_s: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTruth {
    violation: Spanned<ViolationId>,
    #[serde(default)]
    zone: Option<Spanned<ZoneId>>,
    from_s: Spanned<f64>,
    to_s: Spanned<f64>,
    #[serde(default, rename = "box")]
    bbox: Option<Spanned<BBox>>,
}

/// A mistake in a truth file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The part of the file, in bytes; all of it if none.
    pub place: Option<Range<usize>>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub mend: Mend,
}

/// What to do about a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// This.
    Do(String),
    /// Write one of the names that there are; the one spelled most like `written` was probably meant.
    Name {
        /// What was written.
        written: String,
        /// The names that there are.
        known: Vec<String>,
        /// What stands before them where none is alike.
        lead: &'static str,
    },
}

impl<T: Into<String>> From<T> for Mend {
    fn from(text: T) -> Self {
        Self::Do(text.into())
    }
}

/// Checks what a truth file says; every mistake is collected.
pub fn check(file: TruthFile, known: &Known) -> Result<Vec<ClipTruth>, Vec<Mistake>> {
    let mut reader = Reader { known, mistakes: Vec::new() };
    if file.clip.is_empty() {
        let mend = "add a `[[clip]]` with `file = \"…\"`".into();
        reader.mistakes.push(Mistake { place: None, problem: "the file names no clip".to_owned(), mend });
    }
    let common = file.tolerance_s.and_then(|tolerance| reader.seconds(&tolerance)).unwrap_or(TOLERANCE_S);
    let clips: Vec<ClipTruth> =
        file.clip.into_iter().filter_map(|clip| reader.clip(clip, file.camera.as_ref(), common)).collect();
    if reader.mistakes.is_empty() { Ok(clips) } else { Err(reader.mistakes) }
}

/// Collects mistakes while it checks.
struct Reader<'a> {
    known: &'a Known,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn fail(&mut self, place: Range<usize>, problem: impl Into<String>, mend: impl Into<Mend>) {
        self.mistakes.push(Mistake { place: Some(place), problem: problem.into(), mend: mend.into() });
    }

    /// The mistake of a name that is none of `known`.
    fn unknown<T: ToString>(
        &mut self,
        name: &Spanned<T>,
        problem: impl FnOnce(&str) -> String,
        known: Vec<String>,
        lead: &'static str,
    ) {
        let written = name.get_ref().to_string();
        let problem = problem(&written);
        self.mistakes.push(Mistake { place: Some(name.span()), problem, mend: Mend::Name { written, known, lead } });
    }

    fn clip(
        &mut self,
        raw: Spanned<RawClip>,
        camera: Option<&Spanned<StreamId>>,
        tolerance_s: f64,
    ) -> Option<ClipTruth> {
        let place = raw.span();
        let raw = raw.into_inner();
        if raw.file.get_ref().as_os_str().is_empty() {
            self.fail(raw.file.span(), "the name of the clip is empty", "name the clip, relative to the truth file");
        }
        let camera = self.camera(raw.camera.as_ref().or(camera), &place)?;
        let truths: Vec<Truth> = raw.truth.iter().map(|truth| self.truth(truth, &camera)).collect();
        self.nothing(raw.nothing.as_ref(), &truths, &place);
        let judged = raw.judged.map(|judged| {
            let ids = judged.into_inner();
            ids.iter().map(|id| self.violation(id)).collect::<Vec<_>>()
        });
        if let Some(judged) = &judged
            && let Some(other) = truths.iter().find(|truth| !judged.contains(&truth.violation))
        {
            let problem = format!("`judged` leaves out `{}`, which happens in the clip", other.violation);
            self.fail(place.clone(), problem, "name it in `judged`, or drop `judged` to judge all violations");
        }
        Some(ClipTruth {
            start: raw.start.and_then(|start| self.start(&start)),
            duration_s: raw.duration_s.and_then(|duration| self.seconds(&duration)).filter(|&s| s > 0.0),
            tolerance_s: raw.tolerance_s.and_then(|tolerance| self.seconds(&tolerance)).unwrap_or(tolerance_s),
            ignored: raw.ignore.iter().map(|ignored| self.ignored(ignored, &camera)).collect(),
            file: raw.file.into_inner(),
            camera,
            judged,
            truths,
            place,
        })
    }

    /// The camera that plays a clip: the one named, or the site's only one.
    fn camera(&mut self, named: Option<&Spanned<StreamId>>, clip: &Range<usize>) -> Option<StreamId> {
        let names: Vec<String> = self.known.cameras.keys().map(ToString::to_string).collect();
        let Some(camera) = named else {
            if let [only] = &self.known.cameras.keys().collect::<Vec<_>>()[..] {
                return Some((*only).clone());
            }
            let mend = "name one with `camera = \"…\"`, for this clip or at the head of the file for all";
            let list = names.join(", ");
            self.fail(clip.clone(), format!("the site has several cameras ({list}), and none is named"), mend);
            return None;
        };
        if !self.known.cameras.contains_key(camera.get_ref()) {
            self.unknown(camera, |name| format!("the site has no camera `{name}`"), names, "it has");
            return None;
        }
        Some(camera.get_ref().clone())
    }

    fn zone(&mut self, named: Option<&Spanned<ZoneId>>, camera: &StreamId) -> Option<ZoneId> {
        let named = named?;
        let zones = self.known.cameras.get(camera);
        if !zones.is_some_and(|zones| zones.contains(named.get_ref())) {
            let names = zones.into_iter().flatten().map(ToString::to_string).collect();
            self.unknown(named, |name| format!("camera `{camera}` has no zone `{name}`"), names, "it has");
        }
        Some(named.get_ref().clone())
    }

    /// A clip without entries must say that nothing happens, so that a forgotten entry is not taken for an empty clip.
    fn nothing(&mut self, nothing: Option<&Spanned<bool>>, truths: &[Truth], place: &Range<usize>) {
        match nothing {
            Some(said) if *said.get_ref() && !truths.is_empty() => {
                let problem = format!("`nothing` happens, and yet {} entries say what does", truths.len());
                self.fail(said.span(), problem, "drop `nothing`, or the entries");
            }
            None | Some(_) if truths.is_empty() && nothing.is_none_or(|said| !said.get_ref()) => {
                let mend = "add `[[clip.truth]]`, or `nothing = true` where nothing happens";
                self.fail(place.clone(), "the clip has no entry that says what happens", mend);
            }
            _ => {}
        }
    }

    fn truth(&mut self, raw: &RawTruth, camera: &StreamId) -> Truth {
        let (from_s, to_s) = self.span(&raw.from_s, &raw.to_s);
        if let Some(bbox) = &raw.bbox
            && (!bbox.get_ref().is_valid() || bbox.get_ref().area() <= 0.0)
        {
            self.fail(
                bbox.span(),
                "the box is empty or inside out",
                "write `box = [left, top, right, bottom]` in pixels",
            );
        }
        Truth {
            violation: self.violation(&raw.violation),
            zone: self.zone(raw.zone.as_ref(), camera),
            from_s,
            to_s,
            bbox: raw.bbox.as_ref().map(|bbox| *bbox.get_ref()),
        }
    }

    fn ignored(&mut self, raw: &RawIgnored, camera: &StreamId) -> Ignored {
        let (from_s, to_s) = self.span(&raw.from_s, &raw.to_s);
        let violation = raw.violation.as_ref().map(|id| self.violation(id));
        Ignored { violation, zone: self.zone(raw.zone.as_ref(), camera), from_s, to_s }
    }

    fn violation(&mut self, id: &Spanned<ViolationId>) -> ViolationId {
        if !self.known.violations.contains(id.get_ref()) {
            let names = self.known.violations.iter().map(ToString::to_string).collect();
            self.unknown(id, |name| format!("there is no violation `{name}`"), names, "there are");
        }
        id.get_ref().clone()
    }

    fn span(&mut self, from: &Spanned<f64>, to: &Spanned<f64>) -> (f64, f64) {
        let (Some(from_s), Some(to_s)) = (self.seconds(from), self.seconds(to)) else { return (0.0, 0.0) };
        if to_s < from_s {
            self.fail(to.span(), format!("it ends at {to_s} s, before it begins at {from_s} s"), "exchange the two");
        }
        (from_s, to_s)
    }

    fn seconds(&mut self, value: &Spanned<f64>) -> Option<f64> {
        let seconds = *value.get_ref();
        if (0.0..=LONGEST_S).contains(&seconds) {
            return Some(seconds);
        }
        let mend = "write seconds from the beginning of the clip, 0 or more";
        self.fail(value.span(), format!("{seconds} is out of range"), mend);
        None
    }

    fn start(&mut self, text: &Spanned<String>) -> Option<jiff::Timestamp> {
        match text.get_ref().parse() {
            Ok(start) => Some(start),
            Err(error) => {
                let mend = "write when the clip began like \"2026-03-01T08:30:00+08:00\"";
                self.fail(text.span(), format!("this is no time: {error}"), mend);
                None
            }
        }
    }
}
