//! On which ways cameras flew, for a map: those of the latest missions, and of the one that is on.

use std::collections::BTreeMap;

use forewarn_domain::{StreamId, Timestamp, WallTime};

use crate::MissionError;
use crate::log::{Notes, Shot};
use crate::paper::Missions;

/// So many missions are looked at, the latest first.
const MISSIONS: usize = 20;
/// So many corners of one way can be told apart on a map.
const CORNERS: usize = 400;
/// Between two notes that lie farther apart nobody knows the way.
const GAP_US: i64 = 10_000_000;

/// A way as `[longitude, latitude]`, and which camera took it.
pub type Way = (StreamId, Vec<[f64; 2]>);

/// The ways that were flown between two instants, the latest missions first.
pub fn ways(missions: &Missions, from: Timestamp, to: Timestamp) -> Result<Vec<Way>, MissionError> {
    let within = |at: WallTime| (from.as_micros()..to.as_micros()).contains(&at.as_micros());
    let mut found = Vec::new();
    for name in missions.names()?.iter().rev().take(MISSIONS) {
        let mission = missions.find(Some(name))?;
        if mission.is_clip || !within(mission.started_at) && !mission.ended_at.is_none_or(within) {
            continue;
        }
        let notes = Notes::read(&missions.notes(&mission))?;
        found.extend(of(notes.shots.iter().filter(|shot| within(shot.at))));
    }
    Ok(found)
}

/// The ways of each camera, parted where nobody knows how they went on.
fn of<'a>(shots: impl Iterator<Item = &'a Shot>) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    let mut last: BTreeMap<&StreamId, (usize, WallTime)> = BTreeMap::new();
    for shot in shots {
        let place = [shot.lon_deg, shot.lat_deg];
        let at = match last.get(&shot.camera) {
            Some((at, before)) if shot.at.micros_after(*before) <= GAP_US => *at,
            _ => {
                ways.push((shot.camera.clone(), Vec::new()));
                ways.len() - 1
            }
        };
        ways[at].1.push(place);
        last.insert(&shot.camera, (at, shot.at));
    }
    for (_, way) in &mut ways {
        let (every, last) = (way.len().div_ceil(CORNERS), way.len() - 1);
        let mut n = 0..;
        way.retain(|_| n.next().is_some_and(|n: usize| n.is_multiple_of(every) || n == last));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot(camera: &str, second: f64, lon_deg: f64) -> Shot {
        Shot {
            at: WallTime::from_secs_f64(second),
            camera: StreamId::new(camera).unwrap(),
            lat_deg: 30.0,
            lon_deg,
            height_m: 40.0,
            ground_m: 0.0,
            focal_px: 900.0,
            ring: None,
        }
    }

    #[test]
    fn a_way_is_parted_where_notes_are_missing_and_thinned_to_what_a_map_shows() {
        let shots = [shot("a", 0.0, 1.0), shot("b", 0.5, 5.0), shot("a", 1.0, 2.0), shot("a", 60.0, 3.0)];
        let told: Vec<(String, usize)> =
            of(shots.iter()).into_iter().map(|(id, way)| (id.to_string(), way.len())).collect();
        assert_eq!(told, [("a".to_owned(), 2), ("b".to_owned(), 1), ("a".to_owned(), 1)]);
        let long: Vec<Shot> = (0..1001).map(|n| shot("a", f64::from(n), f64::from(n) / 1e4)).collect();
        let way = of(long.iter()).remove(0).1;
        assert!(way.len() <= CORNERS && way[0][0] == 0.0 && way.last() == Some(&[0.1, 30.0]), "{}", way.len());
    }
}
