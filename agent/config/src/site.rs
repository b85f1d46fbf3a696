//! The site as the agent uses it: every name looked up, every number checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use forewarn_analytics::luma::{FallingObjectConfig, StaticObjectConfig};
use forewarn_analytics::{CompiledRule, TrackerConfig};
use forewarn_domain::schedule::Schedule;
use forewarn_domain::violation::Language;
use forewarn_domain::{AttributeId, Class, Place, RuleKey, SpeakerId, StreamId, Violation, Zone};
use forewarn_hw::{Sensor, SpeakerConfig};
use forewarn_models::Card;
use forewarn_models::providers::Request;
use forewarn_pipelines::{DecoderPreference, RingLimits, RtspTransport, SourceUrl};
use jiff::tz::TimeZone;

use super::civil_time::HolidayList;
use super::inference::{Inference, Tiles};
use super::luma::Area;

/// A checked site.
#[derive(Debug)]
pub struct Site {
    /// Short name.
    pub id: StreamId,
    /// Time zone of schedules.
    pub time_zone: TimeZone,
    /// Language of announcements.
    pub language: Language,
    /// Hours in which nothing is announced.
    pub quiet_hours: Vec<Schedule>,
    /// Days that schedules may leave out, or hold on alone.
    pub holidays: HolidayList,
    /// The detector's card.
    pub card: Card,
    /// Threads of one inference.
    pub threads: usize,
    /// What the models may spend and how closely they look.
    pub inference: Inference,
    /// What runs the model, and in which numbers.
    pub execution: Request,
    /// The second model, if any.
    pub shadow: Option<Shadow>,
    /// Settings of every camera's tracker.
    pub tracker: TrackerConfig,
    /// Where and how much is kept.
    pub storage: Storage,
    /// The broker.
    pub mqtt: Option<forewarn_report::ResolvedMqtt>,
    /// Where metrics are served.
    pub metrics_listen: Option<SocketAddr>,
    /// What is read of subjects, and by which models.
    pub attributes: Attributes,
    /// What heat maps count; none are kept if absent.
    pub heat_map: Option<HeatMap>,
    /// The loudspeakers.
    pub speakers: Vec<(SpeakerId, SpeakerConfig)>,
    /// The sensors, in the order of the file.
    pub sensors: Vec<Sensor>,
    /// The cameras, in the order of the file.
    pub cameras: Vec<Camera>,
    /// The directory of the site file, against which its relative paths are resolved.
    pub directory: PathBuf,
    /// The directory of the site's own violation files and of their sounds.
    pub violations_dir: PathBuf,
}

/// What is read of subjects, and by which models.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// Whether also that is read which violations only keep with their evidence, such as plates.
    pub identify: bool,
    /// Names or paths of the cards that judge, in place of the built-in ones.
    pub cards: BTreeMap<AttributeId, String>,
}

/// What heat maps count.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// The classes.
    pub classes: Vec<Class>,
}

/// A second model that looks at a sample of the frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// Its card.
    pub card: Card,
    /// Part of the frames, 0 to 1.
    pub sample: f64,
    /// Bound of the file of differences in bytes.
    pub max_bytes: u64,
}

/// What is kept on disk.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The directory.
    pub dir: PathBuf,
    /// Bound of evidence in days.
    pub max_days: u32,
    /// Bound of evidence in bytes.
    pub max_bytes: u64,
    /// Free space that is always left, in bytes.
    pub min_free_bytes: u64,
    /// Bound of the outbox in bytes.
    pub outbox_bytes: u64,
}

impl Storage {
    /// The outbox's file.
    pub fn outbox(&self) -> PathBuf {
        self.dir.join("outbox.sqlite")
    }
}

/// A checked camera.
#[derive(Debug)]
pub struct Camera {
    /// Its name.
    pub id: StreamId,
    /// Where its video comes from, with credentials.
    pub source: SourceUrl,
    /// How RTP comes.
    pub transport: RtspTransport,
    /// Which decoder is preferred.
    pub decoder: DecoderPreference,
    /// Time without a frame after which the stream counts as interrupted.
    pub stall: Duration,
    /// Where it stands in the hierarchy from city to grid cell.
    pub place: Place,
    /// Time between two analysed frames.
    pub analysis_interval: Duration,
    /// Whether a still scene is looked at less often.
    pub is_gated: bool,
    /// How its frames are divided for small subjects, if they are.
    pub tiles: Option<Tiles>,
    /// How things that stay are sought; none where no rule is about them.
    pub static_objects: Option<StaticObjectConfig>,
    /// How and where things that fall are sought; none where no rule is about them.
    pub falls: Option<FallWatch>,
    /// Loudspeakers, the first is tried first.
    pub speakers: Vec<SpeakerId>,
    /// Zones and lines, the whole picture among them.
    pub zones: Vec<Zone>,
    /// The rules as the site binds them.
    pub rules: Vec<Rule>,
}

/// A scene in which things that stay are sought is looked at so often; what lies between two looks that are farther apart
/// does not count as watched.
const LONGEST_REST: Duration = Duration::from_secs(2);

impl Camera {
    /// The longest time between two looks at a still scene, where the site allows `rest`.
    pub fn longest_rest(&self, rest: Duration) -> Duration {
        if self.static_objects.is_some() { rest.min(LONGEST_REST) } else { rest }
    }

    /// Bounds of the pre-roll ring: long enough for the longest pre-roll of the camera's rules, counted back from the
    /// confirmation.
    pub fn ring_limits(&self) -> RingLimits {
        let of_rule = |rule: &Rule| {
            let violation = &rule.violation;
            violation.evidence.pre_roll_s + violation.confirm.for_s + violation.confirm.forgive_s
        };
        let longest_s = self.rules.iter().map(of_rule).fold(0.0, f64::max);
        // Evidence may be asked for a little late, when the machine is busy.
        let needed = Duration::try_from_secs_f64(longest_s + 5.0).unwrap_or(Duration::from_mins(10));
        let defaults = RingLimits::default();
        RingLimits { span: defaults.span.max(needed.min(Duration::from_mins(10))), ..defaults }
    }
}

/// How and where things that fall are sought.
#[derive(Debug, Clone, PartialEq)]
pub struct FallWatch {
    /// The settings, whose pixels are those of a picture of 1080 rows.
    pub config: FallingObjectConfig,
    /// The part of the picture.
    pub area: Area,
}

/// A violation bound to a zone, with what the site changes in it.
#[derive(Debug)]
pub struct Rule {
    /// Camera, violation and zone.
    pub key: RuleKey,
    /// The violation with the site's changes.
    pub violation: Violation,
    /// Whether it holds only at some times.
    pub has_schedule: bool,
    /// What the tracker's rules need of it.
    pub compiled: CompiledRule,
}
