//! A span cut out of footage, without coding anything again, and what there is of a camera.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::durable::Unfinished;
use forewarn_domain::{StreamId, WallTime};

use super::keep;
use super::mux::{Taken, taken_box};
use super::read::{Contents, DECODED_AT, Fragment, NUMBER_AT, contents};
use crate::fragment::{TIMESCALE, TRACK, full, words};

/// A file lasts a minute, or a little longer where key pictures are far apart.
const LONGEST: Duration = Duration::from_mins(10);
/// What lacks for less is no gap.
const GAP_FROM_US: i64 = 1_500_000;
/// What an index can hold.
const MOST_REFERENCES: usize = u16::MAX as usize;

/// There is no such clip.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// Nothing was kept then.
    #[error(
        "there is no footage of camera {camera} between {from} and {to}; `forewarn clip --list` tells what there is of it", 
        from = from.to_rfc3339(), to = to.to_rfc3339()
    )]
    Nothing {
        /// The camera.
        camera: StreamId,
        /// From when.
        from: WallTime,
        /// Until when.
        to: WallTime,
    },
    /// The clip is there.
    #[error("{} is there already; name another file", .0.display())]
    IsThere(PathBuf),
    /// The disk refused.
    #[error("failed to read or write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CutError + use<'_> {
    move |source| CutError::Io { path: path.to_owned(), source }
}

/// What was cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// When its first picture was taken.
    pub from: WallTime,
    /// When its last one was over.
    pub to: WallTime,
    /// Number of pictures.
    pub pictures: u64,
    /// What lacks in between, from when to when.
    pub gaps: Vec<(WallTime, WallTime)>,
    /// From when on the pictures are of another format and are left out; cut again from there.
    pub rest: Option<WallTime>,
}

/// A stretch of footage without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// When its first picture was taken.
    pub from: WallTime,
    /// When its last one was over.
    pub to: WallTime,
    /// Bytes of its files.
    pub bytes: u64,
}

/// What there is of a camera, and so where it has gaps.
pub fn stretches(root: &Path, camera: &str) -> io::Result<Vec<Stretch>> {
    let mut found: Vec<Stretch> = Vec::new();
    for (path, _) in keep::files(root, camera)? {
        let Contents { fragments, whole_bytes, .. } = contents(&path)?;
        for fragment in &fragments {
            let (from, to) = (fragment.taken.wall, fragment.until());
            match found.last_mut().filter(|last| follows(from, last.to)) {
                Some(last) => last.to = to,
                None => found.push(Stretch { from, to, bytes: 0 }),
            }
        }
        if let Some(last) = found.last_mut() {
            last.bytes += whole_bytes;
        }
    }
    Ok(found)
}

/// Whether what begins at `from` goes on where that ended which was over at `until`.
fn follows(from: WallTime, until: WallTime) -> bool {
    from.micros_after(until).abs() <= GAP_FROM_US
}

/// A fragment, in which file, and how far its times are moved.
struct Taking {
    file: usize,
    fragment: Fragment,
    moved_us: i64,
}

/// Whether there is footage of that moment.
pub(crate) fn reaches(root: &Path, camera: &StreamId, moment: WallTime) -> bool {
    let until = WallTime::from_micros(moment.as_micros() + 1_000_000);
    choose(root, camera, moment, until).is_ok_and(|(_, taken, _)| {
        taken.first().is_some_and(|first| first.fragment.taken.wall.as_micros() <= until.as_micros())
    })
}

/// Writes the footage of `camera` from `from` to `to` into the file `out`: from the last key picture before on, to the second.
pub fn cut(root: &Path, camera: &StreamId, from: WallTime, to: WallTime, out: &Path) -> Result<Cut, CutError> {
    if out.exists() {
        return Err(CutError::IsThere(out.to_owned()));
    }
    let (files, taken, rest) = choose(root, camera, from, to)?;
    let (Some(first), Some(last)) = (taken.first(), taken.last()) else {
        return Err(CutError::Nothing { camera: camera.clone(), from, to });
    };
    let gap = |pair: &[Taking]| {
        let (until, from) = (pair[0].fragment.until(), pair[1].fragment.taken.wall);
        (!follows(from, until)).then_some((until, from))
    };
    let cut = Cut {
        from: first.fragment.taken.wall,
        to: last.fragment.until(),
        pictures: taken.iter().map(|taking| u64::from(taking.fragment.pictures)).sum(),
        gaps: taken.windows(2).filter_map(gap).collect(),
        rest,
    };
    let unfinished = Unfinished::of_process(out);
    write(&files, &taken, unfinished.path())?;
    let created = forewarn_domain::Timestamp::from_micros(cut.from.as_micros());
    crate::set_creation_time(unfinished.path(), created).and_then(|()| unfinished.place()).map_err(at(out))?;
    Ok(cut)
}

type Chosen = (Vec<(PathBuf, Contents)>, Vec<Taking>, Option<WallTime>);

/// The fragments of a span, in order, as far as they are of one format.
fn choose(root: &Path, camera: &StreamId, from: WallTime, to: WallTime) -> Result<Chosen, CutError> {
    let earliest = from.as_micros() - LONGEST.as_micros() as i64;
    let all = keep::files(root, camera.as_str()).map_err(at(root))?;
    let near = all.into_iter().filter(|(_, begun)| (earliest..=to.as_micros()).contains(&begun.as_micros()));
    let (mut files, mut taken, mut header) = (Vec::new(), Vec::<Taking>::new(), None);
    for (path, _) in near {
        let contents = contents(&path).map_err(at(&path))?;
        let inside: Vec<Fragment> = inside(&contents.fragments, from, to).to_vec();
        let Some(begins) = inside.first() else { continue };
        let own = head(&path, contents.header_bytes).map_err(at(&path))?;
        if header.get_or_insert_with(|| own.clone()) != &own {
            return Ok((files, taken, Some(begins.taken.wall)));
        }
        let moved_us = moved(taken.last(), taken.first(), begins);
        let file = files.len();
        taken.extend(inside.iter().map(|fragment| Taking { file, fragment: *fragment, moved_us }));
        files.push((path, contents));
    }
    Ok((files, taken, None))
}

/// From the last fragment with which decoding can begin at `from`, or the first one after it, to the last before `to`.
fn inside(fragments: &[Fragment], from: WallTime, to: WallTime) -> &[Fragment] {
    let begins = fragments.iter().rposition(|fragment| fragment.is_key && fragment.taken.wall <= from);
    let begins = begins.filter(|i| fragments[*i..].iter().any(|fragment| fragment.until() > from));
    let first = begins.or_else(|| fragments.iter().position(|f| f.is_key && f.taken.wall > from));
    let end = fragments.iter().rposition(|fragment| fragment.taken.wall < to).map_or(0, |last| last + 1);
    fragments.get(first.unwrap_or(end)..end).unwrap_or_default()
}

/// How far the times of a file are moved so that its pictures stand as far apart in the clip as on the wall, and never before
/// those that come before them.
fn moved(last: Option<&Taking>, first: Option<&Taking>, begins: &Fragment) -> i64 {
    let decoded_us = begins.decoded_us as i64;
    let (Some(last), Some(first)) = (last, first) else { return -decoded_us };
    let ahead_us = (first.fragment.taken.shown_us as i64) + first.moved_us;
    let shown_us = begins.taken.wall.micros_after(first.fragment.taken.wall) + ahead_us;
    let end_us = last.fragment.decoded_us as i64 + last.moved_us + last.fragment.lasts_us as i64;
    (shown_us - begins.taken.shown_us as i64).max(end_us - decoded_us)
}

fn head(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(path)?.take(bytes).read_to_end(&mut header)?;
    Ok(header)
}

fn write(files: &[(PathBuf, Contents)], taken: &[Taking], out: &Path) -> Result<(), CutError> {
    let mut to = BufWriter::new(File::create(out).map_err(at(out))?);
    let (path, contents) = &files[taken[0].file];
    let header = head(path, contents.header_bytes).map_err(at(path))?;
    to.write_all(&header).and_then(|()| to.write_all(&index(taken))).map_err(at(out))?;
    let mut from: Option<(usize, File)> = None;
    for (number, Taking { file, fragment, moved_us }) in taken.iter().enumerate() {
        let path = &files[*file].0;
        let input = match from.take_if(|(open, _)| open == file) {
            Some((_, input)) => input,
            None => File::open(path).map_err(at(path))?,
        };
        let (_, input) = from.insert((*file, input));
        let mut bytes = vec![0; fragment.bytes as usize];
        input.seek(SeekFrom::Start(fragment.at)).and_then(|_| input.read_exact(&mut bytes)).map_err(at(path))?;
        let decoded_us = fragment.decoded_us.saturating_add_signed(*moved_us);
        bytes[NUMBER_AT..NUMBER_AT + 4].copy_from_slice(&(number as u32 + 1).to_be_bytes());
        bytes[DECODED_AT..DECODED_AT + 8].copy_from_slice(&decoded_us.to_be_bytes());
        let shown_us = fragment.taken.shown_us.saturating_add_signed(*moved_us);
        let taken = taken_box(Taken { shown_us, ..fragment.taken });
        to.write_all(&taken).and_then(|()| to.write_all(&bytes)).map_err(at(out))?;
    }
    to.flush().map_err(at(out))
}

/// Where each fragment lies and how long it lasts, so that players can seek: ISO/IEC 14496-12, 8.16.3 `sidx`.
fn index(taken: &[Taking]) -> Vec<u8> {
    if taken.len() > MOST_REFERENCES {
        return Vec::new();
    }
    let begins_us = |taking: &Taking| taking.fragment.decoded_us.saturating_add_signed(taking.moved_us);
    let taken_bytes = taken_box(taken[0].fragment.taken).len() as u64;
    let mut references = Vec::new();
    for (i, taking) in taken.iter().enumerate() {
        let until_us = taken.get(i + 1).map_or(begins_us(taking) + taking.fragment.lasts_us, begins_us);
        let lasts_us = u32::try_from(until_us - begins_us(taking)).unwrap_or(u32::MAX);
        let starts = if taking.fragment.is_key { 0x9000_0000 } else { 0 };
        references.extend([(taking.fragment.bytes + taken_bytes) as u32, lasts_us, starts]);
    }
    let first_shown_us = taken[0].fragment.taken.shown_us.saturating_add_signed(taken[0].moved_us);
    let times = [first_shown_us.to_be_bytes(), 0_u64.to_be_bytes()].concat();
    let count = [&[0, 0][..], &(taken.len() as u16).to_be_bytes()].concat();
    full(*b"sidx", 1 << 24, &[&words(&[TRACK, TIMESCALE]), &times, &count, &words(&references)])
}
