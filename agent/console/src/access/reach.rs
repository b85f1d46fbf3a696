//! Which cameras somebody may see, hear and judge. Pure.

use std::collections::BTreeSet;

use forewarn_domain::StreamId;
use serde::{Deserialize, Serialize};

use super::Role;

/// Cameras that an account or a token cannot be limited to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReachError {
    /// Whoever changes the site cannot reach a part of it alone.
    #[error(
        "whoever has the role admin reaches every camera, because he changes the site; choose another role to limit it"
    )]
    LimitedAdmin,
    /// It would reach nothing.
    #[error("name one camera at least, or none for all of them")]
    NoCamera,
    /// The site has no such camera.
    #[error("the site has no camera {camera}; it has {known}")]
    Unknown { camera: String, known: String },
}

/// Cameras by their names: all of them, also those to come, or these alone.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(value_type = Option<Vec<String>>))]
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

    /// Whether whoever has this role can reach these cameras alone.
    pub(crate) fn check(&self, role: Role) -> Result<(), ReachError> {
        match role {
            Role::Admin if !self.is_all() => Err(ReachError::LimitedAdmin),
            _ if self.is_none() => Err(ReachError::NoCamera),
            _ => Ok(()),
        }
    }

    /// Whether a site of these cameras has all that are named.
    pub(crate) fn check_of_site(&self, known: &[StreamId]) -> Result<(), ReachError> {
        let unknown = self.0.iter().flatten().find(|camera| !known.contains(camera));
        unknown.map_or(Ok(()), |camera| {
            let known: Vec<&str> = known.iter().map(StreamId::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(ReachError::Unknown { camera: camera.to_string(), known })
        })
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
        let site = ["yard", "gate"].map(|id| StreamId::new(id).unwrap());
        assert_eq!((one.check_of_site(&site), all.check_of_site(&[])), (Ok(()), Ok(())));
        assert!(one.check_of_site(&site[..1]).unwrap_err().to_string().ends_with("no camera gate; it has yard"));
        assert_eq!(one.check(Role::Admin), Err(ReachError::LimitedAdmin));
        assert_eq!((none.check(Role::Viewer), all.check(Role::Admin)), (Err(ReachError::NoCamera), Ok(())));
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"["gate"]"#);
    }
}
