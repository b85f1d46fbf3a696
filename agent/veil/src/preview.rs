//! Small copies of clips for players that cannot play the clips themselves, such as browsers without H.265: they are looked at,
//! and prove nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use forewarn_base::private;
use forewarn_domain::{Frame, Timestamp};
use forewarn_evidence::{ClipEntry, Original, make_empty};
use forewarn_pipelines::{ClipEncoder, EncodeError};
use image::imageops::thumbnail;
use image::{GrayImage, RgbImage};

use crate::clip::{ClipError, LAST_LASTS, even, open, packed_i420};
use crate::error::ExportError;
use crate::export::Progress;
use crate::openable::{CLIPS, sealed_files};
use crate::photo;

/// The shorter side of a preview in pixels, at most.
const MOST_PX: u32 = 480;

/// A preview is held to this part of the clip's bytes.
const PART_OF_BYTES: f64 = 0.95;
/// By how much longer than the clip is what an encoder may give for it, in seconds.
const SURPLUS_S: f64 = 1.0;
/// At less nobody would see anything, however small the clip is.
const LEAST_KBIT_PER_S: f64 = 100.0;

/// Writes a preview in H.264 and a thumbnail of each clip of a bundle to `out`, which must be empty or not be there. What fails
/// leaves nothing there. Gives the number of clips.
pub fn preview(original: &Original, out: &Path, progress: &mut Progress<'_>) -> Result<u64, ExportError> {
    sealed_files(original, CLIPS)?;
    make_empty(out)?;
    let made = preview_all(original, out, progress);
    if made.is_err() {
        // What is in it was made here.
        let _ = std::fs::remove_dir_all(out);
    }
    made
}

fn preview_all(original: &Original, out: &Path, progress: &mut Progress<'_>) -> Result<u64, ExportError> {
    let mut clips = 0;
    for file in original.files() {
        let Some(name) = file.strip_suffix(".mp4") else { continue };
        let entry = original.record.iter().flat_map(|record| &record.clips).find(|clip| clip.file == *file);
        let film = out.join(format!("{name}-preview.mp4"));
        let mut tell = |done: u64| progress(file, done, entry.map_or(0, |clip| clip.access_units));
        let middle = film_of(&original.path(file), &film, entry, &mut tell)?;
        if let Some(frame) = middle {
            let (width, height) = shrunk((frame.width, frame.height));
            let whole = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8()).unwrap_or_default();
            let small = thumbnail(&whole, width, height);
            photo::write_rgb((small.as_raw(), width, height), &out.join(format!("{name}-preview.jpg")))?;
        }
        clips += 1;
    }
    Ok(clips)
}

/// Encodes a clip anew and small; gives its picture in the middle, as far as the record says where that is.
fn film_of(
    from: &Path,
    to: &Path,
    entry: Option<&ClipEntry>,
    tell: &mut dyn FnMut(u64),
) -> Result<Option<Frame>, ClipError> {
    let length_s = entry.map_or(0.0, |clip| clip.to.seconds - clip.from.seconds);
    let units = entry.map_or(0, |clip| clip.access_units);
    let step = Duration::try_from_secs_f64(length_s / units as f64).unwrap_or(LAST_LASTS);
    let most_kbit_per_s = entry.filter(|_| length_s > 0.0).map(|clip| {
        let most = PART_OF_BYTES * clip.bytes as f64 * 8e-3 / (length_s + SURPLUS_S);
        most.max(LEAST_KBIT_PER_S) as u32
    });
    let mut replay = open(from)?;
    let (mut encoder, mut middle): (Option<(ClipEncoder, _)>, Option<Frame>) = (None, None);
    let (mut first, mut done) = (Timestamp::ZERO, 0);
    let mut next = replay.next_frame()?;
    while let Some(frame) = next {
        next = replay.next_frame()?;
        let at = frame.meta.captured_at;
        let since = |from: Timestamp, to: Timestamp| {
            Duration::from_micros(u64::try_from(to.as_micros() - from.as_micros()).unwrap_or(0))
        };
        let (encoder, size) = match &mut encoder {
            Some(open) => open,
            none => {
                first = at;
                let size = even(&frame);
                let begun = match most_kbit_per_s {
                    Some(most) => ClipEncoder::create_within(to, shrunk(size), step, (frame.colour, most)),
                    None => ClipEncoder::create(to, shrunk(size), step, frame.colour),
                };
                none.insert((begun?, size))
            }
        };
        let lasts = next.as_ref().map_or(step, |next| since(at, next.meta.captured_at));
        encoder.push(small_i420(packed_i420(&frame, *size), *size), since(first, at), lasts)?;
        if middle.is_none() || since(first, at).as_secs_f64() <= length_s / 2.0 {
            middle = Some(frame);
        }
        done += 1;
        tell(done);
    }
    if let Some((encoder, _)) = encoder {
        encoder.finish(Timestamp::ZERO)?;
        let closed = std::fs::set_permissions(to, std::fs::Permissions::from_mode(private::FILE_MODE));
        closed.map_err(|source| EncodeError::Io { path: to.display().to_string(), source })?;
    }
    Ok(middle)
}

/// Width and height of a small copy: even, and in the shape of the picture.
fn shrunk((width, height): (u32, u32)) -> (u32, u32) {
    let short = width.min(height).max(1);
    let side = |px: u32| (px * MOST_PX.min(short)).div_euclid(short).max(2).next_multiple_of(2);
    if short <= MOST_PX { ((width & !1).max(2), (height & !1).max(2)) } else { (side(width), side(height)) }
}

/// Each of the three packed planes made small.
fn small_i420(pixels: Vec<u8>, (width, height): (u32, u32)) -> Vec<u8> {
    let (to_width, to_height) = shrunk((width, height));
    if (to_width, to_height) == (width, height) {
        return pixels;
    }
    let mut rest = pixels.as_slice();
    let mut small = Vec::with_capacity((to_width * to_height) as usize * 3 / 2);
    for shrink in [1, 2, 2] {
        let (w, h) = (width / shrink, height / shrink);
        let (plane, behind) = rest.split_at((w * h) as usize);
        rest = behind;
        let plane = GrayImage::from_raw(w, h, plane.to_vec()).unwrap_or_default();
        small.extend_from_slice(thumbnail(&plane, to_width / shrink, to_height / shrink).as_raw());
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_have_even_sides_and_the_shape_of_the_picture() {
        let sizes = [(1920, 1080), (1080, 1920), (640, 480), (321, 241), (2560, 1920), (4096, 2160)];
        let small = [(854, 480), (480, 854), (640, 480), (320, 240), (640, 480), (910, 480)];
        assert_eq!(sizes.map(shrunk), small);
        let size = (1024, 960);
        let made = small_i420(vec![77; 1024 * 960 * 3 / 2], size);
        assert!(made.len() == 512 * 480 * 3 / 2 && made.iter().all(|&sample| sample == 77));
    }
}
