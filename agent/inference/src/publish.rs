//! How the streams fare, in metrics, and in the log once when the budget does not suffice.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::scheduler::{Rank, Scheduler, Spent};
use forewarn_telemetry::{self as telemetry, Gauge};

/// Rates are means over about this many seconds.
const MEAN_S: f64 = 10.0;
/// The longest gaps are kept for this long at least, and twice as long at most.
const GAPS_KEPT: Duration = Duration::from_mins(1);
/// A budget that is short for this long is told of, and one that suffices for so long may be told of again.
const SHORT_FOR: Duration = Duration::from_secs(5);
const ENOUGH_FOR: Duration = Duration::from_mins(1);

/// The gauges that each stream has.
const OF_STREAM: [Gauge<1>; 7] = [
    telemetry::ANALYSIS_RATE_TARGET,
    telemetry::ANALYSIS_RATE_PLANNED,
    telemetry::ANALYSIS_RATE_ACTUAL,
    telemetry::ANALYSIS_AGE,
    telemetry::ANALYSIS_GAP_MAX,
    telemetry::DECODED_PART,
    telemetry::TILE_AGE_MAX,
];

/// What is known of a stream's pipeline.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamVitals {
    /// Whether pictures come in.
    pub(super) is_alive: bool,
    /// Connections so far.
    pub(super) connections: u64,
    /// Seconds between key frames.
    pub(super) key_interval_s: Option<f64>,
    /// What decoding takes, in processor seconds a second.
    pub(super) decode_cost: f64,
    /// How long the tile that was looked at the longest ago has waited; none without tiles.
    pub(super) tile_age: Option<Duration>,
}

#[derive(Debug, Default)]
struct OfStream {
    vitals: StreamVitals,
    looked_at: Option<(Timestamp, u64)>,
    looks: u64,
    rate: Option<f64>,
    /// The longest gap of this minute and of the one before.
    longest: [Duration; 2],
}

/// Counts and tells.
#[derive(Debug)]
pub(super) struct Telemetry {
    budget: f64,
    streams: BTreeMap<StreamId, OfStream>,
    spent_s: [f64; 3],
    published_at: Option<Timestamp>,
    gaps_since: Option<Timestamp>,
    /// Since when the budget has been short, or has sufficed.
    since: Option<(bool, Timestamp)>,
    is_told: bool,
}

impl Telemetry {
    pub(super) fn new(budget: f64) -> Self {
        Self {
            budget,
            streams: BTreeMap::new(),
            spent_s: [0.0; 3],
            published_at: None,
            gaps_since: None,
            since: None,
            is_told: false,
        }
    }

    /// A stream was looked at. Time without a connection is no gap.
    pub(super) fn looked(&mut self, stream: &StreamId, now: Timestamp) {
        let of = self.streams.entry(stream.clone()).or_default();
        of.looks += 1;
        let connections = of.vitals.connections;
        if let Some((before, _)) = of.looked_at.filter(|(_, then)| *then == connections) {
            of.longest[0] = of.longest[0].max(now.since(before));
        }
        of.looked_at = Some((now, connections));
    }

    pub(super) fn vitals(&mut self, stream: &StreamId, vitals: StreamVitals) {
        self.streams.entry(stream.clone()).or_default().vitals = vitals;
    }

    /// A stream is gone; its gauges say nothing any more.
    pub(super) fn forget(&mut self, stream: &StreamId) {
        self.streams.remove(stream);
        for gauge in OF_STREAM {
            gauge.of([stream]).set(0.0);
        }
    }

    pub(super) fn spent(&mut self, spent: Spent) {
        let pictures = (spent.frames + spent.tiles).max(1) as f64;
        let tiles_s = if spent.crops > 0 { 0.0 } else { spent.cpu_s * spent.tiles as f64 / pictures };
        let crops_s = if spent.crops > 0 { spent.cpu_s } else { 0.0 };
        for (sum, part) in self.spent_s.iter_mut().zip([spent.cpu_s - tiles_s - crops_s, tiles_s, crops_s]) {
            *sum += part;
        }
    }

    /// Writes the metrics, and the log when the budget becomes short. Whether it has been so for a while.
    pub(super) fn publish(&mut self, scheduler: &Scheduler, now: Timestamp) -> bool {
        let elapsed_s = self.published_at.map_or(0.0, |at| now.since(at).as_secs_f64());
        self.published_at = Some(now);
        self.turn_gaps(now);
        self.publish_streams(scheduler, now, elapsed_s);
        if elapsed_s > 0.0 {
            for (kind, spent_s) in ["frames", "tiles", "crops"].into_iter().zip(&mut self.spent_s) {
                telemetry::BUDGET_USED.of([&kind]).set(std::mem::take(spent_s) / elapsed_s);
            }
            let decode: f64 = self.streams.values().map(|of| of.vitals.decode_cost).sum();
            telemetry::BUDGET_USED.of([&"decode"]).set(decode);
        }
        telemetry::BUDGET.of([]).set(self.budget);
        let is_short = self.is_short(scheduler);
        telemetry::BUDGET_SHORT.of([]).set(f64::from(u8::from(is_short)));
        let key_interval_s = self.streams.values().filter_map(|of| of.vitals.key_interval_s).fold(0.0, f64::max);
        let wait_s = if is_short { key_interval_s } else { 0.0 };
        telemetry::ANALYSIS_BOUND.of([]).set(scheduler.bound_s() + wait_s);
        self.log(scheduler, now);
        self.is_told
    }

    fn publish_streams(&mut self, scheduler: &Scheduler, now: Timestamp, elapsed_s: f64) {
        let mut oldest = Duration::ZERO;
        for (stream, fare) in scheduler.fares(now) {
            let of = self.streams.entry(stream.clone()).or_default();
            if elapsed_s > 0.0 {
                let rate = std::mem::take(&mut of.looks) as f64 / elapsed_s;
                let weight = (elapsed_s / MEAN_S).min(1.0);
                of.rate = Some(of.rate.map_or(rate, |mean| mean + weight * (rate - mean)));
            }
            let age = of.looked_at.filter(|_| of.vitals.is_alive).map_or(Duration::ZERO, |(at, _)| now.since(at));
            oldest = oldest.max(age);
            let gauge = |gauge: Gauge<1>, value: f64| gauge.of([stream]).set(value);
            gauge(telemetry::ANALYSIS_RATE_TARGET, fare.target);
            gauge(telemetry::ANALYSIS_RATE_PLANNED, fare.planned.rate);
            gauge(telemetry::ANALYSIS_RATE_ACTUAL, of.rate.unwrap_or_default());
            gauge(telemetry::ANALYSIS_AGE, age.as_secs_f64());
            gauge(telemetry::ANALYSIS_GAP_MAX, of.longest[0].max(of.longest[1]).max(age).as_secs_f64());
            gauge(telemetry::DECODED_PART, fare.planned.decoded_part);
            if let Some(tile_age) = of.vitals.tile_age {
                gauge(telemetry::TILE_AGE_MAX, tile_age.as_secs_f64());
            }
        }
        for rank in Rank::ALL {
            let n = scheduler.fares(now).filter(|(_, fare)| fare.rank == rank).count();
            telemetry::STREAMS.of([&rank.as_str()]).set(n as f64);
        }
        telemetry::ANALYSIS_AGE_MAX.of([]).set(oldest.as_secs_f64());
    }

    fn turn_gaps(&mut self, now: Timestamp) {
        if now.since(*self.gaps_since.get_or_insert(now)) < GAPS_KEPT {
            return;
        }
        self.gaps_since = Some(now);
        for of in self.streams.values_mut() {
            of.longest = [Duration::ZERO, of.longest[0]];
        }
    }

    /// Whether the budget is short for streams that give pictures; those that give none only might need it.
    fn is_short(&self, scheduler: &Scheduler) -> bool {
        scheduler.is_short() && self.streams.values().any(|of| of.vitals.is_alive)
    }

    fn log(&mut self, scheduler: &Scheduler, now: Timestamp) {
        let is_short = self.is_short(scheduler);
        if self.since.is_none_or(|(was_short, _)| was_short != is_short) {
            self.since = Some((is_short, now));
        }
        let lasts = self.since.map_or(Duration::ZERO, |(_, at)| now.since(at));
        if is_short && !self.is_told && lasts >= SHORT_FOR {
            self.is_told = true;
            let lowered = scheduler.fares(now).filter(|(_, fare)| fare.planned.rate < fare.target).count();
            let least = scheduler.fares(now).map(|(_, fare)| fare.planned.rate).fold(f64::MAX, f64::min);
            let thinned = scheduler.fares(now).filter(|(_, fare)| fare.planned.decoded_part < 1.0).count();
            tracing::warn!(
                budget_cores = self.budget,
                frame_cost_ms = scheduler.frame_cost_s() * 1e3,
                bound_s = scheduler.bound_s(),
                "the inference budget is short: {lowered} of {} streams are looked at less often than they ask for, \
                 down to {least:.2} times a second, and {thinned} are decoded in part; raise [inference] budget, lower \
                 analysis_fps, or use fewer cameras",
                self.streams.len(),
            );
        } else if !is_short && self.is_told && lasts >= ENOUGH_FOR {
            self.is_told = false;
            tracing::info!("the inference budget suffices again");
        }
    }
}
