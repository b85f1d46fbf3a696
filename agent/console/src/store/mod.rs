//! The incidents that the console can find, and what is new of them.

mod filter;
mod follower;
mod index;
mod news;

pub(crate) use filter::{Cursor, Filter, Judged};
pub(crate) use follower::{Follower, Sources};
pub(crate) use index::{Found, Index, IndexError};
pub(crate) use news::{News, Newsroom};

/// An incident that complied and is closed, for tests of what stands above.
#[cfg(test)]
pub(crate) fn record_for_tests(n: u32) -> forewarn_domain::IncidentRecord {
    index::tests::record(n, forewarn_domain::IncidentState::Closed)
}
