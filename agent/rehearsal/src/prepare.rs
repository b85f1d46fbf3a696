//! Which site is rehearsed, and by which files.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_cli::Rehearse;
use forewarn_config::Site;
use forewarn_config::edit::{self, Draft};
use forewarn_domain::site_change::SiteChange;
use forewarn_domain::{StreamId, Timestamp, WallTime};
use forewarn_pipelines::footage::{self, CutError, Part};
use forewarn_wire::RehearsalLine;

use crate::error::RehearsalError;

/// What lacks for less is no gap.
const GAP_FROM_US: i64 = 1_500_000;
/// What is copied of the file that is being written.
const LATEST: &str = "latest.mp4";

/// A site of one camera, and the footage of it.
#[derive(Debug)]
pub struct Rehearsal {
    /// The site, as it would be.
    pub site: Site,
    /// The first file.
    pub clip: PathBuf,
    /// Those that follow it, each with the time of its first picture since that of the first file.
    pub following: VecDeque<(Timestamp, PathBuf)>,
    /// When the first picture was taken.
    pub from: WallTime,
    pub(crate) to: WallTime,
    /// From when to when footage lacks, in microseconds since 1970.
    pub(crate) gaps: Vec<[i64; 2]>,
}

impl Rehearsal {
    /// What is asked for, at this time of day. Makes the folder of results.
    pub fn of(args: &Rehearse, now: WallTime) -> Result<Self, RehearsalError> {
        let mut site = match &args.changes {
            Some(changes) => changed(&args.config, changes, &args.camera)?,
            None => forewarn_config::load(&args.config)?,
        };
        let root = site.storage.dir.footage();
        if site.cameras.iter().all(|camera| camera.id != args.camera) {
            let known: Vec<&str> = site.cameras.iter().map(|camera| camera.id.as_str()).collect();
            return Err(RehearsalError::Camera { camera: args.camera.clone(), known: known.join(", ") });
        }
        site.cameras.retain(|camera| camera.id == args.camera);
        site.heat_map = None;
        fs::create_dir_all(&args.out).map_err(RehearsalError::io(&args.out))?;
        let since = WallTime::from_micros(now.as_micros() - i64::from(args.last) * 60_000_000);
        let parts = footage::parts(&root, &args.camera, (since, now), &args.out.join(LATEST));
        let parts = parts.map_err(|error| match error {
            CutError::Nothing { camera, .. } => RehearsalError::Nothing { camera, minutes: args.last },
            other => RehearsalError::Footage(other),
        })?;
        Ok(Self::over(site, &parts))
    }

    /// Over files, of which there is one at least.
    fn over(site: Site, parts: &[Part]) -> Self {
        let (first, last) = (&parts[0], &parts[parts.len() - 1]);
        let (from, to) = (first.from, last.to);
        let since = |part: &Part| Timestamp::from_micros(part.from.micros_after(from));
        let gap = |pair: &[Part]| [pair[0].to.as_micros(), pair[1].from.as_micros()];
        let gaps = parts.windows(2).map(gap).filter(|[until, from]| from - until > GAP_FROM_US).collect();
        let following = parts[1..].iter().map(|part| (since(part), part.path.clone())).collect();
        Self { site, clip: first.path.clone(), following, from, to, gaps }
    }

    /// What is written down first.
    pub(crate) fn begun(&self) -> RehearsalLine {
        let (from_us, to_us) = (self.from.as_micros(), self.to.as_micros());
        RehearsalLine::Begun { from_us, to_us, gaps: self.gaps.clone() }
    }

    /// Removes the copy of the latest file, which is video like any other.
    pub(crate) fn forget_copy(out: &Path) -> Result<(), RehearsalError> {
        let copy = out.join(LATEST);
        match fs::remove_file(&copy) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RehearsalError::io(copy)(error)),
            _ => Ok(()),
        }
    }

    /// When the first picture was taken, as a replay is told it.
    pub fn start(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.from.as_micros()).unwrap_or_default()
    }
}

/// The site as it would be with the changes of a file.
fn changed(config: &Path, changes: &Path, camera: &StreamId) -> Result<Site, RehearsalError> {
    let wrong = |why: String| RehearsalError::Changes { path: changes.to_owned(), why };
    let text = fs::read(changes).map_err(|error| wrong(error.to_string()))?;
    let asked: Vec<SiteChange> = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if let Some(idle) = asked.iter().position(|change| change.watched_at() != Some(camera)) {
        return Err(RehearsalError::Idle { path: changes.to_owned(), number: idle + 1, camera: camera.clone() });
    }
    let asked = edit::changes_of(config, &asked)?;
    Ok(Draft::of(config, &asked)?.site)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, from_s: f64, to_s: f64) -> Part {
        Part { path: name.into(), from: WallTime::from_secs_f64(from_s), to: WallTime::from_secs_f64(to_s) }
    }

    #[test]
    fn files_follow_each_other_as_they_were_taken_and_what_lacks_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (config, changes) = (folder.path().join("site.toml"), folder.path().join("changes.json"));
        let text = "[site]\nid = \"market\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://192.0.2.1/1\"\nfootage = true\n";
        fs::write(&config, text).unwrap();
        let drawn =
            r#"{"shape": "area", "id": "kerb", "points": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]], "is_there": false}"#;
        fs::write(&changes, format!(r#"[{{"draw": {{"camera": "gate", "drawn": {drawn}}}}}]"#)).unwrap();
        let gate = StreamId::new("gate").unwrap();
        let site = changed(&config, &changes, &gate).unwrap();
        assert!(site.cameras[0].zones.iter().any(|zone| zone.id.as_str() == "kerb"), "{:?}", site.cameras[0].zones);
        assert_eq!(fs::read_to_string(&config).unwrap(), text, "nothing is saved");
        let parts = [part("a", 100.0, 160.0), part("b", 160.5, 219.0), part("c", 300.0, 310.0)];
        let rehearsal = Rehearsal::over(site, &parts);
        let at: Vec<f64> = rehearsal.following.iter().map(|(at, _)| at.as_secs_f64()).collect();
        assert_eq!(at, [60.5, 200.0]);
        let gaps = vec![[219_000_000, 300_000_000]];
        assert_eq!(rehearsal.begun(), RehearsalLine::Begun { from_us: 100_000_000, to_us: 310_000_000, gaps });
        fs::write(&changes, "[{}]").unwrap();
        let told = changed(&config, &changes, &gate).unwrap_err();
        assert!(told.is_of_the_input() && told.to_string().contains("holds no changes"), "{told}");
        let rule = r#"{"remove_rule": {"camera": "gate", "violation": "loitering", "zone": "kerb"}}"#;
        for idle in [
            r#"{"add_camera": {"id": "yard", "url": "rtsp://192.0.2.2/1", "user": "ann", "password": "s3"}}"#
                .to_owned(),
            r#"{"set_speakers": {"camera": "gate", "speakers": []}}"#.to_owned(),
            rule.replace("gate", "yard"),
        ] {
            fs::write(&changes, format!("[{rule}, {idle}]")).unwrap();
            let told = changed(&config, &changes, &gate).unwrap_err();
            assert!(told.is_of_the_input() && told.to_string().contains("change 2 changes nothing"), "{told}");
        }
    }
}
