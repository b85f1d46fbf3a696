//! `[[camera]]`: what is watched.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_analytics::luma::{FallingObjectConfig, StaticObjectConfig};
use forewarn_domain::mask::Mask;
use forewarn_domain::{Exclusion, Orientation, Place, SpeakerId, StreamId, Zone};
use forewarn_engine::tiles::Tiles;
use forewarn_engine::{FallWatch, GroundSetup};
use forewarn_pipelines::{DecoderPreference, ReplayConfig, RingLimits, RtspTransport, SourceUrl, StreamConfig};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::chains::Chains;
use crate::check::{Check, unwritten};
use crate::exclusion::{self, RawExclusion};
use crate::mask::{self, RawMask};
use crate::rule::{self, Lookup, RawRule, Rule};
use crate::telemetry::{self, LiveTelemetry, RawTelemetry, Whose};
use crate::video::RawVideo;
use crate::zone::{self, RawZone};
use crate::{luma, schema, tiles};

pub(crate) const EXAMPLE: &str = r#"[[camera]]
id = "gate"
url = "rtsp://192.168.1.20:554/stream1"
# detect_url = "rtsp://192.168.1.20:554/stream2" # a smaller stream of the same picture: it is watched, `url` is kept
# user = "viewer"
# password_env = "GATE_PASSWORD" # or password_file = "gate.secret"; a password never stands in this file
transport = "tcp"                # or "udp"
decoder = "auto"                 # "software", or the name of a GStreamer decoder
turned_deg = 0                   # 90, 180 or 270 to the right to see upright what the camera, as it is mounted, shows
# footage = true                 # keep all its video around the clock, too; see [footage]
analysis_fps = 5.0               # frames a second that are looked at; all are kept for evidence
motion_gate = true               # look seldom at a still scene; see [inference]
tiles = "off"                    # "auto" for small subjects, or { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }
stall_s = 5.0                    # without a frame for this long the stream counts as interrupted
place = { cell = "C-07" }         # the grid cell; city to community come from [site]
# at = [120.1532, 30.2511]       # where it stands on the console's map; see [map]
speakers = ["horn", "kiosk"]     # the first is tried first, the others are its fall-backs
"#;

/// One `[[camera]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCamera {
    /// Its name.
    #[schemars(with = "String")]
    pub id: Spanned<StreamId>,
    /// `rtsp://`, `rtmp://`, `srt://`, `udp://`, `whip://`, `http://`, `file:` or `v4l2:`.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
    /// A smaller stream of the same picture, with the same login: it is watched, and `url` is kept for clips.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub detect_url: Option<Spanned<String>>,
    /// User name, if it does not stand in the URL.
    #[serde(default)]
    pub user: Option<String>,
    /// File whose first line is the password.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub password_file: Option<Spanned<PathBuf>>,
    /// Environment variable that holds the password.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password_env: Option<Spanned<String>>,
    /// RTSP transport.
    #[serde(default)]
    pub transport: RawTransport,
    /// `auto`, `software`, `vaapi`, `nvdec`, `v4l2`, or the name of a GStreamer decoder.
    #[serde(default = "default_decoder")]
    pub decoder: String,
    /// Degrees clockwise by which the picture is to be turned to stand upright, as the camera is mounted: 0, 90, 180 or
    /// 270.
    #[serde(default = "not_turned")]
    #[schemars(with = "i32")]
    pub turned_deg: Spanned<i32>,
    /// Keep all its video around the clock, beside evidence.
    #[serde(default)]
    pub footage: bool,
    /// Frames a second that are analysed.
    #[serde(default = "default_analysis_fps")]
    #[schemars(with = "f64")]
    pub analysis_fps: Spanned<f64>,
    /// Look seldom at a still scene.
    #[serde(default = "yes")]
    pub motion_gate: bool,
    /// Overlapping tiles for small subjects: `off`, `auto`, or a table; `auto` if absent for a camera whose telemetry is heard while
    /// it flies, else `off`.
    #[serde(default)]
    #[schemars(schema_with = "tiles::schema")]
    pub tiles: Option<Spanned<toml::Value>>,
    /// How things are sought that appear and stay, where a rule is about them. Pixels are those of a picture of 1080
    /// rows.
    #[serde(default)]
    #[schemars(with = "Option<StaticObjectConfig>")]
    pub static_objects: Option<Spanned<toml::Table>>,
    /// How things are sought that fall, where a rule is about them. Pixels are those of a picture of 1080 rows, but for
    /// the floors, which are drawn on the camera's own.
    #[serde(default)]
    #[schemars(with = "Option<FallingObjectConfig>")]
    pub falling_objects: Option<Spanned<toml::Table>>,
    /// Seconds without a frame after which the stream counts as interrupted.
    #[serde(default = "default_stall_s")]
    #[schemars(with = "f64")]
    pub stall_s: Spanned<f64>,
    /// Loudspeakers, the first is tried first.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub speakers: Option<Vec<Spanned<SpeakerId>>>,
    /// Where the camera stands, usually `{ cell = "…" }`; what is wider comes from the site.
    #[serde(default)]
    #[schemars(schema_with = "schema::place")]
    pub place: Place,
    /// Where it stands on the [map] of the console: longitude and latitude, or, on a plan without `corners`, parts of its width
    /// and height from its upper left corner.
    #[serde(default)]
    #[schemars(with = "Option<[f64; 2]>")]
    pub at: Option<Spanned<[f64; 2]>>,
    /// Parts of the picture that nobody may see; blackened before anything is kept, shown or analysed.
    #[serde(default)]
    pub mask: Vec<RawMask>,
    /// Parts of the picture that stay visible and recorded, and in which nothing is detected.
    #[serde(default)]
    pub exclusion: Vec<RawExclusion>,
    /// Where a camera that flies is and looks.
    #[serde(default)]
    #[schemars(with = "Option<RawTelemetry>")]
    pub telemetry: Option<Spanned<RawTelemetry>>,
    /// Zones and lines in the picture.
    #[serde(default)]
    pub zone: Vec<RawZone>,
    /// Which violations hold where and when.
    #[serde(default)]
    pub rule: Vec<RawRule>,
}

fn default_decoder() -> String {
    "auto".to_owned()
}

fn not_turned() -> Spanned<i32> {
    unwritten(0)
}

fn yes() -> bool {
    true
}

fn default_analysis_fps() -> Spanned<f64> {
    unwritten(5.0)
}

fn default_stall_s() -> Spanned<f64> {
    unwritten(5.0)
}

/// How RTP comes.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawTransport {
    /// Interleaved in the RTSP connection.
    #[default]
    Tcp,
    /// In datagrams of its own.
    Udp,
}

/// A checked camera.
#[derive(Debug, Clone)]
pub struct Camera {
    /// Its name.
    pub id: StreamId,
    /// Where its video comes from, with credentials.
    pub source: SourceUrl,
    /// The smaller stream of the same picture that is watched in its place, with credentials.
    pub watched: Option<SourceUrl>,
    /// How RTP comes.
    pub transport: RtspTransport,
    /// Which decoder is preferred.
    pub decoder: DecoderPreference,
    /// How it is mounted: its pictures are turned so.
    pub turned: Orientation,
    /// What is hidden in all its pictures.
    pub masks: Arc<[Mask]>,
    /// Where in its picture nothing is detected.
    pub exclusions: Arc<[Exclusion]>,
    /// Whether all its video is kept around the clock.
    pub has_footage: bool,
    /// Time without a frame after which the stream counts as interrupted.
    pub stall: Duration,
    /// Where it stands in the hierarchy from city to grid cell.
    pub place: Place,
    /// Where it stands on the console's map.
    pub at: Option<[f64; 2]>,
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
    /// Its loudspeakers and those of its zones.
    pub speakers: Chains,
    /// Zones and lines, the whole picture among them.
    pub zones: Vec<Zone>,
    /// What is known of its flight; none of a camera that stands.
    pub ground: Option<GroundSetup>,
    /// Where its telemetry is heard while it flies; none where a file tells it.
    pub live: Option<LiveTelemetry>,
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

    /// Each of its streams by itself: that of `url`, and the smaller one that is watched, if there is one.
    pub fn each_stream(&self) -> Vec<Self> {
        let alone = |source: &SourceUrl| Self { source: source.clone(), watched: None, ..self.clone() };
        std::iter::once(&self.source).chain(&self.watched).map(alone).collect()
    }

    /// Whether its live stream is the same as that of `other`: it is opened in the same manner, the same is hidden in its
    /// pictures, they are kept for as long, the same is looked for on every frame, and the same is heard of its flight.
    pub fn is_same_stream(&self, other: &Self) -> bool {
        let opened =
            |camera: &Self| (camera.transport, camera.turned, camera.stall, camera.ring_limits(), camera.has_footage);
        (&self.source, &self.watched, &self.decoder, &self.falls, &self.masks, &self.live)
            == (&other.source, &other.watched, &other.decoder, &other.falls, &other.masks, &other.live)
            && opened(self) == opened(other)
    }

    /// How its live stream is opened.
    pub fn stream_config(&self) -> StreamConfig {
        StreamConfig {
            transport: self.transport,
            decoder: self.decoder.clone(),
            turned: self.turned,
            masks: self.masks.clone(),
            stall_after: self.stall,
            ring: self.ring_limits(),
            watched: self.watched.clone(),
            ..StreamConfig::new(self.id.clone(), self.source.clone())
        }
    }

    /// What its masks cost, in words; none if it has none.
    pub fn cost_of_masks(&self) -> Option<String> {
        let n = self.masks.len();
        let streams = if self.watched.is_some() { "both its streams are" } else { "its video is" };
        let what = if n == 1 { "1 mask".to_owned() } else { format!("{n} masks") };
        (n > 0).then(|| {
            format!(
                "camera {}: {what}: {streams} decoded, masked and encoded again (H.264, in software) before anything else, \
                 which costs one decoding and one encoding of every frame beside the usual; the camera's own signatures \
                 and coding are not kept",
                self.id
            )
        })
    }

    /// How its clips are replayed.
    pub fn replay_config(&self) -> ReplayConfig {
        let (turned, masks) = (self.turned, self.masks.clone());
        ReplayConfig { turned, masks, ..ReplayConfig::new(self.id.clone()) }
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

/// Checks the cameras of a site at `place`, which may name the `speakers`.
pub(crate) fn check(
    raw: Vec<Spanned<RawCamera>>,
    check: &mut Check<'_>,
    place: &Place,
    speakers: &[SpeakerId],
    lookup: &Lookup<'_>,
) -> Vec<Camera> {
    let mut ids = BTreeSet::new();
    let mut cameras = Vec::new();
    for raw in raw {
        let raw = raw.into_inner();
        let id = raw.id.get_ref();
        let is_taken = !ids.insert(id.clone());
        check.unique(raw.id.span(), is_taken, &format!("camera `{id}`"), "give each camera its own id");
        cameras.extend(raw.check(check, place, speakers, lookup));
    }
    cameras
}

impl RawCamera {
    /// Whether its telemetry tells when the vehicle has landed.
    pub(crate) fn hears_of_landing(&self) -> bool {
        self.telemetry.as_ref().is_some_and(|telemetry| telemetry.get_ref().tells_of_landing())
    }

    fn check(self, check: &mut Check<'_>, site: &Place, speakers: &[SpeakerId], lookup: &Lookup<'_>) -> Option<Camera> {
        let video = |url| RawVideo {
            url,
            user: self.user.as_deref(),
            password_file: self.password_file.as_ref(),
            password_env: self.password_env.as_ref(),
        };
        let source = video(&self.url).check(check);
        let zones = zone::check(&self.zone, check);
        let watched = match &self.detect_url {
            Some(url) => Some(video(url).check_beside(check, source.as_ref(), &zones.list)?),
            None => None,
        };
        let speakers = Chains::check(self.speakers.as_deref(), &self.zone, check, speakers);
        let fps = check.number(&self.analysis_fps, 0.1..=60.0, "frames a second");
        let stall_s = check.number(&self.stall_s, 0.5..=3600.0, "seconds");
        let turned = turned(check, &self.turned_deg);
        let masks = mask::check(&self.mask, check, self.detect_url.is_some());
        let exclusions = exclusion::check(&self.exclusion, check, self.detect_url.is_some(), lookup.classes);
        let rules = rule::check(&self.rule, check, &self.id, &zones, lookup);
        exclusion::doubt_zones(check, (&self.rule, &rules), &zones.list, &exclusions);
        let static_objects = luma::static_objects(check, self.static_objects.as_ref(), &rules);
        let exclusions = exclusions.into();
        let falls = luma::falling_objects(check, self.falling_objects.as_ref(), &rules, (&zones.list, &exclusions));
        if let (Some((at, _)), None) = (zones.on_ground.first(), &self.telemetry) {
            let zone = &zones.list[*at].id;
            let problem = format!("zone `{zone}` lies on the ground, and no telemetry tells its rules where that is");
            check.fail::<()>(self.id.span(), problem, "add `[camera.telemetry]`, or draw the zone in the picture");
        }
        let has_telemetry = self.telemetry.is_some();
        let whose = Whose { site: lookup.site, camera: self.id.get_ref(), kind: source.as_ref().map(SourceUrl::kind) };
        let ground = telemetry::check(check, self.telemetry.as_ref(), zones.on_ground, whose);
        let (ground, live) =
            if has_telemetry { ground.map(|(ground, live)| (Some(ground), live))? } else { (None, None) };
        let tiles = tiles::check(check, self.tiles.as_ref(), live.is_some());
        Some(Camera {
            id: self.id.into_inner(),
            place: self.place.within(site),
            at: self.at.map(Spanned::into_inner),
            source: source?,
            watched,
            transport: match self.transport {
                RawTransport::Tcp => RtspTransport::Tcp,
                RawTransport::Udp => RtspTransport::Udp,
            },
            decoder: self.decoder.parse().unwrap_or_default(),
            turned: turned?,
            masks: masks?.into(),
            exclusions,
            has_footage: self.footage,
            stall: Duration::from_secs_f64(stall_s?),
            analysis_interval: Duration::from_secs_f64(1.0 / fps?),
            is_gated: self.motion_gate,
            tiles,
            static_objects,
            falls,
            speakers,
            zones: zones.list,
            ground,
            live,
            rules,
        })
    }
}

fn turned(check: &mut Check<'_>, degrees: &Spanned<i32>) -> Option<Orientation> {
    let turned = Orientation::clockwise(*degrees.get_ref());
    turned.or_else(|| {
        let problem = format!("a picture cannot be turned by {} degrees", degrees.get_ref());
        check.fail(degrees.span(), problem, "write 0, 90, 180 or 270")
    })
}
