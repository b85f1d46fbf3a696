//! What somebody may do.

use serde::{Deserialize, Serialize};

/// A role; each may do what those before it may.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Looks.
    Viewer,
    /// Judges, holds, releases, suppresses and takes copies out.
    Operator,
    /// Says who else may.
    Admin,
}

impl Role {
    /// The word used in files and answers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The word that the page shows in Chinese.
    pub(crate) fn in_chinese(self) -> &'static str {
        match self {
            Self::Viewer => "查看者",
            Self::Operator => "操作员",
            Self::Admin => "管理员",
        }
    }
}
