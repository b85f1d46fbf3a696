//! A kind of upstream of our own: all that an adapter has to say, in one file.
//!
//! It appends a line to a file for each report and answers by itself.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_domain::{Clock, SystemClock};
use forewarn_report::upstream::{Adapter, Broken, Inward, Note, Outward, Pace, Upstream};
use forewarn_report::{QueuedReport, ReportState};
use forewarn_wire::EventSource;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::support::{drained, eventually, outbox, report, start};

/// Its settings.
#[derive(Debug, Clone)]
struct Journal {
    path: PathBuf,
    /// It takes what is written and answers nothing.
    is_mute: Arc<AtomicBool>,
}

impl Journal {
    fn at(path: PathBuf) -> Self {
        Self { path, is_mute: Arc::default() }
    }
}

/// What it says: two lines a report, so that one of them alone is no acknowledgement.
#[derive(Default)]
struct Lines {
    to_write: VecDeque<(i64, String)>,
    half_written: Option<i64>,
}

impl Upstream for Lines {
    type Message = (i64, String);
    type Answer = i64;

    fn handle_report(&mut self, report: &QueuedReport) {
        let state = report.report.incident.state;
        self.to_write.extend([(report.seq, report.id()), (report.seq, state.to_string())]);
    }

    fn handle_answer(&mut self, seq: i64) -> Note {
        match self.half_written.take() {
            _ if seq < 0 => Note::Left,
            _ if seq == 0 => Note::Ready,
            Some(half) if half == seq => Note::Acknowledged(seq),
            _ => {
                self.half_written = Some(seq);
                Note::Nothing
            }
        }
    }

    fn handle_stop(&mut self) {
        self.to_write.push_back((-1, "the end".to_owned()));
    }

    fn poll_message(&mut self) -> Option<(i64, String)> {
        self.to_write.pop_front()
    }
}

struct Pen {
    file: Option<File>,
    written: Sender<i64>,
    is_mute: Arc<AtomicBool>,
}

impl Outward<(i64, String)> for Pen {
    fn send(&mut self, (seq, line): (i64, String)) -> Result<(), Broken> {
        let broken = |what: &str| Broken(what.to_owned());
        let file = self.file.as_mut().ok_or_else(|| broken("there is no file"))?;
        writeln!(file, "{line}").map_err(|error| Broken(error.to_string()))?;
        if self.is_mute.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.written.try_send(seq).map_err(|_| broken("more lines than the window allows"))
    }
}

struct Eye {
    written: Receiver<i64>,
    is_there: bool,
}

impl Inward<i64> for Eye {
    async fn next(&mut self) -> Result<i64, Broken> {
        if !self.is_there {
            return Err(Broken("the file cannot be opened".to_owned()));
        }
        self.written.recv().await.ok_or_else(|| Broken("the pen is gone".to_owned()))
    }
}

impl Adapter for Journal {
    type Upstream = Lines;
    type Outward = Pen;
    type Inward = Eye;

    fn peer(&self) -> String {
        self.path.display().to_string()
    }

    fn pace(&self) -> Pace {
        Pace {
            answer_within: Duration::from_millis(200),
            max_in_flight: 4,
            reconnect: BackoffLimits {
                first: Duration::from_millis(5),
                longest: Duration::from_millis(50),
                jitter: 0.0,
            },
            max_per_minute: None,
        }
    }

    fn connect(&self, _: &EventSource, _: &Arc<dyn Clock>) -> (Lines, Pen, Eye) {
        let file = File::options().append(true).create(true).open(&self.path).ok();
        let (sender, written) = channel(16);
        // It is there at once.
        sender.try_send(0).unwrap();
        let is_there = file.is_some();
        (Lines::default(), Pen { file, written: sender, is_mute: Arc::clone(&self.is_mute) }, Eye { written, is_there })
    }
}

#[test]
fn an_adapter_of_another_kind_needs_nothing_but_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(dir.path());
    for n in 0..10 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    let folder = dir.path().join("later");
    let journal = Journal::at(folder.join("journal"));
    let handle = start("mqtt", &journal, &outbox);
    eventually("two attempts have failed", || handle.stats().failures >= 2);
    let stats = handle.stats();
    assert_eq!((stats.connections, stats.depth_messages), (0, 10));
    assert_eq!(stats.oldest_unacknowledged_at, Some(report(0, 1).at));
    std::fs::create_dir(&folder).unwrap();
    let stats = drained(&handle);
    assert_eq!((stats.acknowledged, stats.connections, stats.oldest_unacknowledged_at), (10, 1, None));
    let stats = handle.stop(Duration::from_secs(10));
    assert_eq!(stats.sent, 10);
    let lines: Vec<String> = std::fs::read_to_string(&journal.path).unwrap().lines().map(str::to_owned).collect();
    let expected: Vec<String> = (0..10)
        .flat_map(|n| [format!("{}/1", report(n, 1).incident.id), "confirmed".to_owned()])
        .chain(["the end".to_owned()])
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(outbox.report_state(&report(9, 1).incident.id).unwrap(), ReportState::Acknowledged);
}

#[test]
fn a_recipient_that_takes_everything_and_answers_nothing_is_told_and_tried_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(dir.path());
    let journal = Journal::at(dir.path().join("journal"));
    journal.is_mute.store(true, Ordering::SeqCst);
    let handle = start("mqtt", &journal, &outbox);
    eventually("it is connected", || handle.stats().connections == 1);
    let now = || SystemClock.now();
    assert_eq!(handle.stats().trouble(now() + Duration::from_hours(1)), None, "it owes nothing");
    outbox.record(&report(0, 1), None).unwrap();
    eventually("the connection is made anew, and again", || handle.stats().connections >= 3);
    let stats = handle.stats();
    let trouble = stats.trouble(now() + Duration::from_secs(1)).unwrap();
    assert!(trouble.contains("has acknowledged none"), "{trouble}");
    assert_eq!((stats.depth_messages, stats.acknowledged), (1, 0), "nothing is lost");

    journal.is_mute.store(false, Ordering::SeqCst);
    let stats = drained(&handle);
    assert_eq!((stats.acknowledged, stats.unanswered_since), (1, None));
    eventually("all is well", || handle.stats().trouble(now() + Duration::from_hours(1)).is_none());
}
