//! A stage for scenarios: one camera, a clock that the test moves, and a transcript of what the machine says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use expect_test::Expect;
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::violation::Language;
use forewarn_domain::{
    AnnounceOutcome, Announcement, BBox, CivilTime, Class, FailureKind, IncidentId, LocalTime, Proof, Receipt, Report,
    RuleHit, RuleKey, Sight, SpeakerId, StreamId, SubjectId, Timestamp, TrackId, Violation, ViolationId, Weekday,
    ZoneId,
};
use forewarn_incident::{IncidentInput, IncidentSnapshot, Incidents, JournalEntry, Output, RulePolicy};

/// A violation file with the default times.
pub(crate) const PARKING: &str = r#"
id = "parking"
title = { en = "Illegal parking" }
subject = ["car"]
condition = { all = [] }
[warning]
text = { en = "No parking. Please move on." }
"#;

/// A stage at the kerb with a horn and a spare one.
pub(crate) fn parking() -> Stage {
    Stage::new(policy(violation(PARKING), &["horn", "spare"]))
}

/// Compares the transcript of a stage.
pub(crate) fn check(stage: Stage, expected: &Expect) {
    expected.assert_eq(&stage.transcript());
}

pub(crate) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(seconds)
}

pub(crate) fn violation(toml: &str) -> Violation {
    toml::from_str(toml).unwrap()
}

pub(crate) fn rule(violation: &str, zone: &str) -> RuleKey {
    RuleKey {
        stream: StreamId::new("gate").unwrap(),
        violation: ViolationId::new(violation).unwrap(),
        zone: ZoneId::new(zone).unwrap(),
    }
}

pub(crate) fn policy(violation: Violation, speakers: &[&str]) -> RulePolicy {
    RulePolicy {
        violation,
        speakers: speakers.iter().map(|name| SpeakerId::new(name).unwrap()).collect(),
        place: None,
        language: Language::En,
        quiet_hours: Vec::new(),
        case: None,
    }
}

pub(crate) fn hit(rule: &RuleKey, subject: u64, sight: Sight, seconds: f64) -> RuleHit {
    let x = subject as f32 * 100.0;
    RuleHit {
        rule: rule.clone(),
        subject: SubjectId(subject),
        sight,
        class: Class::new("car"),
        track: Some(TrackId(subject)),
        count: 1,
        bbox: BBox { x0: x, y0: 0.0, x1: x + 80.0, y1: 40.0 },
        at: at(seconds),
        findings: Vec::new(),
        fix: None,
    }
}

/// Civil time that starts on a Monday at midnight with the time line.
pub(crate) struct FromMonday;

impl CivilTime for FromMonday {
    fn local(&self, _time_zone: Option<&str>, at: Timestamp) -> Option<LocalTime> {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        let minutes = at.as_millis().div_euclid(60_000);
        let weekday = [Mon, Tue, Wed, Thu, Fri, Sat, Sun][minutes.div_euclid(1440).rem_euclid(7) as usize];
        Some(LocalTime { weekday, minute: minutes.rem_euclid(1440) as u16 })
    }
}

/// One camera with a rule `parking` in the zone `kerb`, two frames a second.
pub(crate) struct Stage {
    pub(crate) incidents: Incidents,
    pub(crate) rule: RuleKey,
    now: f64,
    transcript: String,
    pub(crate) announced: Vec<Announcement>,
    pub(crate) reports: Vec<Report>,
    /// Every call of the machine.
    pub(crate) journal: Vec<JournalEntry>,
    /// Speakers that never play anything.
    dead: BTreeSet<SpeakerId>,
    /// Seconds after which a live speaker proves playback; none if outcomes are told by the test.
    playback_s: Option<f64>,
    pending: Vec<(f64, IncidentInput)>,
}

impl Stage {
    pub(crate) fn new(policy: RulePolicy) -> Self {
        Self::with(BTreeMap::from([(rule("parking", "kerb"), policy)]), Arc::new(UnknownCivilTime))
    }

    pub(crate) fn with(rules: BTreeMap<RuleKey, RulePolicy>, civil: Arc<dyn CivilTime>) -> Self {
        Self {
            incidents: Incidents::new(rules, civil),
            rule: rule("parking", "kerb"),
            now: 0.0,
            transcript: String::new(),
            announced: Vec::new(),
            reports: Vec::new(),
            journal: Vec::new(),
            dead: BTreeSet::new(),
            playback_s: Some(3.0),
            pending: Vec::new(),
        }
    }

    /// Begins at another time than 0.
    pub(crate) fn starting_at(mut self, seconds: f64) -> Self {
        self.now = seconds;
        self
    }

    /// Makes a speaker fail after a second.
    pub(crate) fn dead_speaker(mut self, name: &str) -> Self {
        self.dead.insert(SpeakerId::new(name).unwrap());
        self
    }

    /// Leaves it to the test to tell outcomes.
    pub(crate) fn silent_speakers(mut self) -> Self {
        self.playback_s = None;
        self
    }

    pub(crate) fn now(&self) -> f64 {
        self.now
    }

    /// Lets time pass without a frame.
    pub(crate) fn wait(&mut self, seconds: f64) {
        self.run_until(self.now + seconds);
    }

    /// Shows subject 1 like this for so long, two frames a second.
    pub(crate) fn show(&mut self, sight: Sight, seconds: f64) {
        self.show_all(&[(1, sight)], seconds);
    }

    pub(crate) fn show_all(&mut self, subjects: &[(u64, Sight)], seconds: f64) {
        for _ in 0..(seconds * 2.0).round() as u32 {
            self.run_until(self.now + 0.5);
            for &(subject, sight) in subjects {
                let hit = hit(&self.rule, subject, sight, self.now);
                self.input(IncidentInput::Hit(hit));
            }
        }
    }

    pub(crate) fn input(&mut self, input: IncidentInput) {
        self.replay(JournalEntry { now: at(self.now), input: Some(input) });
    }

    pub(crate) fn outcome(&mut self, announcement: usize, was_played: bool) {
        let id = self.announced[announcement].id;
        self.input(IncidentInput::Announced { id, outcome: outcome(was_played) });
    }

    pub(crate) fn interrupt(&mut self) {
        self.input(IncidentInput::StreamInterrupted { stream: self.rule.stream.clone() });
    }

    pub(crate) fn resume(&mut self) {
        self.input(IncidentInput::StreamResumed { stream: self.rule.stream.clone() });
    }

    /// Ends the process and starts another one with what was stored; announcements in the air are forgotten.
    pub(crate) fn restart(&mut self, mut fresh: Incidents, down_s: f64) {
        let ids: Vec<IncidentId> = self.incidents.open_incidents().map(|record| record.id.clone()).collect();
        let stored: Vec<String> =
            ids.iter().map(|id| serde_json::to_string(&self.incidents.snapshot(id).unwrap()).unwrap()).collect();
        self.pending.clear();
        self.now += down_s;
        let snapshots: Vec<IncidentSnapshot> = stored.iter().map(|s| serde_json::from_str(s).unwrap()).collect();
        fresh.restore(snapshots, at(self.now));
        self.incidents = fresh;
        let _infallible = writeln!(self.transcript, "{:<7.1} restart", self.now);
        self.drain();
    }

    pub(crate) fn transcript(self) -> String {
        self.transcript
    }

    fn replay(&mut self, entry: JournalEntry) {
        self.journal.push(entry.clone());
        self.incidents.replay(entry);
        self.drain();
    }

    fn run_until(&mut self, until: f64) {
        loop {
            let timeout = self.incidents.poll_timeout().map(|(due, _)| due.as_secs_f64().max(self.now));
            let outcome = self.pending.iter().map(|(due, _)| *due).fold(f64::INFINITY, f64::min);
            let next = timeout.unwrap_or(f64::INFINITY).min(outcome);
            if next > until {
                break;
            }
            self.now = next;
            if outcome <= next {
                let index = self.pending.iter().position(|(due, _)| *due <= next).unwrap();
                let (_, input) = self.pending.remove(index);
                self.input(input);
            } else {
                self.replay(JournalEntry { now: at(next), input: None });
            }
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.incidents.poll_output() {
            let line = Self::describe(&output);
            let _infallible = writeln!(self.transcript, "{:<7.1} {line}", self.now);
            match output {
                Output::Report(report) => self.reports.push(report),
                Output::Announce(announcement) => {
                    let is_dead = self.dead.contains(&announcement.speaker);
                    if let Some(playback_s) = self.playback_s {
                        let due = self.now + if is_dead { 1.0 } else { playback_s };
                        let input = IncidentInput::Announced { id: announcement.id, outcome: outcome(!is_dead) };
                        self.pending.push((due, input));
                    }
                    self.announced.push(announcement);
                }
                Output::Capture(_) | Output::Dismissed(_) => {}
            }
        }
    }

    fn describe(output: &Output) -> String {
        match output {
            Output::Report(report) => {
                let last = report.incident.history.last().unwrap();
                format!("{} #{} {} ({})", report.incident.subject.count, report.sequence, last.state, last.cause)
                    .replacen("1 #", "#", 1)
            }
            Output::Capture(request) => {
                let clip = request.clip.map_or(String::new(), |clip| {
                    format!(", clip {:.1}..{:.1}", clip.from.as_secs_f64(), clip.to.as_secs_f64())
                });
                format!("   capture {}{clip}", request.moment)
            }
            Output::Announce(announcement) => {
                format!("   announce #{} on {}", announcement.attempt, announcement.speaker)
            }
            Output::Dismissed(dismissed) => format!("dismissed, suspected at {}", dismissed.suspected_at),
        }
    }
}

fn outcome(was_played: bool) -> AnnounceOutcome {
    if was_played {
        AnnounceOutcome::Played { duration: Duration::from_secs(3), proof: Proof::Assumed, receipt: Receipt::default() }
    } else {
        AnnounceOutcome::Failed { kind: FailureKind::Unreachable, reason: "no answer".to_owned() }
    }
}
