//! The steps that a case may take. Every step is looked up here, and the diagram in the docs is made from it.

use std::fmt::Write as _;

use forewarn_domain::{CaseCause, CaseStage};

use crate::table::draw;

/// One step that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseEdge {
    /// The stage left; none where a case begins.
    pub from: Option<CaseStage>,
    /// The stage entered.
    pub to: CaseStage,
    /// Why.
    pub cause: CaseCause,
}

const fn edge(from: CaseStage, to: CaseStage, cause: CaseCause) -> CaseEdge {
    CaseEdge { from: Some(from), to, cause }
}

/// Every step that is allowed; there are no others. Whoever is told of a later stage need not be told of those before it.
pub const CASE_TABLE: &[CaseEdge] = {
    use CaseCause::{HandedOn, IncidentEscalated, LimitPassed, NobodyLeft, Told};
    use CaseStage::{Assigned, CalledBack, OnSite, Received, Rejected, Sent, Settled};
    &[
        CaseEdge { from: None, to: Sent, cause: IncidentEscalated },
        edge(Sent, Received, Told),
        edge(Sent, Assigned, Told),
        edge(Sent, CalledBack, Told),
        edge(Sent, OnSite, Told),
        edge(Sent, Settled, Told),
        edge(Sent, Rejected, Told),
        edge(Sent, Sent, LimitPassed),
        edge(Sent, Sent, HandedOn),
        edge(Sent, Sent, NobodyLeft),
        edge(Received, Assigned, Told),
        edge(Received, CalledBack, Told),
        edge(Received, OnSite, Told),
        edge(Received, Settled, Told),
        edge(Received, Rejected, Told),
        edge(Received, Received, LimitPassed),
        edge(Received, Sent, HandedOn),
        edge(Received, Received, NobodyLeft),
        edge(Assigned, CalledBack, Told),
        edge(Assigned, OnSite, Told),
        edge(Assigned, Settled, Told),
        edge(Assigned, Rejected, Told),
        edge(Assigned, Assigned, LimitPassed),
        edge(Assigned, Sent, HandedOn),
        edge(Assigned, Assigned, NobodyLeft),
        edge(CalledBack, OnSite, Told),
        edge(CalledBack, Settled, Told),
        edge(CalledBack, Rejected, Told),
        edge(CalledBack, CalledBack, LimitPassed),
        edge(CalledBack, Sent, HandedOn),
        edge(CalledBack, CalledBack, NobodyLeft),
        edge(OnSite, Settled, Told),
        edge(OnSite, Rejected, Told),
    ]
};

/// Whether the table has this step.
pub(super) fn permits(from: Option<CaseStage>, to: CaseStage, cause: CaseCause) -> bool {
    CASE_TABLE.contains(&CaseEdge { from, to, cause })
}

/// The table as a Mermaid state diagram; causes of the same arrow share a label.
pub fn case_mermaid() -> String {
    let begin = |stage: Option<CaseStage>| stage.map_or("[*]", CaseStage::as_str);
    let mut diagram = draw(CASE_TABLE.iter().map(|edge| (begin(edge.from), edge.to.as_str(), edge.cause.as_str())));
    for end in CaseStage::ALL.into_iter().filter(|stage| stage.is_end()) {
        let _infallible = writeln!(diagram, "    {end} --> [*]");
    }
    diagram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_handing_on_goes_back_and_nothing_leaves_an_end() {
        for (i, edge) in CASE_TABLE.iter().enumerate() {
            assert!(!CASE_TABLE[..i].contains(edge), "{edge:?} stands twice");
            let Some(from) = edge.from else { continue };
            assert!(!from.is_end(), "{edge:?}");
            match edge.cause {
                CaseCause::Told => assert!(edge.to > from, "{edge:?}"),
                CaseCause::HandedOn => assert_eq!(edge.to, CaseStage::Sent),
                CaseCause::LimitPassed | CaseCause::NobodyLeft => assert_eq!(edge.to, from),
                CaseCause::IncidentEscalated => panic!("{edge:?}"),
            }
        }
    }
}
