//! What is asked over an upstream and not signed: to be said over a loudspeaker that the site file names for that.

use forewarn_domain::Timestamp;

use crate::command::Ask;

/// One wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Over which upstream.
    pub by: String,
    /// What is asked.
    pub ask: Ask,
    /// Whether a broker had kept it, so that nobody knows how old it is.
    pub is_kept: bool,
    /// When it came.
    pub heard_at: Timestamp,
}
