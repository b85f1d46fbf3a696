//! Why readers cannot be opened.

use forewarn_domain::AttributeId;

use super::model::OpenCropModelError;
use crate::card::CardError;
use crate::open_error::OpenError;
use crate::store::StoreError;

/// Readers cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// A card is unknown or makes no sense.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Card {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: CardError,
    },
    /// Weights are missing or wrong.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Weights {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: StoreError,
    },
    /// The model that finds the part cannot be opened.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Finder {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: OpenError,
    },
    /// The model that judges, or that finds key points, cannot be opened.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Judge {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: OpenCropModelError,
    },
    /// Attribute and card do not go together.
    #[error("failed to prepare reading `{attribute}` by model `{model}`: {problem}")]
    Mismatch {
        /// The attribute.
        attribute: AttributeId,
        /// The card's name.
        model: String,
        /// What does not fit and what would.
        problem: &'static str,
    },
    /// An attribute is given twice.
    #[error("attribute `{attribute}` is given twice; leave one of the two out")]
    Twice {
        /// The attribute.
        attribute: AttributeId,
    },
}
