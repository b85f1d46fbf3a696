//! Takes changes of light out of a picture before it is compared with the scene.

use super::models::Models;

/// Side of a block in samples.
const BLOCK: usize = 8;
/// Blocks each way whose median is the light of a place: objects that fill less than half of them do not change it.
const REACH: usize = 3;
/// Keeps ratios of dark levels tame.
const BLACK: f32 = 6.0;

/// The gain of the light at each sample against the scene, smooth over the picture.
pub(super) fn field(models: &Models, now: &[f32], is_covered: &[bool], out: &mut Vec<f32>) {
    let (width, height) = (models.width, models.height);
    let (columns, rows) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
    let mut sums = vec![(0.0f32, 0.0f32, 0u32); columns * rows];
    for (i, (&level, &scene)) in now.iter().zip(&models.scene).enumerate() {
        if !is_covered[i] && models.known_s[i] > 0.0 {
            let sum = &mut sums[i / width / BLOCK * columns + i % width / BLOCK];
            *sum = (sum.0 + level, sum.1 + scene, sum.2 + 1);
        }
    }
    let ratio = |&(now, then, n): &(f32, f32, u32)| {
        (n as usize >= BLOCK).then(|| (now + BLACK * n as f32) / (then + BLACK * n as f32))
    };
    let ratios: Vec<Option<f32>> = sums.iter().map(ratio).collect();
    let whole = median(&mut ratios.iter().flatten().copied().collect::<Vec<_>>()).unwrap_or(1.0);
    let mut near = Vec::new();
    let local: Vec<f32> = (0..columns * rows)
        .map(|block| {
            let (x, y) = (block % columns, block / columns);
            near.clear();
            for row in y.saturating_sub(REACH)..(y + REACH + 1).min(rows) {
                let row = &ratios[row * columns..][..columns];
                near.extend(row[x.saturating_sub(REACH)..(x + REACH + 1).min(columns)].iter().flatten());
            }
            if near.len() < 4 { whole } else { median(&mut near).unwrap_or(whole) }.clamp(whole * 0.4, whole * 2.5)
        })
        .collect();
    spread(&local, columns, rows, (width, height), out);
}

fn median(values: &mut [f32]) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Interpolates values of blocks between the centres of the blocks.
fn spread(blocks: &[f32], columns: usize, rows: usize, (width, height): (usize, usize), out: &mut Vec<f32>) {
    let place = |at: usize, count: usize| {
        let t = ((at as f32 + 0.5) / BLOCK as f32 - 0.5).clamp(0.0, (count - 1) as f32);
        let low = t as usize;
        (low, (low + 1).min(count - 1), t - low as f32)
    };
    let across: Vec<_> = (0..width).map(|x| place(x, columns)).collect();
    out.clear();
    for y in 0..height {
        let (top, bottom, fy) = place(y, rows);
        let (top, bottom) = (&blocks[top * columns..][..columns], &blocks[bottom * columns..][..columns]);
        out.extend(across.iter().map(|&(a, b, fx)| {
            let (upper, lower) = (top[a] + (top[b] - top[a]) * fx, bottom[a] + (bottom[b] - bottom[a]) * fx);
            upper + (lower - upper) * fy
        }));
    }
}
