//! What the notes of a flight come to: which ground was seen, on which way, from which height.

use std::collections::BTreeMap;

use forewarn_domain::{StreamId, WallTime};
use forewarn_ground::coverage::{Coverage, View};
use forewarn_ground::way_between;

use crate::log::{Notes, Shot};

/// Between two notes that lie farther apart nobody knows the way.
const GAP_US: i64 = 10_000_000;

/// What can be told of people on ground that was seen so finely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Metres a pixel from here on.
    pub from_m: f64,
    /// Metres a pixel below here.
    pub below_m: f64,
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// The name in files.
    pub name: &'static str,
}

/// A person is 1.7 m tall. A face is looked at from 100 pixels of height on, a hat from 64; people are found from 16 pixels on.
pub const BANDS: [Band; 4] = [
    Band {
        from_m: 0.0, below_m: 0.017, en: "masks and hats can be told", zh: "可辨认口罩与安全帽", name: "masks"
    },
    Band { from_m: 0.017, below_m: 0.0266, en: "hats can be told", zh: "可辨认安全帽", name: "hats" },
    Band { from_m: 0.0266, below_m: 0.106, en: "people are found", zh: "可发现人员", name: "people" },
    Band {
        from_m: 0.106,
        below_m: f64::INFINITY,
        en: "too coarse to find people",
        zh: "过于粗略，无法发现人员",
        name: "overview",
    },
];

/// A flight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flown {
    /// The cameras that were in the air.
    pub cameras: Vec<StreamId>,
    /// The ground that was seen; none where none was.
    pub coverage: Option<Coverage>,
    /// The ways of the cameras, as `[longitude, latitude]`, parted where nobody knows how they went on.
    pub ways: Vec<Vec<[f64; 2]>>,
    /// How long these are.
    pub way_m: f64,
    /// From which height above the ground to which.
    pub heights_m: Option<(f64, f64)>,
    /// The first and the last note.
    pub span: Option<(WallTime, WallTime)>,
    /// How many notes there are.
    pub notes: usize,
    /// At how many of them nobody knew where the camera was.
    pub blind: usize,
}

impl Flown {
    /// What the notes come to.
    pub fn of(notes: &Notes) -> Self {
        let mut flown =
            Self { notes: notes.shots.len() + notes.blind.len(), blind: notes.blind.len(), ..Self::default() };
        let mut last: BTreeMap<&StreamId, &Shot> = BTreeMap::new();
        let mut way: BTreeMap<&StreamId, Vec<[f64; 2]>> = BTreeMap::new();
        for shot in &notes.shots {
            let place = [shot.lon_deg, shot.lat_deg];
            let line = way.entry(&shot.camera).or_default();
            match last.insert(&shot.camera, shot) {
                Some(before) if shot.at.micros_after(before.at) <= GAP_US => {
                    let (east, north) = way_between(&before.position(), &shot.position());
                    flown.way_m += east.hypot(north);
                }
                Some(_) => flown.ways.push(std::mem::take(line)),
                None => {}
            }
            line.push(place);
            let up = shot.height_m - shot.ground_m;
            let (low, high) = flown.heights_m.unwrap_or((up, up));
            flown.heights_m = Some((low.min(up), high.max(up)));
            if let Some(ring) = &shot.ring {
                let view = View { camera: shot.position(), ground_m: shot.ground_m, focal_px: shot.focal_px, ring };
                flown.coverage.get_or_insert_with(|| Coverage::about(shot.lat_deg, shot.lon_deg)).add(&view);
            }
        }
        flown.ways.extend(way.into_values());
        let instants = || notes.shots.iter().map(|shot| shot.at).chain(notes.blind.iter().map(|blind| blind.at));
        flown.span = instants().min().zip(instants().max());
        let cameras = notes.shots.iter().map(|shot| &shot.camera).chain(notes.blind.iter().map(|blind| &blind.camera));
        flown.cameras = cameras.cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        flown
    }

    /// The square metres that were seen so finely.
    pub fn area_m2(&self, band: &Band) -> f64 {
        self.coverage.as_ref().map_or(0.0, |coverage| coverage.area_m2(band.from_m, band.below_m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot(seconds: f64, east_m: f64, height_m: f64) -> String {
        let lon = |m: f64| 120.0 + m / 96_486.0;
        let lat = |m: f64| 30.0 + m / 110_852.0;
        let ring: Vec<[f64; 2]> = [(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)]
            .map(|(e, n)| [lon(east_m + e), lat(n)])
            .to_vec();
        let at = (seconds * 1e6) as i64;
        format!(
            r#"{{"shot":{{"at":{at},"camera":"drone","lat_deg":30.0,"lon_deg":{},"height_m":{height_m},"ground_m":5.0,"focal_px":1000.0,"ring":{ring:?}}}}}"#,
            lon(east_m)
        )
    }

    #[test]
    fn way_heights_and_ground_are_those_of_the_notes() {
        let lines = [shot(0.0, 0.0, 20.0), shot(1.0, 5.0, 25.0), shot(100.0, 200.0, 30.0)];
        let blind = r#"{"blind":{"at":50000000,"camera":"drone"}}"#;
        let flown = Flown::of(&Notes::of(lines.iter().map(String::as_str).chain([blind])));
        assert!((flown.way_m - 5.0).abs() < 0.1, "the jump after a gap is no way: {}", flown.way_m);
        assert_eq!((flown.ways.len(), flown.heights_m, flown.blind, flown.notes), (2, Some((15.0, 25.0)), 1, 4));
        let seen: f64 = BANDS.iter().map(|band| flown.area_m2(band)).sum();
        assert!((seen - (500.0 + 400.0)).abs() < 25.0, "{seen}");
        assert!(flown.area_m2(&BANDS[0]) < flown.area_m2(&BANDS[1]), "15 to 25 m over 1000 px");
        assert_eq!(Flown::of(&Notes::default()), Flown::default());
    }
}
