//! The parts of the page, in the order in which they stand.

pub(crate) mod by_hand;
pub(crate) mod device;
pub(crate) mod findings;
pub(crate) mod head;
pub(crate) mod history;
pub(crate) mod pictures;
pub(crate) mod place;
pub(crate) mod problems;
pub(crate) mod verified;
