//! Whether what a fit goes by lies all over the picture, or is one thing that moves in it.
//!
//! Over bare ground the only thing with a texture may be what drives over it, and a fit of the whole picture follows that.
//! So each part of the picture is asked what explains it better: that it all lies at the new place, or where it lay before.

use super::align::Picture;
use super::overlay::Overlay;

/// Parts of the picture that are asked, each way.
const ACROSS: usize = 8;
const DOWN: usize = 6;
/// One in so many samples of each row and column is looked at.
const STEP: usize = 3;
/// A part with fewer samples that are free in both pictures says nothing.
const LEAST_SAMPLES: f64 = 12.0;
/// By so many standard errors a part must be explained better.
const SURE: f64 = 4.0;
/// How far apart those lie that are for the new place, as a standard deviation in parts of the picture's side, along one of
/// its sides at least. What is all over a picture has 0.29, what fills half of it 0.14.
const LEAST_SPREAD: f64 = 0.18;

/// What the parts of a picture say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// It lies at the new place, or there is nothing that would speak against it.
    Moved,
    /// It lies where it lay.
    Stayed,
    /// What speaks for the new place is in one corner of it.
    OneThing,
}

/// Asks the parts of a reference whether another picture lies at the place `moved` on it, or where it lay, at `stayed`.
pub(super) fn asked(reference: &Picture, now: &Picture, is_free: &[bool], moved: &Overlay, stayed: &Overlay) -> Says {
    let (width, height) = (reference.width, reference.height);
    let mut parts = [Part::default(); ACROSS * DOWN];
    for y in (2..height.saturating_sub(2)).step_by(STEP) {
        for x in (2..width.saturating_sub(2)).step_by(STEP) {
            let i = y * width + x;
            if !(is_free[i] && is_free[i + 2] && is_free[i - 2]) {
                continue;
            }
            let levels = &reference.levels;
            let here = (levels[i + 2] - levels[i - 2], levels[i + 2 * width] - levels[i - 2 * width]);
            let off = |place: &Overlay| Some(off(here, gradient(now, place, (x as f32, y as f32))?));
            if let (Some(moved), Some(stayed)) = (off(moved), off(stayed)) {
                parts[y * DOWN / height * ACROSS + x * ACROSS / width].add(f64::from(stayed - moved));
            }
        }
    }
    let votes = parts.map(Part::surely);
    let of = |vote: i8| votes.iter().enumerate().filter(move |(_, said)| **said == vote).map(|(at, _)| at);
    let (for_it, against) = (of(1).count(), of(-1).count());
    if against > 0 && against >= for_it {
        return Says::Stayed;
    }
    let across = deviation(of(1).map(|at| (at % ACROSS) as f64 / ACROSS as f64));
    let down = deviation(of(1).map(|at| (at / ACROSS) as f64 / DOWN as f64));
    if for_it > 0 && across.max(down) < LEAST_SPREAD { Says::OneThing } else { Says::Moved }
}

/// How the levels of a picture rise where a sample of the reference lies on it.
fn gradient(now: &Picture, place: &Overlay, (x, y): (f32, f32)) -> Option<(f32, f32)> {
    let at = |dx: f32, dy: f32| {
        let (u, v) = place.point(x + dx, y + dy);
        now.between(u, v)
    };
    Some((at(2.0, 0.0)? - at(-2.0, 0.0)?, at(0.0, 2.0)? - at(0.0, -2.0)?))
}

fn off((ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    (ax - bx).powi(2) + (ay - by).powi(2)
}

/// Sums over one part of the picture of how much better the new place explains a sample.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Part {
    fn add(&mut self, better: f64) {
        self.n += 1.0;
        self.sum += better;
        self.squares += better * better;
    }

    /// 1 where the new place is surely better, -1 where the old one is, 0 where it cannot be told.
    fn surely(self) -> i8 {
        if self.n < LEAST_SAMPLES {
            return 0;
        }
        let mean = self.sum / self.n;
        let error = ((self.squares / self.n - mean * mean).max(0.0) / self.n).sqrt();
        match mean.abs() > SURE * error {
            true if mean > 0.0 => 1,
            true => -1,
            false => 0,
        }
    }
}

fn deviation(of: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = of.clone().count().max(1) as f64;
    let mean = of.clone().sum::<f64>() / n;
    (of.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}
