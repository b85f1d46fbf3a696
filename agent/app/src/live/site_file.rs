//! The site file as the console changes it: what would be written is correct, and what is written is taken up as at SIGHUP.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::child;
use forewarn_base::secret::Credentials;
use forewarn_console::{Bilingual, ChangedLine, Choices, DraftNow, Refused, SiteEditor, words};
use forewarn_domain::found_camera::{AskedCamera, FoundCamera, FoundStream};
use forewarn_domain::site_change::{NewCamera, NewSpeaker, SiteChange};
use forewarn_domain::{Frame, SpokenText, StreamId, SystemClock};
use forewarn_hw::discovery::{self, GROUP};

use crate::config::adoption::other_streams;
use crate::config::edit::{self, Draft, EditError, Line, Secrets};
use crate::look;

/// Cameras answer within so long; many take a second.
const FIND: Duration = Duration::from_secs(3);

/// Where the site file lies; none where this run has one of its own, as the demo does.
pub struct SiteFile(pub Option<PathBuf>);

fn refused(error: EditError) -> Refused {
    match error {
        EditError::Unreadable(_) | EditError::Write { .. } => Refused::Failed(error.to_string()),
        other => Refused::Incorrect(Bilingual::quoted(other, "站点文件不能这样更改")),
    }
}

fn now(draft: &Draft) -> DraftNow {
    let line = |line| match line {
        Line::Stays(text) => ChangedLine::Stays(text),
        Line::Out(text) => ChangedLine::Out(text),
        Line::In(text) => ChangedLine::In(text),
        Line::Gap(lines) => ChangedLine::Gap(lines),
    };
    let doubts = draft.new_doubts().iter().map(ToString::to_string).collect();
    DraftNow { base: draft.base(), lines: draft.changed_lines().into_iter().map(line).collect(), doubts }
}

impl SiteFile {
    fn path(&self) -> Result<&PathBuf, Refused> {
        self.0.as_ref().ok_or(Refused::Incorrect(words::NO_SITE_FILE))
    }

    /// The file with these changes, and the passwords that lie beside it until they are kept.
    fn draft(&self, changes: &[SiteChange]) -> Result<(Draft, Secrets), Refused> {
        let file = self.path()?;
        let secrets = Secrets::of(file, changes).map_err(refused)?;
        let changes = edit::changes_of(file, changes);
        let draft = changes.and_then(|changes| Draft::of(file, &changes)).map_err(refused)?;
        Ok((draft, secrets))
    }

    /// The cameras whose streams would begin, or begin anew, with these changes.
    pub(super) fn streams(&self, changes: &[SiteChange]) -> Result<BTreeSet<StreamId>, Refused> {
        let (before, now) = (self.draft(&[])?.0, self.draft(changes)?.0);
        Ok(other_streams(&before.site.cameras, &now.site.cameras))
    }

    /// Whether a camera that the file names sends to this box.
    pub(super) fn sends_here(&self, camera: &StreamId) -> bool {
        let draft = self.draft(&[]).ok();
        let cameras = draft.iter().flat_map(|(draft, _)| &draft.site.cameras);
        cameras.filter(|one| one.id == *camera).any(|one| one.source.listens_at().is_some())
    }

    /// Has the agent read its file anew.
    pub(super) fn read_again(&self) -> Result<(), String> {
        self.path().and_then(|_| Self::take_up()).map_err(|why| why.to_string())
    }

    /// The agent is asked to read its file, as `forewarn reload` asks it.
    fn take_up() -> Result<(), Refused> {
        child::hang_up(std::process::id()).map_err(|error| Refused::Failed(error.to_string()))
    }
}

impl SiteEditor for SiteFile {
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<DraftNow, Refused> {
        let (draft, secrets) = self.draft(changes)?;
        if base.is_some_and(|base| base != draft.base()) {
            return Err(Refused::Stale);
        }
        if base.is_some() {
            draft.save().map_err(refused)?;
            secrets.keep();
            Self::take_up()?;
        }
        Ok(now(&draft))
    }

    fn undo(&self) -> Result<DraftNow, Refused> {
        edit::undo(self.path()?).map_err(refused)?;
        Self::take_up()?;
        Ok(DraftNow::default())
    }

    fn look(&self, camera: &NewCamera) -> Result<Frame, Refused> {
        let (draft, _secrets) = self.draft(&[SiteChange::AddCamera(camera.clone())])?;
        let of_site: Vec<_> = draft.site.cameras.iter().filter(|known| known.id == camera.id).collect();
        let looks = look::at(&of_site, false).map_err(|error| Refused::Failed(error.error.to_string()))?;
        let shown = looks.into_iter().next().unwrap_or_else(|| Err("it is not there".to_owned()));
        shown.map(|look| look.frame).map_err(|why| Refused::Incorrect(words::away(why)))
    }

    fn find(&self) -> Result<Vec<FoundCamera>, Refused> {
        discovery::find(GROUP, FIND).map_err(|why| Refused::Incorrect(words::not_found(why)))
    }

    fn streams(&self, camera: &AskedCamera) -> Result<Vec<FoundStream>, Refused> {
        let login = Some(Credentials::new(&camera.user, &camera.password)).filter(|_| !camera.user.is_empty());
        let found = discovery::streams(&camera.address, login.as_ref());
        found.map_err(|why| Refused::Incorrect(words::not_found(why)))
    }

    fn hear(&self, speaker: &NewSpeaker, text: &SpokenText) -> Result<String, Refused> {
        let (draft, _secrets) = self.draft(&[SiteChange::AddSpeaker(speaker.clone())])?;
        let not_heard = |why: String| Refused::Incorrect(words::not_heard(why));
        let config = draft.site.speaker(&speaker.id).map_err(|why| not_heard(why.to_string()))?;
        let context = draft.site.speaker_context(Arc::new(SystemClock));
        let played = forewarn_hw::say(&speaker.id, config, &context, text.clone());
        let played = played.map_err(|why| not_heard(why.to_string()))?;
        Ok(format!("{:.1} s, {}", played.duration.as_secs_f64(), played.proof))
    }

    fn choices(&self) -> Result<Choices, Refused> {
        let (draft, _) = self.draft(&[])?;
        let speakers = draft.site.speakers.iter().map(|(id, _)| id.clone()).collect();
        Ok(Choices { violations: draft.site.violations, speakers })
    }
}
