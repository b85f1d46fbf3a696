//! `forewarn clip`: what footage there is, and a clip of it.

use std::fmt::Write as _;

use forewarn_cli::{Clip, Moment};
use forewarn_config::Site;
use forewarn_domain::clock::wall_now;
use forewarn_domain::{StreamId, WallTime};
use forewarn_pipelines::footage::{self, CutError, Stretch};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::UpkeepError;

/// A clip begins and ends with a picture, which is not told as a lack before it or after it.
const LEAST_LACK_MICROS: i64 = 2_000_000;

/// Does what was typed, and says what came of it.
pub(crate) fn run(args: &Clip) -> Result<String, UpkeepError> {
    let site = forewarn_config::load(&args.config)?;
    match (&args.camera, args.from, args.to, &args.out) {
        (Some(camera), Some(from), Some(to), Some(out)) if !args.list => {
            known(&site, camera)?;
            let (from, to) = (instant("--from", from, &site)?, instant("--to", to, &site)?);
            if from >= to {
                return Err(UpkeepError::Usage("--from does not come before --to".to_owned()));
            }
            let zone = &site.header.time_zone;
            let made =
                footage::cut(&site.storage.dir.footage(), camera, from, to, out).map_err(|error| match error {
                    CutError::Nothing { camera, from, to } => {
                        UpkeepError::NoFootage { camera, from: in_words(from, zone), to: in_words(to, zone) }
                    }
                    other => other.into(),
                })?;
            let mut said = format!(
                "{}: {} pictures of camera {camera}, {} to {}",
                out.display(),
                made.pictures,
                in_words(made.from, zone),
                in_words(made.to, zone)
            );
            let ends = if made.rest.is_some() { to } else { made.to };
            for (until, from) in lacks((from, to), (made.from, ends), &made.gaps) {
                let _ = write!(said, "\n  lacks {} to {}", in_words(until, zone), in_words(from, zone));
            }
            if to > wall_now() {
                said.push_str("\n  --to is yet to come; what is recorded until then is not in this clip");
            }
            if let Some(rest) = made.rest {
                let _ = write!(
                    said,
                    "\n  the picture's format changes at {}, where the clip ends; cut the rest by --from that",
                    in_words(rest, zone)
                );
            }
            Ok(said)
        }
        (camera, ..) => list(&site, camera.as_ref()),
    }
}

/// What is not in a clip of what was asked for: before it, in it, and after it.
fn lacks(
    (from, to): (WallTime, WallTime),
    (begins, ends): (WallTime, WallTime),
    gaps: &[(WallTime, WallTime)],
) -> Vec<(WallTime, WallTime)> {
    let is_long = |(until, from): &(WallTime, WallTime)| from.micros_after(*until) >= LEAST_LACK_MICROS;
    let before = Some((from, begins)).filter(is_long);
    let after = Some((ends, to)).filter(is_long);
    before.into_iter().chain(gaps.iter().copied()).chain(after).collect()
}

/// Footage of a camera that the site has no more may still be there.
fn known(site: &Site, camera: &StreamId) -> Result<Vec<String>, UpkeepError> {
    let root = site.storage.dir.footage();
    let mut names = footage::cameras(&root).map_err(UpkeepError::io("read", &root))?;
    names
        .extend(site.cameras.iter().map(|one| one.id.to_string()).filter(|id| !names.contains(id)).collect::<Vec<_>>());
    if names.iter().any(|name| name == camera.as_str()) {
        return Ok(names);
    }
    Err(UpkeepError::Typed(format!("--camera {camera}: the site has no such camera; it has {}", names.join(", "))))
}

fn list(site: &Site, camera: Option<&StreamId>) -> Result<String, UpkeepError> {
    let (root, zone) = (site.storage.dir.footage(), &site.header.time_zone);
    let cameras = match camera {
        Some(camera) => known(site, camera).map(|_| vec![camera.to_string()])?,
        None => footage::cameras(&root).map_err(UpkeepError::io("read", &root))?,
    };
    if cameras.is_empty() {
        let root = root.display();
        return Ok(format!("there is no footage in {root}; a camera with `footage = true` keeps all its video"));
    }
    let mut said = Vec::new();
    for camera in cameras {
        let stretches = footage::stretches(&root, &camera).map_err(UpkeepError::io("read", &root))?;
        let bytes: u64 = stretches.iter().map(|stretch| stretch.bytes).sum();
        said.push(format!("camera {camera}: {} of footage", size(bytes)));
        let mut until: Option<WallTime> = None;
        for Stretch { from, to, bytes } in stretches {
            if let Some(until) = until.replace(to) {
                said.push(format!("  gap of {}", length(from.micros_after(until))));
            }
            let (lasts, size) = (length(to.micros_after(from)), size(bytes));
            said.push(format!("  {} to {} ({lasts}, {size})", in_words(from, zone), in_words(to, zone)));
        }
    }
    Ok(said.join("\n"))
}

fn instant(option: &str, at: Moment, site: &Site) -> Result<WallTime, UpkeepError> {
    let at = match at {
        Moment::Exact(at) => return Ok(WallTime::from_micros(at.as_microsecond())),
        Moment::AtSite(at) => at,
    };
    let zoned = at.to_zoned(site.header.time_zone.clone());
    let zoned = zoned.map_err(|error| UpkeepError::Typed(format!("{option} {at}: there is no such time: {error}")))?;
    Ok(WallTime::from_micros(zoned.timestamp().as_microsecond()))
}

fn in_words(at: WallTime, zone: &TimeZone) -> String {
    let at = Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn length(micros: i64) -> String {
    let s = micros.div_euclid(1_000_000);
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clip_lacks_at_its_ends_is_told_with_its_gaps() {
        let at = |s: i64| WallTime::from_micros(s * 1_000_000);
        let gaps = [(at(20), at(25))];
        let asked = (at(10), at(60));
        assert_eq!(lacks(asked, (at(9), at(60)), &gaps), gaps);
        assert_eq!(lacks(asked, (at(11), at(59)), &[]), []);
        assert_eq!(lacks(asked, (at(15), at(40)), &gaps), [(at(10), at(15)), (at(20), at(25)), (at(40), at(60))]);
    }
}
