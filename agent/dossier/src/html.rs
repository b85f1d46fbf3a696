//! HTML in which only what this crate wrote is markup.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::words::Say;

const STYLE: &str = include_str!("style.css");

/// A page that grows. Text from anywhere goes in by [`Html::text`]; markup is always of this crate.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Adds markup.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, with everything escaped that could be markup, also within an attribute.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What turns the direction of a text round would show something else than what is there.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                c if c.is_control() && c != '\n' && c != '\t' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Begins a page of this title; [`Html::close`] ends it.
    pub fn open(&mut self, say: Say, title: &str) -> &mut Self {
        self.raw("<!DOCTYPE html>\n<html lang=\"").raw(say.pick("en", "zh-CN"));
        self.raw("\">\n<head>\n<meta charset=\"utf-8\">\n");
        // Whatever a text holds, the page asks nobody for anything and runs nothing.
        self.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n");
        self.raw("<title>").text(title).raw("</title>\n<style>\n").raw(STYLE).raw("</style>\n</head>\n<body>\n")
    }

    /// Ends a page.
    pub fn close(mut self) -> String {
        self.raw("</body>\n</html>\n");
        self.finish()
    }

    /// Adds a number.
    pub fn number(&mut self, number: f32) -> &mut Self {
        let number = if number.is_finite() { number } else { 0.0 };
        self.text(&format!("{number:.1}"))
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.raw("<h2>").text(text).raw("</h2>\n")
    }

    /// Adds a row of two cells to a table.
    pub fn row(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw("<tr><th>").text(name).raw("</th><td>").text(value).raw("</td></tr>\n")
    }

    /// Adds a row whose value is code.
    pub fn code_row(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw("<tr><th>").text(name).raw("</th><td><code>").text(value).raw("</code></td></tr>\n")
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.raw("<p>").text(text).raw("</p>\n")
    }

    /// Adds the source of a JPEG, as the value of an attribute.
    pub fn jpeg(&mut self, bytes: &[u8]) -> &mut Self {
        self.raw("data:image/jpeg;base64,");
        STANDARD.encode_string(bytes, &mut self.0);
        self
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}
