//! How alike two sounds are to the ear: the energy of seven bands of speech over time, whatever the loudness, the room and the delay.
//! Pure.

/// Samples a second of both.
pub(in crate::speaker) const RATE_HZ: u32 = 8000;
/// One look at a sound, and how far it is to the next, in samples.
const WINDOW: usize = 320;
const HOP: usize = 160;
/// Where bands of speech begin and end, in Hz.
const EDGES_HZ: [f64; 8] = [250.0, 450.0, 700.0, 1000.0, 1400.0, 1900.0, 2500.0, 3400.0];
const BANDS: usize = EDGES_HZ.len() - 1;
/// What is softer than the loudest by so much is silence.
const FLOOR: f64 = 1e-3;
/// So much of what was said must lie in what was heard: the connection may come up when it has begun.
const LEAST_PART: f64 = 0.6;
/// What is shorter than so many looks is alike to anything.
const LEAST_LOOKS: usize = 25;

type Look = [f64; BANDS];

/// The energy of each band, look by look, as a logarithm.
fn looks(samples: &[i16]) -> Vec<Look> {
    let n = WINDOW as f64;
    let first = (EDGES_HZ[0] * n / f64::from(RATE_HZ)).ceil() as usize;
    let last = (EDGES_HZ[BANDS] * n / f64::from(RATE_HZ)).ceil() as usize;
    let window: Vec<f64> =
        (0..WINDOW).map(|i| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / (n - 1.0)).cos()).collect();
    let turn: Vec<(f64, f64)> = (0..WINDOW).map(|i| (std::f64::consts::TAU * i as f64 / n).sin_cos()).collect();
    let band_of = |bin: usize| {
        let hz = bin as f64 * f64::from(RATE_HZ) / n;
        EDGES_HZ.windows(2).position(|edges| edges[0] <= hz && hz < edges[1])
    };
    let bins: Vec<(usize, usize)> = (first..=last).filter_map(|bin| Some((bin, band_of(bin)?))).collect();
    let starts = (0..(samples.len() + HOP).saturating_sub(WINDOW) / HOP).map(|look| look * HOP);
    let mut energies: Vec<Look> = starts
        .filter_map(|start| samples.get(start..start + WINDOW))
        .map(|part| {
            let part: Vec<f64> = part.iter().zip(&window).map(|(sample, weight)| f64::from(*sample) * weight).collect();
            let mut look = [0.0; BANDS];
            for &(bin, band) in &bins {
                let (mut re, mut im) = (0.0, 0.0);
                for (i, sample) in part.iter().enumerate() {
                    let (sin, cos) = turn[i * bin % WINDOW];
                    (re, im) = (re + sample * cos, im + sample * sin);
                }
                look[band] += re * re + im * im;
            }
            look
        })
        .collect();
    let loudest = energies.iter().flatten().copied().fold(0.0, f64::max);
    for energy in energies.iter_mut().flatten() {
        *energy = (*energy + FLOOR * loudest + 1.0).log10();
    }
    energies
}

/// The correlation of two runs of looks, each band around its own mean.
fn correlation(a: &[Look], b: &[Look]) -> f64 {
    let mean = |looks: &[Look]| {
        let mut sum = [0.0; BANDS];
        for look in looks {
            sum.iter_mut().zip(look).for_each(|(sum, energy)| *sum += energy);
        }
        sum.map(|sum| sum / looks.len().max(1) as f64)
    };
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        for band in 0..BANDS {
            let (a, b) = (a[band] - mean_a[band], b[band] - mean_b[band]);
            (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
        }
    }
    let size = (aa * bb).sqrt();
    if size > 0.0 { ab / size } else { 0.0 }
}

/// How alike what was heard is to what was said, at the delay at which they are most alike: 1 the same, 0 nothing in common. None
/// where there is too little of either.
pub(super) fn likeness(said: &[i16], heard: &[i16]) -> Option<f64> {
    let (said, heard) = (looks(said), looks(heard));
    let least = ((LEAST_PART * said.len() as f64) as usize).max(LEAST_LOOKS);
    if said.len() < LEAST_LOOKS || heard.len() < least {
        return None;
    }
    let missed = (0..=said.len() - least).map(|missed| (missed, 0));
    let waited = (1..=heard.len() - least).map(|waited| (0, waited));
    let alike = missed.chain(waited).filter_map(|(from_said, from_heard)| {
        let (said, heard) = (&said[from_said..], &heard[from_heard..]);
        let n = said.len().min(heard.len());
        (n >= least).then(|| correlation(&said[..n], &heard[..n]))
    });
    alike.max_by(f64::total_cmp)
}
