//! Parts of what a detector sees of a frame, at the scale at which it sees the whole of it.

use crate::BBox;

/// How frames of one size lie in a detector's input: the frame's top left corner in that of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputGrid {
    /// Width and height of the input for a whole frame, in its pixels.
    pub size_px: (u32, u32),
    /// Windows begin and end at multiples of this, where the detector's cells do.
    pub step_px: u32,
    /// Pixels of the frame for each of the input.
    pub scale: f32,
}

/// A part of a detector's input, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl InputGrid {
    /// The least window that shows a box of the frame with `margin_px` pixels of the input around it.
    pub fn around(&self, bbox: &BBox, margin_px: f32) -> Window {
        let step = self.step_px.max(1);
        // Saturates at nought where the box lies beyond the left or the upper edge.
        let begin = |edge: f32| ((edge / self.scale - margin_px).floor() as u32) / step * step;
        let end =
            |edge: f32, most: u32| ((edge / self.scale + margin_px).ceil() as u32).next_multiple_of(step).min(most);
        let (x1, y1) = (end(bbox.x1, self.size_px.0), end(bbox.y1, self.size_px.1));
        let (x, y) = (begin(bbox.x0).min(x1.saturating_sub(step)), begin(bbox.y0).min(y1.saturating_sub(step)));
        Window { x, y, width: (x1 - x).max(step), height: (y1 - y).max(step) }
    }

    /// A window as a box in pixels of the frame; it may reach beyond the frame's right and lower edge.
    pub fn to_frame(&self, window: &Window) -> BBox {
        let at = |px: u32| px as f32 * self.scale;
        BBox::new(at(window.x), at(window.y), at(window.x + window.width), at(window.y + window.height))
    }
}

impl Window {
    /// The least window that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (x1, y1) =
            ((self.x + self.width).max(other.x + other.width), (self.y + self.height).max(other.y + other.height));
        Self { x, y, width: x1 - x, height: y1 - y }
    }

    /// Pixels of the input.
    pub fn area(&self) -> u32 {
        self.width * self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: InputGrid = InputGrid { size_px: (416, 256), step_px: 32, scale: 4.0 };

    #[test]
    fn windows_hold_their_box_and_its_margin_and_end_at_cells() {
        let bbox = BBox::new(400.0, 300.0, 500.0, 380.0);
        let window = GRID.around(&bbox, 16.0);
        assert_eq!(window, Window { x: 64, y: 32, width: 96, height: 96 });
        assert_eq!(GRID.to_frame(&window), BBox::new(256.0, 128.0, 640.0, 512.0));
    }

    #[test]
    fn windows_stay_in_the_input() {
        let all = BBox::new(-50.0, -9.0, 5000.0, 5000.0);
        assert_eq!(GRID.around(&all, 16.0), Window { x: 0, y: 0, width: 416, height: 256 });
        let beyond = BBox::new(1660.0, 1020.0, 1664.0, 1024.0);
        assert_eq!(GRID.around(&beyond, 0.0), Window { x: 384, y: 224, width: 32, height: 32 });
    }

    #[test]
    fn two_windows_are_held_by_one() {
        let (a, b) = (Window { x: 0, y: 64, width: 32, height: 32 }, Window { x: 96, y: 0, width: 64, height: 32 });
        let both = a.union(&b);
        assert_eq!((both, both.area()), (Window { x: 0, y: 0, width: 160, height: 96 }, 160 * 96));
    }
}
