//! What the pages show comes through these. They are called on threads that may wait for a disk or a lock, never on the
//! thread that serves connections.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use forewarn_domain::found_camera::{AskedCamera, FoundCamera, FoundStream};
use forewarn_domain::mask::Mask;
use forewarn_domain::site_change::{NewCamera, NewSpeaker, SiteChange};
use forewarn_domain::violation::{Language, Text};
use forewarn_domain::{
    CaseCommand, Class, Exclusion, Frame, IncidentRecord, MapGround, Place, Prepared, RuleKey, SpeakerId, SpokenText,
    StreamId, Timestamp, Viewing, ViolationId, Wake, Zone,
};
use forewarn_wire::WireIncident;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use crate::bilingual::Bilingual;
use crate::health::HealthReport;
use crate::listener::Listener;
use crate::onlookers::Onlookers;

/// What is counted.
pub trait Metrics: Send + Sync + 'static {
    /// All metrics in Prometheus' text form.
    fn text(&self) -> String;
    /// A listener has closed a connection at once, because it had too many. This one must not wait.
    fn turned_away(&self, listener: Listener);
    /// So many look over WebRTC now. This one must not wait.
    fn calls(&self, n: usize);
    /// So many pictures were given up for somebody who did not take them in time. This one must not wait.
    fn given_up(&self, pictures: u64);
}

/// Whether the agent does its work.
pub trait Health: Send + Sync + 'static {
    /// The state of the agent's parts.
    fn report(&self) -> HealthReport;
    /// Whether the console's certificate can be read as it lies there now, and why not. This one must not wait.
    fn certificate(&self, trouble: Option<String>);
}

/// The incidents of the site.
pub trait Incidents: Send + Sync + 'static {
    /// Those that are not closed, oldest first.
    fn open(&self) -> Vec<WireIncident>;
    /// How well warnings work, as `forewarn stats --json` tells it, or why nobody can say.
    fn stats(&self, asked: StatsAsked) -> Result<serde_json::Value, String>;
    /// How orderly the places of these cameras were from the first day to the last, and where cameras flew, or why nobody can say.
    fn places(&self, cameras: &[CameraNow], days: (Date, Date)) -> Result<PlacesNow, String>;
}

/// Of which incidents figures are asked; of all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatsAsked {
    /// Of these cameras.
    pub cameras: Option<Vec<String>>,
    /// Of this violation.
    pub violation: Option<String>,
    /// Confirmed on days from the first to the last, by the site's calendar.
    pub days: (Option<Date>, Option<Date>),
}

/// Places of a site, and ways over them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacesNow {
    /// The narrowest places, each with its score and, where it is known, its outline.
    pub cells: Vec<Value>,
    /// On which ways cameras flew, as longitude and latitude.
    pub ways: Vec<(StreamId, Vec<[f64; 2]>)>,
}

/// The cameras of the site.
pub trait Cameras: Send + Sync + 'static {
    /// All of them, as the site names them now.
    fn all(&self) -> Vec<CameraNow>;
    /// What an exclusion may name: what the detector knows, and things that no model names.
    fn classes(&self) -> Vec<Class>;
    /// What their map lies on.
    fn ground(&self) -> MapGround;
    /// A picture of now; none while the camera gives none, or where the site has no such camera.
    fn still(&self, camera: &str) -> Option<Frame>;
    /// Its video as it comes, that of its smaller stream where it has one and that is asked for; none where the site has no
    /// such camera.
    fn view(&self, camera: &str, is_small: bool, wake: Wake) -> Option<Box<dyn Viewing>>;
    /// The same over WebRTC, for whoever offers a session; none where the site has no such camera.
    fn call(&self, camera: &str, offer: &Offer) -> Option<Result<Called, NoCall>>;
}

/// A session of WebRTC that somebody offers, who wants to see a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Of the smaller stream, where there is one.
    pub is_small: bool,
    /// What he offers.
    pub sdp: String,
    /// The address of this box at which packets go and come; all of them where none is named.
    pub at: Option<IpAddr>,
}

/// A session that was agreed upon.
pub struct Called {
    /// The answer, with all addresses.
    pub sdp: String,
    /// When the time of packets is zero, which counts 90,000 a second, modulo 2³².
    pub origin: Timestamp,
    /// The session.
    pub call: Box<dyn Caller>,
}

/// A session with somebody who looks. Dropping it ends it, and waits for that.
pub trait Caller: Send {
    /// Whether it has ended: whoever looked is gone, or the camera sends no more or something else.
    fn is_over(&self) -> bool;
    /// Pictures that were given up because they were not taken in time.
    fn given_up(&self) -> u64;
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoCall {
    /// It is no offer.
    NoOffer(Bilingual),
    /// The browser does not take what the camera sends.
    NotTaken(Bilingual),
    /// Not now.
    NotNow(Bilingual),
    /// It failed here.
    Failed(String),
}

/// What operators do that is no matter of files alone.
pub trait Desk: Send + Sync + 'static {
    /// Passes over the one that an incident is about for so many days; the number of the suppression, or why not.
    fn suppress(&self, incident: &IncidentRecord, asked: &Passing) -> Result<u32, String>;
    /// Takes a step of a case that somebody tells, or says why not. What is taken is on the disk.
    fn case(&self, told: CaseCommand) -> Result<(), String>;
    /// The site's loudspeakers.
    fn speakers(&self) -> Vec<SpeakerId>;
    /// Says a text over a loudspeaker, and waits until it was said: how long it sounded and how far that is proven, or why it
    /// was not heard.
    fn say(&self, speaker: &SpeakerId, text: &SpokenText) -> Result<String, Bilingual>;
    /// What is ready to be said.
    fn prepared(&self) -> Vec<Prepared>;
    /// Says or plays one of it, as [`Self::say`] says a text.
    fn play(&self, speaker: &SpeakerId, prepared: &Prepared, language: Language) -> Result<String, Bilingual>;
    /// Plays a recording of somebody's words, a WAV file, as [`Self::say`] says a text.
    fn talk(&self, speaker: &SpeakerId, wav: &[u8]) -> Result<String, Bilingual>;
    /// What a loudspeaker plays for these words, or for a sound file in their place, as a WAV file; or why nobody can hear it.
    fn wav(&self, speaker: &SpeakerId, text: SpokenText, sound: Option<String>) -> Result<Vec<u8>, Bilingual>;
    /// Has a signed command done as if it had come by the broker, waits for that, and has the reply; or why nobody has looked
    /// at it.
    fn command(&self, message: Vec<u8>) -> Result<serde_json::Value, Bilingual>;
    /// The page of a bundle, as `forewarn evidence report` makes it.
    fn report(&self, bundle: &Path, language: Language) -> Result<String, String>;
}

/// The site file, as far as it is changed in the console.
pub trait SiteEditor: Send + Sync + 'static {
    /// What the file would be with these changes; where `base` is given and the file is still that one, it is written and
    /// taken up.
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<DraftNow, Refused>;
    /// Brings the file as it was before the last change back, and takes it up.
    fn undo(&self) -> Result<DraftNow, Refused>;
    /// A picture of a camera that somebody means to add.
    fn look(&self, camera: &NewCamera) -> Result<Frame, Refused>;
    /// The cameras that answer on the network.
    fn find(&self) -> Result<Vec<FoundCamera>, Refused>;
    /// The streams that one of them offers.
    fn streams(&self, camera: &AskedCamera) -> Result<Vec<FoundStream>, Refused>;
    /// Says a text over a loudspeaker that somebody means to add: how long it sounded and how far that is proven.
    fn hear(&self, speaker: &NewSpeaker, text: &SpokenText) -> Result<String, Refused>;
    /// What can be chosen.
    fn choices(&self) -> Result<Choices, Refused>;
}

/// What can be chosen where a site is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices {
    /// Violations, with their titles.
    pub violations: Vec<(ViolationId, Text)>,
    /// The site's loudspeakers.
    pub speakers: Vec<SpeakerId>,
}

/// A site file as it would be, or as it is now that it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DraftNow {
    /// Names the file before.
    pub base: String,
    /// What changes.
    pub lines: Vec<ChangedLine>,
    /// What works and is hardly meant.
    pub doubts: Vec<String>,
}

/// A draft as programs are told of it.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Draft))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftTold {
    /// Whether the file is so now.
    pub is_saved: bool,
    /// Names the file before; whoever means to save this draft names it.
    pub base: String,
    /// What works and is hardly meant.
    pub doubts: Vec<String>,
    /// What changes.
    pub lines: Vec<LineTold>,
}

/// A line of it.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DraftLine))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LineTold {
    /// It stays.
    Stays {
        /// The line.
        text: String,
    },
    /// It is taken out.
    Out {
        /// The line.
        text: String,
    },
    /// It is put in.
    In {
        /// The line.
        text: String,
    },
    /// So many lines that stay are not told.
    Gap {
        /// How many.
        lines: usize,
    },
}

impl DraftNow {
    /// As programs are told.
    pub fn told(self, is_saved: bool) -> DraftTold {
        let line = |line| match line {
            ChangedLine::Stays(text) => LineTold::Stays { text },
            ChangedLine::Out(text) => LineTold::Out { text },
            ChangedLine::In(text) => LineTold::In { text },
            ChangedLine::Gap(lines) => LineTold::Gap { lines },
        };
        let Self { base, lines, doubts } = self;
        DraftTold { is_saved, base, doubts, lines: lines.into_iter().map(line).collect() }
    }
}

/// A line of what changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedLine {
    /// It stays.
    Stays(String),
    /// It is taken out.
    Out(String),
    /// It is put in.
    In(String),
    /// So many lines that stay are not told.
    Gap(usize),
}

/// Why a site file is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It would not be correct.
    Incorrect(Bilingual),
    /// Somebody changed it meanwhile.
    Stale,
    /// It cannot be read or written.
    Failed(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incorrect(why) => f.write_str(&why.en),
            Self::Stale => f.write_str("somebody changed the site file meanwhile; look at the changes again"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// How one instance is to be passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// For how many days.
    pub days: u32,
    /// Of every violation, or of the incident's alone.
    pub every_violation: bool,
    /// Why.
    pub note: String,
}

/// A camera as it is now.
#[derive(Debug, Clone)]
pub struct CameraNow {
    /// Its name.
    pub id: StreamId,
    /// Why it gives no picture; none while it does.
    pub trouble: Option<Bilingual>,
    /// Where it stands in the hierarchy from city to grid cell.
    pub place: Place,
    /// Where it stands on the map.
    pub at: Option<[f64; 2]>,
    /// Its zones and lines.
    pub zones: Vec<Zone>,
    /// What is hidden in its picture.
    pub masks: Arc<[Mask]>,
    /// Where in it nothing is detected.
    pub exclusions: Arc<[Exclusion]>,
    /// What is looked for, each with the title of its violation.
    pub rules: Vec<(RuleKey, Text)>,
    /// Over whom it is spoken there, the first is tried first.
    pub speakers: Vec<SpeakerId>,
    /// Over whom in zones that have their own.
    pub zone_speakers: Vec<SpeakerId>,
}

impl CameraNow {
    /// Whether a loudspeaker is heard in its picture.
    pub fn is_spoken_to_by(&self, speaker: &SpeakerId) -> bool {
        self.speakers.iter().chain(&self.zone_speakers).any(|id| id == speaker)
    }
}

/// All ports. Clones share what is behind them.
#[derive(Clone)]
pub struct Ports {
    /// What is counted.
    pub metrics: Arc<dyn Metrics>,
    /// Whether the agent does its work.
    pub health: Arc<dyn Health>,
    /// The incidents.
    pub incidents: Arc<dyn Incidents>,
    /// The cameras.
    pub cameras: Arc<dyn Cameras>,
    /// What operators do.
    pub desk: Arc<dyn Desk>,
    /// The site file.
    pub site: Arc<dyn SiteEditor>,
    /// Where it is told what the agent sees.
    pub onlookers: Onlookers,
}
