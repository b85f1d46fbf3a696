//! One message after the other: let in, noted, done, answered, written up.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::secret::Secret;
use forewarn_domain::{Clock, Timestamp};
use forewarn_memory::trail::{Line, Trail};
use forewarn_telemetry::COMMANDS;
use serde_json::Value;

use crate::command::{Ask, Command};
use crate::config::ResolvedCommands;
use crate::configure::Begun;
use crate::gate::{Gate, Refusal, Refused};
use crate::hands::Hands;
use crate::kept::{self, Keep, Kept, Quiet};
use crate::reply::{Outcome, Reply};
use crate::wish::Wish;

/// Lines of the audit log in a minute about messages that nobody signed; whoever may publish could fill the disk with them.
const MOST_UNSIGNED: u32 = 30;
/// A minute.
const MINUTE: Duration = Duration::from_mins(1);
/// A wish that waited longer for others to be done is out of place.
const MOST_WAIT_S: u64 = 30;
/// No silence is longer.
const LONGEST_SILENCE_S: i64 = 7 * 86_400;

/// Who has commands done.
pub struct Desk {
    site: String,
    gate: Gate,
    keep: Keep,
    silences: Vec<Quiet>,
    begun: Option<Begun>,
    hands: Box<dyn Hands>,
    trail: Trail,
    clock: Arc<dyn Clock>,
    /// Since when unsigned messages are counted, and how many came.
    unsigned: (Timestamp, u32),
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk that goes on with what the file at `kept` keeps, and writes to the audit log at `audit`. Without `commands`
    /// wishes alone are done.
    pub fn open(
        (site, commands): (&str, Option<&ResolvedCommands>),
        (kept, audit): (&Path, &Path),
        hands: Box<dyn Hands>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (kept, keep) = kept::open(kept.to_owned(), clock.wall(clock.now()));
        Self::resume((site, commands.map(|commands| &commands.secret)), (kept, keep), Trail::at(audit), hands, clock)
    }

    /// A desk that goes on with what is kept: silences that hold are asked for again.
    pub(crate) fn resume(
        (site, secret): (&str, Option<&Secret>),
        (kept, keep): (Kept, Keep),
        trail: Trail,
        mut hands: Box<dyn Hands>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = clock.now();
        let wall = clock.wall(now);
        let mut silences = kept.silences;
        silences.retain(|quiet| quiet.until_s > wall.as_micros() / 1_000_000);
        for quiet in &silences {
            if let Err(why) = hands.silence(quiet, wall) {
                tracing::warn!(camera = quiet.camera, zone = ?quiet.zone, "a silence from before the restart does not hold: {why}");
            }
        }
        let gate = Gate::new(secret, site, kept.memory);
        let (site, begun) = (site.to_owned(), kept.begun);
        let mut desk = Self { site, gate, keep, silences, begun, hands, trail, clock, unsigned: (now, 0) };
        desk.end_begun();
        desk
    }

    /// Brings a change of the site file, during which the agent stopped, to its end. Nobody waits for the reply any more.
    fn end_begun(&mut self) {
        let Some(begun) = self.begun.clone() else { return };
        let done = self.hands.end(&begun);
        let outcome = if done.is_ok() { Outcome::Done } else { Outcome::Failed };
        self.settled(&begun.id, outcome);
        let why = done.err().map_or_else(String::new, |why| format!("; {why}"));
        let detail = format!("id {}; ended after a restart{why}", begun.id);
        self.write_up((Some(begun.by), "configure", outcome), Some("site".to_owned()), detail);
    }

    /// Keeps what became of a command.
    fn settled(&mut self, id: &str, outcome: Outcome) {
        self.begun = None;
        self.gate.settle(id, outcome);
        // It is known that the command came; what became of it is told by the audit log, too.
        if let Err(error) = self.keep() {
            tracing::error!(%error, id, "what became of a command is not kept");
        }
    }

    /// Has one message done, if it is a command that is let in, and says what is answered.
    pub fn take(&mut self, message: &[u8], is_retained: bool) -> Reply {
        let now = self.clock.wall(self.clock.now());
        match self.gate.admit(message, is_retained, now) {
            Err(refused) => self.refuse(refused),
            Ok(command) => {
                let done = self.admitted(&command);
                let outcome = if done.is_ok() { Outcome::Done } else { Outcome::Failed };
                self.settled(&command.id, outcome);
                let (why, found) = done.map_or_else(|why| (Some(why), Value::Null), |found| (None, found));
                self.note(outcome, Some(&command), why.as_deref());
                Reply { id: Some(command.id), site: self.site.clone(), outcome, why, found }
            }
        }
    }

    /// Does a command, once it is on the disk that it came.
    fn admitted(&mut self, command: &Command) -> Result<Value, String> {
        let unkept = |error| {
            format!("that it came cannot be kept, so it is not done: {error}; send a new one when the disk takes it")
        };
        self.begun = self.hands.begin(command);
        self.keep().map_err(unkept)?;
        let now = self.clock.wall(self.clock.now());
        let Ask::Silence { camera, zone, until_s } = &command.ask else {
            return self.hands.carry_out(command, now);
        };
        let now_s = now.as_micros().div_euclid(1_000_000);
        if until_s.saturating_sub(now_s) > LONGEST_SILENCE_S {
            return Err("a silence lasts seven days at most: `until_s` is in seconds since the Unix epoch".to_owned());
        }
        let quiet = Quiet { camera: camera.clone(), zone: zone.clone(), until_s: *until_s };
        self.hands.silence(&quiet, now)?;
        self.silences.retain(|one| (&one.camera, &one.zone) != (camera, zone) && one.until_s > now_s);
        if quiet.until_s > now_s {
            self.silences.push(quiet);
        }
        Ok(Value::Null)
    }

    /// Has a wish done, which nobody signs: who may ask for it is for the site file and the other side to say. It is done
    /// now or never.
    pub fn grant(&mut self, wish: Wish) -> Reply {
        let waited = self.clock.now().since(wish.heard_at);
        let Wish { by, ask, is_kept, .. } = wish;
        let command = Command { id: String::new(), site: self.site.clone(), by, expires_s: 0, ask };
        let refusal = match waited.as_secs() {
            _ if is_kept => Some(Refusal::Retained),
            s if s > MOST_WAIT_S => Some(Refusal::Late(s)),
            _ => None,
        };
        let (outcome, done) = match refusal {
            Some(refusal) => (Outcome::Refused, Err(refusal.to_string())),
            None => match self.hands.carry_out(&command, self.clock.wall(self.clock.now())) {
                Ok(found) => (Outcome::Done, Ok(found)),
                Err(why) => (Outcome::Failed, Err(why)),
            },
        };
        let (why, found) = done.map_or_else(|why| (Some(why), Value::Null), |found| (None, found));
        if outcome == Outcome::Done || self.may_note_unsigned() {
            self.note(outcome, Some(&command), why.as_deref());
        } else {
            COMMANDS.of([&command.ask.as_str(), &outcome.as_str()]).increment(1);
        }
        Reply { id: None, site: self.site.clone(), outcome, why, found }
    }

    fn refuse(&mut self, Refused { refusal, command, id }: Refused) -> Reply {
        let why = refusal.to_string();
        if command.is_some() || self.may_note_unsigned() {
            self.note(Outcome::Refused, command.as_deref(), Some(&why));
        } else {
            COMMANDS.of([&"none", &Outcome::Refused.as_str()]).increment(1);
        }
        if refusal == Refusal::Forged {
            tracing::warn!(?id, "a command was not signed with the shared secret");
        }
        Reply { id, site: self.site.clone(), outcome: Outcome::Refused, why: Some(why), found: Value::Null }
    }

    /// Whether the audit log still has room for an unsigned message in this minute.
    fn may_note_unsigned(&mut self) -> bool {
        let now = self.clock.now();
        if now.since(self.unsigned.0) >= MINUTE {
            self.unsigned = (now, 0);
        }
        self.unsigned.1 = self.unsigned.1.saturating_add(1);
        self.unsigned.1 <= MOST_UNSIGNED
    }

    fn keep(&mut self) -> std::io::Result<()> {
        (self.keep)(&Kept {
            memory: self.gate.memory().clone(),
            silences: self.silences.clone(),
            begun: self.begun.clone(),
        })
    }

    fn note(&self, outcome: Outcome, command: Option<&Command>, why: Option<&str>) {
        let what = command.map_or("none", |command| command.ask.as_str());
        let id = |it: &Command| (!it.id.is_empty()).then(|| format!("id {}", it.id));
        let detail = command.into_iter().flat_map(|it| [id(it), it.ask.detail()]).flatten();
        let detail = detail.chain(why.map(str::to_owned));
        let (who, about) = (command.map(|it| it.by.clone()), command.map(|it| it.ask.about().to_owned()));
        self.write_up((who, what, outcome), about, detail.collect::<Vec<_>>().join("; "));
    }

    /// What the clock on the wall shows.
    pub(crate) fn wall(&self) -> String {
        self.clock.wall(self.clock.now()).to_rfc3339()
    }

    fn write_up(&self, (who, what, outcome): (Option<String>, &str, Outcome), about: Option<String>, detail: String) {
        COMMANDS.of([&what, &outcome.as_str()]).increment(1);
        let deed = format!("command {what}: {}", outcome.as_str());
        self.trail.add(&Line { at: self.wall(), who, deed, about, detail: Some(detail) });
    }
}
