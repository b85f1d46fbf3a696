//! How loud an announcement is: as EBU R 128 measures it, so that every voice, text and sound file is equally loud to the
//! ear, and never so loud that it clips.

use ebur128::{EbuR128, Mode};

use super::limiter::{Limiter, TRUE_PEAK_DB};
use crate::speaker::pcm::Pcm;

/// How loud an announcement is, in LUFS, where nothing else is asked for.
pub(in crate::speaker) const USUAL_LUFS: f64 = -16.0;
/// What is this near to the loudness that is asked for is near enough, in LU.
const NEAR_LU: f64 = 0.2;
/// What is far too soft is a file of noise rather than of words: it is not made louder than by this.
const MOST_GAIN_DB: f64 = 30.0;
/// A limiter takes loudness away; so often it is given back.
const MOST_TRIES: u8 = 5;
/// R 128 measures blocks of 0.4 s; what is shorter is repeated up to this.
const SHORTEST_S: f64 = 0.8;

/// The same sound at a loudness, its peaks below full scale also between the samples.
pub(super) fn at(pcm: &Pcm, lufs: f64) -> Pcm {
    let sound: Vec<f32> = pcm.samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    let Some(first) = measure(&sound, pcm.rate_hz) else { return pcm.clone() };
    let limiter = Limiter::new(&sound, pcm.rate_hz);
    let mut gain_db = (lufs - first).min(MOST_GAIN_DB);
    let mut loud = limiter.limit(&sound, gain_db);
    for _ in 0..MOST_TRIES {
        let missing = measure(&loud, pcm.rate_hz).map_or(0.0, |now| lufs - now);
        let next_db = (gain_db + missing).min(MOST_GAIN_DB);
        if missing.abs() < NEAR_LU || (next_db - gain_db).abs() < NEAR_LU / 2.0 {
            break;
        }
        gain_db = next_db;
        loud = limiter.limit(&sound, gain_db);
    }
    Pcm { rate_hz: pcm.rate_hz, samples: to_samples(&loud, pcm.rate_hz) }
}

/// The integrated loudness in LUFS; none where there is nothing to measure.
fn measure(sound: &[f32], rate_hz: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate_hz, Mode::I).ok()?;
    let shortest = (SHORTEST_S * f64::from(rate_hz)) as usize;
    let times = shortest.div_ceil(sound.len().max(1)).max(1);
    (0..times).try_for_each(|_| meter.add_frames_f32(sound)).ok()?;
    meter.loudness_global().ok().filter(|lufs| lufs.is_finite())
}

/// The highest peak between the samples, as a factor of full scale.
fn true_peak(sound: &[f32], rate_hz: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate_hz, Mode::TRUE_PEAK).ok()?;
    meter.add_frames_f32(sound).ok()?;
    meter.true_peak(0).ok()
}

/// As samples of 16 bits. Whatever the limiter let pass, nothing is above the highest peak.
fn to_samples(sound: &[f32], rate_hz: u32) -> Vec<i16> {
    let most = 10_f64.powf(TRUE_PEAK_DB / 20.0);
    let peak = true_peak(sound, rate_hz).unwrap_or(most);
    let factor = if peak > most { most / peak } else { 1.0 };
    sound
        .iter()
        .map(|sample| (f64::from(*sample) * factor * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 22_050;

    /// Syllables of a tone with a rest after each, and sharp peaks in them.
    fn syllables(peak: f64, seconds: f64) -> Pcm {
        let sample = |i: usize| {
            let t = i as f64 / f64::from(RATE_HZ);
            let envelope = if (t * 4.0).fract() < 0.7 { 1.0 } else { 0.0 };
            let wave = (t * 140.0 * std::f64::consts::TAU).sin().powi(15) + 0.2 * (t * 2200.0).sin();
            (peak * envelope * wave / 1.2) as i16
        };
        Pcm { rate_hz: RATE_HZ, samples: (0..(seconds * f64::from(RATE_HZ)) as usize).map(sample).collect() }
    }

    fn figures(pcm: &Pcm) -> (f64, f64) {
        let sound: Vec<f32> = pcm.samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        (measure(&sound, pcm.rate_hz).unwrap(), 20.0 * true_peak(&sound, pcm.rate_hz).unwrap().log10())
    }

    #[test]
    fn soft_loud_and_short_sounds_become_equally_loud_and_none_clips() {
        for (peak, seconds) in [(900.0, 4.0), (8_000.0, 4.0), (32_000.0, 4.0), (20_000.0, 0.3), (3_000.0, 0.1)] {
            for lufs in [-16.0, -28.0] {
                let (is, peak_db) = figures(&at(&syllables(peak, seconds), lufs));
                assert!((is - lufs).abs() < 0.5, "{peak} for {seconds} s became {is:.2} LUFS instead of {lufs}");
                assert!(peak_db < TRUE_PEAK_DB + 0.1, "{peak} for {seconds} s peaks at {peak_db:.2} dBTP");
            }
        }
    }

    #[test]
    fn what_is_hardly_there_is_not_blown_up_and_silence_stays() {
        let noise = syllables(40.0, 2.0);
        let (before, after) = (figures(&noise).0, figures(&at(&noise, -16.0)).0);
        assert!((after - before - MOST_GAIN_DB).abs() < 1.0, "{before:.1} to {after:.1} LUFS");
        let silence = Pcm { rate_hz: RATE_HZ, samples: vec![0; 44_100] };
        assert_eq!(at(&silence, -16.0), silence);
        let nothing = Pcm { rate_hz: RATE_HZ, samples: Vec::new() };
        assert_eq!(at(&nothing, -16.0), nothing);
    }

    #[test]
    fn what_is_loud_enough_is_scaled_and_not_bent() {
        let (soft, softer) = (syllables(6_000.0, 2.0), at(&syllables(6_000.0, 2.0), -40.0));
        let factor = f64::from(softer.samples[2000]) / f64::from(soft.samples[2000]);
        let bent =
            soft.samples.iter().zip(&softer.samples).any(|(a, b)| (f64::from(*a) * factor - f64::from(*b)).abs() > 3.0);
        assert!(!bent && factor < 0.5, "a factor of {factor}");
    }
}
