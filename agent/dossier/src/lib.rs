//! A bundle of evidence told to people: one page of HTML, in English or Chinese, that needs no script, no network and no
//! other file, and prints on A4.
//!
//! A page is a pure function of an opened bundle. What the bundle says is shown beside what was found of it; a bundle that
//! does not hold says so at the top of its page. What such pages are made of serves other reports, too.

mod html;
mod listing;
mod parts;
mod times;
mod verified;
mod words;

use std::path::Path;

use forewarn_domain::violation::Language;
use forewarn_evidence::{Opened, Trusted, VerifyError};

pub use html::Html;
pub use listing::{listed, shown};
pub use parts::pictures::is_jpeg;
pub use times::Times;
pub use verified::verified;
pub use words::Say;

/// A page, and whether what it shows holds.
#[derive(Debug)]
pub struct Page {
    /// The page.
    pub html: String,
    /// Whether the bundle is intact, or the redacted copy as it was made.
    pub holds: bool,
}

/// Makes the page of a bundle.
pub fn page(bundle: &Path, language: Language, trusted: Option<&Trusted>) -> Result<Page, VerifyError> {
    let opened = Opened::read(bundle, trusted)?;
    Ok(Page { html: render(&opened, language), holds: opened.holds() })
}

fn render(opened: &Opened, language: Language) -> String {
    let say = Say(language);
    let times = times::Times::of(opened);
    let mut page = Html::default();
    let title = opened.title(language).unwrap_or_else(|| opened.incident.to_string());
    page.open(say, &format!("{title} · {}", opened.incident));
    parts::head::write(&mut page, say, opened, &times);
    parts::pictures::write(&mut page, say, opened, &times);
    parts::history::write(&mut page, say, opened, &times);
    parts::place::write(&mut page, say, opened);
    parts::findings::write(&mut page, say, opened, &times);
    parts::verified::write(&mut page, say, opened);
    parts::device::write(&mut page, say, opened);
    parts::by_hand::write(&mut page, say, opened);
    page.close()
}

#[cfg(test)]
mod tests;
