//! A Kalman filter of a box with constant velocity, aware of time.
//!
//! Centre and size are four independent axes with a position and a velocity each: the measurement matrix of SORT-like
//! trackers (Bewley et al. 2016; Zhang et al. 2022) has no term that joins them, so the 8 x 8 filter falls apart into
//! four of 2 x 2. All noise scales with the size of the box and, since frames come at irregular intervals, with the
//! time between them. Velocities die away over a few seconds, so that a prediction does not run off the picture.

use forewarn_domain::{BBox, Motion};

/// Standard deviation of a detector's edges, as a part of the box's mean side, at full confidence.
const MEASURE: f32 = 0.06;
/// Standard deviation of the velocity of who was seen once, in mean sides per second: a runner's.
const FIRST_VELOCITY: f32 = 3.0;
/// Standard deviation of a detection's centre when it is judged whether it is the track's; more than what the filter
/// takes it for, because a box that is partly hidden lies off.
const JUDGED: f32 = 0.12;
/// Growth of the uncertainty of a position, in mean sides per root second.
const POSITION_NOISE: f32 = 0.1;
/// Growth of the uncertainty of a velocity, in mean sides per second per root second.
const VELOCITY_NOISE: f32 = 0.55;
/// Seconds after which the centre's velocity has fallen to 1/e when nothing confirms it.
///
/// Who is hidden for some seconds mostly walks on; the spread covers those who stop.
const CENTRE_DECAY_S: f32 = 8.0;
/// The same for the velocity of width and height, which is mostly noise.
const SIZE_DECAY_S: f32 = 0.6;

/// A step of time, and what becomes of velocities in it: the same for every track of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) dt: f32,
    centre: Carry,
    size: Carry,
}

impl Step {
    pub(super) fn new(dt: f32) -> Self {
        Self { dt, centre: Carry::new(dt, CENTRE_DECAY_S), size: Carry::new(dt, SIZE_DECAY_S) }
    }
}

/// What is left of a velocity after a step, and the seconds for which the whole of it would cover the way meanwhile.
#[derive(Debug, Clone, Copy)]
struct Carry {
    keep: f32,
    reach: f32,
}

impl Carry {
    fn new(dt: f32, decay_s: f32) -> Self {
        let keep = (-dt / decay_s).exp();
        // The way covered while the velocity dies away is its integral.
        Self { keep, reach: decay_s * (1.0 - keep) }
    }
}

/// One coordinate: position and velocity with their covariance.
#[derive(Debug, Clone, Copy)]
struct Axis {
    position: f32,
    velocity: f32,
    var_position: f32,
    covariance: f32,
    var_velocity: f32,
}

impl Axis {
    fn new(position: f32, scale: f32) -> Self {
        Self {
            position,
            velocity: 0.0,
            var_position: (2.0 * MEASURE * scale).powi(2),
            covariance: 0.0,
            var_velocity: scale.powi(2),
        }
    }

    fn predict(&mut self, dt: f32, scale: f32, Carry { keep, reach }: Carry) {
        self.position += self.velocity * reach;
        self.velocity *= keep;
        let (var, cov, var_v) = (self.var_position, self.covariance, self.var_velocity);
        self.var_position = var + 2.0 * reach * cov + reach * reach * var_v + (POSITION_NOISE * scale).powi(2) * dt;
        self.covariance = keep * (cov + reach * var_v);
        self.var_velocity = keep * keep * var_v + (VELOCITY_NOISE * scale).powi(2) * dt;
    }

    fn update(&mut self, measured: f32, var_measured: f32) {
        let total = self.var_position + var_measured;
        let (gain, gain_v) = (self.var_position / total, self.covariance / total);
        let innovation = measured - self.position;
        self.position += gain * innovation;
        self.velocity += gain_v * innovation;
        self.var_velocity -= gain_v * self.covariance;
        self.var_position *= 1.0 - gain;
        self.covariance *= 1.0 - gain;
    }
}

/// The filter of one track's box.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoxFilter {
    x: Axis,
    y: Axis,
    width: Axis,
    height: Axis,
}

/// The mean of width and height, at least one pixel.
pub(super) fn mean_side(bbox: &BBox) -> f32 {
    ((bbox.width() + bbox.height()) * 0.5).max(1.0)
}

impl BoxFilter {
    /// A filter that starts at a detection, at rest.
    pub(super) fn new(bbox: &BBox) -> Self {
        let (centre, scale) = (bbox.centre(), mean_side(bbox));
        let size = |side| Axis { var_velocity: (0.2 * scale).powi(2), ..Axis::new(side, scale) };
        let place = |at| Axis { var_velocity: (FIRST_VELOCITY * scale).powi(2), ..Axis::new(at, scale) };
        Self { x: place(centre.x), y: place(centre.y), width: size(bbox.width()), height: size(bbox.height()) }
    }

    /// Moves the estimate a step on.
    pub(super) fn predict(&mut self, step: &Step) {
        let scale = self.scale();
        for axis in [&mut self.x, &mut self.y] {
            axis.predict(step.dt, scale, step.centre);
        }
        for axis in [&mut self.width, &mut self.height] {
            axis.predict(step.dt, scale * 0.5, step.size);
            axis.position = axis.position.max(1.0);
        }
    }

    /// Takes in a detection. A low score widens the noise of its place: an unsure box is mostly a partial one. So does `spread`,
    /// a factor.
    pub(super) fn update(&mut self, bbox: &BBox, score: f32, spread: f32) {
        let centre = bbox.centre();
        let var = (MEASURE * self.scale() * (2.0 - score.clamp(0.0, 1.0)) * spread).powi(2);
        self.x.update(centre.x, var);
        self.y.update(centre.y, var);
        self.width.update(bbox.width(), 2.0 * var);
        self.height.update(bbox.height(), 2.0 * var);
        for axis in [&mut self.width, &mut self.height] {
            axis.position = axis.position.max(1.0);
        }
    }

    /// Starts again at a detection that was found after a gap, with the velocity that the gap tells.
    pub(super) fn resume(&mut self, bbox: &BBox, since: &BBox, gap_s: f32) {
        *self = Self::new(bbox);
        let (now, then) = (bbox.centre(), since.centre());
        self.x.velocity = (now.x - then.x) / gap_s;
        self.y.velocity = (now.y - then.y) / gap_s;
        let var = (0.4 * self.scale()).powi(2);
        self.x.var_velocity = var;
        self.y.var_velocity = var;
    }

    /// Brings the subject to rest, for a time in which nothing is known.
    pub(super) fn halt(&mut self) {
        for axis in [&mut self.x, &mut self.y, &mut self.width, &mut self.height] {
            axis.velocity = 0.0;
        }
    }

    /// The estimate for a picture whose width and height have changed by these factors.
    pub(super) fn rescale(&mut self, x: f32, y: f32) {
        let axes = [(&mut self.x, x), (&mut self.y, y), (&mut self.width, x), (&mut self.height, y)];
        for (axis, factor) in axes {
            axis.position *= factor;
            axis.velocity *= factor;
            axis.var_position *= factor * factor;
            axis.covariance *= factor * factor;
            axis.var_velocity *= factor * factor;
        }
    }

    /// The estimated box.
    pub(super) fn bbox(&self) -> BBox {
        let (w, h) = (self.width.position * 0.5, self.height.position * 0.5);
        BBox::new(self.x.position - w, self.y.position - h, self.x.position + w, self.y.position + h)
    }

    /// Standard deviation of the centre, as a part of the mean side.
    pub(super) fn spread(&self) -> f32 {
        ((self.x.var_position + self.y.var_position) * 0.5).max(0.0).sqrt() / self.scale()
    }

    /// How many standard deviations the centre of a box lies off the estimate.
    pub(super) fn deviation(&self, bbox: &BBox) -> f32 {
        let (centre, var_judged) = (bbox.centre(), (JUDGED * self.scale()).powi(2));
        let axis = |axis: &Axis, measured: f32| (measured - axis.position).powi(2) / (axis.var_position + var_judged);
        (axis(&self.x, centre.x) + axis(&self.y, centre.y)).sqrt()
    }

    /// The estimate in a picture that has moved as a whole; velocities are those over the ground and stay.
    pub(super) fn shift(&mut self, dx: f32, dy: f32) {
        self.x.position += dx;
        self.y.position += dy;
    }

    /// The estimate of what keeps its place on the ground under a camera that has moved; its velocity turns and grows with
    /// the ground, and so does what is not known of it.
    pub(super) fn moved(&mut self, motion: &Motion) {
        let (before, foot) = (self.bbox(), self.bbox().foot());
        let (now, steps, scale) = (motion.bbox(before), motion.steps_at(foot), motion.scale_at(foot));
        let (vx, vy) = (self.x.velocity, self.y.velocity);
        (self.x.position, self.y.position) = (now.centre().x, now.centre().y);
        self.x.velocity = steps[0][0] * vx + steps[0][1] * vy;
        self.y.velocity = steps[1][0] * vx + steps[1][1] * vy;
        (self.width.position, self.height.position) = (now.width(), now.height());
        self.width.velocity *= scale;
        self.height.velocity *= scale;
        for axis in [&mut self.x, &mut self.y, &mut self.width, &mut self.height] {
            axis.var_position *= scale * scale;
            axis.covariance *= scale * scale;
            axis.var_velocity *= scale * scale;
        }
    }

    fn scale(&self) -> f32 {
        ((self.width.position + self.height.position) * 0.5).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person_at(x: f32) -> BBox {
        BBox::new(x, 100.0, x + 40.0, 200.0)
    }

    /// Follows a walk of 60 px/s for three seconds at `fps`, then predicts half a second.
    fn predicted_error(fps: f32) -> f32 {
        let mut filter = BoxFilter::new(&person_at(0.0));
        let frames = (3.0 * fps) as usize;
        for n in 1..=frames {
            filter.predict(&Step::new(1.0 / fps));
            filter.update(&person_at(60.0 * n as f32 / fps), 0.9, 1.0);
        }
        filter.predict(&Step::new(0.5));
        (filter.bbox().centre().x - person_at(60.0 * (frames as f32 / fps + 0.5)).centre().x).abs()
    }

    #[test]
    fn a_walk_is_predicted_alike_at_any_frame_rate() {
        for fps in [2.0, 5.0, 10.0, 25.0] {
            assert!(predicted_error(fps) < 8.0, "{} px at {fps} fps", predicted_error(fps));
        }
    }

    #[test]
    fn uncertainty_grows_with_time_and_shrinks_with_detections() {
        let mut filter = BoxFilter::new(&person_at(0.0));
        filter.predict(&Step::new(0.1));
        filter.update(&person_at(0.0), 0.9, 1.0);
        let sure = filter.spread();
        filter.predict(&Step::new(1.0));
        assert!(filter.spread() > 2.0 * sure);
    }

    #[test]
    fn a_lost_runner_stays_near() {
        let mut filter = BoxFilter::new(&person_at(0.0));
        filter.resume(&person_at(400.0), &person_at(0.0), 1.0);
        filter.predict(&Step::new(60.0));
        assert!(filter.bbox().centre().x < 420.0 + 400.0 * CENTRE_DECAY_S + 1.0);
    }
}
