//! The folder that a replay writes into, which a replay may have written into before.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::StorageDir;
use crate::exit::{CommandError, ExitCode};

/// Says that a replay made what lies beside it, so that the next one may replace it.
const MARK: &str = ".forewarn-replay";

/// Removes what an earlier replay into the same directory left, which would be taken for this one's. What no replay made
/// is left alone, and never marked as if one had.
pub(super) fn clear_earlier(out: &Path, with_evidence: bool) -> Result<(), CommandError> {
    let (mark, dir) = (out.join(MARK), StorageDir::new(out));
    let root = dir.evidence();
    if mark.exists() {
        let folders = [root, dir.heat()].into_iter().filter(|folder| folder.exists());
        for folder in folders.collect::<Vec<_>>() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("failed to clear {}", folder.display()))?;
        }
        for file in results(out)? {
            std::fs::remove_file(&file).with_context(|| format!("failed to remove {}", file.display()))?;
        }
    } else if root.exists() {
        if !with_evidence {
            return Ok(());
        }
        let error = anyhow::anyhow!(
            "{} holds evidence that no replay made, and a replay would replace it; choose another --out",
            root.display()
        );
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    std::fs::write(&mark, "").with_context(|| format!("failed to write {}", mark.display()))?;
    Ok(())
}

/// The files that a replay writes and the next one may not write again.
fn results(out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> { std::fs::read_dir(out)?.map(|entry| Ok(entry?.path())).collect() };
    let mut files = read().with_context(|| format!("failed to list {}", out.display()))?;
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let of_tracks = name.strip_suffix(".txt").filter(|stem| *stem == "tracks" || stem.starts_with("tracks-"));
        name == "incidents.jsonl" || of_tracks.is_some()
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn there(out: &Path) -> Vec<String> {
        let entries = fs::read_dir(out).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_an_earlier_replay_left_goes_and_what_others_put_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path();
        clear_earlier(out, true).unwrap();
        fs::create_dir_all(out.join("evidence/1970-01-01/a")).unwrap();
        for name in ["incidents.jsonl", "tracks.txt", "tracks-gate.txt", "tracksuits.txt", "notes.txt"] {
            fs::write(out.join(name), "x").unwrap();
        }
        clear_earlier(out, false).unwrap();
        assert_eq!(there(out), [MARK, "notes.txt", "tracksuits.txt"]);
    }

    #[test]
    fn evidence_that_no_replay_made_is_neither_replaced_nor_ever_taken_for_a_replays() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path();
        fs::create_dir_all(out.join("evidence/2026-11-30/a")).unwrap();
        clear_earlier(out, false).unwrap();
        let refused = clear_earlier(out, true).unwrap_err();
        assert_eq!(refused.code, ExitCode::BadInput);
        assert_eq!(there(out), ["evidence"]);
    }
}
