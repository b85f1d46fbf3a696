//! All incidents of the agent: finds the incident that an input concerns, and tells when time has something to say.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    AnnounceOutcome, AnnouncementId, CivilTime, IncidentId, IncidentRecord, RuleHit, RuleKey, Sight, StreamId,
    SubjectId, Timestamp, ZoneId,
};

use crate::interface::{IncidentInput, JournalEntry, Output, TimeoutReason};
use crate::machine::{Context, Machine};
use crate::policy::RulePolicy;
use crate::snapshot::IncidentSnapshot;
use crate::voice::Voice;

mod cases;
mod silences;

pub use silences::SilenceRefusal;

/// For so long after an incident is closed, frames that come late cannot open it again.
const REMEMBER_CLOSED: Duration = Duration::from_mins(1);

/// Inputs that changed nothing, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ignored {
    /// Hits of a rule that is not watched for.
    pub unknown_rule: u64,
    /// Hits of a frame that is not newer than the subject's latest.
    pub late: u64,
    /// Outcomes of announcements that are settled, or were never made.
    pub unknown_announcement: u64,
    /// Steps of cases that could not be taken.
    pub refused_case: u64,
    /// Silences of what is not watched.
    pub refused_silence: u64,
    /// Cases that were given up because too many were open.
    pub given_up_cases: u64,
}

/// An incident that was closed a moment ago.
#[derive(Debug, Clone)]
struct Tombstone {
    id: IncidentId,
    suspected_at: Timestamp,
    newest_frame_at: Option<Timestamp>,
    forget_at: Timestamp,
}

/// All incidents of the agent.
///
/// After each `handle_*` the caller drains [`Incidents::poll_output`]; the outputs of one call are as many as the
/// transitions of that call ask for, and none is ever dropped.
pub struct Incidents {
    world: World,
    /// By the order in which they began.
    machines: BTreeMap<u64, Machine>,
    /// Closed incidents whose case goes on, by the same order.
    cases: BTreeMap<u64, Machine>,
    begun: u64,
    by_subject: BTreeMap<(RuleKey, SubjectId), u64>,
    closed: BTreeMap<(RuleKey, SubjectId), Tombstone>,
    ignored: Ignored,
}

/// What the incidents have in common.
struct World {
    rules: BTreeMap<RuleKey, RulePolicy>,
    /// Policies of incidents from before a restart whose rule is not watched for any more.
    retired: BTreeMap<RuleKey, RulePolicy>,
    civil: Arc<dyn CivilTime>,
    /// The latest `now`, on a time line that only grows.
    now: Timestamp,
    clock: ClockReading,
    voices: BTreeMap<(StreamId, ZoneId), Voice>,
    interrupted: BTreeSet<StreamId>,
    /// Where somebody wants nothing to be announced, and until when; in a whole stream where no zone is named.
    silences: BTreeMap<(StreamId, Option<ZoneId>), Timestamp>,
    latest_announcement: AnnouncementId,
    outputs: VecDeque<Output>,
}

impl World {
    fn policy(&self, rule: &RuleKey) -> Option<&RulePolicy> {
        self.rules.get(rule).or_else(|| self.retired.get(rule))
    }

    /// What an incident of `rule` is handed for a call about something that happened at `at`.
    fn context(&mut self, rule: &RuleKey, at: Timestamp) -> Option<Context<'_>> {
        Some(Context {
            now: self.now,
            at,
            policy: self.rules.get(rule).or_else(|| self.retired.get(rule))?,
            civil: &*self.civil,
            voice: self.voices.entry(zone_of(rule)).or_default(),
            clock: self.clock,
            is_interrupted: self.interrupted.contains(&rule.stream),
            is_silenced: silences::holds(&self.silences, rule, self.now),
            latest_announcement: &mut self.latest_announcement,
            outputs: &mut self.outputs,
        })
    }
}

impl fmt::Debug for Incidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incidents")
            .field("now", &self.world.now)
            .field("machines", &self.machines)
            .finish_non_exhaustive()
    }
}

impl Incidents {
    /// A machine without incidents, for these rules.
    pub fn new(rules: BTreeMap<RuleKey, RulePolicy>, civil: Arc<dyn CivilTime>) -> Self {
        let world = World {
            rules,
            retired: BTreeMap::new(),
            civil,
            now: Timestamp::from_micros(i64::MIN),
            clock: ClockReading::default(),
            voices: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            silences: BTreeMap::new(),
            latest_announcement: AnnouncementId(0),
            outputs: VecDeque::new(),
        };
        Self {
            world,
            machines: BTreeMap::new(),
            cases: BTreeMap::new(),
            begun: 0,
            by_subject: BTreeMap::new(),
            closed: BTreeMap::new(),
            ignored: Ignored::default(),
        }
    }

    /// Takes in one input at `now`.
    pub fn handle_input(&mut self, input: IncidentInput, now: Timestamp) {
        self.advance(now);
        match input {
            IncidentInput::Hit(hit) => self.handle_hit(&hit),
            IncidentInput::StreamInterrupted { stream } => {
                self.interrupt(&stream);
                self.world.interrupted.insert(stream);
            }
            IncidentInput::StreamResumed { stream } => {
                self.interrupt(&stream);
                self.world.interrupted.remove(&stream);
            }
            IncidentInput::Announced { id, outcome } => self.handle_outcome(id, &outcome),
            IncidentInput::ClockRead(reading) => self.handle_clock(reading),
            IncidentInput::Case(command) => {
                if self.handle_case(&command).is_err() {
                    self.ignored.refused_case += 1;
                }
            }
            IncidentInput::Silence(silence) => {
                if self.handle_silence(silence).is_err() {
                    self.ignored.refused_silence += 1;
                }
            }
        }
    }

    /// Does everything that is due at `now`, in the order in which it fell due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.advance(now);
        let mut latest = None;
        while let Some((due, reason, number)) = self.next_timeout()
            && due <= self.world.now
        {
            let steps = self.steps(number);
            let turn = Some((due, reason, number, steps));
            // Each turn changes something, or the next one would be the same for ever.
            debug_assert!(turn != latest, "nothing comes of {reason}");
            if turn == latest {
                break;
            }
            latest = turn;
            if reason == TimeoutReason::CaseDue {
                self.handle_case_due(number);
            } else {
                self.with_machine(number, self.world.now, Machine::handle_timeout);
            }
        }
    }

    /// Does what a line of a journal says.
    pub fn replay(&mut self, entry: JournalEntry) {
        match entry.input {
            Some(input) => self.handle_input(input, entry.now),
            None => self.handle_timeout(entry.now),
        }
    }

    /// The next output, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.world.outputs.pop_front()
    }

    /// When to call [`Incidents::handle_timeout`] next, and what falls due then; none while nothing is open.
    pub fn poll_timeout(&self) -> Option<(Timestamp, TimeoutReason)> {
        self.next_timeout().map(|(due, reason, _)| (due, reason))
    }

    /// Every incident that is not closed, suspicions included, in the order in which they began.
    pub fn records(&self) -> impl Iterator<Item = &IncidentRecord> {
        self.machines.values().map(|machine| &machine.record)
    }

    /// Every incident that was confirmed and is not closed, in the order in which they began.
    pub fn open_incidents(&self) -> impl Iterator<Item = &IncidentRecord> {
        self.records().filter(|record| record.was_confirmed())
    }

    /// Whether a subject of a rule has an incident that was confirmed and is not closed.
    pub fn is_open(&self, rule: &RuleKey, subject: SubjectId) -> bool {
        let machine = self.by_subject.get(&(rule.clone(), subject)).and_then(|number| self.machines.get(number));
        machine.is_some_and(|machine| machine.record.was_confirmed())
    }

    /// Inputs that changed nothing, by reason.
    pub fn ignored(&self) -> Ignored {
        self.ignored
    }

    /// Everything that is needed to go on with an open incident, or an open case, after a restart; none if it is not open.
    ///
    /// To be stored together with the reports of the call after which it is taken: if a report survives and its
    /// snapshot does not, the incident would go on from an older state and report the same step differently.
    pub fn snapshot(&self, id: &IncidentId) -> Option<IncidentSnapshot> {
        let mut all = self.machines.values().chain(self.cases.values());
        let machine = all.find(|m| &m.record.id == id && m.record.was_confirmed())?;
        let heard = self.world.voices.get(&zone_of(&machine.record.rule)).and_then(Voice::heard).cloned();
        Some(IncidentSnapshot::new(machine.clone(), heard, self.world.latest_announcement))
    }

    /// Takes up the open incidents from before a restart. Nothing is reported again; an announcement whose fate
    /// nobody can tell is made once more.
    ///
    /// Deadlines stand, and a subject has its full `lost_after_s` to be seen again. The rules must go on with the
    /// subjects' numbers ([`IncidentSnapshot::subject`]) and give them to nobody else. An incident whose rule is no
    /// longer watched for ends as lost.
    pub fn restore(&mut self, snapshots: Vec<IncidentSnapshot>, now: Timestamp) {
        self.advance(now);
        for snapshot in snapshots {
            let (mut machine, heard, latest_announcement) = snapshot.into_parts();
            if machine.is_closed() {
                self.go_on_with_case(machine);
                continue;
            }
            if self.records().any(|record| record.id == machine.record.id) {
                continue;
            }
            let rule = machine.record.rule.clone();
            if !self.world.rules.contains_key(&rule) {
                self.world.retired.insert(rule.clone(), RulePolicy::retired(rule.violation.clone()));
            }
            if let Some(heard) = heard {
                self.world.voices.entry(zone_of(&rule)).or_default().restore(heard);
            }
            self.world.latest_announcement = self.world.latest_announcement.max(latest_announcement);
            machine.restart(self.world.now);
            self.begun += 1;
            self.by_subject.insert((rule, machine.subject), self.begun);
            self.machines.insert(self.begun, machine);
        }
    }

    /// Takes up the open incidents from before a restart that could not be read when it began. The subjects of today bear
    /// numbers of their own, so that nobody can tell who of them is meant: each of these incidents ends as lost, and
    /// whoever is still there has a new one.
    pub fn restore_late(&mut self, snapshots: Vec<IncidentSnapshot>, now: Timestamp) {
        let numbered = snapshots.into_iter().zip(self.begun..);
        let of_nobody = numbered.map(|(snapshot, number)| snapshot.of_nobody(number)).collect();
        self.restore(of_nobody, now);
    }

    /// Goes by these policies from now on. Open incidents go on by them; those whose rule is gone end as lost, and nobody
    /// is warned for them any more.
    pub fn adopt(&mut self, rules: BTreeMap<RuleKey, RulePolicy>, now: Timestamp) {
        self.advance(now);
        let open: BTreeSet<&RuleKey> = self.machines.values().map(|machine| &machine.record.rule).collect();
        let retired = open.into_iter().filter(|rule| !rules.contains_key(*rule));
        self.world.retired = retired.map(|rule| (rule.clone(), RulePolicy::retired(rule.violation.clone()))).collect();
        self.world.rules = rules;
    }

    /// Lets time pass and forgets what is no longer needed.
    fn advance(&mut self, now: Timestamp) {
        self.world.now = self.world.now.max(now);
        self.closed.retain(|_, tombstone| self.world.now < tombstone.forget_at);
        self.world.silences.retain(|_, until| self.world.now < *until);
    }

    fn next_timeout(&self) -> Option<(Timestamp, TimeoutReason, u64)> {
        let idle = Voice::default();
        let timeouts = self.machines.iter().filter_map(|(&number, machine)| {
            let rule = &machine.record.rule;
            let policy = self.world.policy(rule)?;
            let voice = self.world.voices.get(&zone_of(rule)).unwrap_or(&idle);
            let (due, reason) = machine.timeout(policy, voice, self.world.now)?;
            Some((due, reason, Reverse(policy.urgency()), number))
        });
        let cases = self.cases_due().map(|(due, reason, number)| (due, reason, Reverse(0), number));
        timeouts.chain(cases).min().map(|(due, reason, _, number)| (due, reason, number))
    }

    fn handle_hit(&mut self, hit: &RuleHit) {
        if !self.world.rules.contains_key(&hit.rule) {
            self.ignored.unknown_rule += 1;
            return;
        }
        // A frame cannot be newer than the present; where a camera's clock says so, the camera's clock is wrong.
        let at = hit.at.min(self.world.now);
        let subject = (hit.rule.clone(), hit.subject);
        match self.by_subject.get(&subject).copied() {
            Some(number) if self.machines.get(&number).is_some_and(|m| m.is_late(at)) => self.ignored.late += 1,
            Some(number) => {
                self.with_machine(number, at, |machine, ctx| machine.handle_hit(hit, ctx));
                // A suspicion that this very hit comes too late for is dropped, and the hit begins another.
                if hit.sight == Sight::Violating && !self.by_subject.contains_key(&subject) {
                    self.begin(hit, at);
                }
            }
            None if hit.sight == Sight::Violating => self.begin(hit, at),
            // A subject without an incident that does not violate is of no interest.
            None => {}
        }
    }

    /// Begins a suspicion, unless the frame is older than the subject's latest incident.
    fn begin(&mut self, hit: &RuleHit, at: Timestamp) {
        let subject = (hit.rule.clone(), hit.subject);
        let is_late = self.closed.get(&subject).is_some_and(|tombstone| {
            tombstone.newest_frame_at.is_some_and(|newest| at <= newest)
                || at.as_millis() <= tombstone.suspected_at.as_millis()
        });
        if is_late {
            self.ignored.late += 1;
            return;
        }
        let id = self.name(hit, at);
        let Some(mut ctx) = self.world.context(&hit.rule, at) else { return };
        let machine = Machine::suspect(id, hit, at, &mut ctx);
        self.begun += 1;
        self.machines.insert(self.begun, machine);
        self.by_subject.insert(subject, self.begun);
    }

    /// Names a new incident. Subjects are numbered for each rule, so two zones can have the same subject suspected
    /// of the same violation at the same time; the later one is then named by its zone, too.
    fn name(&self, hit: &RuleHit, at: Timestamp) -> IncidentId {
        let id = IncidentId::compose(&hit.rule.stream, &hit.rule.violation, at, self.world.clock, hit.subject);
        let is_taken = self.records().any(|r| r.id == id) || self.closed.values().any(|t| t.id == id);
        if is_taken { IncidentId::from_stored(&format!("{id}-{}", hit.rule.zone)) } else { id }
    }

    fn interrupt(&mut self, stream: &StreamId) {
        for machine in self.machines.values_mut().filter(|m| &m.record.rule.stream == stream) {
            machine.handle_interruption();
        }
        for (_, tombstone) in self.closed.iter_mut().filter(|((rule, _), _)| &rule.stream == stream) {
            tombstone.newest_frame_at = None;
        }
    }

    fn handle_clock(&mut self, reading: ClockReading) {
        self.world.clock = reading;
        for machine in self.machines.values_mut().chain(self.cases.values_mut()) {
            machine.handle_clock(reading, self.world.now);
        }
    }

    fn handle_outcome(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome) {
        let owner = self.machines.iter().find(|(_, machine)| machine.has_sent(id)).map(|(&number, _)| number);
        if let Some(number) = owner {
            self.with_machine(number, self.world.now, |machine, ctx| machine.handle_outcome(id, outcome, ctx));
            return;
        }
        if !self.world.voices.values_mut().any(|voice| voice.settle(id, outcome, self.world.now)) {
            self.ignored.unknown_announcement += 1;
        }
    }

    /// Hands an incident what it needs for one call, and buries it if it is closed afterwards.
    fn with_machine(&mut self, number: u64, at: Timestamp, call: impl FnOnce(&mut Machine, &mut Context<'_>)) {
        let Some(machine) = self.machines.get_mut(&number) else { return };
        let Some(mut ctx) = self.world.context(&machine.record.rule, at) else { return };
        call(machine, &mut ctx);
        if !machine.is_closed() {
            return;
        }
        if let Some(machine) = self.machines.remove(&number) {
            self.bury(number, &machine);
            self.keep_case(number, machine);
        }
    }

    fn bury(&mut self, number: u64, machine: &Machine) {
        let subject = (machine.record.rule.clone(), machine.subject);
        // A stored subject may stand twice by mistake; then only the latest of its incidents hears of it.
        if self.by_subject.get(&subject) == Some(&number) {
            self.by_subject.remove(&subject);
            if machine.record.was_confirmed() {
                let tombstone = Tombstone {
                    id: machine.record.id.clone(),
                    suspected_at: machine.suspected_at(),
                    newest_frame_at: machine.newest_frame_at(),
                    forget_at: self.world.now + REMEMBER_CLOSED,
                };
                self.closed.insert(subject, tombstone);
            }
        }
    }
}

fn zone_of(rule: &RuleKey) -> (StreamId, ZoneId) {
    (rule.stream.clone(), rule.zone.clone())
}
