//! Joins movers to paths and fits the law of falling to them.

use super::movers::Mover;

/// Samples, and a part of the last step, by which a mover may miss its prediction.
const GATE: f32 = 2.0;
const GATE_PART: f32 = 0.3;
/// Longest time without a mover, in seconds, and in planes, after which a path has ended.
pub(super) const MISSED_S: f32 = 0.16;
pub(super) const MISSED_PLANES: f32 = 2.5;
/// Times by which area and contrast may change from one mover to the next.
const ALIKE_AREA: f32 = 4.0;
const ALIKE_CONTRAST: f32 = 3.0;

/// Part of its acceleration downwards by which a thing that falls may be drawn sideways, by wind and by the lens; and the
/// standard errors by which that may be missed.
const DRAWN_ASIDE: f32 = 0.25;
const DRAWN_ERRORS: f32 = 2.0;

/// A thing that is being followed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) points: Vec<Mover>,
}

/// The law of falling as it fits a path: times from the first point, rows downwards, in samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parabola {
    pub(super) y: f32,
    pub(super) velocity: f32,
    pub(super) acceleration: f32,
    /// Standard error of the acceleration, and what it is at least where each place is known to a sample.
    pub(super) acceleration_error: f32,
    pub(super) error_per_sample: f32,
    /// Root mean square of what is left, downwards and sideways.
    pub(super) residual: f32,
    pub(super) residual_x: f32,
    /// Root mean square of what constant speed would leave downwards.
    pub(super) residual_steady: f32,
    /// Part of the variance downwards that is explained, 0 to 1.
    pub(super) r_squared: f32,
    /// Mean speed sideways, and the acceleration sideways with its standard error.
    pub(super) velocity_x: f32,
    pub(super) acceleration_x: f32,
    pub(super) acceleration_x_error: f32,
}

impl Parabola {
    /// Whether it is drawn straight down, where each acceleration is known to so many samples at best: what turns, or is
    /// carried by the wind, is drawn sideways, too.
    pub(super) fn is_drawn_down(&self, place: f32) -> bool {
        let error = self.acceleration_x_error.max(place * self.error_per_sample);
        self.acceleration_x.abs() - DRAWN_ERRORS * error <= DRAWN_ASIDE * self.acceleration.max(0.0)
    }
}

impl Path {
    pub(super) fn first(&self) -> &Mover {
        &self.points[0]
    }

    pub(super) fn last(&self) -> &Mover {
        &self.points[self.points.len() - 1]
    }

    /// Seconds from the first point to the last.
    pub(super) fn duration_s(&self) -> f32 {
        self.last().t - self.first().t
    }

    /// Samples from the first row to the last.
    pub(super) fn drop(&self) -> f32 {
        self.last().y - self.first().y
    }

    /// Begins a path with three movers that go downwards, straight and not slower, or gives none.
    pub(super) fn begin(a: &Mover, b: &Mover, c: &Mover) -> Option<Self> {
        let (dt, dt2) = (b.t - a.t, c.t - b.t);
        let (vy, vy2) = ((b.y - a.y) / dt, (c.y - b.y) / dt2);
        let (vx, vx2) = ((b.x - a.x) / dt, (c.x - b.x) / dt2);
        let step = (c.y - a.y).max(0.0);
        let slack = (1.0 + GATE_PART * step) / dt.min(dt2);
        let falls = vy > 0.0 && vy2 > 0.0 && c.y - a.y > 1.0 && vy2 > vy - slack * 0.5 && vy2 < 3.0 * vy + 2.0 * slack;
        let straight = (vx2 - vx).abs() < slack && (vx + vx2).abs() < 1.2 * (vy + vy2);
        (falls && straight && is_alike(a, b) && is_alike(b, c)).then(|| Self { points: vec![*a, *b, *c] })
    }

    /// How far a mover lies from where the path goes on, in parts of the gate; above 1 it does not belong.
    pub(super) fn distance(&self, mover: &Mover) -> f32 {
        let last = self.last();
        if !is_alike(last, mover) || mover.t <= last.t {
            return f32::INFINITY;
        }
        let (x, y) = self.predict(mover.t);
        let step = (y - last.y).abs();
        (mover.x - x).hypot(mover.y - y) / (GATE + GATE_PART * step + last.area.sqrt() * 0.5)
    }

    fn predict(&self, t: f32) -> (f32, f32) {
        let recent = &self.points[self.points.len().saturating_sub(8)..];
        let fit = fit(recent);
        let dt = t - recent[0].t;
        let x = self.last().x + fit.velocity_x * (t - self.last().t);
        (x, fit.y + fit.velocity * dt + 0.5 * fit.acceleration.max(0.0) * dt * dt)
    }

    /// Mean speed downwards and sideways, in samples a second.
    pub(super) fn speed(&self) -> (f32, f32) {
        let (a, b, s) = (self.first(), self.last(), self.duration_s().max(1e-3));
        ((b.y - a.y) / s, (b.x - a.x) / s)
    }

    /// Mean side of a square of the area of its points, in samples.
    pub(super) fn side(&self) -> f32 {
        (self.points.iter().map(|p| p.area).sum::<f32>() / self.points.len() as f32).sqrt()
    }

    /// Whether another path is of the same thing, by its parts or its edges: there at the same time, and side by side.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let reach = 3.0 + 1.5 * self.side().max(other.side());
        let is_then = self.first().t <= other.last().t + 0.1 && other.first().t <= self.last().t + 0.1;
        let rows = self.first().y - reach <= other.last().y && other.first().y - reach <= self.last().y;
        let off = (self.first().x + self.last().x - other.first().x - other.last().x).abs() * 0.5;
        is_then && rows && off <= reach + 0.2 * self.drop().max(other.drop())
    }

    /// Whether the path has ended by `t`, planes coming every `interval_s`.
    pub(super) fn has_ended(&self, t: f32, interval_s: f32) -> bool {
        t - self.last().t > MISSED_S.max(MISSED_PLANES * interval_s)
    }
}

pub(super) fn is_alike(a: &Mover, b: &Mover) -> bool {
    let ratio = |a: f32, b: f32| (a / b).max(b / a);
    let contrasts = ratio(a.contrast.abs().max(1.0), b.contrast.abs().max(1.0));
    a.contrast * b.contrast > 0.0
        && contrasts < ALIKE_CONTRAST
        && ratio(a.area, b.area) < ALIKE_AREA.max(9.0 / a.area.min(b.area))
}

/// Least squares over points, of which there are at least two.
pub(super) fn fit(points: &[Mover]) -> Parabola {
    let t0 = points[0].t;
    let times: Vec<f64> = points.iter().map(|p| f64::from(p.t - t0)).collect();
    let ys: Vec<f64> = points.iter().map(|p| f64::from(p.y)).collect();
    let xs: Vec<f64> = points.iter().map(|p| f64::from(p.x)).collect();
    let n = points.len() as f64;
    let (y_steady, v_steady, left_steady) = line(&times, &ys);
    let (_, velocity_x, left_x) = line(&times, &xs);
    let mean = ys.iter().sum::<f64>() / n;
    let total = ys.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
    // The part of t squared that a line does not explain; regressing on it gives the acceleration by itself.
    let squares: Vec<f64> = times.iter().map(|t| 0.5 * t * t).collect();
    let (s0, s1, _) = line(&times, &squares);
    let bend: Vec<f64> = times.iter().zip(&squares).map(|(t, s)| s - s0 - s1 * t).collect();
    let weight = bend.iter().map(|b| b * b).sum::<f64>();
    let is_told = weight > 1e-12;
    let bent = |of: &[f64]| if is_told { bend.iter().zip(of).map(|(b, v)| b * v).sum::<f64>() / weight } else { 0.0 };
    let (acceleration, acceleration_x) = (bent(&ys), bent(&xs));
    let left = (left_steady - acceleration * acceleration * weight).max(0.0);
    let left_bent_x = (left_x - acceleration_x * acceleration_x * weight).max(0.0);
    let freedom = (n - 3.0).max(1.0);
    let error = |left: f64| if is_told { (left.max(0.02 * n) / freedom / weight).sqrt() } else { f64::INFINITY };
    Parabola {
        y: (y_steady - acceleration * s0) as f32,
        velocity: (v_steady - acceleration * s1) as f32,
        acceleration: acceleration as f32,
        acceleration_error: error(left) as f32,
        error_per_sample: if is_told { weight.sqrt().recip() as f32 } else { f32::INFINITY },
        residual: (left / n).sqrt() as f32,
        residual_x: (left_x / n).sqrt() as f32,
        residual_steady: (left_steady / n).sqrt() as f32,
        r_squared: if total > 0.0 { (1.0 - left / total) as f32 } else { 0.0 },
        velocity_x: velocity_x as f32,
        acceleration_x: acceleration_x as f32,
        acceleration_x_error: error(left_bent_x) as f32,
    }
}

/// Offset, slope and sum of squares left of a line.
fn line(times: &[f64], values: &[f64]) -> (f64, f64, f64) {
    let n = times.len() as f64;
    let (mean_t, mean_v) = (times.iter().sum::<f64>() / n, values.iter().sum::<f64>() / n);
    let spread = times.iter().map(|t| (t - mean_t).powi(2)).sum::<f64>();
    let joint = times.iter().zip(values).map(|(t, v)| (t - mean_t) * (v - mean_v)).sum::<f64>();
    let slope = if spread > 1e-12 { joint / spread } else { 0.0 };
    let offset = mean_v - slope * mean_t;
    let left = times.iter().zip(values).map(|(t, v)| (v - offset - slope * t).powi(2)).sum();
    (offset, slope, left)
}
