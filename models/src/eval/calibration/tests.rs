//! Tests of fitting and judging on made-up boxes, of which it is known how often they are right.

use super::*;
use crate::card::{Calibration, Curve};
use crate::{Card, cards};

const TRUE: Curve = Curve { slope: 2.0, offset: 0.5, size: 0.4, tilt: -0.3 };

/// Boxes of a class that are right as often as `curve` says, ten a photo.
fn made_up(class: &str, curve: &Curve, n: usize, seed: u64) -> Vec<Claim> {
    let mut draw = Draw(seed);
    (0..n)
        .map(|i| {
            let (score, height_px) = (0.05 + 0.9 * draw.part() as f32, 16.0 + 240.0 * draw.part() as f32);
            let is_right = draw.part() < f64::from(curve.probability(score, height_px));
            Claim { photo: i / 10, class: class.to_owned(), score, height_px, is_right }
        })
        .collect()
}

#[test]
fn a_fit_finds_the_curve_that_made_the_boxes() {
    let mut claims = made_up("person", &TRUE, 6000, 1);
    claims.extend(made_up("car", &Curve::IDENTITY, 100, 2));
    claims.extend(made_up("bus", &Curve::IDENTITY, 100, 3));
    let calibration = fit(&claims, "made up").unwrap();
    assert_eq!(calibration.classes.keys().collect::<Vec<_>>(), ["person"], "of the others there are too few");
    let found = calibration.of("person");
    let off = [found.slope - TRUE.slope, found.offset - TRUE.offset, found.size - TRUE.size, found.tilt - TRUE.tilt];
    assert!(off.iter().all(|by| by.abs() < 0.2), "{found:?}");
    assert!((calibration.others.slope - 1.0).abs() < 0.4, "{:?}", calibration.others);
}

#[test]
fn a_fit_mends_the_error_on_photos_that_it_has_not_seen() {
    let (fitting, held) = split(made_up("person", &TRUE, 6000, 4), 7);
    assert!((1500..2100).contains(&held.len()), "{}", held.len());
    assert!(held.iter().all(|h| fitting.iter().all(|f| f.photo != h.photo)), "a photo is on one side");
    let report = CalibrationReport::new(&fitting, &held, "made up", 7).unwrap();
    let (before, after) = (report.before.error, report.after.error);
    assert!(before.value > 0.08 && after.value < 0.04, "{before:?} {after:?}");
    assert!(after.low <= after.value && after.value <= after.high && after.high < before.low);
    assert_eq!(report, CalibrationReport::new(&fitting, &held, "made up", 7).unwrap(), "the same for the same seed");
}

#[test]
fn data_that_show_nothing_are_told() {
    let few = fit(&made_up("person", &TRUE, 30, 5), "").unwrap_err().to_string();
    assert!(few.contains("too few"), "{few}");
    let mut upside_down = made_up("person", &TRUE, 3000, 6);
    for claim in &mut upside_down {
        claim.is_right = !claim.is_right;
    }
    let error = fit(&upside_down, "").unwrap_err().to_string();
    assert!(error.contains("not more often right"), "{error}");
    // Boxes that fall apart cleanly still give a curve with an end.
    let clean = |i: usize| {
        let score = i as f32 / 1000.0;
        Claim { photo: i, class: "person".to_owned(), score, height_px: 60.0, is_right: score > 0.5 }
    };
    assert!(fit(&(0..1000).map(clean).collect::<Vec<_>>(), "").unwrap().of("person").slope.is_finite());
}

#[test]
fn a_few_boxes_of_another_height_do_not_turn_the_order_of_the_scores_about() {
    let mut claims = made_up("person", &Curve { slope: 2.0, ..Curve::IDENTITY }, 400, 10);
    for claim in &mut claims {
        claim.height_px = 64.0;
    }
    let small = |i: usize| {
        let is_right = i.is_multiple_of(2);
        let score = if is_right { 0.1 } else { 0.9 };
        Claim { photo: 40 + i, class: "person".to_owned(), score, height_px: 16.0, is_right }
    };
    claims.extend((0..12).map(small));
    let Curve { slope, tilt, .. } = *fit(&claims, "").unwrap().of("person");
    assert!(slope > 1.0 && tilt == 0.0, "{slope} {tilt}");
}

#[test]
fn what_is_printed_is_a_table_of_a_card() {
    let mut claims = made_up("person", &TRUE, 2000, 8);
    claims.extend(made_up("traffic light", &TRUE, 2000, 9));
    let report = CalibrationReport::new(&claims, &claims, "made-up \"boxes\"", 1).unwrap();
    let text = cards::BUILTIN[0].1;
    let without = text.split("\n[calibration]").next().unwrap();
    let card = Card::from_toml(&format!("{without}\n{}", report.to_toml())).unwrap();
    let read: Calibration = card.calibration.unwrap();
    assert_eq!(read, report.calibration);
    let mut out = Vec::new();
    report.write(&mut out, "a-card").unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("expected calibration error") && text.contains("traffic light"), "{text}");
}
