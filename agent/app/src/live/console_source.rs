//! The ports of the console: metrics with what is read at each scrape, health, and open incidents.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_console::{
    Bilingual, Called, Caller, CameraNow, Cameras, Desk, Health, HealthReport, Incidents, Listener, Metrics, NoCall,
    Offer, Passing, PlacesNow, Ports, StatsAsked, words,
};
use forewarn_domain::violation::Language;
use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, CaseCommand, Class, Clock, Frame, IncidentId, IncidentRecord,
    IncidentState, MapGround, Prepared, SpeakerId, SpokenText, StreamId, Viewing, Wake,
};
use forewarn_hw::Recording;
use forewarn_index::stats::Wanted;
use forewarn_memory::{Asked, Call};
use forewarn_pipelines::footage::Why;
use forewarn_pipelines::{Answered, CallError};
use forewarn_report::Holder;
use forewarn_telemetry::queue::{Sender, Wait};
use forewarn_wire::WireIncident;
use jiff::civil::Date;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::LoopEvent;
use super::board::{Board, Down};
use super::health::HealthDesk;
use super::site_file::SiteFile;
use super::speakers::Speakers;
use super::streams::Streams;
use super::upstreams::Upstreams;
use crate::config::StorageDir;
use crate::operator;
use crate::telemetry::{self, Counter, Gauge, Roll};

/// The gauges that each upstream has.
const OF_UPSTREAM: [Gauge<1>; 9] = [
    telemetry::UPSTREAM_CONNECTED,
    telemetry::UPSTREAM_MESSAGES,
    telemetry::UPSTREAM_BYTES,
    telemetry::UPSTREAM_OWED,
    telemetry::UPSTREAM_OLDEST,
    telemetry::UPSTREAM_PICTURES_WAITING,
    telemetry::UPSTREAM_FILES_WAITING,
    telemetry::UPSTREAM_FILE_BYTES_WAITING,
    telemetry::UPSTREAM_FILES_HELD_BACK,
];

/// Upper bounds of the histograms' buckets in seconds.
const BUCKETS_S: [f64; 11] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// Installs the recorder of the process. Only the first counts; a later one is not reachable but harmless.
pub fn install_recorder() -> Result<PrometheusHandle, BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &BUCKETS_S)?
        .build_recorder();
    let handle = recorder.handle();
    if ::metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics are recorded by an earlier recorder of this process");
    }
    telemetry::describe();
    Ok(handle)
}

/// What the console shows.
pub struct ConsoleSource {
    /// The site's name.
    pub site: String,
    /// Renders the metrics.
    pub recorder: PrometheusHandle,
    /// The counters of the streams.
    pub streams: Streams,
    /// The loudspeakers.
    pub speakers: Speakers,
    /// The outbox, for how much waits.
    pub outbox: Holder,
    /// What the parts write up.
    pub board: Board,
    /// The ways upstream.
    pub upstreams: Upstreams,
    /// Where commands are handed in; none where the site takes none.
    pub door: Option<forewarn_command::Door>,
    /// The way into the incident loop.
    pub to_loop: Sender<LoopEvent, Wait>,
    /// Tells how the parts fare.
    pub health: HealthDesk,
    /// The site file, which the console changes.
    pub site_file: Arc<SiteFile>,
    /// Where the site's files lie.
    pub storage: StorageDir,
    /// By whose hours and days figures are told.
    pub time_zone: jiff::tz::TimeZone,
    /// Tells how instants read on the wall.
    pub clock: Arc<dyn Clock>,
    /// The streams and upstreams whose gauges are set.
    pub rolls: [Roll; 2],
}

impl ConsoleSource {
    /// This behind every port.
    pub fn ports(self) -> Ports {
        let source = Arc::new(self);
        Ports {
            metrics: source.clone(),
            health: source.clone(),
            incidents: source.clone(),
            cameras: source.clone(),
            onlookers: source.board.1.clone(),
            site: source.site_file.clone(),
            desk: source,
        }
    }

    /// Has something of people played, before all that the agent says by itself, and waits for it.
    fn announce(&self, speaker: &SpeakerId, text: SpokenText, audio: Option<String>) -> Result<String, Bilingual> {
        let announcement = Announcement {
            // One speaks at a time in the console, and the incidents' numbers count from below.
            id: AnnouncementId(u64::MAX - self.clock.now().as_micros().unsigned_abs()),
            incident: IncidentId::from_stored("by-console"),
            speaker: speaker.clone(),
            text,
            audio,
            attempt: 1,
            deadline: self.clock.now() + SPEAK_WITHIN,
            urgency: Announcement::OF_PEOPLE,
        };
        match self.speakers.say(announcement).map_err(words::not_heard)? {
            AnnounceOutcome::Played { duration, proof, .. } => Ok(format!("{:.1} s, {proof}", duration.as_secs_f64())),
            AnnounceOutcome::Failed { reason, .. } => Err(words::not_heard(reason)),
        }
    }

    fn read_streams(&self) {
        let snapshots = self.streams.snapshots();
        for id in self.rolls[0].call(snapshots.iter().map(|(id, _)| id.to_string())) {
            telemetry::PRE_ROLL_BYTES.of([&id]).set(0.0);
            telemetry::DECODE_QUEUE_DEPTH.of([&id]).set(0.0);
        }
        for (id, stats) in snapshots {
            let count = |counter: Counter<1>, value: u64| counter.of([&id]).absolute(value);
            count(telemetry::FRAMES_IN, stats.frames_decoded);
            count(telemetry::ACCESS_UNITS_IN, stats.units_in);
            count(telemetry::RECONNECTS, stats.reconnects);
            count(telemetry::GAPS, stats.gaps);
            count(telemetry::CONNECT_FAILURES, stats.failed_attempts);
            for (reason, value) in [
                ("newest_wins", stats.frames_dropped_newest_wins),
                ("clock_unknown", stats.frames_dropped_unmapped),
                ("not_decoded", stats.units_skipped_by_decoder),
                ("thinned", stats.units_thinned),
                ("backwards", stats.frames_dropped_backwards),
                ("without_time", stats.units_without_time),
            ] {
                telemetry::FRAMES_DROPPED.of([&id, &reason]).absolute(value);
            }
            for (i, why) in Why::ALL.iter().enumerate().filter(|_| stats.footage.is_kept) {
                telemetry::FOOTAGE_SECONDS.of([&id]).absolute(stats.footage.kept_ms / 1000);
                telemetry::FOOTAGE_WRITTEN.of([&id]).absolute(stats.footage.bytes);
                telemetry::FOOTAGE_GAPS.of([&id, &why.as_str()]).absolute(u64::from(stats.footage.gaps[i]));
                telemetry::FOOTAGE_GAP_SECONDS.of([&id, &why.as_str()]).set(stats.footage.gap_ms[i] as f64 / 1e3);
            }
            telemetry::GAP_SECONDS.of([&id]).set(stats.gap_ms as f64 / 1e3);
            telemetry::PRE_ROLL_BYTES.of([&id]).set(stats.ring_bytes as f64);
            telemetry::DECODE_QUEUE_DEPTH.of([&id]).set(stats.decode_queue_level as f64);
        }
    }

    fn read_footage(&self) {
        if let Some(bytes) = self.streams.footage().1 {
            telemetry::FOOTAGE_BYTES.of([]).set(bytes as f64);
        }
    }

    fn read_incidents(&self) {
        let notices = self.board.lock();
        for state in IncidentState::ALL {
            let n = notices.open.iter().filter(|record| record.state == state).count();
            telemetry::INCIDENTS_OPEN.of([&state]).set(n as f64);
        }
    }

    fn read_outbox(&self) {
        let (depth, held) = (self.outbox.depth(), self.outbox.count());
        telemetry::OUTBOX_HELD.of([]).set(held.reports as f64);
        telemetry::OUTBOX_GIVEN_UP.of([]).absolute(held.given_up);
        telemetry::OUTBOX_MESSAGES.of([]).set(depth.messages as f64);
        telemetry::OUTBOX_BYTES.of([]).set(depth.bytes as f64);
    }

    fn read_upstreams(&self) {
        let stats = self.upstreams.stats();
        for name in self.rolls[1].call(stats.keys().cloned()) {
            for gauge in OF_UPSTREAM {
                gauge.of([&name]).set(0.0);
            }
        }
        for (name, stats) in stats {
            let set = |gauge: Gauge<1>, value: f64| gauge.of([&name]).set(value);
            let count = |counter: Counter<1>, value: u64| counter.of([&name]).absolute(value);
            set(telemetry::UPSTREAM_CONNECTED, f64::from(u8::from(stats.connected_since.is_some())));
            set(telemetry::UPSTREAM_MESSAGES, stats.depth_messages as f64);
            set(telemetry::UPSTREAM_BYTES, stats.depth_bytes as f64);
            set(telemetry::UPSTREAM_OWED, stats.owed as f64);
            let oldest = stats.oldest_unacknowledged_at.map_or(0.0, |at| self.clock.wall(at).as_secs_f64());
            set(telemetry::UPSTREAM_OLDEST, oldest);
            set(telemetry::UPSTREAM_PICTURES_WAITING, stats.pictures.waiting as f64);
            count(telemetry::UPSTREAM_PICTURES_SENT, stats.pictures.sent);
            count(telemetry::UPSTREAM_PICTURES_LEFT_OUT, stats.pictures.left_out);
            set(telemetry::UPSTREAM_FILES_WAITING, stats.files.waiting as f64);
            set(telemetry::UPSTREAM_FILE_BYTES_WAITING, stats.files.waiting_bytes as f64);
            set(telemetry::UPSTREAM_FILES_HELD_BACK, f64::from(u8::from(stats.files.are_held_back)));
            count(telemetry::UPSTREAM_FILES_SENT, stats.files.sent);
            count(telemetry::UPSTREAM_FILE_BYTES_SENT, stats.files.sent_bytes);
            count(telemetry::UPSTREAM_SENT, stats.sent);
            count(telemetry::UPSTREAM_ACKNOWLEDGED, stats.acknowledged);
            count(telemetry::UPSTREAM_REFUSED, stats.refused);
            count(telemetry::UPSTREAM_GIVEN_UP, stats.given_up);
            count(telemetry::UPSTREAM_CONNECTIONS, stats.connections);
            count(telemetry::UPSTREAM_FAILURES, stats.failures);
        }
    }

    fn read_process() {
        if let Ok(usage) = forewarn_hw::box_facts::process_usage() {
            telemetry::PROCESS_CPU.of([]).set(usage.cpu_s());
            telemetry::PROCESS_RESIDENT.of([]).set(usage.resident_bytes as f64);
        }
    }
}

impl Metrics for ConsoleSource {
    fn turned_away(&self, listener: Listener) {
        telemetry::HTTP_TURNED_AWAY.of([&listener]).increment(1);
    }

    fn given_up(&self, pictures: u64) {
        telemetry::LIVE_GIVEN_UP.of([]).increment(pictures);
    }

    fn calls(&self, n: usize) {
        telemetry::LIVE_CALLS.of([]).set(n as f64);
    }

    fn text(&self) -> String {
        self.read_streams();
        self.read_footage();
        self.read_incidents();
        self.read_outbox();
        self.read_upstreams();
        self.health.publish();
        Self::read_process();
        self.recorder.render()
    }
}

impl Health for ConsoleSource {
    fn report(&self) -> HealthReport {
        self.health.report()
    }

    fn certificate(&self, trouble: Option<String>) {
        let failing = &mut self.board.lock().failing;
        failing.remove("certificate");
        failing.extend(trouble.map(|why| ("certificate", why)));
    }
}

/// What somebody says is said within so long, or not at all.
const SPEAK_WITHIN: Duration = Duration::from_mins(1);
/// A camera that gives no picture for so long gives none for a still.
const STILL: Duration = Duration::from_secs(3);

impl Cameras for ConsoleSource {
    fn all(&self) -> Vec<CameraNow> {
        let notices = self.board.lock();
        let trouble = |id: &StreamId| match notices.down.get(id)? {
            Down::Ended => Some(words::PLAYED_TO_END),
            Down::Because(why) => Some(words::away(why)),
        };
        let now = |camera: &CameraNow| CameraNow { trouble: trouble(&camera.id), ..camera.clone() };
        notices.cameras.iter().map(now).collect()
    }

    fn classes(&self) -> Vec<Class> {
        self.board.lock().site.as_ref().map(|site| site.excludable()).unwrap_or_default()
    }

    fn ground(&self) -> MapGround {
        self.board.lock().map.clone()
    }

    fn still(&self, camera: &str) -> Option<Frame> {
        self.streams.slot(&StreamId::new(camera).ok()?)?.next(STILL)
    }

    fn view(&self, camera: &str, is_small: bool, wake: Wake) -> Option<Box<dyn Viewing>> {
        self.streams.view(&StreamId::new(camera).ok()?, is_small, wake)
    }

    fn call(&self, camera: &str, offer: &Offer) -> Option<Result<Called, NoCall>> {
        let callee = self.streams.callee(&StreamId::new(camera).ok()?, offer.is_small)?;
        let called = |Answered { sdp, origin, call }| Called { sdp, origin, call: Box::new(Looker(call)) };
        Some(callee.take(&offer.sdp, offer.at).map(called).map_err(no_call))
    }
}

/// A session with somebody who looks.
struct Looker(forewarn_pipelines::Call);

impl Caller for Looker {
    fn is_over(&self) -> bool {
        self.0.is_over()
    }

    fn given_up(&self) -> u64 {
        self.0.given_up()
    }
}

/// Why there is no session, in both languages.
fn no_call(error: CallError) -> NoCall {
    match error {
        CallError::NoOffer(_) => NoCall::NoOffer(words::no_offer(error)),
        CallError::NoPicture => NoCall::NotNow(words::NO_PICTURE),
        CallError::Coding { sent, takes } => NoCall::NotTaken(words::not_taken(&sent, &takes)),
        CallError::Reordered => NoCall::NotTaken(words::REORDERED),
        CallError::Reshaped => NoCall::NotTaken(words::RESHAPED),
        CallError::MissingElement(_) | CallError::Thread(_) | CallError::Failed(_) => NoCall::Failed(error.to_string()),
    }
}

impl Desk for ConsoleSource {
    fn suppress(&self, incident: &IncidentRecord, asked: &Passing) -> Result<u32, String> {
        let one =
            operator::suppress(&self.storage, incident.clone(), asked).map_err(|error| format!("{:#}", error.error))?;
        Ok(one.id)
    }

    fn speakers(&self) -> Vec<SpeakerId> {
        self.board.lock().named_speakers.clone()
    }

    fn say(&self, speaker: &SpeakerId, text: &SpokenText) -> Result<String, Bilingual> {
        self.announce(speaker, text.clone(), None)
    }

    fn prepared(&self) -> Vec<Prepared> {
        let ready = self.board.lock().ready.clone();
        ready.all()
    }

    fn play(&self, speaker: &SpeakerId, prepared: &Prepared, language: Language) -> Result<String, Bilingual> {
        let silent = SpokenText { language, text: String::new() };
        self.announce(speaker, prepared.text.in_language(language).unwrap_or(silent), prepared.sound.clone())
    }

    fn talk(&self, speaker: &SpeakerId, wav: &[u8]) -> Result<String, Bilingual> {
        let spoken = Recording::keep(wav, &self.storage.scratch()).map_err(words::not_heard)?;
        self.announce(speaker, SpokenText { language: Language::En, text: String::new() }, Some(spoken.file()))
    }

    fn wav(&self, speaker: &SpeakerId, text: SpokenText, sound: Option<String>) -> Result<Vec<u8>, Bilingual> {
        self.speakers.wav(speaker, text, sound).ok_or(words::NO_SPEAKER)?.map_err(words::not_heard)
    }

    fn command(&self, message: Vec<u8>) -> Result<serde_json::Value, Bilingual> {
        let door = self.door.as_ref().ok_or(words::NO_COMMANDS)?;
        let reply = door.hand_in(message).ok_or(words::COMMANDS_FULL)?;
        serde_json::to_value(reply).map_err(|error| Bilingual::quoted(error, "程序内部出错"))
    }

    fn case(&self, told: CaseCommand) -> Result<(), String> {
        Call::ask(Asked::Case(told), |call| self.to_loop.send(LoopEvent::Asked(call)))
    }

    fn report(&self, bundle: &Path, language: Language) -> Result<String, String> {
        forewarn_dossier::page(bundle, language, None).map(|page| page.html).map_err(|error| error.to_string())
    }
}

impl Incidents for ConsoleSource {
    fn stats(&self, StatsAsked { cameras, violation, days }: StatsAsked) -> Result<serde_json::Value, String> {
        let wanted = Wanted { cameras, violation, days };
        let found = operator::stats_of(&self.storage, &self.time_zone, &wanted, None);
        let found = found.map_err(|error| error.to_string())?;
        serde_json::to_value(found).map_err(|error| error.to_string())
    }

    fn places(&self, cameras: &[CameraNow], days: (Date, Date)) -> Result<PlacesNow, String> {
        let told = operator::places_of(&self.storage, &self.time_zone, &self.ground(), cameras, days);
        told.map_err(|error| format!("{error:#}"))
    }

    fn open(&self) -> Vec<WireIncident> {
        self.board.lock().open.iter().map(|record| WireIncident::latest(record, &self.site)).collect()
    }
}
