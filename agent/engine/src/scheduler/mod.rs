//! Decides what the models look at next: frames of all streams, tiles of them, crops of tracks. Pure: it is told what
//! waits, what things cost and what time it is, and answers with a [`Job`]. It reads no clock and runs nothing.
//!
//! # Budget
//!
//! Everything is paid from one budget in processor seconds a second ([`Settings::budget`]): decoding, of which the
//! measured cost is taken off first, then looks at whole frames, then *extras*, which are tiles and crops. Extras may
//! take [`EXTRAS_SHARE`] of what decoding leaves, and whatever the frames do not need. Spending is held to the budget
//! by a bucket that fills at the budget's rate and runs over at [`BURST_S`]; a job starts only when the bucket is not in
//! debt, and what it really cost is taken out when it is done.
//!
//! # Rates
//!
//! [`plan`] gives each stream a rate. First every stream gets its least rate: one look every `idle`, or `empty` where
//! nobody is in the picture. What is left goes to streams with an open incident, then to those with motion, then to the
//! others, up to their target rates. Where it does not suffice for all streams of a rank, the fastest of them are
//! lowered first until the rest fits, so that streams of equal target get equal rates.
//!
//! Where power or heat ask for it ([`Scheduler::ease`]), a part of the budget and of the target rates is left, and never less
//! than the least rates.
//!
//! # Phase
//!
//! A frame is looked at as it arrives, wherever the budget and the one thread that looks allow: intervals are counted from
//! arrival to arrival, and a frame may come half an interval early, which the next ones make up for.
//!
//! # No stream starves
//!
//! Let there be N streams that give frames, let `c` be the largest cost of a look, `J` that of a job, `L` the budget
//! that decoding and extras leave to frames (or of the one thread that looks, if that is less), and
//! `I = max(idle or empty, N·c/L)`. Between two looks at a stream there are at most **`I + (N·c + J)/L + J`** seconds,
//! and the time until the stream has a fresh frame.
//!
//! *Proof.* A stream's interval is never above `I`, and a frame that arrives one interval after the last is never too early: the plan gives each at least its least rate, and if not all fit,
//! the same rate `r` to all that would be above it, with `Σ min(f, r)·c = L`, so `r ≥ L/(N·c)`. Say stream `s` was
//! looked at at `t`. From `D = t + I` on it is due, whatever the plan does meanwhile. Jobs go to the stream whose look
//! has been due for longest. Once another stream is looked at at a time `u ≥ D`, it is due at some `u' > D`, and `s` is
//! preferred to it from then on; so each of the N − 1 others is served at most once between `D` and the turn of `s`,
//! besides the one job that runs at `D`. That one leaves a debt of at most `J`, and the others cost at most `N·c`; the
//! bucket has paid for all of it after `(N·c + J)/L`, and the job that `s` is part of takes no longer than `J`. ∎
//!
//! # Dozing
//!
//! A stream in which nothing moves is planned to doze although the budget suffices: key frames alone are decoded. It does
//! so where key frames come as often as it wants looks, and more often than the briefest sight that makes a difference, so
//! that one of them shows whatever does. When a key frame shows motion the frames since the one before are decoded after
//! all, so that no track begins later for it.
//!
//! Where less is decoded than comes in, the fresh frame is what there is to wait for: with key frames only, one
//! interval of the camera's key frames.

mod bucket;
mod cost;
mod job;
mod phase;
mod plan;
mod rest;
mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_domain::{StreamId, Timestamp};

use bucket::Bucket;
pub use cost::Cost;
pub use job::{Job, Spent};
pub use plan::{Decoding, Planned, Rank};
use plan::{Demand, plan};
pub use rest::{LINGER, Scene, StreamRest, StreamSettings};
use stream::Stream;

/// The part of the budget that tiles and crops may take although frames wait.
pub const EXTRAS_SHARE: f64 = 0.25;
/// Seconds of budget that may be saved up.
const BURST_S: f64 = 0.25;
/// The part of the budget that looks keep, however much decoding takes.
const LEAST_FOR_LOOKS: f64 = 0.2;
/// For so long after tiles or crops were wanted their share is kept for them.
const EXTRAS_LINGER: Duration = Duration::from_secs(10);
/// Rates are planned anew at least so often.
const REPLAN: Duration = Duration::from_millis(500);

/// Settings of all streams together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Processor seconds a second for decoding and looking.
    pub budget: f64,
    /// Most frames of one job.
    pub batch: usize,
}

/// How a stream fares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fare {
    /// What it is treated as.
    pub rank: Rank,
    /// Looks a second that are wanted.
    pub target: f64,
    /// What it gets.
    pub planned: Planned,
}

/// The scheduler of all streams.
#[derive(Debug)]
pub struct Scheduler {
    settings: Settings,
    streams: BTreeMap<StreamId, Stream>,
    /// Of a whole frame or a tile, which the same model looks at.
    look_cost: Cost,
    look_time: Cost,
    crop_cost: Cost,
    budget: Bucket,
    extras: Bucket,
    crops_waiting: usize,
    extras_wanted_at: Option<Timestamp>,
    planned_at: Option<Timestamp>,
    is_stale: bool,
    is_short: bool,
    /// The part of the budget and of the target rates that is left.
    share: f64,
}

impl Scheduler {
    /// A scheduler of no streams. `frame_cost_s` is what a look is taken to cost until one was measured.
    pub fn new(settings: Settings, frame_cost_s: f64) -> Self {
        Self {
            settings,
            streams: BTreeMap::new(),
            look_cost: Cost::assumed(frame_cost_s),
            look_time: Cost::assumed(frame_cost_s),
            crop_cost: Cost::assumed(frame_cost_s / 8.0),
            budget: Bucket::new(settings.budget, BURST_S),
            extras: Bucket::new(settings.budget * EXTRAS_SHARE, BURST_S),
            crops_waiting: 0,
            extras_wanted_at: None,
            planned_at: None,
            is_stale: true,
            is_short: false,
            share: 1.0,
        }
    }

    /// From now on this part of the budget and of the target rates is left.
    pub fn ease(&mut self, share: f64) {
        self.is_stale |= share != self.share;
        self.share = share;
    }

    fn total(&self) -> f64 {
        self.settings.budget * self.share
    }

    /// Adds a stream, or begins anew with one that is there.
    pub fn add(&mut self, stream: StreamId, settings: StreamSettings) {
        self.streams.insert(stream, Stream::new(settings));
        self.is_stale = true;
    }

    /// Takes a stream out.
    pub fn remove(&mut self, stream: &StreamId) {
        self.streams.remove(stream);
        self.is_stale = true;
    }

    /// A frame of the stream that arrived at `arrived_at` waits, and whether something moves in it.
    pub fn fresh(&mut self, stream: &StreamId, is_moving: bool, arrived_at: Timestamp, now: Timestamp) {
        let Some(state) = self.streams.get_mut(stream) else { return };
        let before = state.rest.rank(now);
        state.glanced(arrived_at);
        if is_moving {
            state.rest.moved(now);
        }
        self.is_stale |= state.rest.rank(now) != before;
    }

    /// Something moves in a stream that dozes, by a frame that is not looked at: those before it are decoded first.
    pub fn stirred(&mut self, stream: &StreamId, now: Timestamp) {
        if let Some(state) = self.streams.get_mut(stream) {
            state.rest.moved(now);
            self.is_stale = true;
        }
    }

    /// The scene of a stream is such now.
    pub fn scene(&mut self, stream: &StreamId, scene: Scene) {
        if let Some(state) = self.streams.get_mut(stream)
            && state.rest.scene() != scene
        {
            let (before, is_other) = (state.rest.scene(), |a: usize, b: usize| (a > 0) != (b > 0));
            self.is_stale |=
                is_other(before.tracks, scene.tracks) || is_other(before.open_incidents, scene.open_incidents);
            state.rest.set_scene(scene);
        }
    }

    /// What decoding the stream costs.
    pub fn decoding(&mut self, stream: &StreamId, decoding: Decoding) {
        if let Some(state) = self.streams.get_mut(stream) {
            state.decoding = decoding;
        }
    }

    /// So many crops wait.
    pub fn crops_waiting(&mut self, n: usize, now: Timestamp) {
        self.crops_waiting = n;
        if n > 0 {
            self.extras_wanted_at = Some(now);
        }
    }

    /// Tiles of some stream are wanted.
    pub fn tiles_wanted(&mut self, now: Timestamp) {
        self.extras_wanted_at = Some(now);
    }

    /// From when on a frame of the stream that arrives is worth taking: to be looked at, or to see whether something
    /// moves. What it shows is given to [`Scheduler::fresh`]. None for a stream that is not known.
    pub fn glance_due(&self, stream: &StreamId) -> Option<Timestamp> {
        self.streams.get(stream).map(Stream::glance_due)
    }

    /// What to run now.
    pub fn next(&mut self, now: Timestamp) -> Option<Job> {
        self.replan_if_due(now);
        self.budget.fill(now);
        self.extras.fill(now);
        if self.budget.is_in_debt() {
            return None;
        }
        let mut due: Vec<(Timestamp, Rank, &StreamId)> = self
            .streams
            .iter()
            .filter(|(_, state)| state.fresh.is_some() && state.due() <= now)
            .map(|(id, state)| (state.due(), state.rest.rank(now), id))
            .collect();
        due.sort();
        let may_crop = self.crops_waiting > 0 && (due.is_empty() || !self.extras.is_in_debt());
        // Crops take turns with frames: they go first while their share is not used up.
        if may_crop && (due.is_empty() || self.extras.level() >= self.crop_cost.seconds()) {
            let most = (self.extras.level().max(self.budget.level()) / self.crop_cost.seconds()).ceil();
            return Some(Job::Crops { most: (most as usize).clamp(1, self.crops_waiting.min(16)) });
        }
        if due.is_empty() {
            return None;
        }
        let streams: Vec<StreamId> = due.into_iter().take(self.settings.batch).map(|(_, _, id)| id.clone()).collect();
        let left = self.extras.level().max(0.0);
        Some(Job::Frames { streams, tiles: (left / self.look_cost.seconds()).floor() as usize })
    }

    /// A look at these streams begins; their frames are taken.
    pub fn taken(&mut self, streams: &[StreamId], now: Timestamp) {
        for stream in streams {
            if let Some(state) = self.streams.get_mut(stream) {
                state.looked(now);
            }
        }
    }

    /// A job is done.
    pub fn spent(&mut self, spent: Spent) {
        self.budget.take(spent.cpu_s);
        let pictures = spent.frames + spent.tiles;
        if pictures > 0 {
            let each_s = spent.cpu_s / pictures as f64;
            self.look_cost.measured(each_s);
            self.look_time.measured(spent.wall_s / pictures as f64);
            self.extras.take(each_s * spent.tiles as f64);
        } else if spent.crops > 0 {
            self.crop_cost.measured(spent.cpu_s / spent.crops as f64);
            self.extras.take(spent.cpu_s);
        }
    }

    /// When to ask again if nothing happens before. None if only a fresh frame can change the answer.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.streams.values().filter(|state| state.fresh.is_some()).map(Stream::due);
        let job = waiting.chain((self.crops_waiting > 0).then_some(now)).min();
        let job = job.map(|at| at.max(self.budget.solvent_at(now)));
        let glance = self.streams.values().map(Stream::glance_due).filter(|at| *at > now).min();
        job.into_iter().chain(glance).min()
    }

    /// How each stream fares by the latest plan.
    pub fn fares(&self, now: Timestamp) -> impl Iterator<Item = (&StreamId, Fare)> {
        let (cost, share) = ((self.look_cost.seconds(), self.look_time.seconds()), self.share);
        self.streams.iter().map(move |(id, state)| {
            let demand = state.demand(now, cost, share);
            (id, Fare { rank: demand.rank, target: demand.target, planned: state.planned })
        })
    }

    /// Whether the budget does not suffice for what is wanted.
    pub fn is_short(&self) -> bool {
        self.is_short
    }

    /// The bound on the time between two looks at a stream that has fresh frames, as stated above, in seconds.
    pub fn bound_s(&self) -> f64 {
        let longest = self.streams.values().map(|state| state.rest.longest().as_secs_f64()).fold(0.0, f64::max);
        let (cost_s, time_s) = (self.look_cost.seconds(), self.look_time.seconds());
        let kept = 1.0 - self.share_of_extras();
        let for_frames = self.for_looks(self.decode_cost()) * kept;
        // Paid from the budget, or waited for at the one thread that looks, whichever takes longer.
        let each_s = (cost_s / for_frames).max(time_s / kept);
        let round_s = self.streams.len() as f64 * each_s;
        let job = self.settings.batch as f64 + BURST_S * self.total() / cost_s;
        longest.max(round_s) + round_s + job * (each_s + time_s)
    }

    /// What a look at a whole frame costs, in processor seconds.
    pub fn frame_cost_s(&self) -> f64 {
        self.look_cost.seconds()
    }

    fn decode_cost(&self) -> f64 {
        self.streams.values().map(|state| state.planned.decode_cost).sum()
    }

    /// What is left for looks when decoding takes `decode` of it.
    fn for_looks(&self, decode: f64) -> f64 {
        (self.total() - decode).max(self.total() * LEAST_FOR_LOOKS)
    }

    /// The part that is kept for tiles and crops.
    fn share_of_extras(&self) -> f64 {
        if self.extras_wanted_at.is_some() { EXTRAS_SHARE } else { 0.0 }
    }

    fn replan_if_due(&mut self, now: Timestamp) {
        let is_due = self.planned_at.is_none_or(|at| now.since(at) >= REPLAN);
        if !is_due && !self.is_stale {
            return;
        }
        self.planned_at = Some(now);
        self.is_stale = false;
        if self.extras_wanted_at.is_some_and(|at| now.since(at) > EXTRAS_LINGER) {
            self.extras_wanted_at = None;
        }
        let (cost_s, time_s) = (self.look_cost.seconds(), self.look_time.seconds());
        let (cost, share) = ((cost_s, time_s), self.share);
        let demands: Vec<Demand> = self.streams.values().map(|state| state.demand(now, cost, share)).collect();
        let capacity = plan::Capacity {
            total: self.total(),
            least_for_looks: self.total() * LEAST_FOR_LOOKS,
            kept_for_extras: self.share_of_extras(),
        };
        let outcome = plan(&demands, &capacity);
        self.is_short = outcome.is_short;
        for (state, planned) in self.streams.values_mut().zip(&outcome.planned) {
            state.planned = *planned;
        }
        let decode = self.decode_cost();
        let looks = self.for_looks(decode);
        self.budget.set_rate(looks);
        let for_frames: f64 = outcome.planned.iter().map(|p| p.rate * cost_s).sum();
        // Extras share the one thread that looks as well: it does no more than so many processor seconds a second.
        let possible = looks.min(cost_s / time_s);
        self.extras.set_rate((possible * EXTRAS_SHARE).max(possible - for_frames));
    }
}

#[cfg(test)]
mod tests;
