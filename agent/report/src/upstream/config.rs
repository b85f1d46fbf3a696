//! An upstream as the site file wants it.

use std::sync::Arc;

use forewarn_domain::Timestamp;

use super::Start;
use super::manners::Manners;
use crate::outbox::{Destination, Filter};

/// An upstream, checked, with its secrets.
#[derive(Debug, Clone)]
pub struct ResolvedUpstream {
    /// Its id, under which the outbox keeps what waits for it.
    pub id: String,
    /// Whether a report counts as acknowledged only when it has it.
    pub is_required: bool,
    /// Where it is new: from when on it is told of incidents.
    pub since: Option<Timestamp>,
    /// What it is told of.
    pub filter: Filter,
    /// When, and how often.
    pub manners: Manners,
    /// The way there.
    pub adapter: Arc<dyn Start>,
}

impl ResolvedUpstream {
    /// As the outbox sees it.
    pub fn destination(&self) -> Destination {
        Destination {
            id: self.id.clone(),
            is_required: self.is_required,
            since: self.since,
            filter: self.filter.clone(),
        }
    }
}
