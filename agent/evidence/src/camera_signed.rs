//! Signatures with which cameras sign their own video: which clips hold such, as they came. They are not checked here.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use forewarn_base::messages::{MOST_BYTES, Scheme, camera_signatures};
use serde_json::{Value, json};

use crate::manifest::ManifestEntry;

/// The largest index that is looked into for the coding.
const MOST_INDEX_BYTES: u64 = 64 << 20;

/// What a camera signed of one clip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameraSigned {
    /// The clip.
    pub file: String,
    /// Messages of ONVIF Media Signing.
    pub onvif: u64,
    /// Messages of Axis' signed video.
    pub axis: u64,
    /// Those of either that bring a certificate or key.
    pub with_certificate: u64,
    /// Whether a certificate or key comes with the first of them or before it.
    pub begins_with_certificate: bool,
}

impl CameraSigned {
    /// What the signatures are called.
    pub fn names(&self) -> Vec<&'static str> {
        let named = [(self.onvif, Scheme::Onvif), (self.axis, Scheme::Axis)];
        named.into_iter().filter(|(n, _)| *n > 0).map(|(_, scheme)| scheme.name()).collect()
    }

    /// Whether there are any.
    pub fn is_any(&self) -> bool {
        self.onvif + self.axis > 0
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "file": self.file, "onvif_media_signing": self.onvif, "axis_signed_video": self.axis,
            "with_certificate": self.with_certificate, "begins_with_certificate": self.begins_with_certificate })
    }

    fn note(&mut self, messages: &[u8]) {
        for signature in camera_signatures(messages) {
            self.begins_with_certificate |= !self.is_any() && signature.has_certificate;
            self.with_certificate += u64::from(signature.has_certificate);
            match signature.scheme {
                Scheme::Onvif => self.onvif += 1,
                Scheme::Axis => self.axis += 1,
            }
        }
    }
}

/// What cameras signed of the clips of a folder. Those that are not there, or are no movies, are told by others.
pub(crate) fn check(dir: &Path, entries: &[ManifestEntry]) -> io::Result<Vec<CameraSigned>> {
    let mut all = Vec::new();
    for ManifestEntry { file, .. } in entries {
        let path = dir.join(file);
        let is_clip = path.extension().is_some_and(|kind| kind == "mp4") && !file.contains(['/', '\\']);
        if !is_clip || !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let mut found = CameraSigned { file: file.clone(), ..CameraSigned::default() };
        match look(&mut BufReader::new(File::open(&path)?), &mut found) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => all.push(found),
        }
    }
    Ok(all)
}

/// Looks through a movie of one video: its index, then the units of its pictures, each behind its length.
fn look(movie: &mut (impl Read + Seek), found: &mut CameraSigned) -> io::Result<()> {
    let end = movie.seek(SeekFrom::End(0))?;
    let (mut at, mut is_h265) = (0, false);
    while at + 8 <= end {
        movie.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        movie.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let (size, begin) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (end - at, at + 8),
            1 => (read_u64(movie)?, at + 16),
            short => (u64::from(short), at + 8),
        };
        if size < begin - at || size > end - at {
            return Ok(());
        }
        match &kind {
            b"moov" => {
                let mut index = Vec::new();
                movie.by_ref().take((size - 8).min(MOST_INDEX_BYTES)).read_to_end(&mut index)?;
                is_h265 = [b"hvc1", b"hev1"].iter().any(|name| index.windows(4).any(|word| word == **name));
            }
            b"mdat" => look_at_units(movie, at + size - begin, is_h265, found)?,
            _ => {}
        }
        at += size;
    }
    Ok(())
}

fn look_at_units(
    movie: &mut (impl Read + Seek),
    mut left: u64,
    is_h265: bool,
    found: &mut CameraSigned,
) -> io::Result<()> {
    let header_bytes = if is_h265 { 2 } else { 1 };
    while left > 4 + header_bytes {
        let mut length = [0; 4];
        movie.read_exact(&mut length)?;
        let length = u64::from(u32::from_be_bytes(length));
        left = left.saturating_sub(4 + length);
        if length <= header_bytes {
            movie.seek_relative(length as i64)?;
            continue;
        }
        let mut header = vec![0; header_bytes as usize];
        movie.read_exact(&mut header)?;
        let is_message = if is_h265 { header[0] >> 1 & 0x3F == 39 } else { header[0] & 0x1F == 6 };
        let mut rest = length - header_bytes;
        if is_message {
            let mut messages = Vec::new();
            rest -= movie.by_ref().take(rest.min(MOST_BYTES as u64)).read_to_end(&mut messages)? as u64;
            found.note(&messages);
        }
        movie.seek_relative(rest as i64)?;
    }
    Ok(())
}

fn read_u64(movie: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    movie.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

/// In words.
pub(crate) fn tell(all: &[CameraSigned], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for clip in all.iter().filter(|clip| clip.is_any()) {
        let n = clip.onvif + clip.axis;
        let certificate = match (clip.with_certificate, clip.begins_with_certificate) {
            (0, _) => "none with a certificate, so that they cannot be checked by this clip alone",
            (_, false) => "the first without a certificate",
            (_, true) => "a certificate with the first",
        };
        writeln!(
            f,
            "  {}: the camera signed this video itself ({}), {n} signatures, {certificate}; they are kept, not checked",
            clip.file,
            clip.names().join(", ")
        )?;
    }
    let bare: Vec<&str> = all.iter().filter(|clip| !clip.is_any()).map(|clip| clip.file.as_str()).collect();
    if bare.is_empty() {
        Ok(())
    } else {
        writeln!(f, "  signatures of the camera itself are in none of: {}", bare.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], &kind, content].concat()
    }

    fn unit(header: &[u8], content: &[u8]) -> Vec<u8> {
        [&((header.len() + content.len()) as u32).to_be_bytes()[..], header, content].concat()
    }

    fn signature(scheme: Scheme, body: &[u8]) -> Vec<u8> {
        [&[5, 16 + body.len() as u8][..], &scheme.uuid(), body, &[0x80]].concat()
    }

    fn found(movie: Vec<u8>) -> CameraSigned {
        let mut found = CameraSigned::default();
        let _ = look(&mut Cursor::new(movie), &mut found);
        found
    }

    #[test]
    fn signatures_are_counted_in_both_codings() {
        for (name, message, slice) in [(b"avc1", &[6][..], &[0x65][..]), (b"hvc1", &[78, 1], &[38, 1])] {
            let with = unit(message, &signature(Scheme::Onvif, &[0x80]));
            let bare = unit(message, &signature(Scheme::Axis, &[0, 5, 0, 1, 9]));
            let other = unit(message, &[5, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 0x80]);
            let slice = unit(slice, &signature(Scheme::Onvif, &[0x80]));
            let index = boxed(*b"moov", &boxed(*name, &[]));
            let movie = |units: &[&[u8]]| [index.clone(), boxed(*b"mdat", &units.concat())].concat();
            let told = found(movie(&[&with, &slice, &other, &bare, &slice]));
            assert_eq!((told.onvif, told.axis, told.with_certificate, told.begins_with_certificate), (1, 1, 1, true));
            let told = found(movie(&[&slice, &bare, &with]));
            assert_eq!((told.onvif, told.axis, told.with_certificate, told.begins_with_certificate), (1, 1, 1, false));
            assert!(!found(movie(&[&slice, &other])).is_any());
        }
    }

    proptest! {
        #[test]
        fn any_movie_is_survived(place in 0_usize..80, bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            let units = [unit(&[6], &signature(Scheme::Onvif, &[0x80])), unit(&[0x65], &[1, 2])].concat();
            let mut movie = [boxed(*b"moov", &boxed(*b"avc1", &[])), boxed(*b"mdat", &units)].concat();
            let n = movie.len();
            movie.splice(place.min(n)..(place + bytes.len()).min(n), bytes);
            prop_assert!(found(movie).onvif <= 2);
        }
    }
}
