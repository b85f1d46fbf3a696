//! Judges a region that differs from the scene and stays: an object that came, one that went, or only light.

use super::StaticKind;
use super::models::{Models, Showing};

/// Mean gradient, in grey levels per sample, from which a surface has texture to compare.
const TEXTURED: f32 = 2.5;
/// Correlation of gradients from which texture is the same.
const SAME_STRUCTURE: f32 = 0.6;
/// Steepness of an edge, as a part of the region's contrast per sample, below which it is a shadow's or a lamp's.
const SOFT_EDGE: f32 = 0.22;
/// Spread of the ratio to the scene, as a part of the change, below which a region is evenly lit or shaded.
const EVEN: f32 = 0.35;
/// Brightness against the scene that a cast shadow leaves.
const SHADOW: std::ops::Range<f32> = 0.3..0.95;
/// Keeps ratios of dark levels tame.
const BLACK: f32 = 6.0;
/// Samples around a region that stand for its surroundings.
const RING: usize = 3;

/// What a region looks like against the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Shadow, lamp or sun: the surface is the same.
    Light,
    /// Too faint to tell.
    Faint,
    /// A change of matter, with a confidence of 0 to 1.
    Object(StaticKind, f32),
}

/// Judges the region of `samples`; `is_inside` says of any sample whether it belongs to it.
pub(super) fn judge(
    models: &Models,
    samples: &[usize],
    is_inside: impl Fn(usize) -> bool,
    least_contrast: f32,
) -> Verdict {
    let contrast = mean(samples, |i| (models.quick[i] - models.scene[i]).abs());
    if contrast < least_contrast {
        return Verdict::Faint;
    }
    let neighbours = |i: usize| [i.wrapping_sub(1), i + 1, i.wrapping_sub(models.width), i + models.width];
    let (edge, inner): (Vec<usize>, Vec<usize>) =
        samples.iter().partition(|&&i| neighbours(i).into_iter().any(|j| !is_inside(j)));
    let length = |levels: &[f32], i: usize| {
        let (x, y) = models.gradient(levels, i);
        x.hypot(y)
    };
    let steepness = steepness(models, samples, &edge);
    if is_light(models, samples, &inner, &edge, steepness) {
        return Verdict::Light;
    }
    let (edge_now, edge_then) = (mean(&edge, |i| length(&models.quick, i)), mean(&edge, |i| length(&models.scene, i)));
    let ring = ring(models, samples, &is_inside);
    let apart = |levels: &[f32]| (mean(samples, |i| levels[i]) - mean(&ring, |i| levels[i])).abs();
    let (apart_now, apart_then) =
        if ring.is_empty() { (0.0, 0.0) } else { (apart(&models.quick), apart(&models.scene)) };
    let appeared = ((edge_now + 2.0) / (edge_then + 2.0)).ln() + 0.5 * ((apart_now + 4.0) / (apart_then + 4.0)).ln();
    let kind = if appeared >= 0.0 { StaticKind::Appeared } else { StaticKind::Removed };
    let clear = 1.0 - (-contrast / 20.0).exp();
    let confidence = clear * (0.4 + 0.3 * (steepness / 0.4).min(1.0) + 0.3 * (appeared.abs() / 0.5).min(1.0));
    Verdict::Object(kind, confidence.clamp(0.0, 1.0))
}

/// How steep the ratio to the scene is along a region's edge, as a part of the region's mean ratio per sample. In the
/// ratio, the scene's own edges under a change of light vanish.
fn steepness(models: &Models, samples: &[usize], edge: &[usize]) -> f32 {
    let ratio = |i: usize| ((models.quick[i] + BLACK) / (models.scene[i] + BLACK)).max(0.01).ln();
    let (last, width) = (models.scene.len() - 1, models.width);
    let slope = |i: usize| {
        let across = ratio((i + 1).min(last)) - ratio(i.saturating_sub(1));
        let down = ratio((i + width).min(last)) - ratio(i.saturating_sub(width));
        across.hypot(down) * 0.5
    };
    mean(edge, slope) / mean(samples, |i| ratio(i).abs()).max(0.01)
}

fn is_light(models: &Models, samples: &[usize], inner: &[usize], edge: &[usize], steepness: f32) -> bool {
    let inner = if inner.len() >= 6 { inner } else { samples };
    let (mut both, mut now, mut then) = (0.0f32, 0.0f32, 0.0f32);
    for &i in inner {
        let (a, b) = (models.gradient(&models.quick, i), models.gradient(&models.scene, i));
        both += a.0 * b.0 + a.1 * b.1;
        now += a.0 * a.0 + a.1 * a.1;
        then += b.0 * b.0 + b.1 * b.1;
    }
    let is_textured = (then / inner.len() as f32).sqrt() > TEXTURED;
    if is_textured && both > SAME_STRUCTURE * (now * then).sqrt() {
        return true;
    }
    let ratio = |i: usize| (models.quick[i] + 4.0) / (models.scene[i] + 4.0);
    let middle = mean(inner, ratio);
    let spread = mean(inner, |i| (ratio(i) - middle).powi(2)).sqrt();
    let is_even = spread < EVEN * (1.0 - middle).abs();
    if is_even && steepness < SOFT_EDGE {
        return true;
    }
    // A lamp's pool falls off towards its edge, so that it is not even, but its edge is all the softer.
    if middle > 1.0 && steepness < 0.75 * SOFT_EDGE {
        return true;
    }
    // The hard shadow of a parked vehicle or a standing person lies beside what covers the scene.
    let beside = edge.iter().filter(|&&i| is_beside_cover(models, i)).count();
    !is_textured && is_even && SHADOW.contains(&middle) && beside * 5 > edge.len()
}

fn is_beside_cover(models: &Models, i: usize) -> bool {
    let (x, y) = (i % models.width, i / models.width);
    (y.saturating_sub(2)..(y + 3).min(models.height)).any(|row| {
        (x.saturating_sub(2)..(x + 3).min(models.width)).any(|column| {
            let j = row * models.width + column;
            models.showing[j] == Showing::Hidden && models.uncovered_s[j] == 0.0
        })
    })
}

/// Samples just outside of a region, without the first beside it.
fn ring(models: &Models, samples: &[usize], is_inside: &impl Fn(usize) -> bool) -> Vec<usize> {
    let (mut x0, mut y0, mut x1, mut y1) = (usize::MAX, usize::MAX, 0, 0);
    for &i in samples {
        let (x, y) = (i % models.width, i / models.width);
        (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x), y1.max(y));
    }
    let rows = y0.saturating_sub(RING)..(y1 + RING + 1).min(models.height);
    let columns = x0.saturating_sub(RING)..(x1 + RING + 1).min(models.width);
    rows.flat_map(|y| columns.clone().map(move |x| y * models.width + x))
        .filter(|&i| !is_inside(i) && models.showing[i] == Showing::Scene)
        .collect()
}

fn mean(samples: &[usize], of: impl Fn(usize) -> f32) -> f32 {
    samples.iter().map(|&i| of(i)).sum::<f32>() / samples.len().max(1) as f32
}
