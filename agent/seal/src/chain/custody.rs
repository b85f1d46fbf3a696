//! What the links say of bundles that may not be deleted.

use std::collections::BTreeMap;

use super::{At, Problem, What};

/// The incidents whose bundles are held at the end, and bundles that were deleted in spite of a hold.
pub(super) fn held(by_number: &BTreeMap<u64, At<'_>>) -> (Vec<String>, Vec<Problem>) {
    let (mut held, mut problems) = (BTreeMap::new(), Vec::new());
    for (&number, at) in by_number {
        let Some(known) = at.known else { continue };
        match &known.what {
            What::Hold(incident) => drop(held.insert(incident, number)),
            What::Release(incident) => drop(held.remove(incident)),
            What::Removal { incident, .. } => {
                if let Some(held_by) = held.remove(incident) {
                    problems.push(Problem::DeletedUnderHold { number, incident: incident.clone(), held_by });
                }
            }
            What::Seal { .. } | What::KeyChange(_) | What::Access(_) => {}
        }
    }
    (held.into_keys().cloned().collect(), problems)
}
