//! Counters of one stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::RingLevel;
use crate::footage::FootageCounts;

/// Counters that the threads of a stream write and anyone may read.
#[derive(Debug, Default)]
pub(crate) struct StreamStats {
    pub(crate) units_in: AtomicU64,
    pub(crate) units_without_time: AtomicU64,
    pub(crate) units_skipped_by_decoder: AtomicU64,
    pub(crate) units_thinned: AtomicU64,
    pub(crate) keys_in: AtomicU64,
    pub(crate) keys_decoded: AtomicU64,
    pub(crate) deltas_decoded: AtomicU64,
    pub(crate) decode_key_us: AtomicU64,
    pub(crate) decode_delta_us: AtomicU64,
    pub(crate) frames_decoded: AtomicU64,
    pub(crate) frames_dropped_unmapped: AtomicU64,
    pub(crate) frames_dropped_backwards: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) gap_ms: AtomicU64,
    pub(crate) failed_attempts: AtomicU64,
    pub(crate) format_changes: AtomicU64,
    pub(crate) decode_queue_level: AtomicU64,
    pub(crate) clocks_from_sender_reports: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StreamStatsSnapshot {
    /// Access units that came in.
    pub units_in: u64,
    /// Of these, dropped because they carry no time.
    pub units_without_time: u64,
    /// Of these, not decoded: they came before the first key frame, or the decode queue was full.
    pub units_skipped_by_decoder: u64,
    /// Of these, not decoded because less was asked for.
    pub units_thinned: u64,
    /// Of these, key frames.
    pub keys_in: u64,
    /// Key frames whose decoding was measured.
    pub keys_decoded: u64,
    /// Other units whose decoding was measured.
    pub deltas_decoded: u64,
    /// Processor time of the decoding thread for these key frames, in microseconds.
    pub decode_key_us: u64,
    /// Processor time of the decoding thread for these other units, in microseconds.
    pub decode_delta_us: u64,
    /// Frames that the decoder gave.
    pub frames_decoded: u64,
    /// Of these, dropped in the slot because a newer one came.
    pub frames_dropped_newest_wins: u64,
    /// Of these, dropped because the connection's clock was not known yet.
    pub frames_dropped_unmapped: u64,
    /// Of these, dropped because their time was not later than that of the frame before.
    pub frames_dropped_backwards: u64,
    /// Connections that gave a frame.
    pub connections: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Outages that are over.
    pub gaps: u64,
    /// Their length in all, in milliseconds.
    pub gap_ms: u64,
    /// Attempts to connect that failed, and connections that broke.
    pub failed_attempts: u64,
    /// Changes of format in mid-stream.
    pub format_changes: u64,
    /// Access units in the decode queue when the last one entered.
    pub decode_queue_level: u64,
    /// Connections whose clock came from RTCP sender reports.
    pub clocks_from_sender_reports: u64,
    /// Bytes in the ring.
    pub ring_bytes: u64,
    /// Span of the ring in milliseconds.
    pub ring_span_ms: u64,
    /// Access units evicted from the ring.
    pub ring_evicted: u64,
    /// What is kept around the clock.
    pub footage: FootageCounts,
}

impl StreamStatsSnapshot {
    /// The counters of two streams of one camera: what came in and was decoded of both, what is kept of this one.
    pub(crate) fn beside(self, watched: &Self) -> Self {
        Self {
            units_in: self.units_in + watched.units_in,
            units_without_time: self.units_without_time + watched.units_without_time,
            units_skipped_by_decoder: self.units_skipped_by_decoder + watched.units_skipped_by_decoder,
            units_thinned: self.units_thinned + watched.units_thinned,
            keys_in: self.keys_in + watched.keys_in,
            keys_decoded: self.keys_decoded + watched.keys_decoded,
            deltas_decoded: self.deltas_decoded + watched.deltas_decoded,
            decode_key_us: self.decode_key_us + watched.decode_key_us,
            decode_delta_us: self.decode_delta_us + watched.decode_delta_us,
            frames_decoded: self.frames_decoded + watched.frames_decoded,
            frames_dropped_unmapped: self.frames_dropped_unmapped + watched.frames_dropped_unmapped,
            frames_dropped_backwards: self.frames_dropped_backwards + watched.frames_dropped_backwards,
            connections: self.connections + watched.connections,
            reconnects: self.reconnects + watched.reconnects,
            gaps: self.gaps + watched.gaps,
            gap_ms: self.gap_ms + watched.gap_ms,
            failed_attempts: self.failed_attempts + watched.failed_attempts,
            format_changes: self.format_changes + watched.format_changes,
            decode_queue_level: self.decode_queue_level.max(watched.decode_queue_level),
            clocks_from_sender_reports: self.clocks_from_sender_reports + watched.clocks_from_sender_reports,
            ..self
        }
    }

    /// The counters of a stream that goes on where `before` ended.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self {
            frames_dropped_newest_wins: self.frames_dropped_newest_wins + before.frames_dropped_newest_wins,
            ring_evicted: self.ring_evicted + before.ring_evicted,
            decode_queue_level: self.decode_queue_level,
            footage: self.footage.after(before.footage),
            ..self.beside(before)
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl StreamStats {
    pub(crate) fn count_decoded(&self, is_key: bool, spent: Duration) {
        let (units, time) = if is_key {
            (&self.keys_decoded, &self.decode_key_us)
        } else {
            (&self.deltas_decoded, &self.decode_delta_us)
        };
        count(units);
        time.fetch_add(spent.as_micros() as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_gap(&self, gap: Duration) {
        count(&self.gaps);
        self.gap_ms.fetch_add(gap.as_millis() as u64, Ordering::Relaxed);
    }

    /// The counters now, with those that the ring and the slot keep.
    pub(crate) fn snapshot(&self, ring: RingLevel, frames_dropped_newest_wins: u64) -> StreamStatsSnapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let connections = get(&self.connections);
        StreamStatsSnapshot {
            units_in: get(&self.units_in),
            units_without_time: get(&self.units_without_time),
            units_skipped_by_decoder: get(&self.units_skipped_by_decoder),
            units_thinned: get(&self.units_thinned),
            keys_in: get(&self.keys_in),
            keys_decoded: get(&self.keys_decoded),
            deltas_decoded: get(&self.deltas_decoded),
            decode_key_us: get(&self.decode_key_us),
            decode_delta_us: get(&self.decode_delta_us),
            frames_decoded: get(&self.frames_decoded),
            frames_dropped_newest_wins,
            frames_dropped_unmapped: get(&self.frames_dropped_unmapped),
            frames_dropped_backwards: get(&self.frames_dropped_backwards),
            connections,
            reconnects: connections.saturating_sub(1),
            gaps: get(&self.gaps),
            gap_ms: get(&self.gap_ms),
            failed_attempts: get(&self.failed_attempts),
            format_changes: get(&self.format_changes),
            decode_queue_level: get(&self.decode_queue_level),
            clocks_from_sender_reports: get(&self.clocks_from_sender_reports),
            ring_bytes: ring.bytes as u64,
            ring_span_ms: ring.span_ms,
            ring_evicted: ring.evicted,
            footage: FootageCounts::default(),
        }
    }
}
