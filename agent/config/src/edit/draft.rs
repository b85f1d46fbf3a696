//! Several changes as one: seen before they are written, written or not at all.

use std::path::{Path, PathBuf};

use forewarn_base::hash;

use super::file::{place, replace, undo_path};
use super::similar_lines::lines;
use super::{Change, EditError, apply};
use crate::site::{Site, resolve};
use crate::source::Source;

pub use super::similar_lines::Line;

/// What a site file would be after some changes, which are correct.
#[derive(Debug)]
pub struct Draft {
    file: PathBuf,
    former: Source,
    text: String,
    /// The site that it would be.
    pub site: Site,
}

impl Draft {
    /// The file with these changes, one after the other.
    pub fn of(file: &Path, changes: &[Change]) -> Result<Self, EditError> {
        let file = place(file)?;
        let former = Source::read(&file)?;
        let name = file.display().to_string();
        let mut text = former.text().to_owned();
        for change in changes {
            text = apply(&Source::new(name.as_str(), text.as_str()), change)?;
        }
        let site = resolve(&Source::new(name, text.as_str())).map_err(EditError::Incorrect)?;
        Ok(Self { file, former, text, site })
    }

    /// Names the file as it was read, so that nobody overwrites what somebody else wrote meanwhile.
    pub fn base(&self) -> String {
        hash::sha256_of_bytes(self.former.text().as_bytes())
    }

    /// The site as it is without the changes; none where the file is not correct without them.
    pub(crate) fn former_site(&self) -> Option<Site> {
        resolve(&self.former).ok()
    }

    /// What changes, line by line, with a few lines around it.
    pub fn changed_lines(&self) -> Vec<Line> {
        lines(self.former.text(), &self.text)
    }

    /// Writes the file. The former one is the undo from now on.
    pub fn save(&self) -> Result<(), EditError> {
        replace(&undo_path(&self.file), &self.file, self.former.text())?;
        replace(&self.file, &self.file, &self.text)
    }
}

/// Changes a site file, if what comes out is correct.
pub fn change(file: &Path, change: &Change) -> Result<(), EditError> {
    Draft::of(file, std::slice::from_ref(change))?.save()
}
