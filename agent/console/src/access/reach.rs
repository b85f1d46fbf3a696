//! Which cameras somebody may see, hear and judge. Pure.

use std::collections::BTreeSet;

use forewarn_domain::StreamId;
use serde::{Deserialize, Serialize};

/// Cameras by their names: all of them, also those to come, or these alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Reach(Option<BTreeSet<StreamId>>);

impl Reach {
    /// All cameras.
    pub(crate) const ALL: Self = Self(None);

    /// Whether all cameras are within it.
    pub(crate) fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether no camera is.
    pub(crate) fn is_none(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Whether a camera is.
    pub(crate) fn has(&self, camera: &str) -> bool {
        self.0.as_ref().is_none_or(|named| named.iter().any(|id| id.as_str() == camera))
    }

    /// The names; none where all are.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.0.as_ref().map(|named| named.iter().map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_limited_reaches_what_is_named_and_nothing_else() {
        let of = |text: &str| serde_json::from_str::<Reach>(text).unwrap();
        let (all, one, none) = (of("null"), of(r#"["gate"]"#), of("[]"));
        assert!(all.is_all() && all.has("gate") && all.names().is_none() && all == Reach::ALL);
        assert!(one.has("gate") && !one.has("gat") && !one.has("") && !one.is_all() && !one.is_none());
        assert!(none.is_none() && !none.has("gate"));
        assert!(serde_json::from_str::<Reach>(r#"["../x"]"#).is_err());
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"["gate"]"#);
    }
}
