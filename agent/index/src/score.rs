//! From cameras and cases to scores.

use std::collections::BTreeMap;

use forewarn_domain::{IncidentState, Place, PlaceLevel, StreamId};

use crate::{CameraPlace, Case, Index, Parts, Period, Score, Weights};

const DAY_US: f64 = 86_400e6;

/// The score of every place at every level for each period, places without incidents among them.
///
/// Cases of a camera that is not in `cameras`, or that fall into no period, count nowhere.
pub fn compute(cameras: &[CameraPlace], cases: &[Case], periods: &[Period], weights: &Weights) -> Index {
    let places: BTreeMap<(&StreamId, &StreamId), &Place> =
        cameras.iter().map(|camera| ((&camera.site, &camera.camera), &camera.place)).collect();
    let mut scores = Vec::new();
    for period in periods {
        let of_period: Vec<(&Case, &Place)> = cases
            .iter()
            .filter(|case| (period.from..period.to).contains(&case.confirmed_at))
            .filter_map(|case| Some((case, *places.get(&(&case.site, &case.camera))?)))
            .collect();
        for level in PlaceLevel::ALL {
            let mut here: BTreeMap<Place, u32> = BTreeMap::new();
            for camera in cameras {
                if let Some(place) = camera.place.up_to(level) {
                    *here.entry(place).or_default() += 1;
                }
            }
            for (place, n_cameras) in here {
                let mine: Vec<&Case> = of_period
                    .iter()
                    .filter(|(_, at)| at.up_to(level).as_ref() == Some(&place))
                    .map(|(case, _)| *case)
                    .collect();
                scores.push(score(period, level, place, n_cameras, &mine, weights));
            }
        }
    }
    Index { scores }
}

fn score(period: &Period, level: PlaceLevel, place: Place, cameras: u32, cases: &[&Case], weights: &Weights) -> Score {
    let count = |outcome: IncidentState| cases.iter().filter(|case| case.outcome == outcome).count() as u32;
    let (complied, escalated) = (count(IncidentState::Complied), count(IncidentState::Escalated));
    let mut close_s: Vec<f64> = cases.iter().filter_map(|case| seconds_to_close(case)).collect();
    close_s.sort_by(f64::total_cmp);
    let mut by_violation = BTreeMap::new();
    for case in cases {
        *by_violation.entry(case.violation.clone()).or_default() += 1;
    }
    let camera_days = f64::from(cameras) * (period.to.as_micros() - period.from.as_micros()).max(0) as f64 / DAY_US;
    let parts = (camera_days > 0.0).then(|| {
        let weight = |case: &&Case| weights.violations.get(&case.violation).copied().unwrap_or(1.0);
        let load = cases.iter().map(weight).sum::<f64>() / camera_days;
        Parts {
            calm: 100.0 / (1.0 + load / weights.half_load),
            compliance: compliance(complied, escalated),
            promptness: promptness(&close_s, weights.target.close_s),
        }
    });
    let total = parts.map(|parts| {
        let sum = weights.calm + weights.compliance + weights.promptness;
        let weighted =
            weights.calm * parts.calm + weights.compliance * parts.compliance + weights.promptness * parts.promptness;
        tenths(weighted / sum)
    });
    Score {
        period: period.label.clone(),
        level,
        place,
        score: total,
        colour: weights.grades.colour(total),
        parts: parts.map(|p| Parts {
            calm: tenths(p.calm),
            compliance: tenths(p.compliance),
            promptness: tenths(p.promptness),
        }),
        cameras,
        incidents: cases.len() as u32,
        complied,
        escalated,
        open: cases.iter().filter(|case| case.settled_at.is_none()).count() as u32,
        median_close_s: median(&close_s).map(tenths),
        by_violation,
    }
}

/// The share of subjects that complied, with Laplace's prior of one complied case, which is 100 where nothing happened.
fn compliance(complied: u32, escalated: u32) -> f64 {
    100.0 * (f64::from(complied) + 1.0) / (f64::from(complied + escalated) + 1.0)
}

fn promptness(close_s: &[f64], target_s: f64) -> f64 {
    if close_s.is_empty() {
        return 100.0;
    }
    let share = |seconds: &f64| if *seconds <= target_s { 1.0 } else { target_s / seconds };
    100.0 * close_s.iter().map(share).sum::<f64>() / close_s.len() as f64
}

/// None as well of what was over by itself: that it took little time is nobody's merit.
fn seconds_to_close(case: &Case) -> Option<f64> {
    if case.outcome == IncidentState::Over {
        return None;
    }
    Some((case.settled_at?.as_micros() - case.confirmed_at.as_micros()).max(0) as f64 / 1e6)
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// To a tenth, so that a figure prints the same wherever it is made.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{PlaceId, Timestamp, ViolationId};
    use proptest::prelude::*;

    use super::*;
    use crate::Colour;

    fn camera(id: &str, community: &str, cell: &str) -> CameraPlace {
        let place = |text: &str| PlaceId::new(text).ok();
        CameraPlace {
            site: StreamId::new("s").unwrap(),
            camera: StreamId::new(id).unwrap(),
            place: Place { community: place(community), cell: place(cell), ..Place::default() },
        }
    }

    fn case(camera: &str, at_s: f64, outcome: IncidentState, close_s: f64) -> Case {
        let confirmed_at = Timestamp::from_secs_f64(at_s);
        Case {
            site: StreamId::new("s").unwrap(),
            camera: StreamId::new(camera).unwrap(),
            violation: ViolationId::new("loitering").unwrap(),
            confirmed_at,
            outcome,
            settled_at: outcome.is_outcome().then(|| Timestamp::from_secs_f64(at_s + close_s)),
        }
    }

    fn day() -> Period {
        Period { label: "d".to_owned(), from: Timestamp::ZERO, to: Timestamp::from_secs_f64(86_400.0) }
    }

    fn of<'a>(index: &'a Index, place: &str) -> &'a Score {
        index.scores.iter().find(|score| score.place.to_string() == place).unwrap()
    }

    #[test]
    fn a_quiet_cell_is_green_and_one_that_escalates_is_not() {
        let cameras = [camera("a", "east", "c1"), camera("b", "east", "c2")];
        let cases: Vec<Case> =
            (0..6).map(|i| case("b", f64::from(i) * 100.0, IncidentState::Escalated, 1200.0)).collect();
        let index = compute(&cameras, &cases, &[day()], &Weights::default());
        let quiet = of(&index, "east/c1");
        assert_eq!((quiet.score, quiet.colour, quiet.incidents), (Some(100.0), Colour::Green, 0));
        let bad = of(&index, "east/c2");
        // calm 100 / (1 + 6 / 4) = 40, compliance 1 in 7, promptness 600 / 1200.
        let parts = bad.parts.unwrap();
        assert_eq!((parts.calm, parts.compliance, parts.promptness), (40.0, 14.3, 50.0));
        assert_eq!((bad.score, bad.colour), (Some(34.3), Colour::Red));
        // The community is scored from both cameras: 6 incidents on 2 camera days.
        let both = of(&index, "east");
        assert_eq!(both.parts.unwrap().calm, 57.1);
        assert_eq!((both.cameras, both.incidents, both.median_close_s), (2, 6, Some(1200.0)));
    }

    #[test]
    fn an_incident_belongs_to_the_period_in_which_it_was_confirmed() {
        let next = Period { label: "e".to_owned(), from: day().to, to: Timestamp::from_secs_f64(172_800.0) };
        let cases = [case("a", 86_400.0, IncidentState::Complied, 10.0), case("x", 5.0, IncidentState::Complied, 1.0)];
        let index = compute(&[camera("a", "east", "c1")], &cases, &[day(), next], &Weights::default());
        let counts: Vec<(&str, u32)> =
            index.scores.iter().map(|score| (score.period.as_str(), score.incidents)).collect();
        assert_eq!(counts, [("d", 0), ("d", 0), ("e", 1), ("e", 1)]);
    }

    #[test]
    fn what_was_over_by_itself_is_neither_open_nor_complied_nor_prompt() {
        let cases = [case("a", 5.0, IncidentState::Over, 5.0)];
        let index = compute(&[camera("a", "east", "c1")], &cases, &[day()], &Weights::default());
        let score = of(&index, "east/c1");
        assert_eq!((score.open, score.median_close_s, score.complied + score.escalated), (0, None, 0));
        assert_eq!(score.incidents, 1);
    }

    #[test]
    fn an_open_incident_is_counted_and_not_timed() {
        let cases = [case("a", 5.0, IncidentState::Observing, 0.0)];
        let index = compute(&[camera("a", "east", "c1")], &cases, &[day()], &Weights::default());
        let score = of(&index, "east/c1");
        assert_eq!((score.open, score.median_close_s, score.complied + score.escalated), (1, None, 0));
    }

    #[test]
    fn an_empty_period_has_no_score() {
        let empty = Period { to: Timestamp::ZERO, ..day() };
        let index = compute(&[camera("a", "east", "c1")], &[], &[empty], &Weights::default());
        assert!(index.scores.iter().all(|score| score.score.is_none() && score.colour == Colour::Grey));
    }

    proptest! {
        #[test]
        fn one_more_escalation_never_raises_a_score(n in 0_usize..40, complied in 0_usize..40, close_s in 0.0..1e5_f64) {
            let mut cases: Vec<Case> = (0..complied).map(|_| case("a", 9.0, IncidentState::Complied, 60.0)).collect();
            cases.extend((0..n).map(|_| case("a", 9.0, IncidentState::Escalated, 600.0)));
            let score = |cases: &[Case]| {
                compute(&[camera("a", "e", "c")], cases, &[day()], &Weights::default()).scores[0].score.unwrap()
            };
            let before = score(&cases);
            cases.push(case("a", 10.0, IncidentState::Escalated, close_s.max(600.0)));
            let after = score(&cases);
            prop_assert!(after <= before && (0.0..=100.0).contains(&after), "{before} -> {after}");
        }
    }
}
