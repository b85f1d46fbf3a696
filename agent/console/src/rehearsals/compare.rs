//! What would have been raised, beside what was. Pure.

use forewarn_wire::RaisedLine;
use serde::Serialize;

use crate::store::Found;

/// Incidents of one violation and zone that begin so far apart are the same one.
const SAME_US: i64 = 30_000_000;

/// What would have been raised, what was, or both.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = RehearsalRow))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    /// When it began, or would have.
    pub at_us: i64,
    /// What it is.
    pub violation: String,
    /// Where.
    pub zone: String,
    /// What it is about.
    pub class: String,
    /// How many of them.
    pub count: u32,
    /// Whether it would have been raised.
    pub would: bool,
    /// The incident that was raised.
    pub was: Option<String>,
    /// The subject in the picture, in parts of it.
    pub r#box: Option<[f32; 4]>,
    /// The name of the picture.
    pub picture: Option<String>,
}

/// Both in the order of time. Each of what would have been raised is the nearest of what was, if one is near.
pub(crate) fn compare(would: &[RaisedLine], mut was: Vec<Found>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for one in would {
        let apart = |found: &Found| found.opened_us.abs_diff(one.at_us);
        let is_same = |found: &Found| {
            found.violation == one.violation.as_str()
                && found.zone == one.zone.as_str()
                && apart(found) <= SAME_US.unsigned_abs()
        };
        let nearest = (0..was.len()).filter(|i| is_same(&was[*i])).min_by_key(|i| apart(&was[*i]));
        rows.push(Row {
            at_us: one.at_us,
            violation: one.violation.to_string(),
            zone: one.zone.to_string(),
            class: one.class.clone(),
            count: one.count,
            would: true,
            was: nearest.map(|i| was.remove(i).id),
            r#box: one.r#box,
            picture: one.picture.clone(),
        });
    }
    rows.extend(was.into_iter().map(|found| Row {
        at_us: found.opened_us,
        violation: found.violation,
        zone: found.zone,
        class: found.class,
        count: found.count,
        would: false,
        was: Some(found.id),
        r#box: None,
        picture: None,
    }));
    rows.sort_by_key(|row| row.at_us);
    rows
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ViolationId, ZoneId};

    use super::*;

    fn would(at_s: i64, zone: &str) -> RaisedLine {
        let (violation, zone) = (ViolationId::new("loitering").unwrap(), ZoneId::new(zone).unwrap());
        let at_us = at_s * 1_000_000;
        let class = "person".to_owned();
        RaisedLine { at_us, confirmed_us: at_us, violation, zone, class, count: 1, r#box: None, picture: None }
    }

    fn was(at_s: i64, zone: &str) -> Found {
        Found {
            id: format!("{zone}-{at_s}"),
            opened_us: at_s * 1_000_000,
            updated_us: 0,
            is_open: false,
            state: "closed".to_owned(),
            outcome: "complied".to_owned(),
            camera: "gate".to_owned(),
            zone: zone.to_owned(),
            violation: "loitering".to_owned(),
            class: "person".to_owned(),
            count: 1,
            warnings: 1,
            opinion: None,
        }
    }

    #[test]
    fn what_was_raised_counts_once_and_what_is_far_off_or_elsewhere_is_another() {
        let rows = compare(
            &[would(100, "kerb"), would(120, "kerb"), would(300, "kerb"), would(400, "plaza")],
            vec![was(118, "kerb"), was(331, "kerb"), was(400, "kerb")],
        );
        let told: Vec<_> = rows.iter().map(|row| (row.at_us / 1_000_000, row.would, row.was.as_deref())).collect();
        assert_eq!(
            told,
            [
                (100, true, Some("kerb-118")),
                (120, true, None),
                (300, true, None),
                (331, false, Some("kerb-331")),
                (400, true, None),
                (400, false, Some("kerb-400")),
            ]
        );
    }
}
