//! The index as tables and maps.

mod csv;
mod geojson;
mod svg;
mod table;

pub use csv::csv;
pub use geojson::geojson;
pub use svg::svg;
pub use table::table;

#[cfg(test)]
pub(crate) mod testing {
    //! One small index that all renderings are tested with.

    use forewarn_domain::{IncidentState, Place, PlaceId, StreamId, Timestamp, ViolationId};

    use crate::{CameraPlace, Case, Index, Period, Weights, compute};

    /// A street with the cells `a<b` (quiet) and `c2` (five escalations), one day.
    pub(crate) fn index() -> Index {
        let stream = |text: &str| StreamId::new(text).unwrap();
        let camera = |id: &str, cell: &str| CameraPlace {
            site: stream("s"),
            camera: stream(id),
            place: Place { street: PlaceId::new("石牌").ok(), cell: PlaceId::new(cell).ok(), ..Place::default() },
        };
        let case = |i: u32| Case {
            site: stream("s"),
            camera: stream("two"),
            violation: ViolationId::new("illegal_parking").unwrap(),
            confirmed_at: Timestamp::from_secs_f64(f64::from(i)),
            outcome: IncidentState::Escalated,
            settled_at: Some(Timestamp::from_secs_f64(f64::from(i) + 90.0)),
        };
        let day = Period { label: "2026-11-22".into(), from: Timestamp::ZERO, to: Timestamp::from_secs_f64(86_400.0) };
        let cases: Vec<Case> = (0..5).map(case).collect();
        compute(&[camera("one", "a<b"), camera("two", "c2")], &cases, &[day], &Weights::default())
    }
}
