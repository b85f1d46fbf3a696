//! Truth files: what happens in a clip, when and where.
//!
//! ```toml
//! camera = "gate"                 # which camera of the site plays the clips; needed where the site has several
//!
//! [[clip]]
//! file = "parked.mp4"
//! [[clip.truth]]
//! violation = "illegal_parking"
//! zone = "kerb"
//! from_s = 12.0
//! to_s = 58.5
//! box = [310, 200, 420, 280]
//!
//! [[clip]]
//! file = "empty-street.mp4"
//! nothing = true
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};
use serde::Deserialize;
use toml::Spanned;

use crate::config::source::{Source, nearest};
use crate::config::violations::Library;
use crate::config::{ConfigError, ConfigErrors, Site};

/// How far an alarm may come after the end of what happened, or before its beginning, in seconds.
pub const TOLERANCE_S: f64 = 5.0;
/// No clip is longer than this, in seconds; a larger number is a slip of the pen.
const LONGEST_S: f64 = 31.0 * 86_400.0;

/// One clip with all that happens in it.
#[derive(Debug, Clone)]
pub struct ClipTruth {
    /// The clip as the truth file names it.
    pub file: PathBuf,
    /// Which camera of the site plays it.
    pub camera: StreamId,
    /// When the clip began.
    pub start: Option<jiff::Timestamp>,
    /// Seconds of the clip that are judged; all if none.
    pub duration_s: Option<f64>,
    /// How far an alarm may be off in time, in seconds.
    pub tolerance_s: f64,
    /// The only violations that are judged; all if none.
    pub judged: Option<Vec<ViolationId>>,
    /// What happens.
    pub truths: Vec<Truth>,
    /// Where alarms count for nothing.
    pub ignored: Vec<Ignored>,
    /// The truth file, for messages.
    source: Source,
    /// Where the clip stands in it.
    place: std::ops::Range<usize>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// What.
    pub violation: ViolationId,
    /// Where; anywhere if none.
    pub zone: Option<ZoneId>,
    /// From this second of the clip.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
    /// Where in the picture, in pixels; anywhere if none.
    pub bbox: Option<BBox>,
}

/// A span in which nothing is held against the rules, as where even people disagree.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored {
    /// Of this violation; of any if none.
    pub violation: Option<ViolationId>,
    /// In this zone; in any if none.
    pub zone: Option<ZoneId>,
    /// From this second of the clip.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
}

impl ClipTruth {
    /// Whether alarms of `violation` are judged.
    pub fn judges(&self, violation: &ViolationId) -> bool {
        self.judged.as_ref().is_none_or(|judged| judged.contains(violation))
    }

    /// A mistake of this clip's table.
    pub fn error(&self, problem: impl Into<String>, mend: impl Into<String>) -> ConfigError {
        self.source.error(self.place.clone(), problem, mend)
    }
}

/// What truth files may name: the violations that exist, and the cameras of the site with their zones.
#[derive(Debug, Clone, Default)]
pub struct Known {
    violations: BTreeSet<ViolationId>,
    cameras: BTreeMap<StreamId, BTreeSet<ZoneId>>,
}

impl Known {
    /// The built-in violations.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        let library = Library::built_in()?;
        Ok(Self { violations: library.names().cloned().collect(), cameras: BTreeMap::new() })
    }

    /// Adds what a site has.
    pub fn add(&mut self, site: &Site) {
        for camera in &site.cameras {
            let zones = self.cameras.entry(camera.id.clone()).or_default();
            zones.extend(camera.zones.iter().map(|zone| zone.id.clone()));
            self.violations.extend(camera.rules.iter().map(|rule| rule.key.violation.clone()));
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
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

/// Reads a truth file; all that it names must be `known`.
pub fn load(path: &Path, known: &Known) -> Result<Vec<ClipTruth>, ConfigErrors> {
    read(&Source::read(path)?, known)
}

/// Checks the text of a truth file; every mistake is collected.
pub fn read(source: &Source, known: &Known) -> Result<Vec<ClipTruth>, ConfigErrors> {
    let raw: RawFile = source.parse().map_err(with_help)?;
    let mut reader = Reader { source, known, errors: Vec::new() };
    if raw.clip.is_empty() {
        let problem = "the file names no clip";
        reader.errors.push(source.error_of_file(problem, "add a `[[clip]]` with `file = \"…\"`"));
    }
    let common = raw.tolerance_s.and_then(|tolerance| reader.seconds(&tolerance)).unwrap_or(TOLERANCE_S);
    let clips: Vec<ClipTruth> =
        raw.clip.into_iter().filter_map(|clip| reader.clip(clip, raw.camera.as_ref(), common)).collect();
    reader.errors.sort_by_key(|error| error.line);
    if reader.errors.is_empty() { Ok(clips) } else { Err(ConfigErrors(reader.errors)) }
}

/// Points a mistake of spelling to the page of truth files where it would point to that of site files.
fn with_help(mut error: ConfigError) -> ConfigError {
    error.mend = error.mend.replace("`forewarn config example` shows", "docs/evaluation.md, \"Truth files\", shows");
    error
}

/// Collects mistakes while it checks.
struct Reader<'a> {
    source: &'a Source,
    known: &'a Known,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn fail(&mut self, place: std::ops::Range<usize>, problem: impl Into<String>, mend: impl Into<String>) {
        self.errors.push(self.source.error(place, problem, mend));
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
            source: self.source.clone(),
            place,
        })
    }

    /// The camera that plays a clip: the one named, or the site's only one.
    fn camera(&mut self, named: Option<&Spanned<StreamId>>, clip: &std::ops::Range<usize>) -> Option<StreamId> {
        let names: Vec<&str> = self.known.cameras.keys().map(StreamId::as_str).collect();
        let list = names.join(", ");
        let Some(camera) = named else {
            if let [only] = &self.known.cameras.keys().collect::<Vec<_>>()[..] {
                return Some((*only).clone());
            }
            let mend = "name one with `camera = \"…\"`, for this clip or at the head of the file for all";
            self.fail(clip.clone(), format!("the site has several cameras ({list}), and none is named"), mend);
            return None;
        };
        if !self.known.cameras.contains_key(camera.get_ref()) {
            let mend = nearest(camera.get_ref().as_str(), names.iter().copied())
                .map_or_else(|| format!("it has: {list}"), |best| format!("did you mean `{best}`?"));
            self.fail(camera.span(), format!("the site has no camera `{}`", camera.get_ref()), mend);
            return None;
        }
        Some(camera.get_ref().clone())
    }

    fn zone(&mut self, named: Option<&Spanned<ZoneId>>, camera: &StreamId) -> Option<ZoneId> {
        let named = named?;
        let zones = self.known.cameras.get(camera).into_iter().flatten();
        let names: Vec<&str> = zones.map(ZoneId::as_str).collect();
        if !names.contains(&named.get_ref().as_str()) {
            let mend = nearest(named.get_ref().as_str(), names.iter().copied())
                .map_or_else(|| format!("it has: {}", names.join(", ")), |best| format!("did you mean `{best}`?"));
            self.fail(named.span(), format!("camera `{camera}` has no zone `{}`", named.get_ref()), mend);
        }
        Some(named.get_ref().clone())
    }

    /// A clip without entries must say that nothing happens, so that a forgotten entry is not taken for an empty clip.
    fn nothing(&mut self, nothing: Option<&Spanned<bool>>, truths: &[Truth], place: &std::ops::Range<usize>) {
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
            let names: Vec<&str> = self.known.violations.iter().map(ViolationId::as_str).collect();
            let mend = nearest(id.get_ref().as_str(), names.iter().copied())
                .map_or_else(|| format!("there are: {}", names.join(", ")), |best| format!("did you mean `{best}`?"));
            self.fail(id.span(), format!("there is no violation `{}`", id.get_ref()), mend);
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
