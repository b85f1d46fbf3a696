//! One clip: looked through, then covered and encoded once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use forewarn_base::private;
use forewarn_base::thread::ThreadError;
use forewarn_domain::{BBox, DetectorError, Frame, PixelFormat, StreamId, Timestamp};
use forewarn_pipelines::{ClipEncoder, EncodeError, FileReplay, ReplayConfig, ReplayError};

use crate::blocks::cover_i420;
use crate::cover::{Area, Reach, cover, outermost};
use crate::eyes::{Sight, What, part};
use crate::looks::{HandIn, look_at};
use crate::tracks::{Look, Track, join, of_subject};

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_millis(280);
/// A track goes on after so long without a sighting.
const LONGEST_GAP: Duration = Duration::from_millis(2_500);
/// What is seen is covered for so long before its first sighting and after its last.
const HOLD: Duration = Duration::from_secs(1);
/// What is covered beyond a box on each side, as a part of its sides: of people and vehicles.
const MARGIN: f32 = 0.15;
/// The same of heads, faces and plates, which are small, so that a box is sooner off by a part of them.
const SMALL_MARGIN: f32 = 0.25;
/// The subject stood where the incident says within so long.
const SUBJECT_WITHIN: Duration = Duration::from_millis(400);
/// A picture whose successor nobody knows lasts so long.
pub(crate) const LAST_LASTS: Duration = Duration::from_millis(40);

/// A clip could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// It cannot be played.
    #[error(transparent)]
    Play(#[from] ReplayError),
    /// The copy cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A model failed.
    #[error(transparent)]
    Look(#[from] DetectorError),
    /// Nobody can look.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The two passes saw different clips.
    #[error("failed to copy {path}: it gave {first} pictures at first and more when it was played again")]
    Changed {
        /// The clip.
        path: String,
        /// Pictures of the first pass.
        first: usize,
    },
}

/// Where the subject was, and how long after the clip's first picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SubjectAt {
    /// How long after the first picture.
    pub(crate) after: Duration,
    /// Where, in pixels of the clip.
    pub(crate) bbox: BBox,
}

/// What became of a clip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Veiled {
    /// How many pictures it has.
    pub(crate) pictures: u64,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Whether the subject could be told apart; always false where none is sought.
    pub(crate) is_subject_shown: bool,
}

/// How far the work on a clip is: pictures that were looked through, and pictures that were encoded.
pub(crate) type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// What the first pass tells.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    /// What is covered, by picture.
    pub(crate) areas: Vec<Vec<Area>>,
    /// When each picture is shown.
    pub(crate) shown_at: Vec<Timestamp>,
    /// Whether the subject could be told apart.
    pub(crate) is_subject_shown: bool,
}

/// Writes the copy of a clip in which what `eyes` look for is hidden.
pub(crate) fn veil(
    from: &Path,
    to: &Path,
    eyes: &mut dyn Sight,
    subject: Option<SubjectAt>,
    progress: &mut Progress<'_>,
) -> Result<Veiled, ClipError> {
    let plan = plan(from, eyes, subject, progress)?;
    write(from, to, &plan, progress)
}

pub(crate) fn open(path: &Path) -> Result<FileReplay, ClipError> {
    let Ok(stream) = StreamId::new("clip") else { unreachable!("a fixed id") };
    Ok(FileReplay::open(path, ReplayConfig::new(stream))?)
}

/// Encoded pictures have even sides.
pub(crate) fn even(frame: &Frame) -> (u32, u32) {
    ((frame.width & !1).max(2), (frame.height & !1).max(2))
}

/// Looks through a clip.
fn plan(
    from: &Path,
    eyes: &mut dyn Sight,
    subject: Option<SubjectAt>,
    progress: &mut Progress<'_>,
) -> Result<Plan, ClipError> {
    let mut replay = open(from)?;
    let what = eyes.what();
    let (mut shown_at, mut size) = (Vec::new(), (2, 2));
    let seen = look_at(eyes.lookers(), |hand_in: &mut HandIn<'_, ClipError>| {
        let mut due = Timestamp::ZERO;
        // Of pictures that are not looked at the last still is, for it ends the clip.
        let mut unseen: Option<(usize, Frame)> = None;
        while let Some(frame) = replay.next_frame()? {
            let (number, at) = (shown_at.len(), frame.meta.captured_at);
            shown_at.push(at);
            size = even(&frame);
            unseen = if at >= due {
                due = at + LOOK_EVERY;
                hand_in(number, frame)?;
                None
            } else {
                Some((number, frame))
            };
            progress(shown_at.len() as u64, 0);
        }
        unseen.map_or(Ok(()), |(number, frame)| hand_in(number, frame))
    })?;
    let (mut small, mut heads, mut large) = (Vec::new(), Vec::new(), Vec::new());
    for (frame, seen) in seen {
        small.push(Look { frame, boxes: seen.small });
        heads.push(Look { frame, boxes: seen.heads });
        large.push(Look { frame, boxes: seen.large });
    }
    let (areas, is_subject_shown) = decide(what, ([&small, &heads], &large), &shown_at, size, subject);
    Ok(Plan { areas, shown_at, is_subject_shown })
}

/// What is covered in each picture, from what was seen in some. Pure.
fn decide(
    what: What,
    (small, large): ([&[Look]; 2], &[Look]),
    shown_at: &[Timestamp],
    size: (u32, u32),
    subject: Option<SubjectAt>,
) -> (Vec<Vec<Area>>, bool) {
    let frames = |span: Duration| frames_within(shown_at, span);
    let reach = Reach { margin: MARGIN, hold: frames(HOLD) };
    // Kinds are joined by themselves, for one head is not another's face.
    let small: Vec<Track> = small.iter().flat_map(|looks| join(looks, frames(LONGEST_GAP))).collect();
    let mut large = join(large, frames(LONGEST_GAP));
    let mut is_subject_shown = false;
    if let Some(SubjectAt { after, bbox }) = subject.filter(|_| what == What::PersonsButSubject) {
        let at = shown_at.first().map_or(Timestamp::ZERO, |first| *first + after);
        let frame = shown_at.partition_point(|shown| *shown < at);
        if let Some((t, shown)) = of_subject(&large, frame, frames(SUBJECT_WITHIN).max(1), &bbox) {
            is_subject_shown = true;
            // What of the track is not surely the subject stays hidden.
            let is_shown = |s: &crate::tracks::Sighting| shown.sightings.iter().any(|other| other.frame == s.frame);
            let (first, last) = (shown.sightings.first().map(|s| s.frame), shown.sightings.last().map(|s| s.frame));
            let rest = |keep: &dyn Fn(usize) -> bool| Track {
                sightings: large[t].sightings.iter().filter(|s| !is_shown(s) && keep(s.frame)).copied().collect(),
            };
            let before = rest(&|frame| Some(frame) < first);
            let after = rest(&|frame| Some(frame) > last);
            large.remove(t);
            large.extend([before, after]);
        }
    }
    for sighting in large.iter_mut().flat_map(|track| &mut track.sightings) {
        sighting.bbox = part(what, &sighting.bbox);
    }
    let mut areas = cover(&large, shown_at.len(), reach, size);
    let reach = Reach { margin: SMALL_MARGIN, ..reach };
    for (areas, more) in areas.iter_mut().zip(cover(&small, shown_at.len(), reach, size)) {
        areas.extend(more);
        *areas = outermost(areas);
    }
    (areas, is_subject_shown)
}

/// How many frames of a clip last so long, at its mean rate.
fn frames_within(shown_at: &[Timestamp], span: Duration) -> usize {
    let (Some(first), Some(last)) = (shown_at.first(), shown_at.last()) else { return 0 };
    let length_s = last.as_secs_f64() - first.as_secs_f64();
    if length_s <= 0.0 {
        return 0;
    }
    (span.as_secs_f64() * (shown_at.len() - 1) as f64 / length_s).ceil() as usize
}

/// How long most pictures of a clip last.
fn step(shown_at: &[Timestamp]) -> Duration {
    let mut steps: Vec<i64> = shown_at.windows(2).map(|pair| pair[1].as_micros() - pair[0].as_micros()).collect();
    steps.sort_unstable();
    let median = steps.get(steps.len() / 2).and_then(|us| u64::try_from(*us).ok());
    median.map_or(LAST_LASTS, Duration::from_micros)
}

/// Covers and encodes.
fn write(from: &Path, to: &Path, plan: &Plan, progress: &mut Progress<'_>) -> Result<Veiled, ClipError> {
    let mut replay = open(from)?;
    let mut encoder: Option<(ClipEncoder, (u32, u32))> = None;
    let first = plan.shown_at.first().copied().unwrap_or(Timestamp::ZERO);
    let since = |from: Timestamp, to: Timestamp| {
        Duration::from_micros(u64::try_from(to.as_micros() - from.as_micros()).unwrap_or(0))
    };
    let mut number = 0;
    while let Some(frame) = replay.next_frame()? {
        let (Some(areas), Some(at)) = (plan.areas.get(number), plan.shown_at.get(number)) else {
            return Err(ClipError::Changed { path: from.display().to_string(), first: plan.areas.len() });
        };
        let lasts = plan.shown_at.get(number + 1).map_or(LAST_LASTS, |next| since(*at, *next));
        let (encoder, size) = match &mut encoder {
            Some(open) => open,
            none => {
                none.insert((ClipEncoder::create(to, even(&frame), step(&plan.shown_at), frame.colour)?, even(&frame)))
            }
        };
        let mut pixels = packed_i420(&frame, *size);
        cover_i420(&mut pixels, *size, areas);
        encoder.push(pixels, since(first, *at), lasts)?;
        number += 1;
        progress(plan.shown_at.len() as u64, number as u64);
    }
    let Some((encoder, (width, height))) = encoder else {
        return Err(ClipError::Changed { path: from.display().to_string(), first: plan.areas.len() });
    };
    let pictures = encoder.pictures();
    encoder.finish(Timestamp::ZERO)?;
    // Whoever encoded it knew nothing of who may see it.
    let closed = std::fs::set_permissions(to, std::fs::Permissions::from_mode(private::FILE_MODE));
    closed.map_err(|source| EncodeError::Io { path: to.display().to_string(), source })?;
    Ok(Veiled { pictures, width, height, is_subject_shown: plan.is_subject_shown })
}

/// The pixels of a decoded picture in three packed planes of these even sides. A picture of other sides, which a stream may
/// change to in the middle, is cut off or filled up with grey.
pub(crate) fn packed_i420(frame: &Frame, (width, height): (u32, u32)) -> Vec<u8> {
    let (w, h) = (width as usize, height as usize);
    if frame.format == PixelFormat::I420 && (frame.width & !1, frame.height & !1) == (width, height) {
        let mut pixels = Vec::with_capacity(w * h * 3 / 2);
        for (plane, (w, h)) in [(w, h), (w / 2, h / 2), (w / 2, h / 2)].into_iter().enumerate() {
            let (source, stride) = frame.plane(plane);
            (0..h).for_each(|y| pixels.extend_from_slice(&source[y * stride..y * stride + w]));
        }
        return pixels;
    }
    let mut pixels = vec![128; w * h * 3 / 2];
    let (have_w, have_h) = (w.min(frame.width as usize), h.min(frame.height as usize));
    let (luma, chroma) = pixels.split_at_mut(w * h);
    let (source, stride) = frame.plane(0);
    for y in 0..have_h {
        luma[y * w..y * w + have_w].copy_from_slice(&source[y * stride..y * stride + have_w]);
    }
    let (u, v) = chroma.split_at_mut(w / 2 * (h / 2));
    for y in 0..have_h / 2 {
        let row = y * (w / 2)..y * (w / 2) + have_w / 2;
        if frame.format == PixelFormat::Nv12 {
            let (source, stride) = frame.plane(1);
            let pairs = source[y * stride..y * stride + have_w / 2 * 2].chunks_exact(2);
            for ((u, v), pair) in u[row.clone()].iter_mut().zip(&mut v[row]).zip(pairs) {
                (*u, *v) = (pair[0], pair[1]);
            }
        } else {
            for (plane, number) in [(&mut *u, 1), (&mut *v, 2)] {
                let (source, stride) = frame.plane(number);
                plane[row.clone()].copy_from_slice(&source[y * stride..y * stride + have_w / 2]);
            }
        }
    }
    pixels
}
