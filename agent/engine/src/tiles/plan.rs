//! Which tiles cover a frame.

use std::fmt;
use std::str::FromStr;

use forewarn_domain::Tile;

/// Most tiles side by side; a frame that would need more gets larger tiles.
pub const MOST_ACROSS: u32 = 16;
/// Largest part of a tile that its neighbour may show again.
pub const MAX_OVERLAP: f32 = 0.5;
/// An automatic tile may be larger than the model's input by this factor, which often saves a row or a column.
const NATIVE_WITHIN: f32 = 1.25;
/// Larger sides from which on subjects are found about as well as larger ones, in pixels of the model's input. NanoDet-g
/// finds (score 0.35, 150 photos of sites at three scales, 1,255 people) 3 % of those of 16 to 32 px, 29 % from 32, 52 %
/// from 48, and 58 to 71 % in each band from 64 on.
pub(super) const LEGIBLE_PX: f32 = 64.0;
/// An automatic tile is enlarged so many times at most; more shows nothing new.
const MOST_ENLARGED: f32 = 3.0;
/// Automatic tiles for a size of subjects are no more than this, and larger where that takes more.
const MOST_FOR_A_SIZE: u32 = 40;

/// How many tiles there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grid {
    /// As many as show the frame at the model's own scale, give or take a quarter, or larger where subjects need it;
    /// none where the whole frame does.
    #[default]
    Auto,
    /// So many side by side and one above the other.
    Fixed {
        /// Side by side.
        across: u32,
        /// One above the other.
        down: u32,
    },
}

/// The words of a grid cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileSpecError {
    /// It is no grid.
    #[error("`{text}` is no grid of tiles; write `auto`, or tiles across x down, such as 3x2")]
    Form {
        /// What was written.
        text: String,
    },
    /// There are too few or too many tiles.
    #[error("{across}x{down} tiles cannot be; write 1 to {MOST_ACROSS} across and down")]
    Count {
        /// Side by side.
        across: u32,
        /// One above the other.
        down: u32,
    },
}

impl Grid {
    /// A fixed grid, if its counts can be.
    pub fn fixed(across: u32, down: u32) -> Result<Self, TileSpecError> {
        let is_possible = |n: u32| (1..=MOST_ACROSS).contains(&n);
        if is_possible(across) && is_possible(down) {
            Ok(Self::Fixed { across, down })
        } else {
            Err(TileSpecError::Count { across, down })
        }
    }
}

impl FromStr for Grid {
    type Err = TileSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let counts = text.split_once(['x', 'X']).and_then(|(a, d)| Some((a.parse().ok()?, d.parse().ok()?)));
        let (across, down) = counts.ok_or_else(|| TileSpecError::Form { text: text.to_owned() })?;
        Self::fixed(across, down)
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Fixed { across, down } => f.pad(&format!("{across}x{down}")),
        }
    }
}

/// How a frame is divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileSpec {
    /// How many tiles.
    pub grid: Grid,
    /// Least part of a tile's side that its neighbour shows again, 0 to [`MAX_OVERLAP`].
    pub overlap: f32,
    /// Larger side of the smallest subjects that matter, in pixels of the frame, for [`Grid::Auto`].
    pub smallest_px: Option<f32>,
}

impl Default for TileSpec {
    fn default() -> Self {
        Self { grid: Grid::Auto, overlap: 0.2, smallest_px: None }
    }
}

/// The tiles of a frame of `size` for a model whose input is of size `input`, row by row. All are of one size, lie in
/// the frame and cover it, and neighbours overlap by at least `spec.overlap` of their side.
///
/// Empty where the whole frame already is the only tile.
pub fn plan(size: (u32, u32), input: (u32, u32), spec: &TileSpec) -> Vec<Tile> {
    if size.0 == 0 || size.1 == 0 {
        return Vec::new();
    }
    let overlap = if spec.overlap.is_finite() { spec.overlap.clamp(0.0, MAX_OVERLAP) } else { 0.0 };
    let (across, down) = match spec.grid {
        Grid::Auto => automatic(size, input, overlap, spec.smallest_px),
        Grid::Fixed { across, down } => (across.clamp(1, MOST_ACROSS), down.clamp(1, MOST_ACROSS)),
    };
    if across * down == 1 {
        return Vec::new();
    }
    let (columns, width) = spans(size.0, across, overlap);
    let (rows, height) = spans(size.1, down, overlap);
    rows.iter().flat_map(|&y| columns.iter().map(move |&x| Tile { x, y, width, height })).collect()
}

/// How many tiles across and down show the smallest subjects large enough.
fn automatic(size: (u32, u32), input: (u32, u32), overlap: f32, smallest_px: Option<f32>) -> (u32, u32) {
    let native = |scale: f32| (needed(size.0, input.0, scale, overlap), needed(size.1, input.1, scale, overlap));
    let smallest_px = smallest_px.filter(|px| px.is_finite());
    let mut scale = smallest_px.map_or(NATIVE_WITHIN, |px| (px / LEGIBLE_PX).clamp(1.0 / MOST_ENLARGED, NATIVE_WITHIN));
    while scale < NATIVE_WITHIN {
        let (across, down) = native(scale);
        if across * down <= MOST_FOR_A_SIZE {
            return (across, down);
        }
        scale *= 1.1;
    }
    native(NATIVE_WITHIN)
}

/// How many tiles show `side` pixels, where a tile may have `scale` pixels for each of the input.
fn needed(side: u32, input: u32, scale: f32, overlap: f32) -> u32 {
    let largest = input.max(1) as f32 * scale;
    (1..MOST_ACROSS).find(|&n| side as f32 / parts(n, overlap) <= largest).unwrap_or(MOST_ACROSS)
}

/// The length of `n` tiles in a row that overlap, in tiles.
fn parts(n: u32, overlap: f32) -> f32 {
    n as f32 - (n - 1) as f32 * overlap
}

/// Where `n` tiles of one length begin, and their length.
fn spans(side: u32, n: u32, overlap: f32) -> (Vec<u32>, u32) {
    if n == 1 {
        return (vec![0], side);
    }
    // Beginnings lie on even pixels; the spare pixels make up for what rounding takes off an overlap.
    let length = ((side as f32 / parts(n, overlap)).ceil() as u32 + 4).min(side);
    let rest = (side - length) & !1;
    let begin = |i: u32| (f64::from(rest) * f64::from(i) / f64::from(n - 1)).round() as u32 & !1;
    ((0..n).map(begin).collect(), side - rest)
}
