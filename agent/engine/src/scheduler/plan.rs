//! Shares the budget out: how often each stream is looked at, and how much of it is decoded.

use std::time::Duration;

/// Halvings of the interval in which a rate is searched: far below a thousandth of a look a second.
const STEPS: usize = 48;

/// Least key frames a second of a stream that may doze: what lies between them is kept, and decoded when it wakes.
const DOZING_KEY_RATE: f64 = 0.4;
/// Looks that come evenly are worth so many that come close together, with pauses between.
const WORTH_EVEN: f64 = 0.9;
/// A rate of key frames is counted over some seconds, at the ends of which one may be missing.
const MEASURED_RATE_SLACK: f64 = 1.1;

/// What a stream is treated as. The first come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It has an open incident.
    Incident,
    /// Something moves in it.
    Moving,
    /// Nothing moves in it.
    Still,
}

impl Rank {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Incident, Self::Moving, Self::Still];

    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Moving => "moving",
            Self::Still => "still",
        }
    }
}

/// What decoding a stream costs, in processor seconds a second. All zero where it is not known or not ours to choose.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Decoding {
    /// All access units.
    pub all: f64,
    /// Key frames only.
    pub key_frames: f64,
    /// Key frames a second.
    pub key_rate: f64,
    /// Whether every frame must be decoded because somebody looks at each of them.
    pub is_whole: bool,
}

/// What a stream asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    pub(super) rank: Rank,
    /// Looks a second that it gets before others get more.
    pub(super) least: f64,
    /// Looks a second that it wants.
    pub(super) target: f64,
    /// Processor seconds of one look.
    pub(super) cost_s: f64,
    /// Seconds for which one look keeps the thread that looks.
    pub(super) time_s: f64,
    /// What is in view for less than this makes no difference.
    pub(super) brief_s: f64,
    pub(super) decoding: Decoding,
}

impl Demand {
    /// Whether decoding less is possible and saves something.
    fn is_thinnable(&self) -> bool {
        let Decoding { all, key_frames, key_rate, is_whole } = self.decoding;
        !is_whole && key_rate > 0.0 && all > key_frames
    }

    /// Whether key frames serve all that it wants while nothing moves in it, and whatever makes a difference is in view in
    /// one of them.
    fn may_doze(&self) -> bool {
        let key_rate = self.decoding.key_rate;
        let is_often_enough = key_rate * MEASURED_RATE_SLACK >= self.target.max(DOZING_KEY_RATE);
        self.rank == Rank::Still && self.is_thinnable() && is_often_enough && key_rate * self.brief_s >= 1.0
    }

    /// What decoding takes where nothing is left out but what nobody misses.
    fn ample_decode_cost(&self) -> f64 {
        if self.may_doze() { self.decoding.key_frames } else { self.decoding.all }
    }

    /// What it gets at so many looks a second where nothing is left out but what nobody misses.
    fn ample(&self, rate: f64) -> Planned {
        let dozes = self.may_doze();
        let decoded_part = if dozes { 0.0 } else { 1.0 };
        Planned { decoded_part, dozes, decode_cost: self.ample_decode_cost(), ..Planned::full(rate) }
    }

    /// The least rate, as far as key frames alone serve it.
    fn floor(&self) -> f64 {
        let least = self.least.min(self.target);
        if self.is_thinnable() { least.min(self.decoding.key_rate) } else { least }
    }

    /// The part of each group of pictures that must be decoded for a mean of `rate`.
    fn part(&self, rate: f64) -> f64 {
        if !self.is_thinnable() {
            1.0
        } else if rate <= self.decoding.key_rate * 1.001 {
            0.0
        } else {
            (rate / self.target).min(1.0)
        }
    }

    fn decode_cost(&self, rate: f64) -> f64 {
        let Decoding { all, key_frames, .. } = self.decoding;
        key_frames + (all - key_frames).max(0.0) * self.part(rate)
    }
}

/// What there is to share out, in processor seconds a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Capacity {
    /// For everything.
    pub(super) total: f64,
    /// What looks keep, however much decoding takes.
    pub(super) least_for_looks: f64,
    /// The part of what decoding leaves that is kept for tiles and crops.
    pub(super) kept_for_extras: f64,
}

/// What a stream gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// Looks a second, in the mean.
    pub rate: f64,
    /// The part of each group of pictures that is decoded: 1 for all, 0 for the key frame alone.
    pub decoded_part: f64,
    /// Whether key frames alone are decoded because nothing moves, and the rest as soon as something does.
    pub dozes: bool,
    /// Looks a second while frames are decoded.
    pub pace: f64,
    /// What decoding takes, in processor seconds a second.
    pub(super) decode_cost: f64,
}

impl Planned {
    /// A stream that gets all it wants.
    pub(super) fn full(rate: f64) -> Self {
        Self { rate, decoded_part: 1.0, dozes: false, pace: rate, decode_cost: 0.0 }
    }

    /// Time between two looks while frames are decoded.
    pub fn interval(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.pace.max(1e-4)).unwrap_or(Duration::from_secs(10_000))
    }
}

/// The outcome of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// What each stream gets, in the order of the demands.
    pub(super) planned: Vec<Planned>,
    /// Whether some get less than they want.
    pub(super) is_short: bool,
}

/// Shares the budget out; see the module above for the rules.
pub(super) fn plan(demands: &[Demand], capacity: &Capacity) -> Outcome {
    let target: Vec<f64> = demands.iter().map(|d| d.target).collect();
    if fits(demands, &target, capacity, Thinning::No) {
        let planned = demands.iter().map(|d| d.ample(d.target));
        return Outcome { planned: planned.collect(), is_short: false };
    }
    let [whole, thinned] = [Thinning::No, Thinning::Yes].map(|thinning| shared(demands, &target, capacity, thinning));
    // Where the one thread that looks is short, not decoding, little is gained by decoding less: looks would only crowd at the
    // beginning of each group.
    if whole.iter().zip(&thinned).all(|(whole, thinned)| *whole >= WORTH_EVEN * thinned) {
        let planned = demands.iter().zip(&whole).map(|(d, &rate)| d.ample(rate));
        return Outcome { planned: planned.collect(), is_short: true };
    }
    let planned = demands.iter().zip(&thinned).map(|(d, &rate)| {
        let decoded_part = d.part(rate);
        // Where only a part is decoded the looks lie close together in it, and the pauses make up the mean.
        let pace = if decoded_part > 0.0 && decoded_part < 1.0 { d.target } else { rate };
        Planned { rate, decoded_part, dozes: false, pace, decode_cost: d.decode_cost(rate) }
    });
    Outcome { planned: planned.collect(), is_short: true }
}

/// What each stream gets where not all get what they want: the least rates first, then by ranks.
fn shared(demands: &[Demand], target: &[f64], capacity: &Capacity, thinning: Thinning) -> Vec<f64> {
    let floor = |d: &Demand| if thinning == Thinning::Yes { d.floor() } else { d.least.min(d.target) };
    let floors: Vec<f64> = demands.iter().map(floor).collect();
    if !fits(demands, &floors, capacity, thinning) {
        let at = |level: f64| -> Vec<f64> { floors.iter().map(|floor| floor.min(level)).collect() };
        return at(highest(target, |level| fits(demands, &at(level), capacity, thinning)));
    }
    let mut rates = floors;
    for rank in Rank::ALL {
        let at = |level: f64| -> Vec<f64> {
            let rate = |(d, rate): (&Demand, &f64)| {
                if d.rank == rank { level.clamp(*rate, d.target.max(*rate)) } else { *rate }
            };
            demands.iter().zip(&rates).map(rate).collect()
        };
        let raised = at(highest(target, |level| fits(demands, &at(level), capacity, thinning)));
        rates = raised;
    }
    rates
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thinning {
    No,
    Yes,
}

fn fits(demands: &[Demand], rates: &[f64], capacity: &Capacity, thinning: Thinning) -> bool {
    let looks: f64 = demands.iter().zip(rates).map(|(d, rate)| d.cost_s * rate).sum();
    let thread: f64 = demands.iter().zip(rates).map(|(d, rate)| d.time_s * rate).sum();
    let for_frames = (1.0 - capacity.kept_for_extras) * (1.0 + 1e-9);
    let decode_cost =
        |d: &Demand, rate: f64| if thinning == Thinning::Yes { d.decode_cost(rate) } else { d.ample_decode_cost() };
    let decode: f64 = demands.iter().zip(rates).map(|(d, &rate)| decode_cost(d, rate)).sum();
    let left = (capacity.total - decode).max(if thinning == Thinning::Yes { capacity.least_for_looks } else { 0.0 });
    // Raising a rate must never be free because decoding is overdrawn already.
    let is_affordable = decode <= capacity.total - capacity.least_for_looks
        || demands.iter().zip(rates).all(|(d, &rate)| rate <= d.floor());
    is_affordable && looks <= left * for_frames && thread <= for_frames
}

/// The highest level, up to the highest target, that fits.
fn highest(targets: &[f64], fits: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, targets.iter().copied().fold(0.0, f64::max));
    if fits(high) {
        return high;
    }
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
