//! The site file as it is written. Nothing is checked here but spelling and types; see [`super::resolve`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use forewarn_analytics::TrackerConfig;
use forewarn_domain::schedule::Schedule;
use forewarn_domain::violation::Language;
use forewarn_domain::{AttributeId, Class, Place, Point, SensorId, SpeakerId, StreamId, ViolationId, ZoneId};
use forewarn_models::providers::{Precision, ProviderChoice};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::inference::RawInference;
use super::schema;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSite {
    /// Name, time zone and language of the site.
    pub site: RawSiteHeader,
    /// The detector that all cameras share.
    #[serde(default)]
    pub model: RawModel,
    /// What decoding and the models may spend, and how seldom a still scene is looked at.
    #[serde(default)]
    pub inference: RawInference,
    /// How detections become tracks.
    #[serde(default)]
    #[schemars(schema_with = "schema::tracking")]
    pub tracking: Option<Spanned<TrackerConfig>>,
    /// Where evidence and the outbox are kept, and how much of it.
    #[serde(default)]
    pub storage: RawStorage,
    /// Where incidents are reported to.
    #[serde(default)]
    pub upstream: RawUpstream,
    /// The Prometheus endpoint.
    #[serde(default)]
    pub metrics: RawMetrics,
    /// What is read of subjects: what they wear, what their plates say.
    #[serde(default)]
    pub attributes: RawAttributes,
    /// Keeps where people stay, for `forewarn heatmap`; nothing is kept without it.
    #[serde(default)]
    pub heat_map: Option<RawHeatMap>,
    /// Where this site's own violation files are.
    #[serde(default)]
    pub violations: RawViolations,
    /// The loudspeakers.
    #[serde(default)]
    #[schemars(schema_with = "schema::speakers")]
    pub speaker: Vec<Spanned<RawSpeaker>>,
    /// The sensors.
    #[serde(default)]
    #[schemars(schema_with = "schema::sensors")]
    pub sensor: Vec<Spanned<RawSensor>>,
    /// The cameras.
    #[schemars(with = "Vec<RawCamera>")]
    pub camera: Vec<Spanned<RawCamera>>,
}

/// `[site]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSiteHeader {
    /// Short name; part of topics and file names.
    #[schemars(with = "String")]
    pub id: StreamId,
    /// IANA time zone of schedules and quiet hours, such as `Asia/Shanghai`.
    #[serde(default = "default_time_zone")]
    #[schemars(with = "String")]
    pub time_zone: Spanned<String>,
    /// Language of announcements: `en` or `zh`.
    #[serde(default)]
    #[schemars(schema_with = "schema::language")]
    pub language: Language,
    /// Hours in which nothing is announced.
    #[serde(default)]
    #[schemars(schema_with = "schema::schedules")]
    pub quiet_hours: Vec<Schedule>,
    /// Holidays, for schedules that speak of them: days (`2026-01-01`) and spans of days (`2026-02-15..2026-02-23`).
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub holidays: Vec<Spanned<String>>,
    /// Where the site lies: city, district, street, community; ids are free.
    #[serde(default)]
    #[schemars(schema_with = "schema::place")]
    pub place: Place,
}

fn default_time_zone() -> Spanned<String> {
    Spanned::new(0..0, "UTC".to_owned())
}

/// `[model]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawModel {
    /// Name of a built-in model card, or the path of one.
    #[schemars(with = "String")]
    pub card: Spanned<String>,
    /// Threads of one inference.
    #[schemars(with = "u32")]
    pub threads: Spanned<f64>,
    /// What runs the model: `auto`, `cpu`, `openvino`, `cuda` or `tensorrt`.
    #[schemars(schema_with = "schema::provider")]
    pub provider: ProviderChoice,
    /// In which numbers a provider other than the CPU may compute: `fp32`, `bf16` or `fp16`.
    #[schemars(schema_with = "schema::precision")]
    pub precision: Precision,
    /// A second model that looks at a sample of the frames, to see where it differs.
    #[schemars(with = "Option<RawShadow>")]
    pub shadow: Option<Spanned<RawShadow>>,
}

impl Default for RawModel {
    fn default() -> Self {
        Self {
            card: Spanned::new(0..0, "nanodet-g-416".to_owned()),
            threads: Spanned::new(0..0, 1.0),
            provider: ProviderChoice::default(),
            precision: Precision::default(),
            shadow: None,
        }
    }
}

/// `[model.shadow]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShadow {
    /// Name of a built-in model card, or the path of one.
    #[schemars(with = "String")]
    pub card: Spanned<String>,
    /// Part of the frames that it looks at, 0 to 1.
    #[serde(default = "default_sample")]
    #[schemars(with = "f64")]
    pub sample: Spanned<f64>,
    /// Bound of the file of differences, in MiB.
    #[serde(default = "default_shadow_mib")]
    #[schemars(with = "f64")]
    pub max_mib: Spanned<f64>,
}

fn default_sample() -> Spanned<f64> {
    Spanned::new(0..0, 0.05)
}

fn default_shadow_mib() -> Spanned<f64> {
    Spanned::new(0..0, 16.0)
}

/// `[storage]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawStorage {
    /// Directory of evidence and outbox, relative to the site file.
    pub dir: PathBuf,
    /// Evidence older than this is deleted once upstream has acknowledged it, in days.
    pub max_days: u32,
    /// Evidence beyond this is deleted, oldest first, once upstream has acknowledged it, in GiB.
    #[schemars(with = "f64")]
    pub max_gib: Spanned<f64>,
    /// Below this free space evidence is deleted even if it was not acknowledged, in GiB.
    #[schemars(with = "f64")]
    pub min_free_gib: Spanned<f64>,
    /// Bound of the outbox while upstream is away, in MiB.
    #[schemars(with = "f64")]
    pub outbox_mib: Spanned<f64>,
}

impl Default for RawStorage {
    fn default() -> Self {
        let number = |value| Spanned::new(0..0, value);
        Self {
            dir: PathBuf::from("forewarn-data"),
            max_days: 30,
            max_gib: number(20.0),
            min_free_gib: number(1.0),
            outbox_mib: number(512.0),
        }
    }
}

/// `[upstream]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawUpstream {
    /// An MQTT broker; without it reports wait in the outbox.
    #[schemars(schema_with = "schema::mqtt")]
    pub mqtt: Option<Spanned<forewarn_report::MqttConfig>>,
}

/// `[metrics]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawMetrics {
    /// Address of the Prometheus endpoint, such as `127.0.0.1:9464`; only loopback is allowed. None if absent.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Spanned<String>>,
}

/// `[attributes]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawAttributes {
    /// Also reads what violations only keep with their evidence, such as plates; needs the models for it.
    pub identify: bool,
    /// The model card that judges an attribute, in place of the built-in one: `{ hi_vis_vest = "vest.toml" }`.
    #[schemars(with = "BTreeMap<String, String>")]
    pub cards: BTreeMap<AttributeId, String>,
}

/// `[heat_map]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawHeatMap {
    /// Classes whose foot points count.
    #[schemars(with = "Vec<String>")]
    pub classes: Spanned<Vec<Class>>,
}

impl Default for RawHeatMap {
    fn default() -> Self {
        Self { classes: Spanned::new(0..0, vec![Class::new("person")]) }
    }
}

/// `[violations]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawViolations {
    /// Directory with more violation files, relative to the site file. A file of a built-in name replaces it.
    #[schemars(with = "Option<PathBuf>")]
    pub dir: Option<Spanned<PathBuf>>,
}

/// One `[[speaker]]`: an id beside what its kind needs.
#[derive(Debug, Deserialize)]
pub struct RawSpeaker {
    /// Its name.
    pub id: Spanned<SpeakerId>,
    /// The adapter's own keys; an unknown one is an error.
    #[serde(flatten)]
    pub adapter: toml::Table,
}

/// One `[[sensor]]`: an id beside what its kind needs.
#[derive(Debug, Deserialize)]
pub struct RawSensor {
    /// Its name.
    pub id: Spanned<SensorId>,
    /// The adapter's own keys; an unknown one is an error.
    #[serde(flatten)]
    pub adapter: toml::Table,
}

/// One `[[camera]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCamera {
    /// Its name.
    #[schemars(with = "String")]
    pub id: Spanned<StreamId>,
    /// `rtsp://`, `rtmp://`, `srt://`, `file:` or `v4l2:`.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
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
    /// Frames a second that are analysed.
    #[serde(default = "default_analysis_fps")]
    #[schemars(with = "f64")]
    pub analysis_fps: Spanned<f64>,
    /// Look seldom at a still scene.
    #[serde(default = "yes")]
    pub motion_gate: bool,
    /// Overlapping tiles for small subjects: `off`, `auto`, or a table.
    #[serde(default)]
    #[schemars(schema_with = "schema::tiles")]
    pub tiles: Option<Spanned<toml::Value>>,
    /// How things are sought that appear and stay, where a rule is about them.
    #[serde(default)]
    #[schemars(schema_with = "schema::static_objects")]
    pub static_objects: Option<Spanned<toml::Table>>,
    /// How things are sought that fall, where a rule is about them.
    #[serde(default)]
    #[schemars(schema_with = "schema::falling_objects")]
    pub falling_objects: Option<Spanned<toml::Table>>,
    /// Seconds without a frame after which the stream counts as interrupted.
    #[serde(default = "default_stall_s")]
    #[schemars(with = "f64")]
    pub stall_s: Spanned<f64>,
    /// Loudspeakers, the first is tried first.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub speakers: Vec<Spanned<SpeakerId>>,
    /// Where the camera stands, usually `{ cell = "…" }`; what is wider comes from the site.
    #[serde(default)]
    #[schemars(schema_with = "schema::place")]
    pub place: Place,
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

fn yes() -> bool {
    true
}

fn default_analysis_fps() -> Spanned<f64> {
    Spanned::new(0..0, 5.0)
}

fn default_stall_s() -> Spanned<f64> {
    Spanned::new(0..0, 5.0)
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

/// One `[[camera.zone]]`: an area or a line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawZone {
    /// Its name, unique for the camera. `whole` is always there and is the whole picture.
    #[schemars(with = "String")]
    pub id: Spanned<ZoneId>,
    /// Corners of an area, `[[x, y], …]`, three or more.
    #[serde(default)]
    #[schemars(with = "Option<Vec<[f32; 2]>>")]
    pub polygon: Option<Spanned<Vec<Point>>>,
    /// Points of a line, `[[x, y], …]`, two or more.
    #[serde(default)]
    #[schemars(with = "Option<Vec<[f32; 2]>>")]
    pub line: Option<Spanned<Vec<Point>>>,
    /// Unit of the coordinates; if absent, `normalised` where none is above 1, else `pixel`.
    #[serde(default)]
    pub unit: Option<RawUnit>,
    /// The area on the ground in square metres, for densities.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub area_m2: Option<Spanned<f64>>,
    /// Four points by which the area on the ground is worked out instead.
    #[serde(default)]
    #[schemars(with = "Option<RawGround>")]
    pub ground: Option<Spanned<RawGround>>,
}

/// `ground` of a zone: a rectangle on the ground as the picture shows it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGround {
    /// Its corners in order around, in the unit of the zone's own points.
    #[schemars(with = "[[f32; 2]; 4]")]
    pub points: [Point; 4],
    /// Its size in metres: from the first corner to the second, from the second to the third.
    pub size_m: [f64; 2],
}

/// Unit of coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawUnit {
    /// 0 to 1 over the picture.
    Normalised,
    /// Pixels of the full frame.
    Pixel,
}

/// One `[[camera.rule]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// The violation.
    #[schemars(with = "String")]
    pub violation: Spanned<ViolationId>,
    /// The zone; the whole picture if absent.
    #[serde(default = "default_zone")]
    #[schemars(with = "String")]
    pub zone: Spanned<ZoneId>,
    /// What differs from the violation's file here: a parameter by its name (`stationary_s = 10`), or a key of its
    /// tables with a dot (`observe.for_s = 5`).
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub with: Option<Spanned<toml::Table>>,
    /// When the rule holds; always if absent.
    #[serde(default)]
    #[schemars(schema_with = "schema::optional_schedule")]
    pub schedule: Option<Spanned<Schedule>>,
    /// The `[[sensor]]` that the violation's condition hangs on.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sensor: Option<SensorId>,
}

fn default_zone() -> Spanned<ZoneId> {
    Spanned::new(0..0, ZoneId::new("whole").unwrap_or_else(|_| unreachable!("a literal slug")))
}
