//! Fitting the curves: logistic regression of right and wrong on the score's log-odds and the height.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::{FitError, LEAST};
use super::Claim;
use crate::card::{Calibration, Curve, e_folds, log_odds};

/// Right and wrong boxes from which on a class has a curve of its own.
const OWN_CURVE: usize = 150;
/// Weights of a curve.
const WEIGHTS: usize = 4;
/// Steps of Newton's method; it settles after some eight.
const STEPS: usize = 50;
/// Pull of the weights towards nothing, in boxes: it keeps data that fall apart cleanly from an endless slope.
const RIDGE: f64 = 0.5;

/// Fits a curve for each class of which there is enough, and one for all others together.
pub fn fit(claims: &[Claim], on: &str) -> Result<Calibration, FitError> {
    let names: BTreeSet<&str> = claims.iter().map(|claim| claim.class.as_str()).collect();
    let of = |name: &str| claims.iter().filter(|claim| claim.class == name).collect::<Vec<_>>();
    let (own, rest): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| has(&of(name), OWN_CURVE));
    let classes: BTreeMap<String, Curve> =
        own.iter().map(|name| Ok(((*name).to_owned(), curve(&of(name), name)?))).collect::<Result<_, FitError>>()?;
    let others: Vec<&Claim> = claims.iter().filter(|claim| rest.contains(&claim.class.as_str())).collect();
    // Where the labels know nothing else, the others are taken for as sure as what they know.
    let others = if own.is_empty() || has(&others, LEAST) { others } else { claims.iter().collect() };
    Ok(Calibration { on: on.to_owned(), others: curve(&others, "all classes without a curve of their own")?, classes })
}

fn has(claims: &[&Claim], least: usize) -> bool {
    let right = claims.iter().filter(|claim| claim.is_right).count();
    right >= least && claims.len() - right >= least
}

fn curve(claims: &[&Claim], what: &str) -> Result<Curve, FitError> {
    if !has(claims, LEAST) {
        let right = claims.iter().filter(|claim| claim.is_right).count();
        return Err(FitError::TooFew { what: what.to_owned(), right, wrong: claims.len() - right });
    }
    let row = |claim: &&Claim| {
        let (score, folds) = (f64::from(log_odds(claim.score)), f64::from(e_folds(claim.height_px)));
        Row { x: [score, 1.0, folds, score * folds], y: f64::from(u8::from(claim.is_right)) }
    };
    let rows: Vec<Row> = claims.iter().map(row).collect();
    // A tilt that turns the order of the scores about at one end of the heights comes of too few boxes there; so does a size.
    let curve = [WEIGHTS, WEIGHTS - 1, WEIGHTS - 2].into_iter().map(|terms| fitted(&rows, terms)).find(is_sound);
    curve.ok_or_else(|| FitError::NoOrder { what: what.to_owned() })
}

/// The curve of the first so many terms.
fn fitted(rows: &[Row], terms: usize) -> Curve {
    let mut weights = [1.0, 0.0, 0.0, 0.0];
    for _ in 0..STEPS {
        let step = newton_step(rows, &weights, terms);
        weights.iter_mut().zip(step).for_each(|(weight, by)| *weight += by);
        if step.iter().all(|by| by.abs() < 1e-9) {
            break;
        }
    }
    let [slope, offset, size, tilt] = weights.map(|value| ((value * 1e3).round() / 1e3) as f32);
    Curve { slope, offset, size, tilt }
}

fn is_sound(curve: &Curve) -> bool {
    curve.slopes().iter().all(|slope| *slope > 0.0) && curve.offset.is_finite() && curve.size.is_finite()
}

/// One box as the regression sees it.
struct Row {
    x: [f64; WEIGHTS],
    y: f64,
}

/// One step of Newton's method towards the best weights, of which only the first `terms` are not 0.
fn newton_step(rows: &[Row], weights: &[f64; WEIGHTS], terms: usize) -> [f64; WEIGHTS] {
    let (mut gradient, mut hessian) = ([0.0; WEIGHTS], [[0.0; WEIGHTS]; WEIGHTS]);
    for Row { x, y } in rows {
        let x: [f64; WEIGHTS] = std::array::from_fn(|i| if i < terms { x[i] } else { 0.0 });
        let logit: f64 = x.iter().zip(weights).map(|(a, b)| a * b).sum();
        let p = 1.0 / (1.0 + (-logit).exp());
        for i in 0..WEIGHTS {
            gradient[i] += x[i] * (y - p);
            for j in 0..WEIGHTS {
                hessian[i][j] += x[i] * x[j] * p * (1.0 - p);
            }
        }
    }
    for i in [0, 2, 3] {
        gradient[i] -= RIDGE * weights[i];
        hessian[i][i] += RIDGE;
    }
    solve(hessian, gradient)
}

/// Solves the equations by elimination; no step where they have no one solution.
fn solve(mut a: [[f64; WEIGHTS]; WEIGHTS], mut b: [f64; WEIGHTS]) -> [f64; WEIGHTS] {
    // The matrix is symmetric and positive, so its diagonal serves as pivots.
    for pivot in 0..WEIGHTS {
        if !a[pivot][pivot].is_normal() {
            return [0.0; WEIGHTS];
        }
        let above = a[pivot];
        for row in pivot + 1..WEIGHTS {
            let factor = a[row][pivot] / above[pivot];
            a[row].iter_mut().zip(above).for_each(|(value, above)| *value -= factor * above);
            b[row] -= factor * b[pivot];
        }
    }
    for row in (0..WEIGHTS).rev() {
        let known: f64 = (row + 1..WEIGHTS).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}
