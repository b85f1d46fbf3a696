//! Answers that several pages give.

use serde::Serialize;

/// A text in the languages in which the site has it.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
pub(super) struct Texts {
    pub en: Option<String>,
    pub zh: Option<String>,
}

impl From<&forewarn_domain::violation::Text> for Texts {
    fn from(text: &forewarn_domain::violation::Text) -> Self {
        Self { en: text.en.clone(), zh: text.zh.clone() }
    }
}

/// It was played over a loudspeaker.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
pub(super) struct Played {
    /// How long it sounded, and how far that is proven.
    pub played: String,
}
