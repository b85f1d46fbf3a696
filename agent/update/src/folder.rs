//! The folder of updates: the state, and the two slots. Whatever is cut while it is written, the next start goes on from the
//! state, whose replacement is the one point at which anything is decided.

use std::cell::Cell;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};
use forewarn_seal::key::PublicKey;

use crate::bundle;
use crate::error::UpdateError;
use crate::manifest::{Entry, Manifest, Part};
use crate::moment::Moment;
use crate::placing::{self, Brought};
use crate::state::{Former, Phase, Placed, Program, Side, Slot, State, Step};
use crate::version::Version;

/// Rights of what all may read.
const READ_MODE: u32 = 0o644;
/// Rights of what all may run, and of folders that all may enter.
const RUN_MODE: u32 = 0o755;
/// Rights of what may hold secrets, such as a site file.
const PRIVATE_MODE: u32 = 0o600;
/// Free space that an update leaves.
const SPARE_BYTES: u64 = 64 << 20;

/// Where the files of an update go.
#[derive(Debug, Clone)]
pub struct Places {
    /// The model store.
    pub models: PathBuf,
    /// The site's own violation files.
    pub violations: PathBuf,
    /// The site file.
    pub site_file: PathBuf,
}

impl Places {
    fn of(&self, entry: &Entry) -> Option<PathBuf> {
        match entry.part {
            Part::Program => None,
            Part::Models => Some(self.models.join(&entry.name)),
            Part::Violations => Some(self.violations.join(&entry.name)),
            Part::Configuration => Some(self.site_file.clone()),
        }
    }
}

/// What is taken, and for whom.
pub struct Taking<'a> {
    /// The bundle's name, for messages.
    pub name: &'a str,
    /// The key that must have signed it.
    pub key: &'a PublicKey,
    /// The version of the package's own program.
    pub own: &'a Version,
    /// Where its files go.
    pub places: &'a Places,
    /// The parts of the agent that are in trouble already.
    pub ailing: Vec<String>,
}

/// The folder of updates.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `dir`, which need not be there yet.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    fn state_file(&self) -> PathBuf {
        self.0.join("state.json")
    }

    fn slot(&self, side: Side) -> PathBuf {
        self.0.join(side.name())
    }

    /// The program in a slot.
    pub fn program_of(&self, side: Side) -> PathBuf {
        self.slot(side).join("forewarn")
    }

    /// What is remembered; nothing where there is no folder.
    pub fn load(&self) -> Result<State, UpdateError> {
        let path = self.state_file();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            Err(error) => return Err(UpdateError::State { path, why: error.to_string() }),
        };
        serde_json::from_slice(&text).map_err(|error| UpdateError::State { path, why: error.to_string() })
    }

    fn save(&self, state: &State) -> Result<(), UpdateError> {
        let text = serde_json::to_vec_pretty(state).unwrap_or_default();
        let path = self.state_file();
        durable::replace_from(&path, &mut &text[..], READ_MODE).map_err(UpdateError::io("write", path))
    }

    /// Keeps every other command from changing anything, as long as it is held.
    fn hold(&self) -> Result<File, UpdateError> {
        self.folder(&self.0, RUN_MODE)?;
        let path = self.0.join("lock");
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.and_then(|file| file.lock().map(|()| file));
        file.map_err(UpdateError::io("take", path))
    }

    fn folder(&self, dir: &Path, mode: u32) -> Result<(), UpdateError> {
        let made = durable::create_dirs(dir, self.0.parent().unwrap_or(&self.0));
        let made = made.and_then(|()| fs::set_permissions(dir, Permissions::from_mode(mode)));
        made.map_err(UpdateError::io("make", dir))
    }

    /// Changes the state by one decision.
    pub fn decide<T, E: Into<UpdateError>>(
        &self,
        decide: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, UpdateError> {
        // Where there is no folder nothing can be decided either, and none is made for that.
        let _held = self.0.exists().then(|| self.hold()).transpose()?;
        let mut state = self.load()?;
        let decided = decide(&mut state).map_err(Into::into)?;
        self.save(&state)?;
        Ok(decided)
    }

    /// The program that is to run, checked to be what was signed; the package's own if none.
    pub fn runs(&self, own: &Version) -> Result<Option<(PathBuf, Version)>, UpdateError> {
        let state = self.load()?;
        let Some((slot, program)) = state.runs(own) else { return Ok(None) };
        let path = self.program_of(slot.side);
        hash::verify(&path, &program.sha256)?;
        Ok(Some((path, slot.manifest.version.clone())))
    }

    /// Takes an update and puts it ready. `judge` sees what it says of itself and `examine` what it brings, as it
    /// lies in its slot; nothing comes of it if one of them refuses.
    pub fn take(
        &self,
        from: impl Read,
        taking: &Taking<'_>,
        judge: impl FnOnce(&Manifest, &State) -> Result<(), UpdateError>,
        examine: impl FnOnce(&Manifest, &Brought) -> Result<(), UpdateError>,
    ) -> Result<Manifest, UpdateError> {
        let _held = self.hold()?;
        let mut state = self.load()?;
        let before = state.clone();
        let side = state.make_room()?;
        let dir = self.slot(side);
        let (mut placed, is_begun) = (Vec::new(), Cell::new(false));
        let prepare = |manifest: &Manifest| {
            judge(manifest, &before)?;
            self.has_room(manifest)?;
            self.save(&state)?;
            is_begun.set(true);
            self.empty(&dir)
        };
        let keep = |entry: &Entry, file: &mut dyn Read| {
            let place = taking.places.of(entry);
            let (path, mode) = match place {
                None => (self.program_of(side), RUN_MODE),
                Some(_) => (placing::file_of(&dir, placed.len()), PRIVATE_MODE),
            };
            durable::replace_from(&path, file, mode).map_err(UpdateError::io("write", &path))?;
            let found = hash::digest_of_file(&path).map_err(UpdateError::io("read", &path))?;
            bundle::is_as_signed(entry, &found, taking.name)?;
            let sha256 = entry.sha256.clone();
            placed.extend(place.map(|to| Placed { part: entry.part, to, sha256, former: Former::Unknown }));
            Ok(())
        };
        let manifest = bundle::read(from, taking.name, taking.key, prepare, keep);
        let slot = manifest.and_then(|manifest| {
            let program = self.program(side, &manifest, &state, taking.own)?;
            let slot = Slot { side, manifest, program, placed, ailing: taking.ailing.clone() };
            examine(&slot.manifest, &self.brought(&slot))?;
            Ok(slot)
        });
        if slot.is_err() && is_begun.get() {
            // What was written so far takes the room of others, maybe the last that there was.
            let _ = durable::remove_dir_all(&dir);
        }
        let slot = slot?;
        let manifest = slot.manifest.clone();
        state.ready(slot);
        self.save(&state)?;
        Ok(manifest)
    }

    /// The program of a new slot: its own, or the one that is in force, which moves on with it.
    fn program(
        &self,
        side: Side,
        manifest: &Manifest,
        state: &State,
        own: &Version,
    ) -> Result<Option<Program>, UpdateError> {
        if let Some(entry) = manifest.program() {
            return Ok(Some(Program { version: manifest.version.clone(), sha256: entry.sha256.clone() }));
        }
        let Some((slot, program)) = state.runs(own) else { return Ok(None) };
        let (from, to) = (self.program_of(slot.side), self.program_of(side));
        hash::verify(&from, &program.sha256)?;
        let mut file = File::open(&from).map_err(UpdateError::io("read", &from))?;
        durable::replace_from(&to, &mut file, RUN_MODE).map_err(UpdateError::io("write", to))?;
        Ok(Some(program.clone()))
    }

    /// What an update brings, as it lies in its slot.
    fn brought(&self, slot: &Slot) -> Brought {
        let is_new = slot.manifest.program().is_some();
        let program = slot.program.as_ref().map(|_| (self.program_of(slot.side), is_new));
        let mut brought = Brought { program, ..Brought::default() };
        for (n, placed) in slot.placed.iter().enumerate() {
            let file = placing::file_of(&self.slot(slot.side), n);
            match placed.part {
                Part::Configuration => brought.configuration = Some(file),
                Part::Violations => {
                    let name = placed.to.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    brought.violations.push((name, file));
                }
                Part::Program | Part::Models => {}
            }
        }
        brought
    }

    fn empty(&self, dir: &Path) -> Result<(), UpdateError> {
        if dir.exists() {
            durable::remove_dir_all(dir).map_err(UpdateError::io("empty", dir))?;
        }
        self.folder(dir, RUN_MODE)?;
        ["files", "former"].iter().try_for_each(|name| self.folder(&dir.join(name), 0o700))
    }

    /// What is written stays beside what it replaces, until the next update.
    pub(crate) fn has_room(&self, manifest: &Manifest) -> Result<(), UpdateError> {
        let needed = manifest.bytes().saturating_mul(2).saturating_add(SPARE_BYTES);
        let Ok(found) = rustix::fs::statvfs(&self.0) else { return Ok(()) };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if free >= needed {
            return Ok(());
        }
        Err(UpdateError::NoRoom { dir: self.0.clone(), needed_mib: needed >> 20, free_mib: free >> 20 })
    }

    /// Before each start of the agent: begins what lies ready, or undoes what did not do well. Says what was done.
    pub fn begin(&self) -> Result<Vec<String>, UpdateError> {
        // Who takes an update, which may last, has found all quiet before.
        if self.load()?.phase == Phase::Quiet {
            return Ok(Vec::new());
        }
        let _held = self.hold()?;
        let mut state = self.load()?;
        let mut told = Vec::new();
        match state.begin() {
            Step::Nothing => {}
            Step::Try(mut slot) => match placing::keep_former(&self.slot(slot.side), &mut slot) {
                Ok(()) => {
                    told.push(format!("the update to {} begins its trial", slot.manifest.version));
                    state.tried(slot.clone(), Moment::now());
                    self.save(&state)?;
                    self.put(&mut state, &slot, &mut told)?;
                }
                Err(error) => {
                    self.give_up(&mut state, &format!("what it replaces could not be kept: {error}"), &mut told)?;
                }
            },
            Step::Again(slot) => {
                self.save(&state)?;
                self.put(&mut state, &slot, &mut told)?;
            }
            Step::Undo(slot) => {
                self.save(&state)?;
                self.put_back(&mut state, &slot, &mut told)?;
            }
        }
        Ok(told)
    }

    fn put(&self, state: &mut State, slot: &Slot, told: &mut Vec<String>) -> Result<(), UpdateError> {
        match placing::put(&self.slot(slot.side), slot) {
            Ok(()) => Ok(()),
            Err(error) => self.give_up(state, &error.to_string(), told),
        }
    }

    fn give_up(&self, state: &mut State, why: &str, told: &mut Vec<String>) -> Result<(), UpdateError> {
        state.give_up(why, true)?;
        self.save(state)?;
        match state.begin() {
            Step::Undo(slot) => self.put_back(state, &slot, told),
            _ => Ok(()),
        }
    }

    fn put_back(&self, state: &mut State, slot: &Slot, told: &mut Vec<String>) -> Result<(), UpdateError> {
        told.extend(placing::put_back(&self.slot(slot.side), slot)?);
        state.back();
        self.save(state)?;
        if let Some(undone) = &state.undone {
            told.push(format!("the update to {} is undone: {}", undone.version, undone.why));
        }
        Ok(())
    }
}
