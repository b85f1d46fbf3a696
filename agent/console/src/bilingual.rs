//! What people are told, in both languages of the page. A text that is shown is of this type, so that none can be told in one
//! language alone.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// A text in English and Chinese.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Both))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bilingual {
    /// In English, as it stands in logs and reports.
    #[cfg_attr(test, schema(value_type = String))]
    pub en: Cow<'static, str>,
    /// In Chinese.
    #[cfg_attr(test, schema(value_type = String))]
    pub zh: Cow<'static, str>,
}

impl Bilingual {
    /// A text that is always the same.
    ///
    /// # Panics
    ///
    /// While the program is built, where the second has no Chinese in it.
    pub const fn fixed(en: &'static str, zh: &'static str) -> Self {
        assert!(is_chinese(zh), "the second text is the Chinese one");
        Self { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// What a camera, a disk or another program said, which speaks English: in Chinese with the lead before it.
    pub fn quoted(why: impl fmt::Display, lead_zh: &str) -> Self {
        let why = why.to_string();
        Self { zh: Cow::Owned(format!("{lead_zh}（{why}）")), en: Cow::Owned(why) }
    }

    /// Nothing.
    pub const fn none() -> Self {
        Self { en: Cow::Borrowed(""), zh: Cow::Borrowed("") }
    }
}

impl fmt::Display for Bilingual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.en)
    }
}

/// Whether anything in a text is no ASCII.
pub(crate) const fn is_chinese(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii() {
            return true;
        }
        i += 1;
    }
    false
}

/// A [`Bilingual`] of two texts, each as `format!` takes it.
macro_rules! both {
    ($en:literal, $zh:literal $(,)?) => {{
        const { assert!($crate::bilingual::is_chinese($zh), "the second text is the Chinese one") };
        $crate::bilingual::Bilingual { en: format!($en).into(), zh: format!($zh).into() }
    }};
}

pub(crate) use both;
