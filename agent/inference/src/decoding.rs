//! What decoding a stream costs, from the counters that the pipeline keeps.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;
use forewarn_engine::scheduler::Decoding;
use forewarn_pipelines::StreamStatsSnapshot;

/// Samples over which rates are taken; at two a second, longer than most cameras take from key frame to key frame.
const SAMPLES: usize = 40;
/// How much a new measurement of a unit's cost weighs.
const WEIGHT: f64 = 0.3;

/// Follows the counters of one stream.
#[derive(Debug, Default)]
pub(super) struct DecodeMeter {
    samples: VecDeque<(Timestamp, StreamStatsSnapshot)>,
    key_s: Option<f64>,
    delta_s: Option<f64>,
    spent: f64,
}

impl DecodeMeter {
    /// Takes in the counters at `now`. Counters that are lower than before are those of another stream by the same name.
    pub(super) fn sample(&mut self, now: Timestamp, stats: StreamStatsSnapshot) {
        let is_lower = |last: &StreamStatsSnapshot| {
            stats.units_in < last.units_in
                || stats.keys_in < last.keys_in
                || stats.keys_decoded < last.keys_decoded
                || stats.deltas_decoded < last.deltas_decoded
                || stats.decode_key_us < last.decode_key_us
                || stats.decode_delta_us < last.decode_delta_us
        };
        if self.samples.back().is_some_and(|(_, last)| is_lower(last)) {
            *self = Self::default();
        }
        if let Some((at, last)) = self.samples.back() {
            let (keys, deltas) = (stats.keys_decoded - last.keys_decoded, stats.deltas_decoded - last.deltas_decoded);
            let (key_us, delta_us) =
                (stats.decode_key_us - last.decode_key_us, stats.decode_delta_us - last.decode_delta_us);
            learn(&mut self.key_s, key_us, keys);
            learn(&mut self.delta_s, delta_us, deltas);
            let elapsed_s = now.since(*at).as_secs_f64();
            if elapsed_s > 0.0 {
                let spent = (key_us + delta_us) as f64 / 1e6 / elapsed_s;
                self.spent += WEIGHT * (spent - self.spent);
            }
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, stats));
    }

    /// What decoding takes now, in processor seconds a second.
    pub(super) fn spent(&self) -> f64 {
        self.spent
    }

    /// Whether access units came in between the last two samples.
    pub(super) fn is_alive(&self) -> bool {
        let mut latest = self.samples.iter().rev();
        matches!((latest.next(), latest.next()), (Some((_, now)), Some((_, before))) if now.units_in > before.units_in)
    }

    /// Seconds between two key frames; none while that is not known.
    pub(super) fn key_interval_s(&self) -> Option<f64> {
        let rate = self.rates()?.1;
        (rate > 0.0).then(|| 1.0 / rate)
    }

    /// What decoding all or little of the stream costs.
    pub(super) fn decoding(&self, is_whole: bool) -> Decoding {
        let (Some((units, keys)), Some(key_s)) = (self.rates(), self.key_s) else { return Decoding::default() };
        let delta_s = self.delta_s.unwrap_or(key_s);
        let key_frames = keys * key_s;
        Decoding { all: key_frames + (units - keys).max(0.0) * delta_s, key_frames, key_rate: keys, is_whole }
    }

    /// Units and key frames a second.
    fn rates(&self) -> Option<(f64, f64)> {
        let ((from, first), (to, last)) = (self.samples.front()?, self.samples.back()?);
        let span_s = to.since(*from).as_secs_f64();
        let rate = |n: u64| n as f64 / span_s;
        (span_s > 0.4).then(|| (rate(last.units_in - first.units_in), rate(last.keys_in - first.keys_in)))
    }
}

fn learn(mean_s: &mut Option<f64>, spent_us: u64, n: u64) {
    if n > 0 {
        let measured = spent_us as f64 / 1e6 / n as f64;
        *mean_s = Some(mean_s.map_or(measured, |mean| mean + WEIGHT * (measured - mean)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_and_rates_come_from_the_counters_also_while_only_key_frames_are_decoded() {
        let mut meter = DecodeMeter::default();
        let mut stats = StreamStatsSnapshot::default();
        assert_eq!(meter.decoding(false), Decoding::default());
        for second in 0..40 {
            meter.sample(Timestamp::from_secs_f64(f64::from(second)), stats);
            // 25 units, one key frame of 20 ms, the others of 4 ms; from the 20th second on only the key frame.
            stats.units_in += 25;
            stats.keys_in += 1;
            stats.keys_decoded += 1;
            stats.decode_key_us += 20_000;
            if second < 20 {
                stats.deltas_decoded += 24;
                stats.decode_delta_us += 24 * 4_000;
            }
        }
        let decoding = meter.decoding(true);
        assert!((decoding.all - 0.116).abs() < 1e-6 && (decoding.key_frames - 0.02).abs() < 1e-6, "{decoding:?}");
        assert!((decoding.key_rate - 1.0).abs() < 1e-6 && decoding.is_whole && meter.is_alive());
        assert!((meter.spent() - 0.02).abs() < 0.002, "{}", meter.spent());
        assert!(meter.key_interval_s().is_some_and(|s| (s - 1.0).abs() < 1e-6));
        meter.sample(Timestamp::from_secs_f64(40.0), stats);
        meter.sample(Timestamp::from_secs_f64(41.0), stats);
        assert!(!meter.is_alive());
        meter.sample(Timestamp::from_secs_f64(42.0), StreamStatsSnapshot::default());
        assert_eq!((meter.decoding(false), meter.spent()), (Decoding::default(), 0.0), "another stream");
    }
}
