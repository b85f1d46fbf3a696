//! The paper of a mission: what was ordered, and from when to when it was flown. One is on at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::WallTime;
use serde::{Deserialize, Serialize};

use crate::MissionError;

/// The paper of a mission within its folder.
const PAPER: &str = "mission.json";
/// The paper of the one that is on, beside the folders.
const CURRENT: &str = "current.json";
/// So many names are told where one is not found.
const MOST_TOLD: usize = 5;

/// What somebody orders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Order {
    /// Which way is flown.
    pub route: String,
    /// Who flies.
    pub pilot: String,
    /// What else is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mission {
    /// Its name: when it began.
    pub id: String,
    /// What was ordered.
    #[serde(flatten)]
    pub order: Order,
    /// The site.
    pub site: String,
    /// The site's time zone.
    pub time_zone: String,
    /// When it began.
    pub started_at: WallTime,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WallTime>,
    /// Whether its instants are those of a clip whose date nobody stated.
    #[serde(default)]
    pub is_clip: bool,
}

impl Mission {
    /// One that begins now.
    pub fn begun(order: Order, site: &forewarn_config::Site, now: WallTime) -> Self {
        let id = now.to_rfc3339().replace(':', "-").replace(".000Z", "Z");
        let (site, time_zone) =
            (site.header.id.to_string(), site.header.time_zone.iana_name().unwrap_or("UTC").to_owned());
        Self { id, order, site, time_zone, started_at: now, ended_at: None, is_clip: false }
    }
}

/// The folder of all missions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missions(PathBuf);

impl Missions {
    /// The folder at `path`, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the notes of a mission lie.
    pub fn notes(&self, mission: &Mission) -> PathBuf {
        self.0.join(&mission.id).join("notes")
    }

    /// The one that is on.
    pub fn current(&self) -> Result<Option<Mission>, MissionError> {
        read(&self.0.join(CURRENT))
    }

    /// Begins one.
    pub fn start(&self, mission: &Mission) -> Result<(), MissionError> {
        if let Some(on) = self.current()? {
            return Err(MissionError::IsOn(on.id));
        }
        self.write(mission)?;
        write(&self.0.join(CURRENT), mission)
    }

    /// Ends the one that is on.
    pub fn stop(&self, now: WallTime) -> Result<Mission, MissionError> {
        let on = self.current()?.ok_or(MissionError::NoneOn)?;
        let ended = Mission { ended_at: Some(now.max(on.started_at)), ..on };
        self.write(&ended)?;
        let path = self.0.join(CURRENT);
        durable::remove_file(&path).map_err(MissionError::file("remove", &path))?;
        Ok(ended)
    }

    /// Writes the paper of a mission into its folder.
    pub fn write(&self, mission: &Mission) -> Result<(), MissionError> {
        let folder = self.0.join(&mission.id);
        durable::create_dirs(&folder, &self.0).map_err(MissionError::file("make", &folder))?;
        write(&folder.join(PAPER), mission)
    }

    /// The names of all, the latest last.
    pub fn names(&self) -> Result<Vec<String>, MissionError> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(MissionError::file("read", &self.0))?,
        };
        let has_paper = |entry: &fs::DirEntry| entry.path().join(PAPER).is_file();
        let mut names: Vec<String> =
            entries.flatten().filter(has_paper).filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Deletes the oldest that are over until all take no more than so many bytes. The names of those that went.
    pub fn make_room(&self, most_bytes: u64) -> Result<Vec<String>, MissionError> {
        let current = self.current()?.map(|mission| mission.id);
        let mut sizes = Vec::new();
        for name in self.names()? {
            let bytes = bytes_of(&self.0.join(&name));
            sizes.push((name, bytes));
        }
        let mut sum: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
        let mut gone = Vec::new();
        for (name, bytes) in sizes {
            if sum <= most_bytes {
                break;
            }
            if current.as_ref() == Some(&name) {
                continue;
            }
            let folder = self.0.join(&name);
            // Without its paper it is no mission any more, should the rest be cut off.
            let removed = durable::remove_file(&folder.join(PAPER)).and_then(|()| fs::remove_dir_all(&folder));
            removed.map_err(MissionError::file("remove", &folder))?;
            sum -= bytes;
            gone.push(name);
        }
        Ok(gone)
    }

    /// What the mission that is on takes on the disk, in bytes.
    pub fn taken(&self) -> Result<u64, MissionError> {
        Ok(self.current()?.map_or(0, |mission| bytes_of(&self.0.join(&mission.id))))
    }

    /// The mission of this name; the latest without one.
    pub fn find(&self, id: Option<&str>) -> Result<Mission, MissionError> {
        let names = self.names()?;
        let name = match id {
            None => names.last().ok_or(MissionError::Never)?,
            Some(id) => match names.iter().find(|name| *name == id) {
                Some(name) => name,
                None if names.is_empty() => return Err(MissionError::Never),
                None => {
                    let known = names.iter().rev().take(MOST_TOLD).cloned().collect();
                    return Err(MissionError::Unknown { id: id.to_owned(), known });
                }
            },
        };
        read(&self.0.join(name).join(PAPER))?.ok_or(MissionError::Never)
    }
}

/// What the files of a mission's folder take.
fn bytes_of(folder: &Path) -> u64 {
    let files = [folder.to_owned(), folder.join("notes")];
    let entries = files.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

fn read(path: &Path) -> Result<Option<Mission>, MissionError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(MissionError::file("read", path))?,
    };
    serde_json::from_slice(&bytes).map_err(|source| MissionError::Damaged { path: path.to_owned(), source })
}

fn write(path: &Path, mission: &Mission) -> Result<(), MissionError> {
    let text = serde_json::to_vec_pretty(mission).map_err(io::Error::from);
    text.and_then(|text| durable::replace(path, &text)).map_err(MissionError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mission(seconds: f64) -> Mission {
        let started_at = WallTime::from_secs_f64(seconds);
        let order = Order { route: "hill".to_owned(), pilot: "Li".to_owned(), note: None };
        let id = started_at.to_rfc3339().replace(':', "-");
        Mission {
            id,
            order,
            site: "s".to_owned(),
            time_zone: "UTC".to_owned(),
            started_at,
            ended_at: None,
            is_clip: false,
        }
    }

    #[test]
    fn one_is_on_at_a_time_and_each_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let missions = Missions::at(dir.path().join("missions"));
        assert!(matches!(missions.stop(WallTime::from_micros(0)), Err(MissionError::NoneOn)));
        assert!(matches!(missions.find(None), Err(MissionError::Never)));
        missions.start(&mission(10.0)).unwrap();
        assert!(matches!(missions.start(&mission(20.0)), Err(MissionError::IsOn(id)) if id == mission(10.0).id));
        let ended = missions.stop(WallTime::from_secs_f64(30.0)).unwrap();
        assert_eq!((ended.ended_at, missions.current().unwrap()), (Some(WallTime::from_secs_f64(30.0)), None));
        missions.start(&mission(40.0)).unwrap();
        assert_eq!(missions.find(None).unwrap(), mission(40.0));
        assert_eq!(missions.find(Some(&ended.id)).unwrap(), ended);
        let told = missions.find(Some("x")).unwrap_err().to_string();
        assert!(told.contains(&mission(40.0).id), "{told}");
    }

    #[test]
    fn the_oldest_that_are_over_make_room_and_the_one_that_is_on_stays() {
        let dir = tempfile::tempdir().unwrap();
        let missions = Missions::at(dir.path());
        for seconds in [10.0, 30.0, 50.0, 70.0] {
            missions.start(&mission(seconds)).unwrap();
            let notes = missions.notes(&mission(seconds));
            fs::create_dir_all(&notes).unwrap();
            fs::write(notes.join("1.jsonl"), vec![b'x'; 10_000]).unwrap();
            if seconds < 70.0 {
                missions.stop(WallTime::from_secs_f64(seconds + 10.0)).unwrap();
            }
        }
        assert_eq!(missions.make_room(50_000).unwrap(), Vec::<String>::new());
        assert_eq!(missions.make_room(25_000).unwrap(), [mission(10.0).id, mission(30.0).id]);
        assert_eq!(missions.names().unwrap(), [mission(50.0).id, mission(70.0).id]);
        assert_eq!(missions.make_room(0).unwrap(), [mission(50.0).id]);
        assert_eq!(missions.find(None).unwrap(), mission(70.0), "it is on");
        assert!((10_000..12_000).contains(&missions.taken().unwrap()), "its notes and its paper");
        missions.stop(WallTime::from_secs_f64(80.0)).unwrap();
        assert_eq!(missions.taken().unwrap(), 0, "none is on");
    }

    #[test]
    fn a_clock_that_was_set_back_ends_no_mission_before_it_began() {
        let dir = tempfile::tempdir().unwrap();
        let missions = Missions::at(dir.path());
        missions.start(&mission(10.0)).unwrap();
        assert_eq!(missions.stop(WallTime::from_secs_f64(5.0)).unwrap().ended_at, Some(WallTime::from_secs_f64(10.0)));
    }
}
