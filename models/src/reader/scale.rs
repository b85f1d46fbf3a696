//! At which scale a model sees what it searches.

use crate::card::Card;

/// How large a model whose input has dynamic sides sees what is searched: its longer side in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// Of so many pixels, or as the card says.
    To(Option<u32>),
    /// As the card says, but enlarged to so many at least.
    AtLeast(u32),
}

/// Makes a model see pictures at a scale.
pub(super) fn search_at(card: &mut Card, scale: Scale) {
    let Some(dynamic) = &mut card.input.dynamic else { return };
    match scale {
        Scale::To(Some(side_px)) => {
            (card.input.width, card.input.height, dynamic.enlarge) = (side_px, side_px, true);
        }
        Scale::To(None) => {}
        Scale::AtLeast(px) => dynamic.least = px,
    }
}
