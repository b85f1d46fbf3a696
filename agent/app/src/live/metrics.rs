//! Prometheus metrics: the recorder, what is read at each scrape, and the console's view of the agent.

use std::sync::{Arc, Mutex, PoisonError};

use forewarn_console::{Health, Source};
use forewarn_domain::IncidentRecord;
use forewarn_report::Outbox;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::incident_loop::OpenIncidents;
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
        Ok(Self { handle })
    }

    /// What the console shows.
    pub fn source(
        &self,
        streams: StatsReader,
        outbox: Outbox,
        open: OpenIncidents,
        publisher: PublisherSlot,
    ) -> ConsoleSource {
        ConsoleSource { handle: self.handle.clone(), streams, outbox: Mutex::new(outbox), open, publisher }
    }
}

/// The console's view.
pub struct ConsoleSource {
    handle: PrometheusHandle,
    streams: StatsReader,
    outbox: Mutex<Outbox>,
    open: OpenIncidents,
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
            for (reason, value) in [
                ("newest_wins", stats.frames_dropped_newest_wins),
                ("clock_unknown", stats.frames_dropped_unmapped),
                ("not_decoded", stats.units_skipped_by_decoder),
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
        let publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = publisher.as_ref().map(forewarn_report::PublisherHandle::stats)
            && stats.connected_since.is_none()
        {
            troubles.push(format!("upstream: {}", stats.last_error.as_deref().unwrap_or("not connected yet")));
        }
        Health { is_healthy: troubles.is_empty(), troubles }
    }

    fn open_incidents(&self) -> Vec<IncidentRecord> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
