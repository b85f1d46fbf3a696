//! Areas of a picture made unrecognisable: blocks of their mean colours.
//!
//! Blocks lie on one grid of the whole picture, so that they do not move with what they hide, from whose motion its details
//! could be worked out.

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
    let (w, h) = (width as usize, height as usize);
    let (luma, chroma) = bytes.split_at_mut(w * h);
    let (u, v) = chroma.split_at_mut(w / 2 * (h / 2));
    for &area in areas {
        let side = side_px(area) as usize;
        let [x0, y0, x1, y1] = [area.x0, area.y0, area.x1, area.y1].map(|edge| edge as usize);
        average::<1>(luma, w, (x0, x1), (y0, y1), side);
        for plane in [&mut *u, &mut *v] {
            average::<1>(plane, w / 2, (x0 / 2, x1 / 2), (y0 / 2, y1 / 2), side / 2);
        }
    }
}

/// Covers areas of a picture of packed R, G and B bytes.
pub(crate) fn cover_rgb(bytes: &mut [u8], width: u32, areas: &[Area]) {
    for &area in areas {
        let [x0, y0, x1, y1] = [area.x0, area.y0, area.x1, area.y1].map(|edge| edge as usize);
        average::<3>(bytes, width as usize, (x0, x1), (y0, y1), side_px(area) as usize);
    }
}

/// Gives each block within the columns and rows its mean, of samples of `N` channels.
fn average<const N: usize>(
    plane: &mut [u8],
    width: usize,
    (x0, x1): (usize, usize),
    (y0, y1): (usize, usize),
    side: usize,
) {
    let mut top = y0;
    while top < y1 {
        let bottom = ((top / side + 1) * side).min(y1);
        let mut left = x0;
        while left < x1 {
            let right = ((left / side + 1) * side).min(x1);
            let row = |y: usize| (y * width + left) * N..(y * width + right) * N;
            let mut sums = [0_u32; N];
            for y in top..bottom {
                // One channel is the usual case, and summed many samples at a time.
                if N == 1 {
                    sums[0] += plane[row(y)].iter().map(|&sample| u32::from(sample)).sum::<u32>();
                    continue;
                }
                for sample in plane[row(y)].chunks_exact(N) {
                    (0..N).for_each(|c| sums[c] += u32::from(sample[c]));
                }
            }
            let count = ((bottom - top) * (right - left)) as u32;
            let mean = sums.map(|sum| ((sum + count / 2) / count) as u8);
            for y in top..bottom {
                if N == 1 {
                    plane[row(y)].fill(mean[0]);
                    continue;
                }
                plane[row(y)].chunks_exact_mut(N).for_each(|sample| sample.copy_from_slice(&mean));
            }
            left = right;
        }
        top = bottom;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: (u32, u32) = (64, 48);

    proptest! {
        #[test]
        fn inside_few_values_are_left_and_outside_nothing_changes(
            x in 0_u32..31, y in 0_u32..23, w in 1_u32..32, h in 1_u32..24, seed in any::<u32>(),
        ) {
            let area = Area { x0: x * 2, y0: y * 2, x1: ((x + w) * 2).min(SIZE.0), y1: ((y + h) * 2).min(SIZE.1) };
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
