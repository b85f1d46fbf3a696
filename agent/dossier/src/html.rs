//! HTML in which only what this crate wrote is markup.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A page that grows. Text from anywhere goes in by [`Html::text`]; markup is always of this crate.
#[derive(Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Adds markup.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, with everything escaped that could be markup, also within an attribute.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
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

    /// Adds a number.
    pub(crate) fn number(&mut self, number: f32) -> &mut Self {
        let number = if number.is_finite() { number } else { 0.0 };
        self.text(&format!("{number:.1}"))
    }

    /// Adds a heading.
    pub(crate) fn heading(&mut self, text: &str) -> &mut Self {
        self.raw("<h2>").text(text).raw("</h2>\n")
    }

    /// Adds a row of two cells to a table.
    pub(crate) fn row(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw("<tr><th>").text(name).raw("</th><td>").text(value).raw("</td></tr>\n")
    }

    /// Adds a row whose value is code.
    pub(crate) fn code_row(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw("<tr><th>").text(name).raw("</th><td><code>").text(value).raw("</code></td></tr>\n")
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.raw("<p>").text(text).raw("</p>\n")
    }

    /// Adds the source of a JPEG, as the value of an attribute.
    pub(crate) fn jpeg(&mut self, bytes: &[u8]) -> &mut Self {
        self.raw("data:image/jpeg;base64,");
        STANDARD.encode_string(bytes, &mut self.0);
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}
