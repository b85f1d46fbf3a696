//! Areas of a picture made unrecognisable: blocks of their mean colours.
//!
//! Blocks lie on one grid of the whole picture, so that they do not move with what they hide, from whose motion its details
//! could be worked out.

use std::ops::Range;

use crate::cover::Area;

/// Blocks across a covered area, at most; a face of so few pixels is not recognised by people or by machines.
const BLOCKS: u32 = 6;
/// The least side of a block in pixels.
const LEAST_SIDE_PX: u32 = 8;

/// The side of a block for an area: a power of two.
fn side_px(area: Area) -> u32 {
    (area.x1 - area.x0).max(area.y1 - area.y0).div_ceil(BLOCKS).max(LEAST_SIDE_PX).next_power_of_two()
}

/// Covers areas of a picture of even sides in three packed planes, Y, U and V.
pub(crate) fn cover_i420(bytes: &mut [u8], (width, height): (u32, u32), areas: &[Area]) {
    let bands = bands(areas);
    let (w, h) = (width as usize, height as usize);
    let (luma, chroma) = bytes.split_at_mut(w * h);
    let (u, v) = chroma.split_at_mut(w / 2 * (h / 2));
    average::<1>(luma, (w, h), &bands, 1);
    for plane in [u, v] {
        average::<1>(plane, (w / 2, h / 2), &bands, 2);
    }
}

/// Covers areas of a picture of packed R, G and B bytes.
pub(crate) fn cover_rgb(bytes: &mut [u8], width: u32, areas: &[Area]) {
    let width = width as usize;
    let height = bytes.len() / (width * 3).max(1);
    average::<3>(bytes, (width, height), &bands(areas), 1);
}

/// Rows in which the same columns are covered.
#[derive(Debug, PartialEq, Eq)]
struct Band {
    y0: usize,
    y1: usize,
    /// The columns from and to, and the side of the blocks there.
    runs: Vec<(usize, usize, usize)>,
}

/// Areas that may overlap, as bands that do not: where several lie over each other, the largest blocks count. So each pixel is
/// taken up once, however many areas it lies in.
fn bands(areas: &[Area]) -> Vec<Band> {
    let mut bands = Vec::new();
    let edges = sorted(areas.iter().flat_map(|area| [area.y0, area.y1]));
    for rows in edges.windows(2) {
        let here: Vec<&Area> = areas.iter().filter(|area| area.y0 <= rows[0] && rows[1] <= area.y1).collect();
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for columns in sorted(here.iter().flat_map(|area| [area.x0, area.x1])).windows(2) {
            let over = here.iter().filter(|area| area.x0 <= columns[0] && columns[1] <= area.x1);
            let Some(side) = over.map(|area| side_px(**area) as usize).max() else { continue };
            let (from, to) = (columns[0] as usize, columns[1] as usize);
            match runs.last_mut().filter(|last| (last.1, last.2) == (from, side)) {
                Some(last) => last.1 = to,
                None => runs.push((from, to, side)),
            }
        }
        bands.push(Band { y0: rows[0] as usize, y1: rows[1] as usize, runs });
    }
    bands
}

fn sorted(edges: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut edges: Vec<u32> = edges.collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Sums of the covered samples of each block, and their number, for one size of blocks.
struct Level<const N: usize> {
    side: usize,
    columns: usize,
    blocks: Vec<([u32; N], u32)>,
}

/// Goes through the parts of blocks that are covered, each with the rows and columns in which it lies.
fn each_part<const N: usize>(
    levels: &mut [Level<N>],
    (width, height): (usize, usize),
    (bands, shrunk): (&[Band], usize),
    mut with: impl FnMut(&mut ([u32; N], u32), Range<usize>, Range<usize>),
) {
    for band in bands {
        let (y0, y1) = (band.y0 / shrunk, (band.y1 / shrunk).min(height));
        for &(x0, x1, side) in &band.runs {
            let (x0, x1, side) = (x0 / shrunk, (x1 / shrunk).min(width), (side / shrunk).max(1));
            let Some(level) = levels.iter_mut().find(|level| level.side == side) else { continue };
            let mut top = y0;
            while top < y1 {
                let (row, bottom) = (top / side, ((top / side + 1) * side).min(y1));
                let mut left = x0;
                while left < x1 {
                    let (column, right) = (left / side, ((left / side + 1) * side).min(x1));
                    with(&mut level.blocks[row * level.columns + column], top..bottom, left..right);
                    left = right;
                }
                top = bottom;
            }
        }
    }
}

/// Gives what is covered of each block its mean, of samples of `N` channels; the plane is `shrunk` against the picture.
fn average<const N: usize>(plane: &mut [u8], size: (usize, usize), bands: &[Band], shrunk: usize) {
    let (width, height) = size;
    let sides = bands.iter().flat_map(|band| &band.runs).map(|run| run.2 as u32);
    let level = |side: u32| {
        let side = (side as usize / shrunk).max(1);
        let columns = width.div_ceil(side);
        Level { side, columns, blocks: vec![([0; N], 0); columns * height.div_ceil(side)] }
    };
    let mut levels: Vec<Level<N>> = sorted(sides).into_iter().map(level).collect();
    let place = |y: usize, columns: &Range<usize>| (y * width + columns.start) * N..(y * width + columns.end) * N;
    each_part(&mut levels, size, (bands, shrunk), |(sums, count), rows, columns| {
        *count += (rows.len() * columns.len()) as u32;
        for y in rows {
            let samples = &plane[place(y, &columns)];
            // One channel is the usual case, and summed many samples at a time.
            if N == 1 {
                sums[0] += samples.iter().map(|&sample| u32::from(sample)).sum::<u32>();
                continue;
            }
            for sample in samples.chunks_exact(N) {
                (0..N).for_each(|c| sums[c] += u32::from(sample[c]));
            }
        }
    });
    each_part(&mut levels, size, (bands, shrunk), |(sums, count), rows, columns| {
        let mean = sums.map(|sum| ((sum + *count / 2) / (*count).max(1)) as u8);
        for y in rows {
            let samples = &mut plane[place(y, &columns)];
            if N == 1 {
                samples.fill(mean[0]);
                continue;
            }
            samples.chunks_exact_mut(N).for_each(|sample| sample.copy_from_slice(&mean));
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: (u32, u32) = (64, 48);

    fn area() -> impl Strategy<Value = Area> {
        (0_u32..31, 0_u32..23, 1_u32..32, 1_u32..24).prop_map(|(x, y, w, h)| Area {
            x0: x * 2,
            y0: y * 2,
            x1: ((x + w) * 2).min(SIZE.0),
            y1: ((y + h) * 2).min(SIZE.1),
        })
    }

    proptest! {
        /// Each covered sample is the mean of those samples of its block that are covered with blocks of that size.
        #[test]
        fn where_areas_overlap_the_largest_blocks_count(areas in prop::collection::vec(area(), 1..8), seed in any::<u32>()) {
            let luma: Vec<u8> = (0..SIZE.0 * SIZE.1).map(|i| (i.wrapping_mul(seed | 1) >> 13) as u8).collect();
            let mut covered = [luma.clone(), vec![128; 64 * 48 / 2]].concat();
            cover_i420(&mut covered, SIZE, &areas);
            let side_at = |x: u32, y: u32| {
                let here = areas.iter().filter(|a| (a.x0..a.x1).contains(&x) && (a.y0..a.y1).contains(&y));
                here.map(|area| side_px(*area)).max()
            };
            let at = |x: u32, y: u32| (y * SIZE.0 + x) as usize;
            for (x, y) in (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y))) {
                let Some(side) = side_at(x, y) else {
                    prop_assert_eq!(covered[at(x, y)], luma[at(x, y)]);
                    continue;
                };
                let (left, top) = (x / side * side, y / side * side);
                let block = (top..(top + side).min(SIZE.1)).flat_map(|y| (left..(left + side).min(SIZE.0)).map(move |x| (x, y)));
                let alike: Vec<u32> =
                    block.filter(|&(x, y)| side_at(x, y) == Some(side)).map(|(x, y)| u32::from(luma[at(x, y)])).collect();
                let count = alike.len() as u32;
                prop_assert_eq!(u32::from(covered[at(x, y)]), (alike.iter().sum::<u32>() + count / 2) / count);
            }
        }

        #[test]
        fn inside_few_values_are_left_and_outside_nothing_changes(
            area in area(), seed in any::<u32>(),
        ) {
            let bytes: Vec<u8> = (0..64_u32 * 48 * 3).map(|i| (i.wrapping_mul(seed | 1) >> 13) as u8).collect();
            let is_inside = |x: u32, y: u32| (area.x0..area.x1).contains(&x) && (area.y0..area.y1).contains(&y);
            let most = (BLOCKS as usize + 1).pow(2);

            let i420 = bytes[..64 * 48 * 3 / 2].to_vec();
            let mut covered = i420.clone();
            cover_i420(&mut covered, SIZE, &[area]);
            let mut inside: Vec<u8> = Vec::new();
            for y in 0..SIZE.1 {
                for x in 0..SIZE.0 {
                    let at = (y * SIZE.0 + x) as usize;
                    if is_inside(x, y) { inside.push(covered[at]) } else { prop_assert_eq!(covered[at], i420[at]) }
                    let chroma = (64 * 48 + (y / 2) * 32 + x / 2) as usize;
                    prop_assert!(is_inside(x, y) || covered[chroma] == i420[chroma]);
                }
            }
            inside.sort_unstable();
            inside.dedup();
            prop_assert!(inside.len() <= most, "{}", inside.len());

            let mut rgb = bytes.clone();
            cover_rgb(&mut rgb, SIZE.0, &[area]);
            let mut colours: Vec<&[u8]> = Vec::new();
            for (i, pixel) in rgb.chunks_exact(3).enumerate() {
                let at = (i as u32 % SIZE.0, i as u32 / SIZE.0);
                if is_inside(at.0, at.1) { colours.push(pixel) } else { prop_assert_eq!(pixel, &bytes[i * 3..i * 3 + 3]) }
            }
            colours.sort_unstable();
            colours.dedup();
            prop_assert!(colours.len() <= most);
        }
    }
}
