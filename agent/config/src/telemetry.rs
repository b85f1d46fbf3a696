//! `[camera.telemetry]`: where a camera that flies is and looks, and how well that is known.

mod file;
mod ground;
mod live;

use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;

use forewarn_engine::{GroundSetup, LensKind};
use forewarn_ground::lens::LensFile;
use forewarn_ground::{Aim, GroundZone, Lens, Limits, Uncertainty, attitude};
use forewarn_hw::telemetry::Height;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

pub use self::live::LiveTelemetry;
pub(crate) use self::live::Whose;
use crate::check::{Check, unwritten};

pub(crate) const EXAMPLE: &str = r#"# Where a camera that flies is and looks; see docs/drone.md. Zones may then lie on the ground:
# `lon_lat = [[120.15, 30.25], …]`, or `geojson = "zones.geojson"` with `feature = "yard"`.
# [camera.telemetry]
# source = "mavlink"             # an autopilot; or "dji", the dock of an aircraft of DJI
# url = "udpin:127.0.0.1:14550"  # or "udpout:HOST:PORT", "tcp:HOST:PORT", "serial:/dev/ttyAMA0:57600"
# system = 1                     # the vehicle's system id
# mqtt = { url = "mqtt://127.0.0.1:1883", device = "1581F5BKD221" }  # of "dji"
# source = "srt"                 # beside the clip that is replayed; or "csv", "gpx", "klv" (also within an MPEG-TS)
# source = "klv"                 # without a file: beside the live video of a udp:// or srt:// camera
# file = "flight.srt"
# view_deg = 73.7                # what the lens sees across at zoom 1; or lens = "lens.toml"
# ground_m = 0.0                 # height of the ground, in the reckoning of the camera's
# terrain = "hill.tif"           # or its heights, a GeoTIFF in degrees or UTM, to each of which ground_m is added
# height = "start"               # above the place of take-off; or "sea"
"#;

/// `[camera.telemetry]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTelemetry {
    /// Where it comes from: while the drone flies, or a kind of file.
    pub source: RawSource,
    /// The file, relative to the site file.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub file: Option<Spanned<PathBuf>>,
    /// Where an autopilot is heard: `udpin:ADDRESS:PORT`, `udpout:HOST:PORT`, `tcp:HOST:PORT` or `serial:DEVICE:BAUD`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub url: Option<Spanned<String>>,
    /// The system id of the vehicle, 1 to 255.
    #[serde(default)]
    #[schemars(with = "Option<u8>")]
    pub system: Option<Spanned<u8>>,
    /// The broker of a dock or controller of DJI, and the aircraft.
    #[serde(default)]
    #[schemars(with = "Option<forewarn_hw::telemetry::live::dji::DjiConfig>")]
    pub mqtt: Option<Spanned<toml::Table>>,
    /// Degrees that the lens sees across at zoom 1.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub view_deg: Option<Spanned<f64>>,
    /// A TOML file of the lens's calibration instead: `width`, `height`, `fx`, and where known `fy`, `cx`, `cy`, `k1`, `k2`,
    /// `p1`, `p2`, `k3`, as OpenCV gives them.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub lens: Option<Spanned<PathBuf>>,
    /// Where the camera looks, where the file does not tell.
    #[serde(default)]
    #[schemars(with = "Option<RawAim>")]
    pub aim: Option<Spanned<RawAim>>,
    /// Which height of the file counts.
    #[serde(default)]
    pub height: RawHeight,
    /// A GeoTIFF of the heights of the ground, in degrees of WGS84 or metres of UTM.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub terrain: Option<Spanned<PathBuf>>,
    /// The height of the ground in metres, in the reckoning of the camera's; with `terrain` what is added to its heights.
    #[serde(default = "zero")]
    #[schemars(with = "f64")]
    pub ground_m: Spanned<f64>,
    /// The second of the clip at which the file's time begins.
    #[serde(default = "zero")]
    #[schemars(with = "f64")]
    pub offset_s: Spanned<f64>,
    /// Seconds that telemetry may lie from the frame.
    #[serde(default = "default_max_age_s")]
    #[schemars(with = "f64")]
    pub max_age_s: Spanned<f64>,
    /// The farthest ground of which places are told, in metres.
    #[serde(default = "default_max_range_m")]
    #[schemars(with = "f64")]
    pub max_range_m: Spanned<f64>,
    /// Whether places are also told in GCJ-02.
    #[serde(default)]
    pub gcj02: bool,
    /// How well all this is known.
    #[serde(default)]
    pub uncertainty: RawUncertainty,
}

/// Heights of ground, from the shore of the Dead Sea to the highest peak.
const GROUND_M: RangeInclusive<f64> = -1_000.0..=9_000.0;
/// No clip begins more than a day from its side file.
const OFFSET_S: RangeInclusive<f64> = -86_400.0..=86_400.0;
const YAW_DEG: RangeInclusive<f64> = -360.0..=360.0;
const TILT_DEG: RangeInclusive<f64> = -180.0..=180.0;

fn zero() -> Spanned<f64> {
    unwritten(0.0)
}

fn default_max_age_s() -> Spanned<f64> {
    unwritten(2.0)
}

fn default_max_range_m() -> Spanned<f64> {
    unwritten(Limits::default().max_range_m)
}

/// Kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSource {
    /// Subtitles of DJI's recorders.
    Srt,
    /// A table of one's own.
    Csv,
    /// A track.
    Gpx,
    /// Packets of MISB ST 0601.
    Klv,
    /// An autopilot that speaks MAVLink 2.
    Mavlink,
    /// DJI's Cloud API.
    Dji,
}

impl RawTelemetry {
    /// Whether it tells when the vehicle has landed.
    pub(crate) fn tells_of_landing(&self) -> bool {
        matches!(self.source, RawSource::Mavlink)
    }
}

impl RawSource {
    /// Whether it is heard while the drone flies, and not read from a file.
    fn is_live(self) -> bool {
        matches!(self, Self::Mavlink | Self::Dji)
    }
}

/// Reckonings of the height.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawHeight {
    /// Above the place of take-off.
    #[default]
    Start,
    /// Above the sea.
    Sea,
}

/// An attitude of the camera.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAim {
    /// Degrees east of north.
    pub yaw_deg: f64,
    /// Degrees up; -90 is straight down.
    pub pitch_deg: f64,
    /// Degrees rolled to the right.
    #[serde(default)]
    pub roll_deg: f64,
    /// What the angles count from.
    #[serde(default)]
    pub within: RawFrame,
}

/// What an attitude counts from.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawFrame {
    /// North and the horizon.
    #[default]
    Earth,
    /// The vehicle, to which the camera is fixed.
    Vehicle,
}

impl RawAim {
    /// Whether each angle is one; a mistake otherwise.
    fn check(check: &mut Check<'_>, raw: Option<&Spanned<Self>>) -> Option<()> {
        let Some((place, aim)) = raw.map(|raw| (raw.span(), raw.get_ref())) else { return Some(()) };
        let angles = [
            ("yaw_deg", aim.yaw_deg, YAW_DEG),
            ("pitch_deg", aim.pitch_deg, TILT_DEG),
            ("roll_deg", aim.roll_deg, TILT_DEG),
        ];
        for (key, angle, range) in angles {
            if !range.contains(&angle) {
                let mend = format!("write {} to {} degrees", range.start(), range.end());
                return check.fail_key(place, key, format!("{angle} is out of range"), mend);
            }
        }
        Some(())
    }

    fn resolve(self) -> Aim {
        let turned = attitude(self.yaw_deg, self.pitch_deg, self.roll_deg);
        match self.within {
            RawFrame::Earth => Aim::Earth(turned),
            RawFrame::Vehicle => Aim::Vehicle(turned),
        }
    }
}

impl From<RawHeight> for Height {
    fn from(height: RawHeight) -> Self {
        match height {
            RawHeight::Start => Self::Start,
            RawHeight::Sea => Self::Sea,
        }
    }
}

/// Standard deviations.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawUncertainty {
    /// Of the camera's place, in metres north and as many east.
    pub horizontal_m: Option<f64>,
    /// Of its height, in metres.
    pub vertical_m: Option<f64>,
    /// Of its heading, in degrees.
    pub heading_deg: Option<f64>,
    /// Of its tilt, in degrees about each level axis.
    pub tilt_deg: Option<f64>,
    /// Of the foot point in the picture, in pixels.
    pub pixel_px: Option<f64>,
    /// Of the ground's height, in metres.
    pub ground_m: Option<f64>,
    /// Of the focal length, in parts of it.
    pub focal: Option<f64>,
}

impl RawUncertainty {
    /// The first number that is no deviation, with its key and the largest that is one, as an error.
    fn resolve(&self) -> Result<Uncertainty, (&'static str, f64, f64)> {
        let usual = Uncertainty::default();
        let of = |key: &'static str, written: Option<f64>, usual: f64, most: f64| {
            let value = written.unwrap_or(usual);
            if (0.0..=most).contains(&value) { Ok(value) } else { Err((key, value, most)) }
        };
        Ok(Uncertainty {
            horizontal_m: of("horizontal_m", self.horizontal_m, usual.horizontal_m, 1_000.0)?,
            vertical_m: of("vertical_m", self.vertical_m, usual.vertical_m, 1_000.0)?,
            heading_deg: of("heading_deg", self.heading_deg, usual.heading_deg, 90.0)?,
            tilt_deg: of("tilt_deg", self.tilt_deg, usual.tilt_deg, 45.0)?,
            pixel_px: of("pixel_px", self.pixel_px, usual.pixel_px, 1_000.0)?,
            ground_m: of("ground_m", self.ground_m, usual.ground_m, 1_000.0)?,
            focal: of("focal", self.focal, usual.focal, 0.5)?,
        })
    }
}

/// What a camera's engine needs to know of its flight, and where it is heard from if not from a file; none without
/// telemetry or with a mistake in it.
pub(crate) fn check(
    check: &mut Check<'_>,
    raw: Option<&Spanned<RawTelemetry>>,
    zones: Vec<(usize, GroundZone)>,
    whose: Whose<'_>,
) -> Option<(GroundSetup, Option<LiveTelemetry>)> {
    let place = raw?.span();
    let raw = raw?.get_ref();
    let max_age_s = check.number(&raw.max_age_s, 0.05..=60.0, "seconds");
    let max_range_m = check.number(&raw.max_range_m, 1.0..=20_000.0, "metres");
    let ground_m = check.number(&raw.ground_m, GROUND_M, "metres");
    let offset_s = check.number(&raw.offset_s, OFFSET_S, "seconds");
    RawAim::check(check, raw.aim.as_ref())?;
    let uncertainty = match raw.uncertainty.resolve() {
        Ok(uncertainty) => uncertainty,
        Err((key, value, most)) => {
            let problem = format!("{key} = {value} is no standard deviation");
            return check.fail_key(place, "uncertainty", problem, format!("write {key} = 0 to {most}"));
        }
    };
    let lens = lens(check, raw, place.clone());
    let ground = ground::check(check, raw, ground_m);
    let is_beside = matches!(raw.source, RawSource::Klv) && raw.file.is_none() && whose.sends_stream();
    let (samples, live) = if raw.source.is_live() || is_beside {
        (Vec::new(), Some(live::check(check, raw, place, lens, whose)?))
    } else {
        (file::samples(check, raw, place, offset_s?)?, None)
    };
    let flight = file::flight(check, raw, samples);
    let setup = GroundSetup {
        flight: Arc::new(flight?),
        lens: lens?,
        ground: ground?,
        zones,
        uncertainty,
        limits: Limits { max_range_m: max_range_m? },
        max_age_us: (max_age_s? * 1e6) as i64,
        has_gcj02: raw.gcj02,
    };
    Some((setup, live))
}

fn lens(check: &mut Check<'_>, raw: &RawTelemetry, place: Range<usize>) -> Option<LensKind> {
    match (&raw.view_deg, &raw.lens) {
        (Some(view), None) => match Lens::of_view(*view.get_ref(), (16, 9)) {
            Ok(_) => Some(LensKind::View(*view.get_ref())),
            Err(error) => check.fail(view.span(), error.to_string(), "write what the lens sees across, in degrees"),
        },
        (None, Some(file)) => {
            let path = check.path(file.get_ref());
            let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
            let parsed = read.and_then(|text| toml::from_str::<LensFile>(&text).map_err(|e| e.message().to_owned()));
            match parsed.and_then(|lens| Lens::new(&lens).map_err(|error| error.to_string())) {
                Ok(lens) => Some(LensKind::Calibrated(lens)),
                Err(problem) => {
                    let mend = "write width, height, fx and what else the calibration gave, as docs/drone.md shows";
                    check.fail(file.span(), format!("{}: {problem}", path.display()), mend)
                }
            }
        }
        _ => {
            let problem = "a lens is known either by `view_deg` or by `lens`";
            check.fail(place, problem, "give `view_deg = 73.7`, or `lens = \"lens.toml\"`")
        }
    }
}

#[cfg(test)]
mod tests;
