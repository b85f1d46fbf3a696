//! Keeps peaks below full scale, also those between the samples, which a converter or a change of rate brings out.
//!
//! The gain falls before a peak and comes back after it over [`SIDE_S`], so that no wave is bent: for each sample the
//! least gain that its surroundings allow, averaged over the same surroundings. An average of gains that are each small
//! enough for a peak is small enough for it.

use std::collections::VecDeque;
use std::f64::consts::PI;

/// The highest peak, in dB of full scale. R 128 asks for 1 dB below full scale; G.711's change of rate needs a little more.
pub(super) const TRUE_PEAK_DB: f64 = -1.5;
/// How long before and after a peak the gain moves.
const SIDE_S: f64 = 0.02;
/// Points at which a peak is looked for, from one sample to the next.
const STEPS: usize = 4;
/// Samples on either side that a point between two is made of.
const REACH: usize = 8;

/// What is known of a sound, whatever it is amplified by.
pub(super) struct Limiter {
    /// The highest magnitude around each sample.
    peaks: Vec<f32>,
    side: usize,
}

impl Limiter {
    pub(super) fn new(sound: &[f32], rate_hz: u32) -> Self {
        Self { peaks: peaks(sound), side: (SIDE_S * f64::from(rate_hz)) as usize }
    }

    /// The sound amplified, and softer where it would be above the highest peak.
    pub(super) fn limit(&self, sound: &[f32], gain_db: f64) -> Vec<f32> {
        let gain = 10_f64.powf(gain_db / 20.0) as f32;
        let most = 10_f64.powf(TRUE_PEAK_DB / 20.0) as f32;
        let allowed: Vec<f32> = self.peaks.iter().map(|peak| most / (peak * gain).max(most)).collect();
        if allowed.iter().all(|factor| *factor >= 1.0) {
            return sound.iter().map(|sample| sample * gain).collect();
        }
        let smooth = average_around(&least_around(&allowed, self.side), self.side);
        sound.iter().zip(smooth).map(|(sample, factor)| sample * gain * factor).collect()
    }
}

/// The highest magnitude at each sample and between it and its neighbours.
fn peaks(sound: &[f32]) -> Vec<f32> {
    let kernels: Vec<[f32; 2 * REACH]> = (1..STEPS).map(|step| kernel(step as f64 / STEPS as f64)).collect();
    let mut padded = vec![0.0; REACH];
    padded.extend_from_slice(sound);
    padded.extend([0.0; REACH + 1]);
    let mut peaks: Vec<f32> = sound.iter().map(|sample| sample.abs()).collect();
    for i in 0..sound.len() {
        let around = &padded[i + 1..=i + 2 * REACH];
        let between = kernels.iter().map(|kernel| around.iter().zip(kernel).map(|(a, b)| a * b).sum::<f32>().abs());
        let peak = between.fold(0.0, f32::max);
        for at in [i, i + 1] {
            if let Some(known) = peaks.get_mut(at) {
                *known = known.max(peak);
            }
        }
    }
    peaks
}

/// Weights of the samples around a point that lies `part` of the way from one sample to the next: a sinc under a window.
fn kernel(part: f64) -> [f32; 2 * REACH] {
    std::array::from_fn(|i| {
        let x = part - (i as f64 - (REACH as f64 - 1.0));
        let window = 0.5 + 0.5 * (PI * x / REACH as f64).cos();
        ((PI * x).sin() / (PI * x) * window) as f32
    })
}

/// The least of what is within `side` of each place.
fn least_around(values: &[f32], side: usize) -> Vec<f32> {
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut least = Vec::with_capacity(values.len());
    for next in 0..values.len() + side {
        if let Some(value) = values.get(next) {
            while waiting.back().is_some_and(|last| values[*last] >= *value) {
                waiting.pop_back();
            }
            waiting.push_back(next);
        }
        let Some(here) = next.checked_sub(side) else { continue };
        while waiting.front().is_some_and(|first| first + side < here) {
            waiting.pop_front();
        }
        least.push(waiting.front().map_or(1.0, |first| values[*first]));
    }
    least
}

/// The mean of what is within `side` of each place; beyond the ends it goes on as at the ends.
fn average_around(values: &[f32], side: usize) -> Vec<f32> {
    let at = |i: isize| values[i.clamp(0, values.len() as isize - 1) as usize];
    let (side, width) = (side as isize, 2.0 * side as f64 + 1.0);
    let mut sum: f64 = (-side..=side).map(|i| f64::from(at(i))).sum();
    (0..values.len() as isize)
        .map(|i| {
            let mean = (sum / width) as f32;
            sum += f64::from(at(i + side + 1)) - f64::from(at(i - side));
            mean
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_peak_between_two_samples_is_found() {
        // A tone of a quarter of the rate, an eighth of a period away from its peaks: these are 3 dB above its samples.
        let tone: Vec<f32> = (0..400).map(|i| 0.5 * (PI / 2.0 * f64::from(i) + PI / 4.0).sin() as f32).collect();
        let highest = peaks(&tone)[50..350].iter().copied().fold(0.0, f32::max);
        assert!((highest - 0.5).abs() < 0.01 && tone.iter().all(|sample| sample.abs() < 0.36), "{highest}");
    }

    proptest! {
        #[test]
        fn no_sample_passes_and_what_is_far_from_peaks_is_untouched(
            sound in prop::collection::vec(-1.0_f32..1.0, 1..3000), gain_db in -10.0..30.0_f64,
        ) {
            let most = 10_f64.powf(TRUE_PEAK_DB / 20.0) as f32;
            let limited = Limiter::new(&sound, 8000).limit(&sound, gain_db);
            prop_assert_eq!(limited.len(), sound.len());
            prop_assert!(limited.iter().all(|sample| sample.abs() <= most * 1.0001));
        }

        #[test]
        fn the_least_around_is_what_looking_at_all_finds(values in prop::collection::vec(0.0_f32..1.0, 0..200), side in 0_usize..20) {
            let slow: Vec<f32> = (0..values.len())
                .map(|i| values[i.saturating_sub(side)..(i + side + 1).min(values.len())].iter().copied().fold(1.0, f32::min))
                .collect();
            prop_assert_eq!(least_around(&values, side), slow);
        }
    }
}
