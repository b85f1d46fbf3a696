//! The cases of all incidents, also of those that are closed.

use forewarn_domain::{CaseCommand, CaseStage, IncidentRecord, IncidentState, Report, Timestamp};

use super::{Incidents, World};
use crate::case::{self, CasePolicy, CaseRefusal};
use crate::interface::{Output, TimeoutReason};
use crate::machine::Machine;

/// Cases of closed incidents that go on, at most; beyond that the oldest is given up.
const MOST_CASES: usize = 1000;

impl World {
    fn case_policy(&self, record: &IncidentRecord) -> Option<&CasePolicy> {
        self.policy(&record.rule)?.case.as_ref()
    }
}

impl Incidents {
    /// Takes the step of a case that somebody tells at `now`.
    pub fn case(&mut self, command: &CaseCommand, now: Timestamp) -> Result<(), CaseRefusal> {
        self.advance(now);
        self.handle_case(command)
    }

    pub(super) fn handle_case(&mut self, command: &CaseCommand) -> Result<(), CaseRefusal> {
        let mut all = self.machines.iter_mut().chain(self.cases.iter_mut());
        let Some((&number, machine)) = all.find(|(_, machine)| machine.record.id == command.incident) else {
            return Err(CaseRefusal::Unknown { incident: command.incident.to_string() });
        };
        let now = self.world.now;
        let is_escalated = machine.record.state == IncidentState::Escalated;
        if command.stage == CaseStage::Sent && machine.record.case.is_none() && !is_escalated {
            let rule = machine.record.rule.clone();
            let is_handed_over =
                self.world.context(&rule, now).is_some_and(|mut ctx| machine.hand_over(command, &mut ctx));
            let refusal = CaseRefusal::NotEscalated { incident: command.incident.to_string() };
            return is_handed_over.then_some(()).ok_or(refusal);
        }
        let record = &mut machine.record;
        // Where nobody follows cases, one begins with the first step that is told.
        let begins = record.case.is_none() && record.state == IncidentState::Escalated;
        if begins {
            let escalated_at = record.first_entered(IncidentState::Escalated).unwrap_or(now);
            case::open(record, None, &*self.world.civil, escalated_at, None);
        }
        let told = case::tell(record, command, self.world.case_policy(record), now);
        if told.is_ok() {
            self.world.outputs.extend(Report::of_case(record.clone()).map(Output::Report));
        } else if begins {
            record.case = None;
        }
        self.forget_ended(number);
        told
    }

    /// When the steps of cases are due.
    pub(super) fn cases_due(&self) -> impl Iterator<Item = (Timestamp, TimeoutReason, u64)> {
        let all = self.machines.iter().chain(&self.cases);
        all.filter_map(|(&number, machine)| {
            Some((machine.record.case.as_deref()?.due?, TimeoutReason::CaseDue, number))
        })
    }

    /// Reminds, hands on, or says that nobody is left.
    pub(super) fn handle_case_due(&mut self, number: u64) {
        let Some(machine) = self.machines.get_mut(&number).or_else(|| self.cases.get_mut(&number)) else { return };
        let record = &mut machine.record;
        let policy = self.world.rules.get(&record.rule).and_then(|policy| policy.case.as_ref());
        if case::time_out(record, policy, &*self.world.civil, self.world.now) {
            self.world.outputs.extend(Report::of_case(record.clone()).map(Output::Report));
        }
    }

    /// How many steps an incident and its case have taken.
    pub(super) fn steps(&self, number: u64) -> usize {
        let machine = self.machines.get(&number).or_else(|| self.cases.get(&number));
        machine.map_or(0, |machine| {
            machine.record.history.len() + machine.record.case.as_deref().map_or(0, |case| case.steps.len())
        })
    }

    /// Keeps an incident that was closed while its case goes on.
    pub(super) fn keep_case(&mut self, number: u64, machine: Machine) {
        if !case::is_open(&machine.record) {
            return;
        }
        self.cases.insert(number, machine);
        if self.cases.len() > MOST_CASES {
            self.cases.pop_first();
            self.ignored.given_up_cases += 1;
        }
    }

    /// Takes up the case of an incident that was closed before a restart.
    pub(super) fn go_on_with_case(&mut self, machine: Machine) {
        if self.cases.values().any(|known| known.record.id == machine.record.id) {
            return;
        }
        self.begun += 1;
        self.keep_case(self.begun, machine);
    }

    fn forget_ended(&mut self, number: u64) {
        if self.cases.get(&number).is_some_and(|machine| !case::is_open(&machine.record)) {
            self.cases.remove(&number);
        }
    }
}
