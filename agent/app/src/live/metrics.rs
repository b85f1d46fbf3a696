//! Prometheus metrics: the recorder, what is read at each scrape, and the console's view of the agent.

use std::sync::{Arc, Mutex, PoisonError};

use forewarn_console::{Health, Source};
use forewarn_domain::IncidentRecord;
use forewarn_report::Outbox;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::incident_loop::SharedBoard;
use super::streams::StatsReader;

/// Upper bounds of the histograms' buckets in seconds.
const BUCKETS_S: [f64; 11] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The publisher, as long as it runs.
pub type PublisherSlot = Arc<Mutex<Option<forewarn_report::PublisherHandle>>>;

/// The recorder of the process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Installs the recorder. Only the first of a process counts; a later one is not reachable but harmless.
    pub fn install() -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &BUCKETS_S)?
            .build_recorder();
        let handle = recorder.handle();
        if ::metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("metrics are recorded by an earlier recorder of this process");
        }
        describe();
        Ok(Self { handle })
    }

    /// What the console shows.
    pub fn source(
        &self,
        streams: StatsReader,
        outbox: Outbox,
        board: SharedBoard,
        publisher: PublisherSlot,
    ) -> ConsoleSource {
        ConsoleSource { handle: self.handle.clone(), streams, outbox: Mutex::new(outbox), board, publisher }
    }
}

/// What the metrics mean, for those who read them.
fn describe() {
    describe_counter!("forewarn_frames_in_total", "Frames that the decoder gave.");
    describe_counter!("forewarn_frames_analysed_total", "Frames that went through the detector.");
    describe_counter!("forewarn_frames_dropped_total", "Frames that were not analysed, by reason.");
    describe_counter!("forewarn_access_units_in_total", "Encoded pictures that came in.");
    describe_counter!("forewarn_reconnects_total", "Connections after the first.");
    describe_counter!(
        "forewarn_connect_failures_total",
        "Attempts to connect that failed, and connections that broke."
    );
    describe_counter!("forewarn_gaps_total", "Outages that are over.");
    describe_gauge!("forewarn_gap_seconds", "Length of all outages.");
    describe_gauge!("forewarn_pre_roll_bytes", "Encoded video kept for clips.");
    describe_histogram!("forewarn_inference_seconds", "Time of one frame, with its tiles, in the detector.");
    describe_scheduling();
    describe_histogram!("forewarn_decision_latency_seconds", "Time from a frame's arrival to the decision.");
    describe_gauge!("forewarn_queue_depth", "Values that wait in a queue.");
    describe_counter!("forewarn_queue_full_total", "Values that a full queue refused.");
    describe_counter!("forewarn_incident_transitions_total", "Steps of incidents, by violation and state.");
    describe_gauge!("forewarn_incidents_open", "Open incidents by state.");
    describe_counter!("forewarn_suspicions_dismissed_total", "Suspicions that were not confirmed.");
    describe_counter!(
        "forewarn_warnings_total",
        "Announcements by speaker, outcome, and proof of playback or kind of failure."
    );
    describe_gauge!("forewarn_outbox_messages", "Reports that upstream has not acknowledged.");
    describe_gauge!("forewarn_outbox_bytes", "Bytes of these reports.");
    describe_counter!("forewarn_outbox_write_errors_total", "Attempts to write reports that the disk refused.");
    describe_counter!(
        "forewarn_retention_events_total",
        "Evidence deleted under pressure, or limits that cannot be kept."
    );
    describe_models();
    describe_gauge!("forewarn_sensor_value", "The latest value of a sensor.");
    describe_counter!("forewarn_sensor_readings_total", "Values that were read of a sensor.");
    describe_counter!("forewarn_sensor_errors_total", "Values that could not be read of a sensor.");
    describe_counter!("forewarn_sensor_values_replaced_total", "Values that a newer one replaced before they counted.");
    describe_gauge!("forewarn_process_cpu_seconds", "Processor time of the agent.");
    describe_gauge!("forewarn_process_resident_bytes", "Memory of the agent.");
}

/// What the metrics of the scheduler mean.
fn describe_scheduling() {
    describe_gauge!("forewarn_budget", "Cores for decoding and for the models.");
    describe_gauge!("forewarn_budget_used", "Cores in use, by kind of work.");
    describe_gauge!("forewarn_budget_short", "1 while the budget does not suffice for what is wanted.");
    describe_gauge!("forewarn_analysis_rate_target", "Looks a second that a stream asks for.");
    describe_gauge!("forewarn_analysis_rate_planned", "Looks a second that it is to get.");
    describe_gauge!("forewarn_analysis_rate_actual", "Looks a second that it got lately.");
    describe_gauge!("forewarn_analysis_age_seconds", "Time since a stream with a picture was looked at.");
    describe_gauge!("forewarn_analysis_age_max_seconds", "The same for the stream that has waited longest.");
    describe_gauge!("forewarn_analysis_gap_max_seconds", "Longest time between two looks in the last minute or two.");
    describe_gauge!("forewarn_analysis_bound_seconds", "Time within which each stream is looked at.");
    describe_gauge!("forewarn_decoded_part", "Part of each group of pictures that is decoded.");
    describe_counter!("forewarn_frames_gated_total", "Frames glanced at and not looked at: still scene, or no budget.");
    describe_counter!("forewarn_tiles_analysed_total", "Tiles that went through the detector.");
    describe_gauge!("forewarn_tile_age_max_seconds", "Time since the tile that has waited longest was looked at.");
    describe_gauge!("forewarn_streams", "Streams by what they are treated as.");
    describe_counter!("forewarn_looks_total", "Crops of tracks that were looked at.");
    describe_counter!("forewarn_looks_dropped_total", "Wanted looks that were not taken, by reason.");
}

fn describe_models() {
    describe_gauge!("forewarn_model_in_use", "1 for the model and provider that look at frames, 0 for former ones.");
    describe_counter!("forewarn_model_fallbacks_total", "Models that went to the CPU, at the start or at work.");
    describe_counter!("forewarn_model_swaps_total", "Attempts to exchange the model, by outcome.");
    describe_counter!("forewarn_shadow_frames_total", "Frames of the shadow model's sample, by outcome.");
    describe_counter!("forewarn_shadow_detections_total", "What main and shadow model found, by class and side.");
}

/// The console's view.
pub struct ConsoleSource {
    handle: PrometheusHandle,
    streams: StatsReader,
    outbox: Mutex<Outbox>,
    board: SharedBoard,
    publisher: PublisherSlot,
}

impl ConsoleSource {
    fn read_streams(&self) {
        for (id, stats) in self.streams.snapshots() {
            let camera = id.to_string();
            let count = |name: &'static str, value: u64| {
                ::metrics::counter!(name, "camera" => camera.clone()).absolute(value);
            };
            count("forewarn_frames_in_total", stats.frames_decoded);
            count("forewarn_access_units_in_total", stats.units_in);
            count("forewarn_reconnects_total", stats.reconnects);
            count("forewarn_gaps_total", stats.gaps);
            count("forewarn_connect_failures_total", stats.failed_attempts);
            for (reason, value) in [
                ("newest_wins", stats.frames_dropped_newest_wins),
                ("clock_unknown", stats.frames_dropped_unmapped),
                ("not_decoded", stats.units_skipped_by_decoder),
                ("thinned", stats.units_thinned),
                ("backwards", stats.frames_dropped_backwards),
                ("without_time", stats.units_without_time),
            ] {
                ::metrics::counter!("forewarn_frames_dropped_total", "camera" => camera.clone(), "reason" => reason)
                    .absolute(value);
            }
            ::metrics::gauge!("forewarn_gap_seconds", "camera" => camera.clone()).set(stats.gap_ms as f64 / 1e3);
            ::metrics::gauge!("forewarn_pre_roll_bytes", "camera" => camera.clone()).set(stats.ring_bytes as f64);
            ::metrics::gauge!("forewarn_queue_depth", "queue" => "decode", "camera" => camera)
                .set(stats.decode_queue_level as f64);
        }
    }

    fn read_incidents(&self) {
        for state in forewarn_domain::IncidentState::ALL {
            let n = self.open_incidents().iter().filter(|record| record.state == state).count();
            ::metrics::gauge!("forewarn_incidents_open", "state" => state.as_str()).set(n as f64);
        }
    }

    fn read_outbox(&self) {
        let outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let depth = outbox.depth();
        ::metrics::gauge!("forewarn_outbox_messages").set(depth.messages as f64);
        ::metrics::gauge!("forewarn_outbox_bytes").set(depth.bytes as f64);
    }
}

impl Source for ConsoleSource {
    fn metrics(&self) -> String {
        self.read_streams();
        self.read_incidents();
        self.read_outbox();
        if let Ok(usage) = forewarn_hw::box_facts::process_usage() {
            ::metrics::gauge!("forewarn_process_cpu_seconds").set(usage.cpu_s());
            ::metrics::gauge!("forewarn_process_resident_bytes").set(usage.resident_bytes as f64);
        }
        self.handle.render()
    }

    fn health(&self) -> Health {
        let mut troubles = Vec::new();
        for (id, stats) in self.streams.snapshots() {
            if stats.connections == 0 {
                troubles.push(format!("camera {id} has never been connected"));
            }
        }
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.extend(board.down.iter().map(|(id, why)| format!("camera {id} {why}")));
        troubles.extend(board.unread.iter().map(|(id, why)| format!("sensor {id}: {why}")));
        drop(board);
        let publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = publisher.as_ref().map(forewarn_report::PublisherHandle::stats)
            && stats.connected_since.is_none()
        {
            troubles.push(format!("upstream: {}", stats.last_error.as_deref().unwrap_or("not connected yet")));
        }
        Health { is_healthy: troubles.is_empty(), troubles }
    }

    fn open_incidents(&self) -> Vec<IncidentRecord> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).open.clone()
    }
}
