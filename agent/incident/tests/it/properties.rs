//! What holds whatever comes in: random inputs in random order, late, twice, for nobody, with clocks set back and
//! restarts at any point. A model of what the outer world knows checks every output.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, CaseCommand, CaseStage, Cause, FailureKind, IncidentId,
    IncidentState, Moment, Proof, Receipt, Report, RuleKey, Sight, StreamId, Timestamp, Tried, ZoneId,
};
use forewarn_incident::{Edge, IncidentInput, IncidentSnapshot, Incidents, Output, RulePolicy, TABLE};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{FromMonday, PARKING, at, hit, policy, rule, violation};

/// Times of a violation in whole seconds, small so that everything happens often.
#[derive(Debug, Clone)]
struct Times {
    confirm: (u8, u8, u8),
    warning: (u8, u8, u8),
    observe: (u8, u8, u8, u8, u8),
    speakers: usize,
    has_quiet_hours: bool,
    /// Of the one violation, where the other has 1.
    urgency: u8,
}

/// What becomes of an announcement.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Played,
    Failed,
    Cut,
}

#[derive(Debug, Clone)]
enum Step {
    /// A frame of which the machine hears `delay_ms` after it was taken (or before, if negative).
    Hit {
        rule: usize,
        subject: u64,
        sight: Sight,
        delay_ms: i64,
    },
    /// Several frames in a row that show one subject, or both, in the same way.
    Show {
        rule: usize,
        subjects: &'static [u64],
        sight: Sight,
        frames: u8,
    },
    /// The outcome of the announcement that was made so many announcements ago.
    Outcome {
        ago: usize,
        fate: Fate,
    },
    /// The outcome of an announcement that was perhaps never made.
    OutcomeOf {
        id: u64,
        fate: Fate,
    },
    /// Somebody wants people to be told of an incident, of those that are known.
    HandOver {
        which: usize,
    },
    Interrupt,
    Resume,
    /// Time passes and the machine is called when it asks to be.
    Wait {
        ms: u32,
    },
    /// Time passes and the machine is called once, late.
    Oversleep {
        ms: u32,
    },
    /// The clock is set back.
    SetBack {
        ms: u32,
    },
    /// `kill -9`, and another process with this many speakers.
    Restart {
        speakers: usize,
    },
}

fn times() -> impl Strategy<Value = Times> {
    let confirm = (0..3_u8, 0..3_u8, 0..4_u8);
    let warning = (0..4_u8, 0..8_u8, 0..12_u8);
    let observe = (0..8_u8, 0..4_u8, 0..4_u8, 1..20_u8, 0..4_u8);
    (confirm, warning, observe, 0..4_usize, any::<bool>(), 0..3_u8).prop_map(
        |(confirm, warning, observe, speakers, has_quiet_hours, urgency)| Times {
            confirm,
            warning,
            observe,
            speakers,
            has_quiet_hours,
            urgency,
        },
    )
}

fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![
        5 => Just(Sight::Violating),
        2 => Just(Sight::Compliant),
        2 => Just(Sight::Absent),
        1 => Just(Sight::Occluded),
        2 => Just(Sight::Over),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![3 => Just(Fate::Played), 2 => Just(Fate::Failed), 1 => Just(Fate::Cut)]
}

fn step() -> impl Strategy<Value = Step> {
    let rule = || 0..RULES.len();
    prop_oneof![
        4 => (rule(), 1..3_u64, sight(), -2000..4000_i64)
            .prop_map(|(rule, subject, sight, delay_ms)| Step::Hit { rule, subject, sight, delay_ms }),
        8 => (rule(), 0..SUBJECTS.len(), sight(), 1..12_u8)
            .prop_map(|(rule, i, sight, frames)| Step::Show { rule, subjects: SUBJECTS[i], sight, frames }),
        6 => (0..4_usize, fate()).prop_map(|(ago, fate)| Step::Outcome { ago, fate }),
        1 => (0..40_u64, fate()).prop_map(|(id, fate)| Step::OutcomeOf { id, fate }),
        1 => (0..12_usize).prop_map(|which| Step::HandOver { which }),
        1 => Just(Step::Interrupt),
        1 => Just(Step::Resume),
        5 => (0..12_000_u32).prop_map(|ms| Step::Wait { ms }),
        2 => (0..30_000_u32).prop_map(|ms| Step::Oversleep { ms }),
        1 => (0..3000_u32).prop_map(|ms| Step::SetBack { ms }),
        1 => (0..4_usize).prop_map(|speakers| Step::Restart { speakers }),
    ]
}

const SUBJECTS: [&[u64]; 3] = [&[1], &[2], &[1, 2]];

const RULES: [(&str, &str); 3] = [("parking", "kerb"), ("loitering", "kerb"), ("parking", "drive")];

fn policies(times: &Times, speakers: usize) -> BTreeMap<RuleKey, RulePolicy> {
    let one = |name: &str| {
        let mut violation = violation(&PARKING.replace("\"parking\"", &format!("\"{name}\"")));
        let seconds = |value: u8| f64::from(value);
        violation.confirm.for_s = seconds(times.confirm.0);
        violation.confirm.hits = u32::from(times.confirm.1);
        violation.confirm.forgive_s = seconds(times.confirm.2);
        let warning = violation.warning.as_mut().unwrap();
        warning.times = u32::from(times.warning.0);
        warning.timeout_s = seconds(times.warning.1);
        // The two violations of a zone have different cool-downs, and one is the more urgent at times.
        warning.urgency = if name == "loitering" { times.urgency } else { 1 };
        warning.cool_down_s = seconds(times.warning.2) + if name == "loitering" { 2.5 } else { 0.0 };
        violation.observe.for_s = seconds(times.observe.0);
        violation.observe.complied_after_s = seconds(times.observe.1);
        violation.observe.gone_after_s = seconds(times.observe.2);
        violation.observe.lost_after_s = seconds(times.observe.3);
        violation.observe.close_after_s = seconds(times.observe.4);
        let mut policy = policy(violation, &["horn", "spare", "last"][..speakers.min(3)]);
        if times.has_quiet_hours {
            policy.quiet_hours = vec![toml::from_str("from = '00:01'\nto = '00:02'").unwrap()];
        }
        policy
    };
    RULES.iter().map(|(violation, zone)| (rule(violation, zone), one(violation))).collect()
}

/// What the world knows of one announcement.
struct Said {
    announcement: Announcement,
    zone: (StreamId, ZoneId),
    cool_down: Duration,
    has_outcome: bool,
    /// It was made before a restart.
    is_past: bool,
}

/// Feeds the machine and checks what it says.
struct World {
    times: Times,
    incidents: Incidents,
    now: Timestamp,
    /// The latest time that the machine was told.
    latest: Timestamp,
    said: Vec<Said>,
    /// Until when, and how urgent is what waits for it.
    silent_until: BTreeMap<(StreamId, ZoneId), (Timestamp, u8)>,
    /// The latest report of each incident.
    reports: BTreeMap<IncidentId, Report>,
    /// Played announcements of each incident.
    played: BTreeMap<IncidentId, BTreeSet<AnnouncementId>>,
    captures: BTreeMap<IncidentId, Vec<Moment>>,
}

impl World {
    fn new(times: Times) -> Self {
        let incidents = Incidents::new(policies(&times, times.speakers), Arc::new(FromMonday));
        let mut world = Self {
            times,
            incidents,
            now: at(30.0),
            latest: at(30.0),
            said: Vec::new(),
            silent_until: BTreeMap::new(),
            reports: BTreeMap::new(),
            played: BTreeMap::new(),
            captures: BTreeMap::new(),
        };
        world.timeout();
        world
    }

    fn take(&mut self, step: &Step) {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        match *step {
            Step::Hit { rule: index, subject, sight, delay_ms } => {
                let taken = self.now.as_secs_f64() - delay_ms as f64 / 1e3;
                self.show(index, subject, sight, taken);
            }
            Step::Show { rule: index, subjects, sight, frames } => {
                for _ in 0..frames {
                    self.wait(Duration::from_millis(400));
                    for &subject in subjects {
                        self.show(index, subject, sight, self.now.as_secs_f64());
                    }
                }
            }
            Step::Outcome { ago, fate } => {
                if let Some(said) = self.said.iter().rev().nth(ago) {
                    self.tell_outcome(said.announcement.id, fate);
                }
            }
            Step::OutcomeOf { id, fate } => self.tell_outcome(AnnouncementId(id), fate),
            Step::HandOver { which } => self.hand_over(which),
            Step::Interrupt => self.input(IncidentInput::StreamInterrupted { stream: gate() }),
            Step::Resume => self.input(IncidentInput::StreamResumed { stream: gate() }),
            Step::Wait { ms: span } => self.wait(ms(span)),
            Step::Oversleep { ms: span } => {
                self.now = self.now + ms(span);
                self.wait(Duration::ZERO);
            }
            Step::SetBack { ms: span } => self.now = self.now - ms(span),
            Step::Restart { speakers } => self.restart(speakers),
        }
    }

    fn show(&mut self, index: usize, subject: u64, sight: Sight, taken_s: f64) {
        let (violation, zone) = RULES[index];
        self.input(IncidentInput::Hit(hit(&rule(violation, zone), subject, sight, taken_s)));
    }

    /// Is refused where it has ended or is left to people already.
    fn hand_over(&mut self, which: usize) {
        // The few that wait for their next warning first.
        let mut known: Vec<&Report> = self.reports.values().rev().collect();
        known.sort_by_key(|report| report.incident.state != IncidentState::Persisted);
        let Some(incident) = known.get(which).map(|report| report.incident.id.clone()) else { return };
        let command = CaseCommand { incident, stage: CaseStage::Sent, by: "ann".to_owned(), note: String::new() };
        self.latest = self.latest.max(self.now);
        let _ = self.incidents.case(&command, self.now);
        self.drain();
    }

    fn tell_outcome(&mut self, id: AnnouncementId, fate: Fate) {
        let was_played = fate == Fate::Played;
        let now = self.latest.max(self.now);
        if let Some(said) = self.said.iter_mut().find(|said| said.announcement.id == id && !said.has_outcome) {
            said.has_outcome = true;
            let incident = &said.announcement.incident;
            let is_open = self.reports.get(incident).is_some_and(|r| r.incident.state != IncidentState::Closed);
            if was_played && is_open {
                self.played.entry(incident.clone()).or_default().insert(id);
            }
            if was_played && (is_open || (now < said.announcement.deadline && !said.is_past)) {
                let urgency = said.announcement.urgency;
                let silence = self.silent_until.entry(said.zone.clone()).or_insert((now, urgency));
                let most = if silence.0 > now { silence.1.max(urgency) } else { urgency };
                *silence = (silence.0.max(now + said.cool_down), most);
            }
        }
        let kind = if fate == Fate::Cut { FailureKind::Cut } else { FailureKind::Broken };
        let outcome = if was_played {
            AnnounceOutcome::Played {
                duration: Duration::from_secs(2),
                proof: Proof::Sent,
                receipt: Receipt::default(),
            }
        } else {
            AnnounceOutcome::Failed { kind, reason: "test".to_owned() }
        };
        self.input(IncidentInput::Announced { id, outcome });
    }

    fn input(&mut self, input: IncidentInput) {
        self.latest = self.latest.max(self.now);
        self.incidents.handle_input(input, self.now);
        self.drain();
    }

    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        for _ in 0..1000 {
            let Some((due, _)) = self.incidents.poll_timeout().filter(|(due, _)| *due <= until) else { break };
            self.now = self.now.max(due);
            self.timeout();
        }
        self.now = until;
        self.timeout();
    }

    fn timeout(&mut self) {
        self.latest = self.latest.max(self.now);
        self.incidents.handle_timeout(self.now);
        self.drain();
        if let Some((due, reason)) = self.incidents.poll_timeout() {
            assert!(due > self.latest, "busy loop: {reason} is due at {due}, now is {}", self.latest);
        }
    }

    fn restart(&mut self, speakers: usize) {
        let ids: Vec<IncidentId> = self.incidents.open_incidents().map(|record| record.id.clone()).collect();
        let snapshots: Vec<IncidentSnapshot> = ids
            .iter()
            .map(|id| {
                let snapshot = self.incidents.snapshot(id).unwrap();
                let stored = serde_json::to_string(&snapshot).unwrap();
                let loaded: IncidentSnapshot = serde_json::from_str(&stored).unwrap();
                assert_eq!(loaded, snapshot);
                loaded
            })
            .collect();
        let zones: BTreeSet<_> =
            snapshots.iter().map(|s| (s.record().rule.stream.clone(), s.record().rule.zone.clone())).collect();
        // What was said for incidents that are closed is not kept, and one in the air does not block its zone.
        self.silent_until.retain(|zone, _| zones.contains(zone));
        self.said.retain(|said| ids.contains(&said.announcement.incident));
        self.said.iter_mut().for_each(|said| said.is_past = true);
        self.incidents = Incidents::new(policies(&self.times, speakers), Arc::new(FromMonday));
        self.now = self.latest;
        self.incidents.restore(snapshots, self.now);
        self.drain();
        let restored: Vec<IncidentId> = self.incidents.open_incidents().map(|record| record.id.clone()).collect();
        assert_eq!(restored, ids);
    }

    /// Lets time pass without inputs until nothing is open.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            let Some((due, _)) = self.incidents.poll_timeout() else { break };
            self.now = self.now.max(due);
            self.timeout();
        }
        assert_eq!(self.incidents.records().count(), 0, "still open: {:?}", self.incidents);
        for (id, report) in &self.reports {
            assert_eq!(report.incident.state, IncidentState::Closed, "{id} was lost");
            let captures = &self.captures[id];
            let count = |moment| captures.iter().filter(|m| **m == moment).count();
            assert_eq!((count(Moment::Confirmed), count(Moment::Ended)), (1, 1), "{id}: {captures:?}");
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.incidents.poll_output() {
            match output {
                // The steps of cases have promises of their own.
                Output::Report(report) if report.is_of_case() => {}
                Output::Report(report) => self.check_report(report),
                Output::Announce(announcement) => self.check_announcement(announcement),
                Output::Capture(request) => {
                    assert!(request.clip.is_none_or(|clip| clip.from <= clip.to));
                    assert_eq!(self.reports[&request.incident.id].at, request.at);
                    self.captures.entry(request.incident.id).or_default().push(request.moment);
                }
                Output::Dismissed(dismissed) => assert!(dismissed.at >= dismissed.suspected_at),
            }
        }
    }

    fn check_report(&mut self, report: Report) {
        let (id, history) = (&report.incident.id, &report.incident.history);
        let last = history.last().unwrap();
        assert_eq!(report.sequence as usize, history.len() - 1);
        assert_eq!((report.incident.state, report.at), (last.state, last.at));
        match self.reports.get(id) {
            None => assert_eq!(report.sequence, 1, "{id} has a gap"),
            Some(before) => {
                assert_eq!(report.sequence, before.sequence + 1, "{id} has a gap");
                assert!(history.starts_with(&before.incident.history), "{id} has another past");
            }
        }
        let mut from = None;
        for step in history {
            let edge = Edge { from, to: step.state, cause: step.cause };
            assert!(TABLE.contains(&edge), "{edge:?} is not in the table");
            from = Some(step.state);
        }
        assert!(history.windows(2).all(|pair| pair[0].at <= pair[1].at), "{id} runs backwards");
        let escalations = history.iter().filter(|step| step.state == IncidentState::Escalated).count();
        assert!(escalations <= 1, "{id} was escalated twice");
        for step in history {
            let (last, before) = step.tried.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
            let is_heard = step.cause == Cause::PlaybackProven;
            assert_eq!(
                last.is_some_and(Tried::is_heard),
                is_heard,
                "{id} tells of no speaker that was heard: {step:?}"
            );
            assert!(!before.iter().any(Tried::is_heard), "{id} goes on although it was heard: {step:?}");
        }
        let n_sent = history.iter().filter(|step| step.state == IncidentState::Warned).count();
        let n_failed = history.iter().flat_map(|step| &step.tried).filter(|tried| !tried.is_heard()).count();
        assert!(n_failed <= n_sent, "{id} tells of more failures than it tried speakers");
        let played = self.played.get(id).map_or(0, BTreeSet::len);
        if last.cause == Cause::PlaybackProven {
            assert!(played > 0 && report.incident.warnings_played > 0, "{id} was observed without a warning");
        }
        assert!(report.incident.warnings_played as usize <= played);
        self.reports.insert(id.clone(), report);
    }

    fn check_announcement(&mut self, announcement: Announcement) {
        let incident = &self.reports[&announcement.incident].incident;
        assert_eq!(incident.state, IncidentState::Warned, "announced in the wrong state");
        let policy = &policies(&self.times, 3)[&incident.rule];
        let is_quiet = policy.quiet_hours.iter().any(|q| q.holds_at(self.latest, &FromMonday) == Some(true));
        assert!(!is_quiet, "announced in quiet hours, at {}", self.latest);
        let warning = policy.violation.warning.as_ref().unwrap();
        assert!((1..=warning.times).contains(&announcement.attempt));
        assert!(self.said.iter().all(|said| said.announcement.id < announcement.id), "a number was given twice");
        let zone = (incident.rule.stream.clone(), incident.rule.zone.clone());
        let urgency = announcement.urgency;
        assert_eq!(urgency, warning.urgency);
        for said in self.said.iter().filter(|said| said.zone == zone && !said.has_outcome && !said.is_past) {
            let is_less = said.announcement.urgency < urgency;
            assert!(is_less || said.announcement.deadline <= self.latest, "two announcements at once");
        }
        if let Some((silent_until, most)) = self.silent_until.get(&zone) {
            let is_over = *silent_until <= self.latest;
            assert!(is_over || *most < urgency, "announced at {} in a cool-down to {silent_until}", self.latest);
        }
        // A warning that is cut comes back three times at most, also to each of its loudspeakers once.
        let of_warning = self
            .said
            .iter()
            .map(|said| &said.announcement)
            .filter(|said| (&said.incident, said.attempt) == (&announcement.incident, announcement.attempt));
        let most = policy.speakers.len() + 3;
        let n_past = self.said.iter().filter(|said| said.is_past).count();
        assert!(of_warning.count() < most + n_past * most, "a warning is said again and again");
        let cool_down = Duration::from_secs_f64(warning.cool_down_s);
        self.said.push(Said { announcement, zone, cool_down, has_outcome: false, is_past: false });
    }
}

fn gate() -> StreamId {
    rule("parking", "kerb").stream
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_the_promises_hold(times in times(), steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(times);
        for step in &steps {
            world.take(step);
        }
        world.finish();
    }
}

/// The promises above mean little if the random steps never get anywhere: they reach every transition there is.
#[test]
fn random_steps_reach_every_edge_of_the_table() {
    let mut runner = TestRunner::deterministic();
    let strategy = (times(), prop::collection::vec(step(), 1..60));
    let mut reached = Vec::new();
    for _ in 0..9000 {
        let (times, steps) = strategy.new_tree(&mut runner).unwrap().current();
        let mut world = World::new(times);
        for step in &steps {
            world.take(step);
        }
        world.finish();
        for report in world.reports.values() {
            let mut from = None;
            for step in &report.incident.history {
                reached.push(Edge { from, to: step.state, cause: step.cause });
                from = Some(step.state);
            }
        }
    }
    let is_reported = |edge: &&Edge| edge.cause != Cause::NotConfirmed;
    let missed: Vec<_> = TABLE.iter().filter(is_reported).filter(|edge| !reached.contains(edge)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}
