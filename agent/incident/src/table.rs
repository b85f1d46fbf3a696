//! The transition table. The machine consults it at every step, and the diagram in the docs is made from it.

use std::fmt::Write as _;

use forewarn_domain::{Cause, IncidentState};

/// One transition that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The state left; none where an incident begins.
    pub from: Option<IncidentState>,
    /// The state entered.
    pub to: IncidentState,
    /// Why.
    pub cause: Cause,
}

const fn begin(to: IncidentState, cause: Cause) -> Edge {
    Edge { from: None, to, cause }
}

const fn edge(from: IncidentState, to: IncidentState, cause: Cause) -> Edge {
    Edge { from: Some(from), to, cause }
}

/// Every transition that is allowed; there are no others.
pub const TABLE: &[Edge] = {
    use Cause::{
        ConditionHeld, CoveredByRecentWarning, HeldLongEnough, NoLongerJudged, NoLongerSeen, NoWarningConfigured,
        NotConfirmed, OutOfSight, PlaybackProven, QuietHours, SeenComplying, Settled, StillViolating,
        StreamInterrupted, ToldToEscalate, WarningNotDelivered, WarningSent, WarningsUsedUp,
    };
    use IncidentState::{Closed, Complied, Confirmed, Escalated, Lost, Observing, Over, Persisted, Suspected, Warned};
    &[
        begin(Suspected, ConditionHeld),
        edge(Suspected, Confirmed, HeldLongEnough),
        edge(Suspected, Closed, NotConfirmed),
        edge(Confirmed, Warned, WarningSent),
        edge(Confirmed, Observing, CoveredByRecentWarning),
        edge(Confirmed, Observing, QuietHours),
        edge(Confirmed, Observing, NoWarningConfigured),
        edge(Confirmed, Escalated, ToldToEscalate),
        edge(Confirmed, Complied, SeenComplying),
        edge(Confirmed, Complied, NoLongerSeen),
        edge(Confirmed, Over, NoLongerJudged),
        edge(Confirmed, Lost, OutOfSight),
        edge(Confirmed, Lost, StreamInterrupted),
        // The next speaker is tried, or the warning is repeated because a restart hid its fate.
        edge(Warned, Warned, WarningSent),
        edge(Warned, Observing, PlaybackProven),
        edge(Warned, Observing, WarningNotDelivered),
        // Before the next speaker could be tried, quiet hours began or another incident's warning was heard.
        edge(Warned, Observing, QuietHours),
        edge(Warned, Observing, CoveredByRecentWarning),
        edge(Warned, Escalated, ToldToEscalate),
        edge(Warned, Complied, SeenComplying),
        edge(Warned, Complied, NoLongerSeen),
        edge(Warned, Over, NoLongerJudged),
        edge(Warned, Lost, OutOfSight),
        edge(Warned, Lost, StreamInterrupted),
        // A speaker that had been given up proves playback late: the observation begins anew.
        edge(Observing, Observing, PlaybackProven),
        edge(Observing, Persisted, StillViolating),
        edge(Observing, Escalated, ToldToEscalate),
        edge(Observing, Complied, SeenComplying),
        edge(Observing, Complied, NoLongerSeen),
        edge(Observing, Over, NoLongerJudged),
        edge(Observing, Lost, OutOfSight),
        edge(Observing, Lost, StreamInterrupted),
        edge(Persisted, Warned, WarningSent),
        edge(Persisted, Observing, CoveredByRecentWarning),
        edge(Persisted, Observing, QuietHours),
        edge(Persisted, Escalated, WarningsUsedUp),
        edge(Persisted, Escalated, NoWarningConfigured),
        edge(Persisted, Escalated, ToldToEscalate),
        edge(Persisted, Complied, SeenComplying),
        edge(Persisted, Complied, NoLongerSeen),
        edge(Persisted, Over, NoLongerJudged),
        edge(Persisted, Lost, OutOfSight),
        edge(Persisted, Lost, StreamInterrupted),
        edge(Complied, Closed, Settled),
        edge(Lost, Closed, Settled),
        edge(Over, Closed, Settled),
        edge(Escalated, Closed, SeenComplying),
        edge(Escalated, Closed, NoLongerSeen),
        edge(Escalated, Closed, NoLongerJudged),
        edge(Escalated, Closed, OutOfSight),
        edge(Escalated, Closed, StreamInterrupted),
    ]
};

/// Whether the table has this transition.
pub(crate) fn permits(from: Option<IncidentState>, to: IncidentState, cause: Cause) -> bool {
    TABLE.contains(&Edge { from, to, cause })
}

/// The table as a Mermaid state diagram; causes of the same arrow share a label.
pub fn mermaid() -> String {
    let begin = |state: Option<IncidentState>| state.map_or("[*]", IncidentState::as_str);
    draw(TABLE.iter().map(|edge| (begin(edge.from), edge.to.as_str(), edge.cause.as_str())))
        + &format!("    {} --> [*]\n", IncidentState::Closed)
}

/// A Mermaid state diagram of arrows, each from where, to where and why.
pub(crate) fn draw<'a>(edges: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut arrows: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for (from, to, cause) in edges {
        match arrows.iter_mut().find(|arrow| (arrow.0, arrow.1) == (from, to)) {
            Some((_, _, causes)) => causes.push(cause),
            None => arrows.push((from, to, vec![cause])),
        }
    }
    let mut diagram = String::from("stateDiagram-v2\n");
    for (from, to, causes) in arrows {
        let _infallible = writeln!(diagram, "    {from} --> {to}: {}", causes.join(", "));
    }
    diagram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_edge_stands_twice_and_every_state_can_be_entered_and_left() {
        for (i, edge) in TABLE.iter().enumerate() {
            assert!(!TABLE[..i].contains(edge), "{edge:?} stands twice");
        }
        for state in IncidentState::ALL {
            assert!(TABLE.iter().any(|e| e.to == state), "{state} cannot be entered");
            let can_be_left = TABLE.iter().any(|e| e.from == Some(state));
            assert_eq!(can_be_left, state != IncidentState::Closed, "{state}");
        }
    }
}
