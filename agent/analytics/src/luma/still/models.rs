//! The models of every sample: the empty scene, learned slowly, and what is there just now, learned quickly.
//!
//! A sample that differs from the slow model but agrees with the quick one is a change that stays (Porikli 2007). The
//! slow model learns only from what looks like the scene; a place is known once it was seen uncovered long enough, and
//! by majority, so that walkers during the first seconds leave no ghosts (Boyer and Moore 1981).

/// Least deviation of a level, in grey levels, and its growth with brightness: noise, compression, flicker.
const NOISE: f32 = 1.5;
const NOISE_GAIN: f32 = 0.012;
/// Deviation by wrong alignment, in samples.
const MISALIGNED: f32 = 0.25;
/// Largest difference that the variance of a restless sample learns from.
const MAX_SWAY: f32 = 60.0;
/// Seconds in which the variance follows to 1/e.
const SWAY_FOLLOWS_S: f32 = 90.0;
/// Seconds in which the quick model follows to 1/e.
const QUICK_FOLLOWS_S: f32 = 3.0;
/// Most seconds of agreement that the quick model holds against contradiction,
const QUICK_MOST_S: f32 = 4.0;
/// which counts so many times.
const CONTRADICTION: f32 = 3.0;
/// Seconds of agreement from which the quick model is settled.
const SETTLED_S: f32 = 1.0;
/// Seconds over which restlessness is a mean.
const UNREST_S: f32 = 6.0;
/// Part of the tolerated squared difference that a settled quick model is granted.
const SETTLED_PART: f32 = 0.5;
/// Half the side of the window in which texture is compared.
const WINDOW: usize = 3;
/// Correlation with the scene's texture from which a difference is light.
const SAME_TEXTURE: f32 = 0.8;

/// What one sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Showing {
    /// Covered by a track, not seen because of shake, or not yet known.
    #[default]
    Hidden,
    /// The scene.
    Scene,
    /// Something else, which stays.
    Still,
    /// Something else, which moves.
    Moving,
}

/// The models of a plane, field by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Models {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Level of the empty scene in the light in which it was learned.
    pub(super) scene: Vec<f32>,
    /// Variance of the level.
    pub(super) variance: Vec<f32>,
    /// Seconds for which the scene has been seen, at most those needed to know it.
    pub(super) known_s: Vec<f32>,
    /// Level of late, in the same light.
    pub(super) quick: Vec<f32>,
    /// Seconds for which the quick model has agreed.
    pub(super) quick_s: Vec<f32>,
    /// Seconds for which something that is not the scene has stayed.
    pub(super) still_s: Vec<f32>,
    /// Part of the recent time in which the level kept changing.
    pub(super) unrest: Vec<f32>,
    /// Seconds since a track covered the sample.
    pub(super) uncovered_s: Vec<f32>,
    pub(super) showing: Vec<Showing>,
}

/// What does not change from sample to sample in one update.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) elapsed_s: f32,
    pub(super) learn_s: f32,
    pub(super) follow_s: f32,
    pub(super) deviations: f32,
}

impl Models {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let zeros = vec![0.0; width * height];
        Self {
            width,
            height,
            scene: zeros.clone(),
            variance: zeros.clone(),
            known_s: zeros.clone(),
            quick: zeros.clone(),
            quick_s: zeros.clone(),
            still_s: zeros.clone(),
            unrest: zeros.clone(),
            uncovered_s: zeros,
            showing: vec![Showing::Hidden; width * height],
        }
    }

    /// Horizontal and vertical gradient of `levels` at a sample, 0 at the picture's edge.
    pub(super) fn gradient(&self, levels: &[f32], i: usize) -> (f32, f32) {
        let (x, y) = (i % self.width, i / self.width);
        if x == 0 || y == 0 || x + 1 >= self.width || y + 1 >= self.height {
            return (0.0, 0.0);
        }
        ((levels[i + 1] - levels[i - 1]) * 0.5, (levels[i + self.width] - levels[i - self.width]) * 0.5)
    }

    /// Variance of the difference from the scene that is no change.
    fn tolerated(&self, i: usize) -> f32 {
        let (gx, gy) = self.gradient(&self.scene, i);
        self.variance[i] + (gx * gx + gy * gy) * MISALIGNED * MISALIGNED
    }

    /// Takes in a picture that has been moved back and put into the scene's light. Returns the part of the seen and
    /// known samples that do not show the scene.
    pub(super) fn update(&mut self, now: &[f32], is_covered: &[bool], pace: Pace) -> f32 {
        let (mut seen, mut other) = (0u32, 0u32);
        for i in 0..now.len() {
            self.uncovered_s[i] = if is_covered[i] { 0.0 } else { self.uncovered_s[i] + pace.elapsed_s };
            if is_covered[i] {
                self.showing[i] = Showing::Hidden;
                continue;
            }
            let floor = (NOISE + NOISE_GAIN * now[i]).powi(2);
            let tolerated = (self.tolerated(i) + floor) * pace.deviations * pace.deviations;
            // Restlessness goes by noise alone: what a swaying border has learned to tolerate is restless still.
            let off = now[i] - self.quick[i];
            let changes = if off * off > floor * pace.deviations * pace.deviations { 1.0 } else { 0.0 };
            let agrees = self.update_quick(i, now[i], tolerated, pace);
            self.unrest[i] += (pace.elapsed_s / UNREST_S).min(0.5) * (changes - self.unrest[i]);
            if self.known_s[i] < pace.learn_s {
                self.showing[i] = Showing::Hidden;
                self.learn(i, now[i], tolerated, pace);
                continue;
            }
            seen += 1;
            // The settled quick model is a mean, with less noise than one level, so that it may tell smaller changes.
            let is_settled = agrees && self.quick_s[i] >= SETTLED_S;
            let (level, limit) =
                if is_settled { (self.quick[i], tolerated * SETTLED_PART) } else { (now[i], tolerated) };
            let differs = (level - self.scene[i]).powi(2) > limit;
            self.showing[i] = if !differs || self.is_same_texture(now, i, floor.sqrt()) {
                Showing::Scene
            } else if is_settled {
                Showing::Still
            } else {
                Showing::Moving
            };
            other += u32::from(self.showing[i] != Showing::Scene);
        }
        other as f32 / seen.max(1) as f32
    }

    /// Whether the texture around sample `i` is the scene's: then a difference of level is shadow or light.
    ///
    /// Where the scene has no texture that stands out of the noise, nothing can be said and the answer is no.
    fn is_same_texture(&self, now: &[f32], i: usize, noise: f32) -> bool {
        let (x, y) = (i % self.width, i / self.width);
        let columns = x.saturating_sub(WINDOW)..(x + WINDOW + 1).min(self.width);
        let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
        let (a0, b0) = (now[i], self.scene[i]);
        for row in y.saturating_sub(WINDOW)..(y + WINDOW + 1).min(self.height) {
            let window = row * self.width + columns.start..row * self.width + columns.end;
            for (level, scene) in now[window.clone()].iter().zip(&self.scene[window]) {
                let (u, v) = (level - a0, scene - b0);
                (n, a, b) = (n + 1.0, a + u, b + v);
                (aa, bb, ab) = (aa + u * u, bb + v * v, ab + u * v);
            }
        }
        let (var_a, var_b) = (aa / n - (a / n).powi(2), bb / n - (b / n).powi(2));
        let covariance = ab / n - a * b / (n * n);
        var_b > 6.0 * noise * noise && var_a > 0.0 && covariance > SAME_TEXTURE * (var_a * var_b).sqrt()
    }

    /// Whether the quick model agrees with the level; takes the level in.
    fn update_quick(&mut self, i: usize, level: f32, tolerated: f32, pace: Pace) -> bool {
        let difference = level - self.quick[i];
        let agrees = difference * difference <= tolerated && self.quick_s[i] > 0.0;
        if agrees {
            self.quick_s[i] = (self.quick_s[i] + pace.elapsed_s).min(QUICK_MOST_S);
            self.quick[i] += (pace.elapsed_s / QUICK_FOLLOWS_S).min(0.5) * difference;
        } else {
            self.quick_s[i] -= CONTRADICTION * pace.elapsed_s;
            if self.quick_s[i] <= 0.0 {
                self.quick[i] = level;
                self.quick_s[i] = pace.elapsed_s * 0.5;
            }
        }
        agrees
    }

    /// Learns a place that is not known yet.
    fn learn(&mut self, i: usize, level: f32, tolerated: f32, pace: Pace) {
        let difference = level - self.scene[i];
        if self.known_s[i] <= 0.0 {
            self.adopt(i, level);
            self.known_s[i] = pace.elapsed_s;
        } else if difference * difference <= tolerated {
            let rate = pace.elapsed_s / (self.known_s[i] + pace.elapsed_s);
            self.scene[i] += rate * difference;
            self.variance[i] += rate * (difference * difference - self.variance[i]);
            self.known_s[i] += pace.elapsed_s;
        } else if self.quick_s[i] >= SETTLED_S {
            self.known_s[i] -= pace.elapsed_s;
            if self.known_s[i] <= 0.0 {
                self.adopt(i, self.quick[i]);
                self.known_s[i] = SETTLED_S;
            }
        } else {
            let rate = (pace.elapsed_s / SWAY_FOLLOWS_S).min(0.1);
            self.variance[i] += rate * ((difference * difference).min(MAX_SWAY * MAX_SWAY) - self.variance[i]);
        }
    }

    /// Moves the models on by what `update` found; left out while the whole picture is in upheaval.
    pub(super) fn follow(&mut self, now: &[f32], pace: Pace) {
        let slow = (pace.elapsed_s / pace.follow_s).min(0.2);
        let sway = (pace.elapsed_s / SWAY_FOLLOWS_S).min(0.1);
        for (i, level) in now.iter().enumerate() {
            let difference = level - self.scene[i];
            let squared = (difference * difference).min(MAX_SWAY * MAX_SWAY);
            match self.showing[i] {
                Showing::Hidden => {}
                Showing::Scene => {
                    self.still_s[i] = (self.still_s[i] - 2.0 * pace.elapsed_s).max(0.0);
                    self.scene[i] += slow * difference;
                    self.variance[i] += sway * (squared.min(400.0) - self.variance[i]);
                }
                Showing::Still => self.still_s[i] += pace.elapsed_s,
                Showing::Moving => {
                    self.still_s[i] = (self.still_s[i] - 0.5 * pace.elapsed_s).max(0.0);
                    self.variance[i] += sway * (squared - self.variance[i]);
                }
            }
        }
    }

    /// Whether a sample shows the scene and has done so for a while.
    pub(super) fn is_settled_scene(&self, i: usize) -> bool {
        self.showing[i] == Showing::Scene && self.quick_s[i] >= QUICK_MOST_S * 0.75
    }

    /// Makes a level the scene's.
    pub(super) fn adopt(&mut self, i: usize, level: f32) {
        self.scene[i] = level;
        self.variance[i] = 4.0;
        self.still_s[i] = 0.0;
    }

    /// Makes what is there now the scene.
    pub(super) fn adopt_quick(&mut self, i: usize) {
        self.adopt(i, self.quick[i]);
    }
}
