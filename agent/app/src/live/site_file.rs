//! The site file as the console changes it: what would be written is correct, and what is written is taken up as at SIGHUP.

use std::path::PathBuf;

use forewarn_base::child;
use forewarn_console::{ChangedLine, DraftNow, Drawing, Drawn, Refused, Shape};
use forewarn_domain::StreamId;

use crate::config::edit::{self, Draft, EditError, Line};

/// Where the site file lies; none where this run has one of its own, as the demo does.
pub struct SiteFile(pub Option<PathBuf>);

fn refused(error: EditError) -> Refused {
    match error {
        EditError::Unreadable(_) | EditError::Write { .. } => Refused::Failed(error.to_string()),
        other => Refused::Incorrect(other.to_string()),
    }
}

fn now(draft: &Draft) -> DraftNow {
    let line = |line| match line {
        Line::Stays(text) => ChangedLine::Stays(text),
        Line::Out(text) => ChangedLine::Out(text),
        Line::In(text) => ChangedLine::In(text),
        Line::Gap(lines) => ChangedLine::Gap(lines),
    };
    let doubts = draft.site.doubts.iter().map(ToString::to_string).collect();
    DraftNow { base: draft.base(), lines: draft.changed_lines().into_iter().map(line).collect(), doubts }
}

fn change(camera: &StreamId, one: &Drawn) -> Result<edit::Change, EditError> {
    let shape = match one.shape {
        Shape::Area => edit::Shape::Area,
        Shape::Line => edit::Shape::Line,
        Shape::Mask => edit::Shape::Mask,
    };
    let Drawn { id, points, is_there, .. } = one.clone();
    edit::Drawn { shape, id, points, is_there }.change(camera)
}

impl SiteFile {
    fn path(&self) -> Result<&PathBuf, Refused> {
        let why =
            "this run has a site file of its own, which ends with it; zones are drawn where `forewarn run` watches";
        self.0.as_ref().ok_or_else(|| Refused::Incorrect(why.to_owned()))
    }

    /// The agent is asked to read its file, as `forewarn reload` asks it.
    fn take_up() -> Result<(), Refused> {
        child::hang_up(std::process::id()).map_err(|error| Refused::Failed(error.to_string()))
    }
}

impl Drawing for SiteFile {
    fn draw(&self, camera: &str, changes: &[Drawn], base: Option<&str>) -> Result<DraftNow, Refused> {
        let camera = StreamId::new(camera).map_err(|error| Refused::Incorrect(error.to_string()))?;
        let changes: Result<Vec<_>, _> = changes.iter().map(|one| change(&camera, one)).collect();
        let draft = Draft::of(self.path()?, &changes.map_err(refused)?).map_err(refused)?;
        if base.is_some_and(|base| base != draft.base()) {
            let why = "somebody changed the site file meanwhile; look at the changes again";
            return Err(Refused::Stale(why.to_owned()));
        }
        if base.is_some() {
            draft.save().map_err(refused)?;
            Self::take_up()?;
        }
        Ok(now(&draft))
    }

    fn undo(&self) -> Result<DraftNow, Refused> {
        edit::undo(self.path()?).map_err(refused)?;
        Self::take_up()?;
        Ok(DraftNow::default())
    }
}
