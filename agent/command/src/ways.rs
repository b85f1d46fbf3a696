//! The agent's hands: what a command asks goes where the console's wishes go.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_domain::violation::Language;
use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, CaseCommand, CaseStage, ClipSource, ClipSpan, Clock, IncidentId,
    Prepared, SpeakerId, SpokenText, StreamId, Timestamp, WallTime, ZoneId,
};
use forewarn_engine::{Silence, Sought};
use forewarn_memory::feedback::{Feedback, Opinion, append};
use forewarn_memory::{Asked, Call};
use forewarn_report::IncidentLedger;
use serde_json::{Value, json};

use crate::command::{Ask, Command, LookFor};
use crate::configure::{Begun, SiteFile, configure};
use crate::hands::Hands;
use crate::kept::Quiet;

/// The longest text that is spoken.
const TEXT_CHARS: usize = 500;
/// The longest note that is kept.
const NOTE_CHARS: usize = 2000;
/// An announcement that is not played by then has failed.
const SPEAK_WITHIN: Duration = Duration::from_mins(1);
/// The numbers of announcements that no incident asks for begin here, far beyond those of incidents.
const FIRST_NUMBER: u64 = 1 << 62;
/// The longest clip.
const CLIP_S: f64 = 60.0;
/// The largest clip that goes through a broker.
const CLIP_BYTES: usize = 8 << 20;

type Way<A, R> = Box<dyn Fn(A) -> R + Send>;
/// What is seen, as JSON, and the picture as JPEG.
type Shown = (String, Vec<u8>);

/// The ways to the parts of the running agent.
pub struct Ways {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// To the incident loop; false if it has ended.
    pub call: Way<Call, bool>,
    /// To a loudspeaker, and what became of the announcement; why not if it was not taken.
    pub say: Way<Announcement, Result<AnnounceOutcome, String>>,
    /// To what is ready to be said over a loudspeaker, by its name.
    pub prepared: Way<(SpeakerId, String), Option<Prepared>>,
    /// To a camera: what is seen of it now, or for a moment if so, as JSON, and the picture as JPEG; none if it gives none.
    pub look: Way<(StreamId, bool), Option<Shown>>,
    /// To the site: what a look seeks.
    pub sought: Way<LookFor, Result<Sought, String>>,
    /// To where the clips of a camera come from.
    pub clips: Way<StreamId, Option<Arc<dyn ClipSource>>>,
    /// The site file.
    pub site: Box<dyn SiteFile>,
    /// Has the site file read anew, and says what was taken up.
    pub reload: Box<dyn Fn() -> Result<Value, String> + Send>,
    /// The outbox, which remembers incidents.
    pub outbox: PathBuf,
    /// What operators said of incidents.
    pub feedback: PathBuf,
    /// How many announcements were made.
    pub said: u64,
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ways")
    }
}

fn stream(camera: &str) -> Result<StreamId, String> {
    StreamId::new(camera).map_err(|error| error.to_string())
}

fn short(note: &str) -> Result<String, String> {
    let is_short = note.chars().count() <= NOTE_CHARS;
    is_short.then(|| note.to_owned()).ok_or_else(|| format!("a note has at most {NOTE_CHARS} characters"))
}

impl Ways {
    /// The instant at which the clock on the wall shows a time.
    fn instant(&self, wall_us: i64, now: WallTime) -> Timestamp {
        let ahead_us = wall_us.saturating_sub(now.as_micros());
        Timestamp::from_micros(self.clock.now().as_micros().saturating_add(ahead_us))
    }

    fn ask(&self, asked: Asked) -> Result<(), String> {
        Call::ask(asked, |call| (self.call)(call))
    }

    fn case(&self, by: &str, incident: &str, stage: CaseStage, note: &str) -> Result<Value, String> {
        let (incident, note) = (IncidentId::from_stored(incident), short(note)?);
        self.ask(Asked::Case(CaseCommand { incident, stage, by: by.to_owned(), note }))?;
        Ok(json!({ "stage": stage }))
    }

    fn judge(
        &self,
        (by, incident): (&str, &str),
        opinion: Opinion,
        note: &str,
        now: WallTime,
    ) -> Result<Value, String> {
        let ledger = IncidentLedger::open(&self.outbox).map_err(|error| error.to_string())?;
        let entry = ledger.incident(&IncidentId::from_stored(incident)).map_err(|error| error.to_string())?;
        let incident =
            entry.ok_or_else(|| format!("the agent remembers no incident {incident}; events carry the ids"))?.record;
        let note = format!("{by}: {}", short(note)?);
        append(&self.feedback, &Feedback { said_at: now.to_rfc3339(), opinion, note, incident })
            .map_err(|error| error.to_string())?;
        Ok(Value::Null)
    }

    fn speak(&mut self, speaker: &str, text: SpokenText) -> Result<Value, String> {
        let speaker = SpeakerId::new(speaker).map_err(|error| error.to_string())?;
        if text.text.trim().is_empty() || text.text.chars().count() > TEXT_CHARS {
            return Err(format!("`text` must have 1 to {TEXT_CHARS} characters"));
        }
        self.announce(speaker, text, None)
    }

    fn play(&mut self, (speaker, prepared): (&str, &str), language: Language) -> Result<Value, String> {
        let speaker = SpeakerId::new(speaker).map_err(|error| error.to_string())?;
        let found = (self.prepared)((speaker.clone(), prepared.to_owned()));
        let ready = found.ok_or_else(|| format!("nothing of the name {prepared:?} is ready to be said there"))?;
        let silent = SpokenText { language, text: String::new() };
        self.announce(speaker, ready.text.in_language(language).unwrap_or(silent), ready.sound)
    }

    fn announce(&mut self, speaker: SpeakerId, text: SpokenText, audio: Option<String>) -> Result<Value, String> {
        self.said += 1;
        let announcement = Announcement {
            id: AnnouncementId(FIRST_NUMBER + self.said),
            incident: IncidentId::from_stored("by-command"),
            speaker,
            text,
            audio,
            attempt: 1,
            deadline: self.clock.now() + SPEAK_WITHIN,
            urgency: Announcement::OF_PEOPLE,
        };
        match (self.say)(announcement)? {
            AnnounceOutcome::Played { duration, proof, .. } => {
                Ok(json!({ "lasted_s": duration.as_secs_f64(), "proof": proof }))
            }
            AnnounceOutcome::Failed { kind, reason } => {
                Err(format!("the loudspeaker did not play it ({kind}): {reason}"))
            }
        }
    }

    fn look(&self, wanted: &LookFor) -> Result<Value, String> {
        let (camera, sought) = (stream(&wanted.camera)?, (self.sought)(wanted.clone())?);
        let is_plain = sought.is_nothing();
        if !is_plain {
            self.ask(Asked::Look(camera.clone(), sought))?;
        }
        let none = || format!("camera {camera} gives no picture now, or nobody could look at it in time");
        let (told, jpeg) = (self.look)((camera.clone(), !is_plain)).ok_or_else(none)?;
        let mut seen: Value = serde_json::from_str(&told).map_err(|error| error.to_string())?;
        let looked = seen.as_object_mut().and_then(|seen| seen.remove("looked")).filter(|_| !is_plain);
        Ok(json!({ "seen": seen, "looked": looked, "picture": STANDARD.encode(jpeg) }))
    }

    fn clip(&self, camera: &str, (from_s, to_s): (f64, f64), now: WallTime) -> Result<Value, String> {
        if !(from_s < to_s && to_s - from_s <= CLIP_S && to_s <= now.as_secs_f64()) {
            return Err(format!("a clip lasts {CLIP_S} s at most and lies in the past: `from_s` comes before `to_s`"));
        }
        let source = (self.clips)(stream(camera)?).ok_or_else(|| format!("there is no camera {camera}"))?;
        let instant = |s: f64| self.instant(WallTime::from_secs_f64(s).as_micros(), now);
        let span = ClipSpan { from: instant(from_s), to: instant(to_s) };
        let recording = source.earlier(span).map_or_else(|| source.record(span), Ok).map_err(|e| e.to_string())?;
        let unkept = |error: std::io::Error| format!("the clip could not be written beside the evidence: {error}");
        let dir = self.outbox.parent().unwrap_or(&self.outbox);
        let file = tempfile::Builder::new().prefix(".tmp-").suffix(".mp4").tempfile_in(dir).map_err(unkept)?;
        // It is written beside its place and put there, where nothing must be.
        let path = file.into_temp_path();
        std::fs::remove_file(&path).map_err(unkept)?;
        let clip = recording.finish(&path).map_err(|error| error.to_string())?;
        let bytes = std::fs::read(&path).map_err(unkept)?;
        if bytes.len() > CLIP_BYTES {
            let most = CLIP_BYTES >> 20;
            return Err(format!(
                "the clip has {} MiB, and {most} MiB go through a broker: ask for a shorter one",
                bytes.len() >> 20
            ));
        }
        let wall_s = |at| self.clock.wall(at).as_secs_f64();
        Ok(json!({
            "from_s": wall_s(clip.from), "to_s": wall_s(clip.to), "codec": clip.codec, "pictures": clip.pictures,
            "size_px": [clip.width, clip.height], "clip": STANDARD.encode(bytes),
        }))
    }
}

impl Hands for Ways {
    fn carry_out(&mut self, command: &Command, now: WallTime) -> Result<Value, String> {
        let by = command.by.as_str();
        match &command.ask {
            Ask::Case { incident, stage, note } => self.case(by, incident, *stage, note),
            Ask::Judge { incident, opinion, note } => self.judge((by, incident), *opinion, note, now),
            Ask::Speak { speaker, text, language } => {
                self.speak(speaker, SpokenText { language: *language, text: text.clone() })
            }
            Ask::Play { speaker, prepared, language } => self.play((speaker, prepared), *language),
            Ask::Look(wanted) => self.look(wanted),
            Ask::Configure { changes, .. } => configure(&*self.site, &*self.clock, changes, command),
            Ask::Reload {} => (self.reload)(),
            Ask::Clip { camera, from_s, to_s } => self.clip(camera, (*from_s, *to_s), now),
            Ask::Silence { camera, zone, until_s } => {
                let quiet = Quiet { camera: camera.clone(), zone: zone.clone(), until_s: *until_s };
                self.silence(&quiet, now).map(|()| Value::Null)
            }
        }
    }

    fn begin(&mut self, command: &Command) -> Option<Begun> {
        // What cannot be is told when it is done.
        Begun::of(command, &*self.site).ok().flatten()
    }

    fn end(&mut self, begun: &Begun) -> Result<Value, String> {
        begun.end(&*self.site, &*self.clock)
    }

    fn silence(&mut self, quiet: &Quiet, now: WallTime) -> Result<(), String> {
        let zone = quiet.zone.as_ref().map(ZoneId::new).transpose().map_err(|error| error.to_string())?;
        let until = self.instant(quiet.until_s.saturating_mul(1_000_000), now);
        self.ask(Asked::Silence(Silence { stream: stream(&quiet.camera)?, zone, until }))
    }
}
