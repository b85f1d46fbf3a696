//! Commands from upstream, as a part of the agent.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_command::{Commands, Desk, Door, Ways};
use forewarn_console::SiteEditor as _;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::site_change::SiteChange;
use forewarn_domain::{Clock, StreamId};
use forewarn_inference::Shared;
use forewarn_pipelines::FrameSlot;
use forewarn_telemetry::queue::{Sender, Wait};
use forewarn_wire::story::Happening;

use super::LoopEvent;
use super::adopter::Hands;
use super::board::Board;
use super::part::Part;
use super::site_file::SiteFile;
use super::streams::Streams;
use crate::config::Site;
use crate::config::edit;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// A camera that is not looked at by then, or gives no picture by then, gives no answer.
const LOOK: Duration = Duration::from_millis(1500);

/// Who looks for something watches the camera for so long.
const MOMENT: Duration = Duration::from_millis(1200);

/// A model is opened, tried and exchanged between two frames within so long.
const RELOAD: Duration = Duration::from_secs(90);

/// How often it is looked whether a camera has begun.
const TAKEN_UP: Duration = Duration::from_millis(100);

/// Where commands go in, if any are taken, and the part of the agent that does them.
type Taking = (Option<Door>, Box<dyn Part>);

/// Begins to do what is asked: by commands, where the site says whose, and over upstreams.
pub fn start(
    site: &Site,
    (hands, board, shared): (&Hands, &Board, &Shared),
    to_loop: &Sender<LoopEvent, Wait>,
    clock: &Arc<dyn Clock>,
) -> Result<Taking, CommandError> {
    let (config, dir) = (site.commands.clone(), site.storage.dir.clone());
    let (speakers, streams, clips) = (hands.speakers.clone(), hands.streams.clone(), hands.streams.clone());
    let (onlookers, scenes, calls, troubles) =
        (board.1.clone(), shared.scenes.clone(), to_loop.clone(), to_loop.clone());
    let (reloads, file, notices) = (hands.reloads.clone(), SiteFile(site.file.clone()), board.clone());
    let (of_desk, of_link, of_wishes) = (Arc::clone(clock), Arc::clone(clock), Arc::clone(clock));
    let (of_ready, of_language) = (board.clone(), board.clone());
    let ways = Ways {
        clock: Arc::clone(clock),
        call: Box::new(move |call| calls.send(LoopEvent::Asked(call))),
        say: Box::new(move |announcement| speakers.say(announcement)),
        sought: Box::new(move |wanted| {
            let site = notices.lock().site.clone();
            site.ok_or_else(|| "the agent has not begun yet: ask again in a moment".to_owned())?.sought(&wanted)
        }),
        prepared: Box::new(move |(speaker, name)| of_ready.ready_at(&speaker).into_iter().find(|one| one.id == name)),
        look: Box::new(move |(id, for_a_moment)| {
            let over = if for_a_moment { MOMENT } else { Duration::ZERO };
            let told = onlookers.watch(&id, (LOOK, over), || scenes.stir(&id))?;
            Some((told, forewarn_console::jpeg(&streams.slot(&id)?.next(LOOK)?).ok()?))
        }),
        clips: Box::new(move |id| clips.clips().into_iter().find(|(it, _)| *it == id).map(|(_, source)| source)),
        site: Box::new(SiteOf(SiteFile(site.file.clone()), hands.streams.clone(), Mutex::default())),
        reload: Box::new(move || reloads.ask(|| file.read_again(), RELOAD)),
        outbox: dir.outbox(),
        feedback: dir.feedback(),
        said: 0,
    };
    let tell = move |what| {
        // An error means that the agent stops.
        let _ = troubles.send(LoopEvent::Happened(Happening::trouble(what, of_link.now())));
    };
    let (of_config, name) = (config.clone(), site.header.id.to_string());
    let desk = move || {
        let kept = (dir.commands(), dir.commands_audit());
        Desk::open((&name, of_config.as_ref()), (&kept.0, &kept.1), Box::new(ways), of_desk)
    };
    let commands = Commands::start(config.as_ref(), desk, Box::new(tell)).or_exit(ExitCode::Failed)?;
    let wishes = commands.wishes();
    hands.upstreams.listen(move |heard| wishes.take(heard, of_language.language(), &*of_wishes));
    Ok((commands.door(), Box::new(commands)))
}

/// The site file, the cameras that it names, and what took the pictures of those that begin anew before they do.
struct SiteOf(SiteFile, Streams, Mutex<Vec<Arc<FrameSlot>>>);

impl forewarn_command::SiteFile for SiteOf {
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<serde_json::Value, String> {
        let draft = self.0.change(changes, base).map_err(|why| why.to_string())?;
        serde_json::to_value(draft.told(base.is_some())).map_err(|error| error.to_string())
    }

    fn name(&self) -> Result<String, String> {
        let file = self.0.0.as_deref().and_then(edit::name_of);
        file.ok_or_else(|| "the site file cannot be read".to_owned())
    }

    fn former_name(&self) -> Option<String> {
        edit::name_of(&edit::undo_path(&std::fs::canonicalize(self.0.0.as_deref()?).ok()?))
    }

    fn undo(&self, passwords: &[StreamId]) -> Result<(), String> {
        self.0.undo().map_err(|why| why.to_string())?;
        if let Some(file) = &self.0.0 {
            edit::forget(file, passwords);
        }
        Ok(())
    }

    fn streams(&self, changes: &[SiteChange]) -> Result<Vec<StreamId>, String> {
        let begun = self.0.streams(changes).map_err(|why| why.to_string())?;
        *lock(&self.2) = begun.iter().filter_map(|camera| self.1.slot(camera)).collect();
        Ok(begun.into_iter().collect())
    }

    fn sends_here(&self, camera: &StreamId) -> bool {
        self.0.sends_here(camera)
    }

    fn gives_picture(&self, camera: &StreamId, within: Duration) -> bool {
        let (begun, (_keep, nothing)) = (Stopwatch::start(), sync_channel::<()>(1));
        loop {
            let left = within.saturating_sub(begun.elapsed());
            let is_former = |slot: &Arc<FrameSlot>| lock(&self.2).iter().any(|former| Arc::ptr_eq(former, slot));
            if let Some(slot) = self.1.slot(camera).filter(|slot| !left.is_zero() && !is_former(slot)) {
                return slot.next(left).is_some();
            }
            if left.is_zero() {
                return false;
            }
            // The file is taken up by another thread; nothing comes here, it is only waited for that.
            let _ = nothing.recv_timeout(left.min(TAKEN_UP));
        }
    }
}

impl Part for Commands {
    fn name(&self) -> &'static str {
        "commands"
    }

    fn is_broken(&self) -> bool {
        Self::is_broken(self)
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        Ok(Self::stop(self)?)
    }
}
