//! The files that `[map]` names: whether they hold what they should, before somebody opens the console's map.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use forewarn_index::Weights;
use forewarn_index::geometry::Outlines;

use crate::source::{ConfigError, ConfigErrors, Source};

/// What browsers show: how such files end, and what they begin with.
const PICTURES: [(&[&str], &[u8]); 3] =
    [(&["png"], b"\x89PNG\r\n\x1a\n"), (&["jpg", "jpeg"], b"\xff\xd8\xff"), (&["webp"], b"RIFF")];
/// The deepest zoom by which maps of the web are cut.
const DEEPEST: u8 = 24;
/// So many entries of a folder of tiles are looked at.
const LOOKED_AT: usize = 64;

fn ending(path: &Path) -> String {
    path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_lowercase()
}

/// Whether a file ends as a picture that browsers show.
pub(crate) fn ends_as_picture(path: &Path) -> bool {
    PICTURES.iter().any(|(endings, _)| endings.contains(&ending(path).as_str()))
}

/// Why no browser shows this picture; none where one does.
pub(crate) fn fault_of_picture(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut head));
    if let Err(error) = read {
        return Some(format!("failed to read {}: {error}", path.display()));
    }
    let is_picture =
        |begins: &[u8]| head.starts_with(begins) && (begins != b"RIFF" || head.get(8..12) == Some(b"WEBP"));
    match PICTURES.iter().find(|(_, begins)| is_picture(begins)) {
        Some((endings, _)) if endings.contains(&ending(path).as_str()) => match is_cut(path, endings[0]) {
            Ok(false) => None,
            Ok(true) => Some(format!("{} ends before the picture does", path.display())),
            Err(error) => Some(format!("failed to read {}: {error}", path.display())),
        },
        Some((endings, _)) => Some(format!("{} is a {} file by what is in it", path.display(), endings[0])),
        None => Some(format!("{} is no picture by what is in it", path.display())),
    }
}

/// Whether a picture of this kind was copied in part only: browsers show the upper half of such, or nothing.
fn is_cut(path: &Path, kind: &str) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    Ok(match kind {
        // Blocks of a length, a name, what is in them and four bytes more, the last of which is named so.
        "png" => {
            let mut rest = bytes.get(8..).unwrap_or_default();
            loop {
                let Some(([l0, l1, l2, l3], name)) = rest.split_first_chunk() else { break true };
                let within = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
                let Some(after) = name.get(within.saturating_add(8)..) else { break true };
                if name.starts_with(b"IEND") {
                    break false;
                }
                rest = after;
            }
        }
        // Some programs write more behind its end.
        "jpg" => !bytes.windows(2).any(|two| two == [0xff, 0xd9]),
        _ => {
            let stated = bytes.get(4..8).and_then(|four| four.try_into().ok()).map_or(u32::MAX, u32::from_le_bytes);
            bytes.len() < (stated as usize).saturating_add(8)
        }
    })
}

/// Why a folder holds no tiles; none where it does.
pub(crate) fn fault_of_tiles(folder: &Path) -> Option<String> {
    let within = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(LOOKED_AT).map(|entry| entry.path()).collect()
    };
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u32>().ok();
    let zooms = within(folder).into_iter().filter(|path| number(path).is_some_and(|zoom| zoom <= u32::from(DEEPEST)));
    let mut zooms = zooms.peekable();
    if zooms.peek().is_none() {
        return Some(format!("{} has no folder of a zoom, such as `14`", folder.display()));
    }
    let columns = zooms.flat_map(|zoom| within(&zoom)).filter(|path| number(path).is_some());
    let tile = columns.flat_map(|column| within(&column)).find(|tile| ends_as_picture(tile) && number(tile).is_some());
    match tile {
        Some(tile) => fault_of_picture(&tile),
        None => Some(format!("{} has no tile, such as `14/13660/6711.png`", folder.display())),
    }
}

/// Reads a file of weights.
pub fn weights(path: &Path) -> Result<Weights, ConfigErrors> {
    let source = Source::read(path)?;
    let weights: Weights = source.parse()?;
    weights.validate().map_err(|error| source.error_of_file(error.to_string(), "correct the number"))?;
    Ok(weights)
}

/// Reads a file of outlines.
pub fn outlines(path: &Path) -> Result<Outlines, ConfigError> {
    let source = Source::read(path)?;
    let outlines = Outlines::from_geojson(source.text())
        .map_err(|error| source.error_of_file(error.to_string(), "correct the file, or name another one"))?;
    if outlines.is_empty() {
        let mend = "add a Feature for each place, with its id as the property `cell`, or leave `outlines` out";
        return Err(source.error_of_file("it holds no outline", mend));
    }
    Ok(outlines)
}

/// One grey point.
#[cfg(test)]
pub(crate) const WHOLE_PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\xdach\0\0\0\x82\0\x81\xdaE\x08;\0\0\0\0IEND\xaeB`\x82";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_judged_by_what_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let fault = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            fault_of_picture(&path).map(|fault| fault.replace(&dir.path().display().to_string(), "."))
        };
        assert_eq!(fault("a.png", WHOLE_PNG), None);
        assert_eq!(fault("a.JPG", b"\xff\xd8\xff\xe0\0\x02\xff\xd9"), None);
        assert_eq!(fault("a.webp", b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0"), None);
        for n in [8, 20, 33, 50, WHOLE_PNG.len() - 1] {
            assert_eq!(fault("d.png", &WHOLE_PNG[..n]).unwrap(), "./d.png ends before the picture does", "{n}");
        }
        assert_eq!(fault("d.jpg", b"\xff\xd8\xff\xe0\0\x02").unwrap(), "./d.jpg ends before the picture does");
        assert_eq!(fault("d.webp", b"RIFF\x1a\0\0\0WEBPVP8 ").unwrap(), "./d.webp ends before the picture does");
        assert_eq!(fault("b.webp", b"RIFF\x1a\0\0\0WAVEfmt ").unwrap(), "./b.webp is no picture by what is in it");
        assert_eq!(fault("b.png", b"").unwrap(), "./b.png is no picture by what is in it");
        assert_eq!(fault("c.png", b"\xff\xd8\xff\xe0").unwrap(), "./c.png is a jpg file by what is in it");
    }

    #[test]
    fn a_folder_of_tiles_has_a_tile() {
        let dir = tempfile::tempdir().unwrap();
        let fault = || fault_of_tiles(dir.path()).unwrap_or_default();
        assert!(fault().contains("has no folder of a zoom"), "{}", fault());
        fs::create_dir_all(dir.path().join("14/13660")).unwrap();
        assert!(fault().contains("has no tile"), "{}", fault());
        fs::write(dir.path().join("14/13660/6711.png"), "<html>").unwrap();
        assert!(fault().ends_with("6711.png is no picture by what is in it"), "{}", fault());
        fs::write(dir.path().join("14/13660/6711.png"), WHOLE_PNG).unwrap();
        assert_eq!(fault(), "");
    }
}
