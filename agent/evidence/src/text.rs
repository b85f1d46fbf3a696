//! Text on a picture, in the embedded font.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use crate::canvas::{Canvas, Colour};

static FONT_BYTES: &[u8] = include_bytes!("../assets/marking-sans.otf");

fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(FONT_BYTES).ok()).as_ref()
}

/// A size of the font, by the height of its capital letters' em square in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextSize {
    /// The em square's height in pixels.
    pub(crate) em_px: f32,
}

impl TextSize {
    fn scale(self, font: &FontRef<'_>) -> PxScale {
        // ab_glyph scales by ascent to descent, which exceeds the em square in fonts with Chinese characters.
        PxScale::from(self.em_px * font.height_unscaled() / font.units_per_em().unwrap_or(1000.0))
    }

    /// Width of a text in pixels.
    pub(crate) fn width_of(self, text: &str) -> f32 {
        font().map_or(0.0, |font| {
            let scaled = font.as_scaled(self.scale(font));
            text.chars().map(|c| scaled.h_advance(font.glyph_id(c))).sum()
        })
    }

    /// The text, cut with an ellipsis so that it is at most `width_px` wide.
    pub(crate) fn fitted(self, text: &str, width_px: f32) -> String {
        if self.width_of(text) <= width_px {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let cut: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width_of(&cut) <= width_px {
                return cut;
            }
        }
        String::new()
    }

    /// Draws a text with its baseline at `(x, baseline)`, both in pixels.
    pub(crate) fn draw(self, canvas: &mut Canvas, text: &str, (x, baseline): (f32, f32), colour: Colour) {
        let Some(font) = font() else { return };
        let scale = self.scale(font);
        let scaled = font.as_scaled(scale);
        let mut pen = x;
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(scale, point(pen, baseline));
            pen += scaled.h_advance(id);
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|gx, gy, coverage| {
                    let (px, py) = (bounds.min.x + gx as f32, bounds.min.y + gy as f32);
                    if px >= 0.0 && py >= 0.0 {
                        canvas.blend(px as u32, py as u32, colour, coverage);
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_latin_and_chinese() {
        let font = font().expect("the embedded font is readable");
        for c in "Illegal parking 12:59:07.250 · é 违章停车 人员聚集 徘徊 ×…".chars().filter(|c| *c != ' ')
        {
            assert_ne!(font.glyph_id(c).0, 0, "no glyph for {c}");
        }
    }

    #[test]
    fn long_texts_are_cut_to_fit() {
        let size = TextSize { em_px: 20.0 };
        let cut = size.fitted("Illegal parking in front of the fire brigade's gate", 200.0);
        assert!(cut.ends_with('…') && size.width_of(&cut) <= 200.0, "{cut}");
        assert_eq!(size.fitted("short", 200.0), "short");
    }
}
