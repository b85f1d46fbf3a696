//! Writes out what a speech program would read wrongly: numbers, units, times, telephone numbers, plates.
//!
//! espeak-ng's Mandarin leaves the decimal point out, reads 10000 as "ten thousand" and a plate as numbers; its English
//! takes the letters of a plate for a word. So everything that is no word becomes words of the text's language here,
//! letters by their names.

mod en;
mod token;
mod unit;
mod zh;

#[cfg(test)]
mod tests;

use forewarn_domain::SpokenText;
use forewarn_domain::violation::Language;

use token::tokens;

/// The text in words alone.
pub(super) fn spell(text: &SpokenText) -> SpokenText {
    let tokens = tokens(&text.text);
    let words = match text.language {
        Language::En => en::words(&tokens),
        Language::Zh => zh::words(&tokens),
    };
    SpokenText { language: text.language, text: words }
}
