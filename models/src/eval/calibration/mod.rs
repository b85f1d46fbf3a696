//! How far a detector's scores are probabilities, and the curve that makes them so.
//!
//! Every box that was found on labelled photos is right or wrong: right if it overlaps a true box of its class by half,
//! each true box counting once. The curve is fitted on some photos and judged on others.

mod fit;
mod reliability;
mod table;

use std::collections::{BTreeMap, BTreeSet};

pub use fit::fit;
pub use reliability::{Band, Interval, Reliability, Share, reliability};
pub use table::CalibrationReport;

use super::matching::{AreaRange, Pairs};
use super::{EvalError, FoundBox, Scope, detecting};
use crate::{OnnxDetector, image_frame};

/// Boxes of any size.
const ANY: AreaRange = AreaRange(0.0, 1e12);
/// Part of the photos on which a fit is judged where no others are handed in.
const HELD: f64 = 0.3;

/// One found box.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Number of its photo.
    pub photo: usize,
    /// Its class.
    pub class: String,
    /// The model's own score, 0 to 1.
    pub score: f32,
    /// Its height in pixels of the model's input.
    pub height_px: f32,
    /// Whether it is right.
    pub is_right: bool,
}

/// Runs the detector, which must have no calibration of its own, over the photos; the first of them is number `first`.
///
/// Boxes that lie in a marked crowd are neither right nor wrong and left out, and so are those of classes that the labels
/// do not have.
pub fn claims(model: &mut OnnxDetector, scope: &Scope, first: usize) -> Result<Vec<Claim>, EvalError> {
    let scored: BTreeMap<&str, usize> =
        scope.scored.iter().map(|&class| (scope.labelled.classes[class].as_str(), class)).collect();
    let mut claims = Vec::new();
    for (index, photo) in scope.labelled.photos.iter().enumerate() {
        let frame = image_frame(&photo.path)?;
        let truth = photo.truth(frame.width, frame.height);
        let found: Vec<(FoundBox, f32)> = model
            .detect_measured(&frame)?
            .iter()
            .filter_map(|(d, height)| Some((detecting::found_box(d, *scored.get(d.class.as_str())?), *height)))
            .collect();
        let classes: BTreeSet<usize> = found.iter().map(|(found, _)| found.class).collect();
        for class in classes {
            let mut own: Vec<(FoundBox, f32)> = found.iter().filter(|(f, _)| f.class == class).copied().collect();
            own.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
            let boxes: Vec<FoundBox> = own.iter().map(|(found, _)| *found).collect();
            let Some(pairs) = Pairs::new(&truth, &boxes, class) else { continue };
            let judged = pairs.matched(ANY).boxes;
            let counting = own.iter().zip(&judged).filter(|(_, judged)| !judged.is_ignored[0]);
            claims.extend(counting.map(|((found, height_px), judged)| Claim {
                photo: first + index,
                class: scope.labelled.classes[class].clone(),
                score: found.score as f32,
                height_px: *height_px,
                is_right: judged.is_matched[0],
            }));
        }
    }
    Ok(claims)
}

/// Splits claims by photo into those to fit on and those to judge by, the same way for the same seed.
pub fn split(claims: Vec<Claim>, seed: u64) -> (Vec<Claim>, Vec<Claim>) {
    claims.into_iter().partition(|claim| !is_held(claim.photo, seed))
}

fn is_held(photo: usize, seed: u64) -> bool {
    Draw(seed ^ (photo as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)).part() < HELD
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same draws for the same seed on every machine.
#[derive(Debug, Clone)]
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to below 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `n`.
    fn below(&mut self, n: usize) -> usize {
        ((self.part() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
