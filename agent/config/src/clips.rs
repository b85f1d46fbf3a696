//! A folder of clips with truth files, found and checked before anything is played.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forewarn_evaluate::truth::ClipTruth;

use crate::site::load_with_model;
use crate::source::Source;
use crate::{ConfigErrors, Site, truth};

/// Folders below the one that is named are searched to this depth.
const MAX_DEPTH: usize = 8;
/// Name endings of clips.
const CLIPS: [&str; 7] = ["mp4", "mkv", "avi", "mov", "ts", "m4v", "webm"];

/// The clips of a folder cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ClipsError {
    /// The site for the clips of a truth file is not named and does not lie beside it.
    #[error("{} has no site.toml beside it; name the site file with --config, or put one there", .0.display())]
    NoSite(PathBuf),
    /// A site file or a truth file has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The folder holds no truth file.
    #[error(
        "{} holds no truth file: write a truth.toml beside the clips (docs/evaluation.md, \"Truth files\")", .0.display()
    )]
    NoTruth(PathBuf),
    /// A clip that a truth file names is nowhere.
    #[error(transparent)]
    NoClip(ConfigErrors),
    /// A folder cannot be listed.
    #[error("failed to list {}: {source}", .folder.display())]
    Unlisted {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A site file and the model in place of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// The site file; the `site.toml` beside each truth file if none.
    pub config: Option<PathBuf>,
    /// Name or path of a model card; the site's own if none.
    pub model: Option<String>,
}

impl Variant {
    /// The site file for the clips of a truth file.
    pub fn site_file(&self, truth_file: &Path) -> PathBuf {
        self.config.clone().unwrap_or_else(|| truth_file.with_file_name("site.toml"))
    }

    /// The site for the clips of a truth file.
    pub fn site(&self, truth_file: &Path) -> Result<Site, ClipsError> {
        let path = self.site_file(truth_file);
        if self.config.is_none() && !path.is_file() {
            return Err(ClipsError::NoSite(truth_file.to_owned()));
        }
        Ok(load_with_model(&path, self.model.as_deref())?)
    }
}

/// A clip to be played.
#[derive(Debug, Clone)]
pub struct Job {
    /// The clip's name in results: its path below the folder.
    pub name: String,
    /// The clip.
    pub path: PathBuf,
    /// The truth file.
    pub truth_file: PathBuf,
    /// What happens in it.
    pub truth: ClipTruth,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Folder {
    /// The clips with truth, in the order of their truth files' paths and within these.
    pub jobs: Vec<Job>,
    /// Remarks for people: clips without truth, clips that are missing.
    pub notes: Vec<String>,
}

/// Where clips may lie, and what is done about those that do not.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Further folders in which clips are looked for.
    pub clips: &'a [PathBuf],
    /// Whether clips that are nowhere are left out with a note.
    pub skip_missing: bool,
}

/// Finds every truth file of the folder and checks it against the sites that will be used.
pub fn open(search: &Search<'_>, variants: &[Variant]) -> Result<Folder, ClipsError> {
    let (truth_files, clips) = list(search.folder)?;
    if truth_files.is_empty() {
        return Err(ClipsError::NoTruth(search.folder.to_owned()));
    }
    let mut folder = Folder::default();
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for truth_file in truth_files {
        let mut known = truth::built_in()?;
        for variant in variants {
            truth::add(&mut known, &variant.site(&truth_file)?);
        }
        match truth::load(&truth_file, &known) {
            Ok((source, truths)) => {
                for truth in truths {
                    let key = (truth_file.with_file_name(&truth.file), truth.camera.clone());
                    if !seen.insert(key) {
                        let problem = format!("{} is named twice for camera {}", truth.file.display(), truth.camera);
                        errors.push(source.error(truth.place, problem, "keep all that happens in one `[[clip]]`"));
                        continue;
                    }
                    folder.add(search, (&truth_file, &source), truth)?;
                }
            }
            Err(mistakes) => errors.extend(mistakes.0),
        }
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors).into());
    }
    let named: BTreeSet<&PathBuf> = folder.jobs.iter().map(|job| &job.path).collect();
    for clip in clips.iter().filter(|clip| !named.contains(clip)) {
        folder.notes.push(format!("{} has no truth and is not played", clip.display()));
    }
    Ok(folder)
}

impl Folder {
    fn add(
        &mut self,
        search: &Search<'_>,
        (truth_file, source): (&Path, &Source),
        truth: ClipTruth,
    ) -> Result<(), ClipsError> {
        let beside = truth_file.with_file_name(&truth.file);
        let elsewhere = search.clips.iter().map(|dir| dir.join(&truth.file));
        let Some(path) = std::iter::once(beside.clone()).chain(elsewhere).find(|path| path.is_file()) else {
            let missing = format!("there is no clip {}", beside.display());
            if search.skip_missing {
                self.notes.push(format!("{missing}; it is left out"));
                return Ok(());
            }
            let mend =
                "put it beside the truth file, name its folder with --clips, or leave it out with --skip-missing";
            return Err(ClipsError::NoClip(ConfigErrors(vec![source.error(truth.place, missing, mend)])));
        };
        let name = beside.strip_prefix(search.folder).unwrap_or(&beside).to_string_lossy().into_owned();
        self.jobs.push(Job { name, path, truth_file: truth_file.to_owned(), truth });
        Ok(())
    }
}

/// The truth files and the clips below a folder, each in the order of their paths.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ClipsError> {
    let (mut truth_files, mut clips) = (Vec::new(), Vec::new());
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((dir, depth)) = open.pop() {
        let unlisted = |source| ClipsError::Unlisted { folder: dir.clone(), source };
        for entry in std::fs::read_dir(&dir).map_err(unlisted)? {
            let path = entry.map_err(unlisted)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if depth < MAX_DEPTH && !name.starts_with('.') {
                    open.push((path, depth + 1));
                }
            } else if name == "truth.toml" || name.ends_with(".truth.toml") {
                truth_files.push(path);
            } else if path.extension().is_some_and(|e| CLIPS.iter().any(|known| e.eq_ignore_ascii_case(known))) {
                clips.push(path);
            }
        }
    }
    truth_files.sort();
    clips.sort();
    Ok((truth_files, clips))
}
