//! What a subject looks like, as a small vector: it tells neighbours apart whose boxes do not.

use forewarn_domain::{BBox, Frame};

/// Most values of a vector; those of re-identification models have up to 512.
const MOST_VALUES: usize = 1024;
/// Bins for each of luma and the two colour differences, in each half of the box.
const BINS: usize = 8;
/// Samples along each side of half a box.
const GRID: u32 = 16;
/// The part of the width in the middle of the box that mostly shows the subject and not what is behind.
const MIDDLE: f32 = 0.6;
/// How much of a track's appearance is left after another sighting.
const MEMORY: f32 = 0.9;
/// Boxes of fewer pixels along a side say nothing of colours.
const LEAST_SIDE_PX: f32 = 6.0;

/// What a subject looks like: a vector of length 1, compared by the cosine.
///
/// Any vector will do whose cosine grows with likeness: one from a re-identification model ([`Appearance::new`]) or the
/// colours of the box ([`Appearance::of_colours`]). All vectors that one tracker is given must be of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Appearance(Vec<f32>);

impl Appearance {
    /// An appearance from a model's vector; none if it is empty, too long, not finite or of no length.
    pub fn new(mut values: Vec<f32>) -> Option<Self> {
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let is_sound = (1..=MOST_VALUES).contains(&values.len()) && length.is_finite() && length > 1e-6;
        if !is_sound {
            return None;
        }
        for value in &mut values {
            *value /= length;
        }
        Some(Self(values))
    }

    /// The colours of the upper and the lower half of a box, with no model; none where the box is too small.
    pub fn of_colours(frame: &Frame, bbox: &BBox) -> Option<Self> {
        let b = bbox.clamped(frame.width, frame.height);
        if !bbox.is_valid() || b.width() < LEAST_SIDE_PX || b.height() < LEAST_SIDE_PX {
            return None;
        }
        let mut counts = vec![0.0f32; 2 * 3 * BINS];
        let left = b.centre().x - 0.5 * MIDDLE * b.width();
        for row in 0..2 * GRID {
            let y = b.y0 + b.height() * (row as f32 + 0.5) / (2 * GRID) as f32;
            let half = &mut counts[(row / GRID) as usize * 3 * BINS..][..3 * BINS];
            for column in 0..GRID {
                let x = left + MIDDLE * b.width() * (column as f32 + 0.5) / GRID as f32;
                let [r, g, b] = frame.rgb_at((x as u32).min(frame.width - 1), (y as u32).min(frame.height - 1));
                let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
                let luma = 0.299 * r + 0.587 * g + 0.114 * b;
                // Colour differences of clothes are small, so their bins are narrower.
                for (i, value) in [luma, 128.0 + (b - luma), 128.0 + (r - luma)].into_iter().enumerate() {
                    add(&mut half[i * BINS..][..BINS], value);
                }
            }
        }
        // The cosine of the roots of two histograms is their Bhattacharyya coefficient.
        Self::new(counts.into_iter().map(f32::sqrt).collect())
    }

    /// Its numbers, of which [`Appearance::new`] makes it again.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Likeness, -1 to 1; none if the two are not of one kind.
    pub fn likeness(&self, other: &Self) -> Option<f32> {
        (self.0.len() == other.0.len()).then(|| self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum())
    }

    /// Takes in another sighting of the same subject.
    pub fn blend(&mut self, seen: &Self) {
        if self.0.len() != seen.0.len() {
            self.clone_from(seen);
            return;
        }
        let mixed = self.0.iter().zip(&seen.0).map(|(a, b)| MEMORY * a + (1.0 - MEMORY) * b).collect();
        if let Some(mixed) = Self::new(mixed) {
            *self = mixed;
        }
    }
}

/// Adds a level of 0 to 255 to the two nearest bins.
fn add(bins: &mut [f32], level: f32) {
    let at = (level / 256.0 * BINS as f32 - 0.5).clamp(0.0, (BINS - 1) as f32);
    let (low, part) = (at as usize, at.fract());
    bins[low] += 1.0 - part;
    bins[(low + 1).min(BINS - 1)] += part;
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    fn frame(rgb: impl Fn(usize, usize) -> [u8; 3]) -> Frame {
        let meta = FrameMeta {
            stream: StreamId::new("s").unwrap(),
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        let bytes = (0..100 * 60).flat_map(|i| rgb(i % 100, i / 100)).collect();
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (100, 60), bytes).unwrap()
    }

    #[test]
    fn coats_tell_people_apart_and_light_does_not() {
        let (red, green) = ([180, 40, 40], [40, 160, 60]);
        let street = frame(|x, y| match (x / 34, y < 30) {
            (0, true) => red,
            (1, true) => green,
            (2, true) => red.map(|v| v + 12),
            _ => [40, 40, 60],
        });
        let of = |x: f32| Appearance::of_colours(&street, &BBox::new(x, 0.0, x + 30.0, 60.0)).unwrap();
        let (a, b, c) = (of(2.0), of(36.0), of(69.0));
        assert!(a.likeness(&c).unwrap() > 0.85, "{:?}", a.likeness(&c));
        assert!(a.likeness(&b).unwrap() < 0.8, "{:?}", a.likeness(&b));
        assert_eq!(Appearance::of_colours(&street, &BBox::new(98.0, 0.0, 130.0, 60.0)), None);
    }

    #[test]
    fn unsound_vectors_are_refused() {
        for values in [vec![], vec![0.0; 4], vec![f32::NAN, 1.0], vec![f32::MAX; 3], vec![1.0; MOST_VALUES + 1]] {
            assert_eq!(Appearance::new(values), None);
        }
        let (a, other) = (Appearance::new(vec![3.0, 4.0]).unwrap(), Appearance::new(vec![1.0]).unwrap());
        assert_eq!((a.likeness(&a), a.likeness(&other)), (Some(1.0), None));
    }
}
