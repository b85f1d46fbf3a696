//! The attention chime: two soft tones, high then low, that make people look up before the words come.

use std::f64::consts::TAU;

/// The tones in hertz (a falling major third, E5 and C5) and each one's length in seconds.
const TONES_HZ: [f64; 2] = [659.26, 523.25];
const TONE_S: f64 = 0.35;
/// Silence between the chime and the words.
const PAUSE_S: f64 = 0.15;
/// Peak level; what is played is made as loud as the speech.
const PEAK: f64 = 0.5 * 32_767.0;

/// The chime's samples.
pub(super) fn chime(rate_hz: u32) -> Vec<i16> {
    let rate = f64::from(rate_hz);
    let n = (TONE_S * rate) as usize;
    let mut samples = Vec::with_capacity(2 * n + (PAUSE_S * rate) as usize);
    for tone in TONES_HZ {
        samples.extend((0..n).map(|i| {
            let t = i as f64 / rate;
            // A rise of 10 ms keeps the onset from clicking; the decay reaches a hundredth by the end.
            let envelope = (t / 0.010).min(1.0) * 10_f64.powf(-2.0 * t / TONE_S);
            (PEAK * envelope * (TAU * tone * t).sin()) as i16
        }));
    }
    samples.resize(samples.len() + (PAUSE_S * rate) as usize, 0);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_as_stated_and_does_not_click() {
        let samples = chime(22_050);
        let lasts_s = samples.len() as f64 / 22_050.0;
        assert!((lasts_s - 2.0 * TONE_S - PAUSE_S).abs() < 0.001, "{lasts_s}");
        let step = samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap();
        assert!(step < 4000, "a jump of {step} would click");
        assert!(samples.iter().any(|s| *s > 10_000), "it is audible");
    }
}
