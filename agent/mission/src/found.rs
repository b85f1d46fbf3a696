//! The incidents of a flight, from the evidence that was kept of them.

use std::path::Path;

use forewarn_domain::{About, Fix, IncidentState, Moment, StreamId};
use forewarn_dossier::is_jpeg;
use forewarn_evidence::{HistoryEntry, Opened, StreamTime, list};

use crate::MissionError;
use crate::paper::Mission;

/// A picture larger than this is not put into a page.
const MOST_BYTES: u64 = 4 << 20;
/// Pictures of all together are not more than this.
const MOST_BYTES_IN_ALL: usize = 32 << 20;

/// An incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// The camera.
    pub camera: StreamId,
    /// When it was confirmed.
    pub at: StreamTime,
    /// What became of it, whether it is closed by now or not.
    pub state: IncidentState,
    /// Where the subject was seen last.
    pub fix: Option<Fix>,
    /// What cannot be told from so far away, each with the distance in metres that would do.
    pub fly_closer: Vec<(About, f32)>,
    /// A JPEG of the moment when it was confirmed.
    pub picture: Option<Vec<u8>>,
    /// Whether it is what was sealed.
    pub holds: bool,
}

/// The incidents of a mission's cameras while it was flown, in the order of time.
pub fn in_evidence(root: &Path, mission: &Mission, cameras: &[StreamId]) -> Result<Vec<Found>, MissionError> {
    if !root.exists() {
        return Ok(Vec::new());
    }
    let mut left = MOST_BYTES_IN_ALL;
    let mut found = Vec::new();
    for listed in list(root)? {
        if !is_during(mission, listed.began_at.as_deref()) {
            continue;
        }
        let Ok(opened) = Opened::read(&root.join(&listed.folder), None) else { continue };
        let of_flight = |camera: &StreamId| cameras.contains(camera);
        let Some(record) = opened.record.as_ref().filter(|record| of_flight(&record.incident.rule.stream)) else {
            continue;
        };
        let confirmed = record.history.iter().find(|step| step.state == IncidentState::Confirmed);
        let Some(step) = confirmed.or(record.history.first()) else { continue };
        let is_outcome = |step: &&HistoryEntry| step.state != IncidentState::Closed;
        let outcome = record.history.iter().rev().find(is_outcome).map_or(record.incident.state, |step| step.state);
        let shot = record.snapshots.iter().find(|shot| shot.moment == Moment::Confirmed).or(record.snapshots.first());
        let picture = shot.and_then(|shot| opened.file(&shot.marked_file, MOST_BYTES)).map(|(bytes, _)| bytes);
        let picture = picture.filter(|bytes| is_jpeg(bytes) && bytes.len() <= left);
        left -= picture.as_ref().map_or(0, Vec::len);
        found.push(Found {
            id: opened.incident.to_string(),
            title: record.title.clone(),
            camera: record.incident.rule.stream.clone(),
            at: step.at.clone(),
            state: outcome,
            fix: record.incident.subject.fix,
            fly_closer: record.incident.fly_closer().map(|(about, m)| (about.clone(), m)).collect(),
            picture,
            holds: opened.holds(),
        });
    }
    found.sort_by(|a, b| a.at.seconds.total_cmp(&b.at.seconds).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}

/// Whether an incident that began then is of the flight; those of a clip have no date, and are.
fn is_during(mission: &Mission, began_at: Option<&str>) -> bool {
    let Some(began) = began_at.and_then(|text| text.parse::<jiff::Timestamp>().ok()) else { return mission.is_clip };
    let at = began.as_microsecond();
    !mission.is_clip && at >= mission.started_at.as_micros() && mission.ended_at.is_none_or(|end| at <= end.as_micros())
}

#[cfg(test)]
mod tests {
    use forewarn_domain::WallTime;

    use super::*;
    use crate::paper::Order;

    #[test]
    fn what_began_during_the_flight_is_of_it() {
        let mission = Mission {
            id: "m".to_owned(),
            order: Order::default(),
            site: "s".to_owned(),
            time_zone: "UTC".to_owned(),
            started_at: WallTime::from_secs_f64(100.0),
            ended_at: Some(WallTime::from_secs_f64(200.0)),
            is_clip: false,
        };
        let began = |seconds: f64| WallTime::from_secs_f64(seconds).to_rfc3339();
        let during = [99.0, 100.0, 200.0, 201.0].map(|at| is_during(&mission, Some(&began(at))));
        assert_eq!(during, [false, true, true, false]);
        assert!(is_during(&Mission { ended_at: None, ..mission.clone() }, Some(&began(900.0))), "it is still on");
        let clip = Mission { is_clip: true, ..mission.clone() };
        assert_eq!([is_during(&clip, None), is_during(&mission, None)], [true, false]);
    }
}
