//! The language in which people are told.

use forewarn_domain::violation::Language;

/// A language in which a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PageLanguage {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl From<PageLanguage> for Language {
    fn from(language: PageLanguage) -> Self {
        match language {
            PageLanguage::En => Self::En,
            PageLanguage::Zh => Self::Zh,
        }
    }
}

impl PageLanguage {
    /// What was asked for; the language of the terminal where nothing was.
    pub fn or_of_terminal(asked: Option<Self>) -> Language {
        asked.unwrap_or_else(|| Self::of_locale(|name| std::env::var(name).ok())).into()
    }

    /// By the variables of a locale, in the order in which they count.
    pub(crate) fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
        let is_chinese = named.find(|locale| !locale.is_empty()).is_some_and(|locale| locale.starts_with("zh"));
        if is_chinese { Self::Zh } else { Self::En }
    }
}
