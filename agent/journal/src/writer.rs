//! The thread that writes, and the way to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{IncidentId, Report, Timestamp};
use forewarn_incident::IncidentSnapshot;
use forewarn_report::{Holder, Outbox, OutboxError, SetAside};
use forewarn_telemetry as telemetry;
use forewarn_wire::story::Happening;

/// How long a report may take to the disk before what follows from it is done without that.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long what waits may take to the disk when the agent stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// How often a disk that refuses is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often the thread sees whether the agent stops.
const TURN: Duration = Duration::from_millis(250);
/// How often the outbox is looked after while nothing is reported.
const LOOK_AFTER: Duration = Duration::from_secs(10);

/// What is to be told of a damaged outbox.
pub fn told_of(aside: &SetAside, now: Timestamp) -> Happening {
    telemetry::OUTBOX_SET_ASIDE.of([]).increment(1);
    let SetAside { kept_as, reason, incidents, messages } = aside;
    let kept = kept_as.as_ref().map_or_else(String::new, |path| format!("it is kept as {}, and ", path.display()));
    let what = format!(
        "the outbox was damaged ({reason}): {kept}{messages} reports of {incidents} incidents were carried over to a new \
         one; look after the disk"
    );
    Happening::trouble(what, now)
}

/// The reports that one call of the engine made, each with the snapshot of its incident after all of them.
#[derive(Debug, Default)]
pub struct Batch(Vec<(Report, Option<String>)>);

impl Batch {
    /// Reports, with the snapshots that the engine gives of their incidents before it goes on.
    pub fn of(reports: &[Report], snapshot_of: impl Fn(&IncidentId) -> Option<IncidentSnapshot>) -> Self {
        let snapshot = |id: &IncidentId| serde_json::to_string(&snapshot_of(id)?).ok();
        let snapshots: BTreeMap<_, _> =
            reports.iter().map(|report| (&report.incident.id, snapshot(&report.incident.id))).collect();
        let step = |report: &Report| (report.clone(), snapshots.get(&report.incident.id).cloned().flatten());
        Self(reports.iter().map(step).collect())
    }
}

/// What the thread tells the loop.
#[derive(Debug, Default)]
struct Told {
    trouble: Mutex<Option<String>>,
    notes: Mutex<Vec<SetAside>>,
    /// What was open before this run and could not be read when it began.
    late: Mutex<Vec<IncidentSnapshot>>,
    is_stopping: AtomicBool,
}

/// What is left in memory when the agent stops.
#[derive(Debug, thiserror::Error)]
#[error("{reports} reports could not be written to the outbox; see the log")]
pub struct NotWritten {
    /// How many reports.
    pub reports: usize,
}

/// The way into the outbox.
pub struct OutboxWriter {
    holder: Holder,
    told: Arc<Told>,
    thread: Thread,
    /// Nothing is ever sent: the other end goes with the thread.
    done: Receiver<()>,
}

/// What of an earlier run is gone on with.
pub struct Former {
    /// The incidents that were open when the agent last stopped.
    pub snapshots: Vec<IncidentSnapshot>,
    /// What must be told of others.
    pub notes: Vec<Happening>,
}

impl OutboxWriter {
    /// Reads what was open, and writes to `outbox` from now on.
    pub fn start(mut outbox: Outbox, now: Timestamp) -> Result<(Self, Former), ThreadError> {
        let read = open_snapshots(&mut outbox, now);
        // Incidents that are older than this run are read when the disk lets them be.
        let late_before = read.is_err().then_some(now);
        let former = read.unwrap_or_else(|error| {
            let what = format!("no earlier incident is gone on with until the disk can be read: {error}");
            Former { snapshots: Vec::new(), notes: vec![Happening::trouble(what, now)] }
        });
        let (holder, told) = (outbox.holder(), Arc::<Told>::default());
        let of_thread = Arc::clone(&told);
        let (finished, done) = sync_channel(1);
        let work = move || {
            let _finished: SyncSender<()> = finished;
            write_all(&mut outbox, &of_thread, late_before);
            // Before the end is told: the last connection leaves the file in order.
            drop(outbox);
        };
        let thread = Thread::spawn("outbox", work)?;
        Ok((Self { holder, told, thread, done }, former))
    }

    /// Writes a batch, after those that wait. Comes back when the disk has it, when the disk refuses it, or when the disk
    /// takes too long; what it does not have by then waits in memory.
    pub fn write(&mut self, batch: Batch) {
        self.holder.hold(batch.0);
        if !self.holder.wait_settled(PATIENCE) {
            telemetry::OUTBOX_WRITE_ERRORS.of([]).increment(1);
            self.holder.release();
        }
    }

    /// Why reports cannot be written, or sent, as they should be.
    pub fn trouble(&self) -> Option<String> {
        let refused = lock(&self.told.trouble).clone();
        let stalled = || {
            let patience_s = PATIENCE.as_secs();
            let text = format!(
                "the disk has not taken a report for more than {patience_s} s; reports wait in memory, and are sent from \
                 there"
            );
            self.holder.is_released().then_some(text)
        };
        refused.or_else(stalled).or_else(|| self.holder.reading_trouble())
    }

    /// What must be told once.
    pub fn take_notes(&mut self, now: Timestamp) -> Vec<Happening> {
        let notes = std::mem::take(&mut *lock(&self.told.notes));
        notes.iter().map(|aside| told_of(aside, now)).collect()
    }

    /// The incidents that were open before this run and could only be read now.
    pub fn take_late(&mut self) -> Vec<IncidentSnapshot> {
        std::mem::take(&mut *lock(&self.told.late))
    }

    /// Whether the thread has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    /// Waits for what is to be written, for the last time. An error if something is left.
    pub fn finish(&mut self) -> Result<(), NotWritten> {
        self.told.is_stopping.store(true, Ordering::Release);
        // A disk that has stalled may hold the thread up for ever, so that nobody waits for its end.
        let is_written = self.holder.wait_written(FAREWELL);
        let reports = self.holder.count().reports;
        if is_written {
            let _ = self.done.recv_timeout(FAREWELL);
        }
        if is_written { Ok(()) } else { Err(NotWritten { reports }) }
    }
}

/// The thread: writes what is held, and looks after the file while nothing is.
fn write_all(outbox: &mut Outbox, told: &Told, mut late_before: Option<Timestamp>) {
    let holder = outbox.holder();
    let (mut patience, mut looked_after) = (LOOK_AFTER, Stopwatch::start());
    loop {
        let is_stopping = told.is_stopping.load(Ordering::Acquire);
        let has_some = holder.wait_some(if is_stopping { Duration::ZERO } else { TURN });
        if !has_some && is_stopping {
            return;
        }
        if !has_some && looked_after.elapsed() < patience {
            continue;
        }
        looked_after = Stopwatch::start();
        if let Some(before) = late_before
            && let Ok(late) = late_snapshots(outbox, before)
        {
            lock(&told.late).extend(late);
            late_before = None;
        }
        let outcome = if has_some { outbox.write_held() } else { outbox.look_after() };
        lock(&told.notes).extend(holder.take_set_aside());
        let trouble = match outcome {
            Ok(()) => None,
            // The incidents are kept and their latest state is queued as soon as there is room.
            Err(error @ OutboxError::Full { .. }) => Some(error.to_string()),
            Err(error) => {
                telemetry::OUTBOX_WRITE_ERRORS.of([]).increment(1);
                Some(format!("{error}; reports wait in memory, and are sent from there"))
            }
        };
        let is_refused = trouble.is_some() && holder.count().reports > 0;
        patience = if trouble.is_some() { AGAIN_AFTER } else { LOOK_AFTER };
        *lock(&told.trouble) = trouble;
        if is_refused {
            holder.wait_written(AGAIN_AFTER);
        }
    }
}

/// The incidents that were open when the agent last stopped, and what must be told of others.
fn open_snapshots(outbox: &mut Outbox, now: Timestamp) -> Result<Former, OutboxError> {
    let (mut snapshots, mut notes) = (Vec::new(), Vec::new());
    for stored in outbox.open_snapshots()? {
        match serde_json::from_str::<IncidentSnapshot>(&stored.snapshot) {
            Ok(snapshot) => snapshots.push(snapshot),
            Err(error) => {
                let what = format!(
                    "incident {} cannot be taken up again ({error}); it stays in the outbox as it was last reported",
                    stored.incident
                );
                notes.push(Happening::trouble(what, now));
                if let Err(error) = outbox.close_incident(&stored.incident) {
                    notes.push(Happening::trouble(error.to_string(), now));
                }
            }
        }
    }
    Ok(Former { snapshots, notes })
}

/// The incidents that began before this run and are open. What it began itself is in the engine already, or ended in it.
fn late_snapshots(outbox: &Outbox, before: Timestamp) -> Result<Vec<IncidentSnapshot>, OutboxError> {
    let read = outbox.open_snapshots()?.into_iter();
    let snapshots = read.filter_map(|stored| serde_json::from_str::<IncidentSnapshot>(&stored.snapshot).ok());
    let began = |snapshot: &IncidentSnapshot| snapshot.record().history.first().map(|step| step.at);
    Ok(snapshots.filter(|snapshot| began(snapshot).is_some_and(|at| at < before)).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use forewarn_domain::clock::UnknownCivilTime;
    use forewarn_domain::violation::{Language, Violation};
    use forewarn_domain::{BBox, Class, RuleHit, RuleKey, Sight, StreamId, SubjectId, ZoneId};
    use forewarn_incident::{IncidentInput, Incidents, Output, RulePolicy};
    use forewarn_report::{Cursor, Destination, Lane, OutboxLimits, OutboxSettings};
    use forewarn_wire::samples::{report, source};

    use super::*;

    /// Long enough for any machine.
    const LONG: Duration = Duration::from_secs(30);

    /// Long after what the tests tell of.
    fn now() -> Timestamp {
        Timestamp::from_secs_f64(1e9)
    }

    fn started(path: &Path) -> (OutboxWriter, Lane) {
        let upstreams = vec![Destination::required("city")];
        let settings = OutboxSettings { limits: OutboxLimits::default(), source: source(), upstreams };
        let outbox = Outbox::open(path, settings, now()).unwrap().outbox;
        let lane = outbox.lane("city");
        (OutboxWriter::start(outbox, now()).unwrap().0, lane)
    }

    fn write(writer: &mut OutboxWriter, n: u64) {
        writer.write(Batch(vec![(report(n, 1), Some("{}".to_owned()))]));
    }

    #[test]
    fn a_disk_that_refuses_holds_nobody_back_and_gets_everything_when_it_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, mut lane) = started(&dir.path().join("away/outbox.sqlite"));
        let watch = Stopwatch::start();
        (0..50).for_each(|n| write(&mut writer, n));
        assert!(watch.elapsed() < PATIENCE * 5, "once it is known that the disk refuses, nobody waits for it");
        assert!(writer.trouble().unwrap().contains("wait in memory"));
        assert_eq!(lane.pending_after(Cursor::default(), 100).len(), 50, "they are sent from memory");
        std::fs::create_dir(dir.path().join("away")).unwrap();
        assert!(writer.holder.wait_written(LONG));
        assert_eq!(lane.pending_after(Cursor::default(), 100).len(), 50, "they are sent from the disk");
        writer.finish().unwrap();
        assert_eq!(writer.trouble(), None);
    }

    /// The first report of an incident, and what is needed to go on with it.
    fn open_incident() -> (Report, String) {
        let text = include_str!("../../../pipelines/violations/loitering.toml");
        let violation: Violation = toml::from_str(text).unwrap();
        let key = RuleKey {
            stream: StreamId::new("gate").unwrap(),
            violation: violation.id.clone(),
            zone: ZoneId::new("frame").unwrap(),
        };
        let policy = RulePolicy {
            violation,
            speakers: Vec::new(),
            place: None,
            language: Language::En,
            quiet_hours: Vec::new(),
            case: None,
        };
        let policies = BTreeMap::from([(key.clone(), policy)]);
        let mut incidents = Incidents::new(policies, Arc::new(UnknownCivilTime));
        for n in 0..20 {
            let at = Timestamp::from_secs_f64(100.0 + f64::from(n) / 2.0);
            let hit = RuleHit {
                rule: key.clone(),
                subject: SubjectId(1),
                sight: Sight::Violating,
                class: Class::new("person"),
                track: None,
                count: 1,
                bbox: BBox::new(0.0, 0.0, 10.0, 20.0),
                at,
                findings: Vec::new(),
                fix: None,
            };
            incidents.handle_input(IncidentInput::Hit(hit), at);
        }
        let reports = std::iter::from_fn(|| incidents.poll_output()).filter_map(|output| match output {
            Output::Report(report) => Some(report),
            _ => None,
        });
        let report = reports.collect::<Vec<_>>().swap_remove(0);
        let snapshot = serde_json::to_string(&incidents.snapshot(&report.incident.id).unwrap()).unwrap();
        (report, snapshot)
    }

    #[test]
    fn what_was_open_before_is_taken_up_as_soon_as_the_disk_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let (data, away) = (dir.path().join("data"), dir.path().join("away"));
        let path = data.join("outbox.sqlite");
        std::fs::create_dir(&data).unwrap();
        let (report, snapshot) = open_incident();
        let (mut writer, _) = started(&path);
        writer.write(Batch(vec![(report.clone(), Some(snapshot))]));
        writer.finish().unwrap();
        drop(writer);
        std::fs::rename(&data, &away).unwrap();
        std::fs::write(&data, "in the way").unwrap();

        let (mut writer, _) = started(&path);
        write(&mut writer, 7);
        assert!(writer.take_late().is_empty());
        std::fs::remove_file(&data).unwrap();
        std::fs::rename(&away, &data).unwrap();
        assert!(writer.holder.wait_written(LONG));
        let (_keep, nothing) = sync_channel::<()>(1);
        let watch = Stopwatch::start();
        let late = std::iter::repeat_with(|| {
            let _ = nothing.recv_timeout(Duration::from_millis(20));
            writer.take_late()
        });
        let late: Vec<_> = late.take_while(|_| watch.elapsed() < LONG).find(|late| !late.is_empty()).unwrap();
        assert_eq!(late.iter().map(IncidentSnapshot::id).collect::<Vec<_>>(), [&report.incident.id]);
    }

    #[test]
    fn a_disk_that_stalls_holds_back_for_a_stated_time_and_that_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox.sqlite");
        let (mut writer, mut lane) = started(&path);
        let stall = rusqlite::Connection::open(&path).unwrap();
        stall.execute_batch("BEGIN IMMEDIATE").unwrap();
        let watch = Stopwatch::start();
        (0..50).for_each(|n| write(&mut writer, n));
        assert!(watch.elapsed() >= PATIENCE && watch.elapsed() < PATIENCE * 4, "{:?}", watch.elapsed());
        assert!(writer.trouble().unwrap().contains("more than 2 s"));
        assert_eq!(lane.pending_after(Cursor::default(), 100).len(), 50);
        stall.execute_batch("ROLLBACK").unwrap();
        assert!(writer.holder.wait_written(LONG));
        writer.finish().unwrap();
        assert_eq!((writer.trouble(), writer.holder.depth().messages), (None, 50));
    }
}
