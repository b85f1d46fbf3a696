//! The file of differences: one JSON object a line, bounded in size, and its summary.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use forewarn_domain::{Class, Detection, FrameMeta, WallTime};
use serde::{Deserialize, Serialize};

use super::{Comparison, Tally};

/// The file cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} the shadow file `{path}`: {source}")]
pub struct LogError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// One line: where two models differ on one frame. Frames on which they agree only count in `matched`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    /// When the frame was taken, RFC 3339.
    at: String,
    camera: String,
    frame: u64,
    main: String,
    shadow: String,
    classes: BTreeMap<Class, TallyLine>,
    only_main: Vec<Detection>,
    only_shadow: Vec<Detection>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct TallyLine {
    matched: u64,
    only_main: u64,
    only_shadow: u64,
}

/// Writes a file such as `shadow.jsonl`. When it has half of the bytes allowed it becomes `shadow.1.jsonl`, in place of
/// an older one.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
    shadow: String,
}

impl Log {
    /// Opens a file, whose directory is made if it is not there. `shadow` is the second model's name.
    pub fn open(path: &Path, max_bytes: u64, shadow: &str) -> Result<Self, LogError> {
        let fail = |source| LogError { action: "open", path: path.to_owned(), source };
        fs::create_dir_all(path.parent().unwrap_or(path)).map_err(fail)?;
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
        let written = file.metadata().map_err(fail)?.len();
        Ok(Self { file, written, max_bytes, shadow: shadow.to_owned(), path: path.to_owned() })
    }

    /// Appends one frame, compared when the clock showed `at`, on which `main` was the main model.
    pub fn write(
        &mut self,
        meta: &FrameMeta,
        at: WallTime,
        main: &str,
        comparison: &Comparison,
    ) -> Result<(), LogError> {
        let tally = |t: &Tally| TallyLine { matched: t.matched, only_main: t.only_main, only_shadow: t.only_shadow };
        let line = Line {
            at: at.to_rfc3339(),
            camera: meta.stream.to_string(),
            frame: meta.sequence,
            main: main.to_owned(),
            shadow: self.shadow.clone(),
            classes: comparison.classes.iter().map(|(class, t)| (class.clone(), tally(t))).collect(),
            only_main: comparison.only_main.clone(),
            only_shadow: comparison.only_shadow.clone(),
        };
        let fail = |source: io::Error| LogError { action: "write", path: self.path.clone(), source };
        let mut text = serde_json::to_vec(&line).map_err(|error| fail(error.into()))?;
        text.push(b'\n');
        let half = self.max_bytes / 2;
        if self.written > 0 && self.written + text.len() as u64 > half {
            fs::rename(&self.path, older(&self.path)).map_err(fail)?;
            self.file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(fail)?;
            self.written = 0;
        }
        if text.len() as u64 > half {
            // A single frame never has so many boxes that this matters, but the bound holds whatever comes.
            return Ok(());
        }
        self.file.write_all(&text).map_err(fail)?;
        self.written += text.len() as u64;
        Ok(())
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

/// What the files of a directory say about two models, over all frames that they still hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Name of the main model.
    pub main: String,
    /// Name of the shadow model.
    pub shadow: String,
    /// Frames.
    pub frames: u64,
    /// Frames on which the models agree.
    pub agreeing: u64,
    /// By class.
    pub classes: BTreeMap<Class, Tally>,
}

/// Sums a log and its older half up, one summary for each pair of models. Lines that were cut off are left out.
pub fn summarise(path: &Path) -> Result<Vec<Summary>, LogError> {
    let mut pairs: BTreeMap<(String, String), Summary> = BTreeMap::new();
    for path in [older(path), path.to_owned()] {
        let fail = |source| LogError { action: "read", path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(fail(error)),
        };
        for line in BufReader::new(file).lines() {
            let Ok(line) = serde_json::from_str::<Line>(&line.map_err(fail)?) else { continue };
            let key = (line.main.clone(), line.shadow.clone());
            let summary = pairs.entry(key).or_insert_with(|| Summary {
                main: line.main.clone(),
                shadow: line.shadow.clone(),
                ..Summary::default()
            });
            summary.frames += 1;
            summary.agreeing += u64::from(line.only_main.is_empty() && line.only_shadow.is_empty());
            for (class, t) in line.classes {
                let tally = Tally { matched: t.matched, only_main: t.only_main, only_shadow: t.only_shadow };
                summary.classes.entry(class).or_default().add(tally);
            }
        }
    }
    Ok(pairs.into_values().collect())
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{StreamId, Timestamp};

    use super::*;
    use crate::shadow::compare;

    const AT: WallTime = WallTime::from_micros(0);

    fn meta(sequence: u64) -> FrameMeta {
        let stream = StreamId::new("gate").unwrap();
        FrameMeta { stream, sequence, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO }
    }

    fn size(dir: &Path) -> u64 {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    }

    #[test]
    fn the_files_stay_within_their_bound_and_are_summed_up() {
        let dir = tempfile::tempdir().unwrap();
        let person = Detection { class: Class::new("person"), score: 0.8, bbox: [0.0, 0.0, 9.0, 9.0].into() };
        let both = compare(std::slice::from_ref(&person), std::slice::from_ref(&person), 0.4);
        let one = compare(std::slice::from_ref(&person), &[], 0.4);
        let path = dir.path().join("shadow.jsonl");
        let mut log = Log::open(&path, 4096, "b").unwrap();
        for sequence in 0..6 {
            log.write(&meta(sequence), AT, "a", if sequence < 4 { &both } else { &one }).unwrap();
        }
        let summary = summarise(&path).unwrap();
        assert_eq!((summary.len(), summary[0].frames, summary[0].agreeing), (1, 6, 4));
        let tally = summary[0].classes[&person.class];
        assert_eq!(tally, Tally { matched: 4, only_main: 2, only_shadow: 0 });
        for sequence in 0..500 {
            log.write(&meta(sequence), AT, "a", &one).unwrap();
            assert!(size(dir.path()) <= 4096);
        }
        // A line that was cut off by a crash is passed over, and writing goes on behind it.
        drop(log);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, [&bytes[..bytes.len() - 9], b"\n"].concat()).unwrap();
        let before = summarise(&path).unwrap()[0].frames;
        Log::open(&path, 4096, "b").unwrap().write(&meta(9), AT, "a", &one).unwrap();
        assert_eq!(summarise(&path).unwrap()[0].frames, before + 1);
    }

    #[test]
    fn no_files_are_no_summary() {
        assert!(summarise(&tempfile::tempdir().unwrap().path().join("shadow.jsonl")).unwrap().is_empty());
    }
}
