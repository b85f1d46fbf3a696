//! How long each step of a case may take, and who has it when.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::violation::CaseTimes;
use forewarn_domain::{CaseStage, CivilTime, Schedule, Timestamp};

use crate::span::span;

/// The most who may stand in one shift of a rota.
pub const MOST_ON_DUTY: usize = 16;

/// Who has cases, in their order, and when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shift {
    /// In one of these; always where there is none. Where the time of day is unknown, each holds.
    pub hours: Vec<Schedule>,
    /// The names of upstreams.
    pub recipients: Vec<String>,
}

/// What holds for the cases of one rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CasePolicy {
    /// How long each step may take.
    pub times: CaseTimes,
    /// Who has cases, the first shift first.
    pub rota: Arc<[Shift]>,
}

impl CasePolicy {
    /// How long the next step may take that has a limit; none where none has.
    pub(crate) fn limit_after(&self, stage: CaseStage) -> Option<Duration> {
        let CaseTimes { received_s, assigned_s, called_back_s, on_site_s } = self.times;
        let limits = [
            (CaseStage::Received, received_s),
            (CaseStage::Assigned, assigned_s),
            (CaseStage::CalledBack, called_back_s),
            (CaseStage::OnSite, on_site_s),
        ];
        let later = limits.into_iter().filter(|(next, _)| *next > stage);
        later.filter_map(|(_, limit_s)| limit_s).map(span).find(|limit| !limit.is_zero())
    }

    /// The first on duty at `at` who is not among those that were told.
    pub(crate) fn next(&self, told: &[&str], at: Timestamp, civil: &dyn CivilTime) -> Option<String> {
        let holds = |shift: &&Shift| {
            shift.hours.is_empty() || shift.hours.iter().any(|hours| hours.holds_at(at, civil) != Some(false))
        };
        let on_duty = self.rota.iter().filter(holds).flat_map(|shift| shift.recipients.iter().take(MOST_ON_DUTY));
        on_duty.into_iter().find(|name| !told.contains(&name.as_str())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_a_limit_leaves_its_time_to_the_next_that_has_one() {
        let times = CaseTimes { called_back_s: Some(0.0), ..CaseTimes::usual() };
        let policy = CasePolicy { times, rota: Arc::default() };
        let limits = CaseStage::ALL.map(|stage| policy.limit_after(stage).map(|limit| limit.as_secs()));
        assert_eq!(limits, [Some(30), Some(60), Some(300), Some(300), None, None, None]);
        assert_eq!(CasePolicy::default().limit_after(CaseStage::Sent), None);
    }
}
