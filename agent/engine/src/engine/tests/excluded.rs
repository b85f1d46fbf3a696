//! Where nothing is detected nothing is raised, and beside it everything is as before.

use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{Exclusion, Polygon};

use super::*;
use crate::eye::Eye;

/// Nothing is detected in a part of the picture, given by its edges in pixels.
fn excluded([x0, y0, x1, y1]: [f32; 4]) -> Arc<[Exclusion]> {
    let polygon = Polygon::new([[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(Point::from).to_vec());
    [Exclusion { id: ZoneId::new("poster").unwrap(), polygon, unit: ZoneUnit::Pixel, classes: Arc::default() }].into()
}

const POSTER: [f32; 4] = [20.0, 80.0, 160.0, 260.0];

fn person(x: f32, foot: f32) -> Detection {
    let bbox = BBox::new(x - 30.0, foot - 160.0, x + 30.0, foot);
    Detection { class: Class::new("person"), score: 0.9, bbox }
}

/// What the rules are shown of what the detector found in a frame of 640 by 480.
fn seen(eye: &mut Eye, n: u32, at: Timestamp, found: Vec<Detection>) -> Analysed {
    let frame = grey(n, at);
    let parts = eye.parts(&frame, at, &[], &[], 0);
    let found = eye.told(&parts, &frame, None, Ok(vec![found])).unwrap();
    Analysed::new(frame, None, found, None)
}

/// The incidents of loitering where these people stand, in a minute.
fn loitering(exclusions: Arc<[Exclusion]>, people: &[Detection]) -> Vec<IncidentRecord> {
    let mut eye = Eye::new(None, (416, 416), true).excluding(exclusions);
    play(&mut engine("loitering"), 0..1200, |engine, n, at| {
        engine.analysed(&seen(&mut eye, n, at, people.to_vec()), at);
    })
}

#[test]
fn who_stands_in_an_exclusion_raises_nothing_and_who_stands_beside_it_what_he_did_before() {
    let (painted, guest) = (person(90.0, 240.0), person(400.0, 400.0));
    let alone = loitering(Arc::default(), std::slice::from_ref(&guest));
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert_eq!(loitering(Arc::default(), &[painted.clone(), guest.clone()]).len(), 2);
    assert_eq!(loitering(excluded(POSTER), std::slice::from_ref(&painted)), []);
    assert_eq!(loitering(excluded(POSTER), &[painted, guest]), alone, "to the last box and second");
}

#[test]
fn who_walks_through_an_exclusion_is_the_same_behind_it() {
    let (mut engine, mut eye) = (engine("loitering"), Eye::new(None, (416, 416), true).excluding(excluded(POSTER)));
    let mut seen_as = Vec::new();
    play(&mut engine, 0..40, |engine, n, at| {
        let x = 220.0 - 6.0 * n as f32;
        let found = if x > 30.0 { vec![person(x, 250.0)] } else { Vec::new() };
        let tracks = engine.analysed(&seen(&mut eye, n, at, found), at);
        seen_as.extend(tracks.iter().map(|track| (track.id, track.state)));
    });
    let ids: std::collections::BTreeSet<_> = seen_as.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), 1, "{seen_as:?}");
    assert!(seen_as.iter().any(|(_, state)| *state != forewarn_domain::TrackState::Seen), "he is coasted there");
}

#[test]
fn what_is_dumped_in_an_exclusion_is_no_incident_until_it_is_drawn_elsewhere() {
    let with = |exclusions: &Arc<[Exclusion]>| {
        let mut setup = setup("dumping", |_, _| {});
        setup.streams.values_mut().for_each(|of| of.exclusions = Arc::clone(exclusions));
        setup
    };
    let dumped = |first: &Arc<[Exclusion]>, then: &Arc<[Exclusion]>| {
        let drawn_anew = |engine: &mut Engine, at: Timestamp| {
            if at == at_s(70.0) {
                engine.adopt(with(then), at);
            }
        };
        truck_and_rubbish_by(engine_of(with(first)), (true, true), drawn_anew).len()
    };
    let (there, elsewhere) = (excluded([380.0, 360.0, 460.0, 440.0]), excluded(POSTER));
    assert_eq!((dumped(&elsewhere, &elsewhere), dumped(&there, &there)), (1, 0));
    assert_eq!((dumped(&there, &elsewhere), dumped(&elsewhere, &there)), (1, 0), "a reload takes it up");
}
