//! A flight made of the footage of a standing camera, for `forewarn demo --drone`: a second camera at the same place pans,
//! tilts and zooms within its picture, and the telemetry of that is exact.
//!
//! Two cameras at one place see the same rays, so each picture of the second is the first's, drawn anew by a homography: no
//! ground, person or shadow is where it could not be.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use forewarn_base::durable;
use forewarn_config::Site;
use forewarn_domain::violation::Language;
use forewarn_domain::{Frame, PixelFormat, StreamId, Timestamp, WallTime};
use forewarn_engine::civil_time::SiteTime;
use forewarn_ground::{Flat, Lens, Pose, Position, Shot, Uncertainty, attitude};
use forewarn_pipelines::{ClipEncoder, FileReplay, ReplayConfig};
use glam::{DMat3, DVec3};

use crate::keeper::MissionKeeper;
use crate::paper::{Mission, Missions, Order};
use crate::{MissionError, command};

/// What is known of the street clip's camera: fitted by eye and by the heights of people to 1.7 m.
const VIEW_DEG: f64 = 39.0;
const PITCH_DEG: f64 = -18.5;
/// Where the flight is said to be. The true place is not that of the footage.
const PLACE: Position = Position { lat_deg: 30.2741, lon_deg: 120.1551, height_m: 7.5 };
const YAW_DEG: f64 = 20.0;
/// What the camera in the air sees across at zoom 1.
const AIR_VIEW_DEG: f64 = 25.0;
const AIR_SIZE: (u32, u32) = (640, 480);
/// Seconds of the clip that are flown.
const LONG_S: f64 = 45.0;
/// How long a picture lasts.
const LAST_LASTS: Duration = Duration::from_millis(100);

/// Where the camera in the air looks at a second, and how far it is zoomed in: yaw, pitch, zoom.
fn aim(at_s: f64) -> (f64, f64, f64) {
    let turn = |period_s: f64, phase: f64| (std::f64::consts::TAU * (at_s / period_s + phase)).sin();
    (YAW_DEG + 5.5 * turn(23.0, 0.0), PITCH_DEG - 1.0 + 2.6 * turn(17.0, 0.2), 1.12 + 0.12 * turn(29.0, 0.6))
}

fn shot((yaw, pitch, zoom): (f64, f64, f64), view_deg: f64, size: (u32, u32)) -> Option<Shot> {
    let uncertainty = Uncertainty::default();
    let pose = Pose { position: PLACE, camera: attitude(yaw, pitch, 0.0), zoom, age_us: 0, uncertainty };
    Some(Shot::new(pose, &Lens::of_view(view_deg, size).ok()?, size))
}

/// The map of pixels of the camera in the air to those of the standing one.
fn homography(air: &Shot, still: &Shot) -> DMat3 {
    let lens = |shot: &Shot| {
        let (f, w, h) = (shot.lens.focal_px(), f64::from(shot.size.0) / 2.0, f64::from(shot.size.1) / 2.0);
        DMat3::from_cols(DVec3::new(f, 0.0, 0.0), DVec3::new(0.0, f, 0.0), DVec3::new(w, h, 1.0))
    };
    // From right, down, ahead to forward, right, down.
    let axes = DMat3::from_cols(DVec3::Y, DVec3::Z, DVec3::X);
    let turn = DMat3::from_quat(still.pose.camera.inverse() * air.pose.camera);
    lens(still) * axes.transpose() * turn * axes * lens(air).inverse()
}

/// A zone on the ground, from its corners in the standing camera's picture, as TOML.
fn on_ground(still: &Shot, corners: &[(f32, f32)]) -> String {
    let hit = |(x, y): &(f32, f32)| still.hit([*x, *y].into(), &Flat { height_m: 0.0 }, 500.0).ok();
    let places: Vec<String> = corners
        .iter()
        .filter_map(hit)
        .map(|hit| format!("[{:.7}, {:.7}]", hit.position.lon_deg, hit.position.lat_deg))
        .collect();
    format!("[{}]", places.join(", "))
}

/// Who ordered what, in the language of the demo.
fn order(language: Language) -> Order {
    let (route, pilot, note) = match language {
        Language::En => (
            "Demo flight",
            "nobody",
            "The footage is real and that of a standing camera; the flight and its telemetry are made up.",
        ),
        Language::Zh => ("演示飞行", "无", "画面取自固定摄像机的真实录像；飞行及其遥测数据系生成。"),
    };
    Order { route: route.to_owned(), pilot: pilot.to_owned(), note: Some(note.to_owned()) }
}

/// The text of the site, whose language everything is told in.
fn in_language(site: &str, language: Language) -> String {
    match language {
        Language::En => site.to_owned(),
        Language::Zh => site.replace("language = \"en\"", "language = \"zh\""),
    }
}

/// Makes the flight out of a clip in a folder: its site, and who notes it while the site is replayed into that folder.
pub fn flight(
    clip: &Path,
    out: &Path,
    now: WallTime,
    language: Language,
) -> Result<(Site, MissionKeeper), MissionError> {
    let (path, text) = (out.join("site.toml"), in_language(&stage(clip, out)?, language));
    durable::replace(&path, text.as_bytes()).map_err(MissionError::file("write", &path))?;
    let site = forewarn_config::load(&path)?;
    let missions = Missions::at(site.storage.dir.missions());
    // Seconds of a clip whose date nobody stated.
    let mission = Mission { is_clip: true, ended_at: Some(now), ..Mission::begun(order(language), &site, now) };
    missions.write(&mission)?;
    let civil = SiteTime::replay(site.header.time_zone.clone(), None);
    Ok((site, MissionKeeper::given(missions, mission, civil)))
}

/// Writes the report of the flight into the folder, and says what is in it.
pub fn land(site: &Site, out: &Path) -> Result<String, MissionError> {
    command::report(
        &site.storage.dir,
        None,
        (&out.join("flight.html"), site.header.language),
        Some(&out.join("flight.geojson")),
    )
}

/// Writes `drone.mp4` and `drone.csv` into a folder, and returns the site that plays them.
fn stage(clip: &Path, out: &Path) -> Result<String, MissionError> {
    let Ok(stream) = StreamId::new("drone") else { unreachable!("a fixed id") };
    let mut replay = FileReplay::open(clip, ReplayConfig::new(stream))?;
    let video = out.join("drone.mp4");
    let mut encoder: Option<ClipEncoder> = None;
    let mut still = None;
    let mut table = String::from("at_s,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg,roll_deg,zoom\n");
    while let Some(frame) = replay.next_frame()? {
        let at_s = frame.meta.captured_at.as_secs_f64();
        if at_s > LONG_S {
            break;
        }
        let here = aim(at_s);
        let still_shot = shot((YAW_DEG, PITCH_DEG, 1.0), VIEW_DEG, (frame.width, frame.height));
        let (Some(from), Some(air)) = (still_shot, shot(here, AIR_VIEW_DEG, AIR_SIZE)) else { break };
        still = Some(from);
        let (yaw, pitch, zoom) = here;
        let Position { lat_deg, lon_deg, height_m } = PLACE;
        // A string takes whatever is written.
        let _ = writeln!(table, "{at_s:.3},{lat_deg},{lon_deg},{height_m},{yaw:.4},{pitch:.4},0,{zoom:.5}");
        let encoder = match &mut encoder {
            Some(open) => open,
            none => none.insert(ClipEncoder::create(&video, AIR_SIZE, LAST_LASTS, frame.colour)?),
        };
        encoder.push(drawn(&frame, &homography(&air, &from)), Duration::from_secs_f64(at_s), LAST_LASTS)?;
    }
    if let Some(encoder) = encoder {
        encoder.finish(Timestamp::ZERO)?;
    }
    let path = out.join("drone.csv");
    durable::replace(&path, table.as_bytes()).map_err(MissionError::file("write", &path))?;
    // The street clip's junction; elsewhere in a picture this is some part of the ground, too.
    let square =
        still.map(|still| on_ground(&still, &[(300.0, 150.0), (560.0, 150.0), (560.0, 330.0), (300.0, 330.0)]));
    Ok(include_str!("staged.toml").replace("{square}", &square.unwrap_or_else(|| "[]".to_owned())))
}

/// A frame as the other camera sees it, in packed planes Y, U and V.
fn drawn(frame: &Frame, map: &DMat3) -> Vec<u8> {
    let (width, height) = (AIR_SIZE.0 as usize, AIR_SIZE.1 as usize);
    let mut bytes = Vec::with_capacity(width * height * 3 / 2);
    for plane in 0..3 {
        let part = if plane == 0 { 1 } else { 2 };
        let (have_w, have_h) = (frame.width as usize / part, frame.height as usize / part);
        // The chroma planes of NV12 lie between each other.
        let is_between = frame.format == PixelFormat::Nv12 && plane > 0;
        let (source, stride) = frame.plane(if is_between { 1 } else { plane });
        let (step, first) = if is_between { (2, plane - 1) } else { (1, 0) };
        let value = |x: usize, y: usize| f64::from(source[y * stride + x * step + first]);
        for y in 0..height / part {
            for x in 0..width / part {
                let there = *map * DVec3::new((x as f64 + 0.5) * part as f64, (y as f64 + 0.5) * part as f64, 1.0);
                let within = |at: f64, have: usize| (at / there.z / part as f64 - 0.5).clamp(0.0, (have - 1) as f64);
                let (sx, sy) = (within(there.x, have_w), within(there.y, have_h));
                let (x0, y0) = (sx as usize, sy as usize);
                let (x1, y1) = ((x0 + 1).min(have_w - 1), (y0 + 1).min(have_h - 1));
                let (fx, fy) = (sx - x0 as f64, sy - y0 as f64);
                let row = |y: usize| value(x0, y) + (value(x1, y) - value(x0, y)) * fx;
                bytes.push((row(y0) + (row(y1) - row(y0)) * fy).round() as u8);
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Point;

    use super::*;

    const STILL_SIZE: (u32, u32) = (768, 576);

    #[test]
    fn the_picture_and_the_telemetry_say_the_same_of_every_place() {
        let still = shot((YAW_DEG, PITCH_DEG, 1.0), VIEW_DEG, STILL_SIZE).unwrap();
        for second in [0.0, 7.3, 12.0, 31.5] {
            let air = shot(aim(second), AIR_VIEW_DEG, AIR_SIZE).unwrap();
            let map = homography(&air, &still);
            for (x, y) in [(20.0, 460.0), (320.0, 240.0), (620.0, 300.0)] {
                let place = air.hit(Point::new(x, y), &Flat { height_m: 0.0 }, 500.0).unwrap().position;
                let (seen, there) = (still.pixel(&place).unwrap(), map * DVec3::new(f64::from(x), f64::from(y), 1.0));
                let drawn = Point::new((there.x / there.z) as f32, (there.y / there.z) as f32);
                assert!(seen.distance(drawn) < 0.1, "{second} s: {seen:?}, {drawn:?}");
            }
        }
    }

    #[test]
    fn a_flight_that_is_shown_in_chinese_is_chinese_in_its_site_and_its_order() {
        let site = in_language(include_str!("staged.toml"), Language::Zh);
        assert!(site.contains("language = \"zh\"") && !site.contains("language = \"en\""), "{site}");
        let Order { route, pilot, note } = order(Language::Zh);
        for text in [route, pilot, note.unwrap()] {
            assert!(!text.contains(|c: char| c.is_ascii_alphabetic()), "{text}");
        }
    }

    #[test]
    fn the_camera_in_the_air_stays_within_what_the_other_one_saw() {
        let still = shot((YAW_DEG, PITCH_DEG, 1.0), VIEW_DEG, STILL_SIZE).unwrap();
        for tenth in 0..450 {
            let air = shot(aim(f64::from(tenth) / 10.0), AIR_VIEW_DEG, AIR_SIZE).unwrap();
            let map = homography(&air, &still);
            for (x, y) in [(0.0, 0.0), (640.0, 0.0), (640.0, 480.0), (0.0, 480.0)] {
                let there = map * DVec3::new(x, y, 1.0);
                let (x, y) = (there.x / there.z, there.y / there.z);
                assert!((0.0..=768.0).contains(&x) && (0.0..=576.0).contains(&y), "{tenth}: {x}, {y}");
            }
        }
    }
}
