//! The case: what people do from the escalation on, step by step, and what is said to whom when a step does not come.
//!
//! Pure like the machine beside it. The whole state is the [`Case`] in the incident's record, so what is stored with a report
//! is enough to go on from. A case outlives its incident: the subject may be gone before anybody is on site.
//!
//! # Invariants
//!
//! - Every step is an edge of [`CASE_TABLE`]; a stage is only gone back from where the case is handed on.
//! - A limit that passes is a reminder once, and then the next of the rota who has not had the case; it ends where nobody is
//!   left, so that the steps of a case are bounded.

mod policy;
mod table;

use forewarn_domain::{Case, CaseCause, CaseCommand, CaseStage, CaseStep, CivilTime, IncidentRecord, Timestamp};

pub use policy::{CasePolicy, MOST_ON_DUTY, Shift};
pub use table::{CASE_TABLE, CaseEdge, case_mermaid};

/// A step of a case cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseRefusal {
    /// Nobody knows the incident, or it ended and no case of it goes on.
    #[error(
        "there is no open case of {incident}: name an incident that was escalated and is not settled; after the incident's end \
         cases go on only where the site file has `[case]`"
    )]
    Unknown {
        /// What was named.
        incident: String,
    },
    /// People have nothing to do yet.
    #[error(
        "{incident} is not escalated, so that there is nothing to be done by people yet; judge it instead, or tell `sent` to \
         escalate it"
    )]
    NotEscalated {
        /// The incident.
        incident: String,
    },
    /// The case is there already, or beyond.
    #[error("the case of {incident} is {is}, and does not become {asked}: name a later step")]
    NotForward {
        /// The incident.
        incident: String,
        /// Where it is.
        is: CaseStage,
        /// What was asked for.
        asked: CaseStage,
    },
}

/// The most that is kept of a note.
const NOTE_CHARS: usize = 500;
/// The most that is kept of who said something.
const BY_CHARS: usize = 64;

/// Opens the case of an incident that was escalated just now.
/// Where somebody `told` it to be, the first step says who.
pub(crate) fn open(
    record: &mut IncidentRecord,
    policy: Option<&CasePolicy>,
    civil: &dyn CivilTime,
    now: Timestamp,
    told: Option<&CaseCommand>,
) {
    let to = policy.and_then(|policy| policy.next(&[], now, civil));
    let step = CaseStep {
        stage: CaseStage::Sent,
        cause: CaseCause::IncidentEscalated,
        at: now,
        by: told.map(|command| words(&command.by, BY_CHARS)),
        to,
        note: told.map_or_else(String::new, |command| words(&command.note, NOTE_CHARS)),
    };
    let due = due_after(CaseStage::Sent, policy, now);
    record.case = Some(Box::new(Case { stage: CaseStage::Sent, steps: vec![step], due, is_reminded: false }));
}

/// What is kept of what somebody says.
fn words(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Takes the step that somebody tells.
pub(crate) fn tell(
    record: &mut IncidentRecord,
    command: &CaseCommand,
    policy: Option<&CasePolicy>,
    now: Timestamp,
) -> Result<(), CaseRefusal> {
    let incident = || record.id.to_string();
    let Some(case) = record.case.as_deref() else { return Err(CaseRefusal::NotEscalated { incident: incident() }) };
    if !table::permits(Some(case.stage), command.stage, CaseCause::Told) {
        return Err(CaseRefusal::NotForward { incident: incident(), is: case.stage, asked: command.stage });
    }
    let step = CaseStep {
        stage: command.stage,
        cause: CaseCause::Told,
        at: now,
        by: Some(words(&command.by, BY_CHARS)),
        to: None,
        note: words(&command.note, NOTE_CHARS),
    };
    take(record, step, due_after(command.stage, policy, now), false);
    Ok(())
}

/// Does what is due at `now`: reminds, hands on, or says that nobody is left. Whether a step was taken.
pub(crate) fn time_out(
    record: &mut IncidentRecord,
    policy: Option<&CasePolicy>,
    civil: &dyn CivilTime,
    now: Timestamp,
) -> bool {
    let Some(case) = record.case.as_deref() else { return false };
    if case.due.is_none_or(|due| now < due) {
        return false;
    }
    let step = |stage, cause, to| CaseStep { stage, cause, at: now, by: None, to, note: String::new() };
    if !case.is_reminded {
        let (stage, with) = (case.stage, case.with().map(str::to_owned));
        take(record, step(stage, CaseCause::LimitPassed, with), due_after(stage, policy, now), true);
        return true;
    }
    let told: Vec<&str> = case.steps.iter().filter_map(|step| step.to.as_deref()).collect();
    match policy.and_then(|policy| policy.next(&told, now, civil)) {
        Some(next) => {
            let sent = step(CaseStage::Sent, CaseCause::HandedOn, Some(next));
            take(record, sent, due_after(CaseStage::Sent, policy, now), false);
        }
        None => take(record, step(case.stage, CaseCause::NobodyLeft, None), None, true),
    }
    true
}

fn due_after(stage: CaseStage, policy: Option<&CasePolicy>, now: Timestamp) -> Option<Timestamp> {
    Some(now + policy?.limit_after(stage)?)
}

/// Takes a step if the table has it; a history never runs backwards, even if the clocks do.
fn take(record: &mut IncidentRecord, step: CaseStep, due: Option<Timestamp>, is_reminded: bool) {
    let Some(case) = record.case.as_deref_mut() else { return };
    let is_permitted = table::permits(Some(case.stage), step.stage, step.cause);
    debug_assert!(is_permitted, "the table has no edge from {} to {} by {:?}", case.stage, step.stage, step.cause);
    if !is_permitted {
        return;
    }
    let at = case.steps.last().map_or(step.at, |last| last.at.max(step.at));
    case.stage = step.stage;
    case.steps.push(CaseStep { at, ..step });
    case.due = due;
    case.is_reminded = is_reminded;
}

/// Whether an incident has a case that goes on.
pub(crate) fn is_open(record: &IncidentRecord) -> bool {
    record.case.as_deref().is_some_and(|case| !case.stage.is_end())
}
