//! Reliability of probabilities: in bands of what was predicted, how often it came true.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Claim, Draw};
use crate::card::Calibration;

/// Bands of the probability.
const BANDS: usize = 10;
/// Boxes below this probability do not count for the error: nothing comes of them, and there are so many of them that
/// they would hide everything else.
pub(super) const LEAST_COUNTED: f64 = 0.1;
/// Bands of height in pixels of the model's input: names and the heights from which they begin.
const SIZES: [(&str, f32); 3] = [("small", 0.0), ("middle", 48.0), ("large", 144.0)];
/// Draws of the bootstrap.
const DRAWS: usize = 1000;

/// What was predicted of some boxes and what came true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Share {
    /// Boxes.
    pub n: usize,
    /// Mean of what was predicted.
    pub predicted: f64,
    /// Part of them that was right.
    pub observed: f64,
}

/// One band of probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
    /// What lies in it.
    pub share: Share,
}

/// A figure with the interval in which 95 of 100 draws of the photos lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// How far probabilities are ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// Photos with a box.
    pub n_photos: usize,
    /// Boxes by bands of probability.
    pub bands: Vec<Band>,
    /// Boxes that count, by class; classes without a curve of their own together.
    pub by_class: BTreeMap<String, Share>,
    /// Boxes that count, by height.
    pub by_size: Vec<(&'static str, Share)>,
    /// Expected calibration error (Guo et al. 2017) of the boxes that count.
    pub error: Interval,
}

/// One box as it counts.
#[derive(Debug, Clone, Copy)]
struct Said {
    predicted: f64,
    is_right: bool,
}

impl Said {
    fn counts(&self) -> bool {
        self.predicted >= LEAST_COUNTED
    }

    fn band(&self) -> usize {
        ((self.predicted * BANDS as f64) as usize).min(BANDS - 1)
    }
}

/// Judges what `calibration` makes of the claims; the scores as they are without one.
pub fn reliability(claims: &[Claim], calibration: Option<&Calibration>, seed: u64) -> Reliability {
    let said = |claim: &Claim| {
        let curve = calibration.map(|c| c.of(&claim.class).probability(claim.score, claim.height_px));
        Said { predicted: f64::from(curve.unwrap_or(claim.score)), is_right: claim.is_right }
    };
    let all: Vec<(&Claim, Said)> = claims.iter().map(|claim| (claim, said(claim))).collect();
    let in_band = |band: usize| share(all.iter().filter(|(_, said)| said.band() == band).map(|(_, said)| *said));
    let edge = |band: usize| band as f64 / BANDS as f64;
    let bands =
        (0..BANDS).map(|band| Band { from: edge(band), to: edge(band + 1), share: in_band(band) }).collect::<Vec<_>>();
    let counting: Vec<(&Claim, Said)> = all.iter().filter(|(_, said)| said.counts()).copied().collect();
    let of = |is_in: &dyn Fn(&Claim) -> bool| {
        share(counting.iter().filter(|(claim, _)| is_in(claim)).map(|(_, said)| *said))
    };
    let name = |claim: &Claim| {
        let is_own = calibration.is_none_or(|c| c.classes.contains_key(&claim.class));
        if is_own { claim.class.clone() } else { "others".to_owned() }
    };
    let names: std::collections::BTreeSet<String> = claims.iter().map(name).collect();
    let by_class = names.into_iter().map(|own| (own.clone(), of(&|claim| name(claim) == own))).collect();
    let size = |height: f32| SIZES.iter().rposition(|(_, from)| height >= *from).unwrap_or(0);
    let by_size =
        SIZES.iter().enumerate().map(|(i, (name, _))| (*name, of(&|claim| size(claim.height_px) == i))).collect();
    let mut photos: BTreeMap<usize, Vec<Said>> = BTreeMap::new();
    for (claim, said) in &all {
        photos.entry(claim.photo).or_default().push(*said);
    }
    let photos: Vec<Vec<Said>> = photos.into_values().collect();
    Reliability { n_photos: photos.len(), bands, by_class, by_size, error: bootstrapped(&photos, seed) }
}

fn share(said: impl Iterator<Item = Said>) -> Share {
    let (mut n, mut predicted, mut right) = (0_usize, 0.0, 0_usize);
    for one in said {
        n += 1;
        predicted += one.predicted;
        right += usize::from(one.is_right);
    }
    let of = |sum: f64| if n == 0 { 0.0 } else { sum / n as f64 };
    Share { n, predicted: of(predicted), observed: of(right as f64) }
}

/// The error over all photos, and its interval over draws of them.
fn bootstrapped(photos: &[Vec<Said>], seed: u64) -> Interval {
    let value = error(photos.iter());
    if photos.is_empty() {
        return Interval { value, low: value, high: value };
    }
    let mut draw = Draw(seed);
    let mut values: Vec<f64> =
        (0..DRAWS).map(|_| error((0..photos.len()).map(|_| &photos[draw.below(photos.len())]))).collect();
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[((DRAWS - 1) as f64 * part).round() as usize];
    Interval { value, low: at(0.025), high: at(0.975) }
}

/// Mean distance between what was predicted and what came true, over the bands by their number of boxes.
fn error<'a>(photos: impl Iterator<Item = &'a Vec<Said>>) -> f64 {
    let mut bands = [(0_usize, 0.0, 0_usize); BANDS];
    for said in photos.flatten().filter(|said| said.counts()) {
        let band = &mut bands[said.band()];
        band.0 += 1;
        band.1 += said.predicted;
        band.2 += usize::from(said.is_right);
    }
    let n: usize = bands.iter().map(|band| band.0).sum();
    let off: f64 = bands.iter().map(|(_, predicted, right)| (predicted - *right as f64).abs()).sum();
    off / n.max(1) as f64
}
