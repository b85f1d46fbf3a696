//! A heat map over its scene.

use image::{Rgb, RgbImage};

use super::store::Heat;

/// Width of a drawing without a scene, in pixels.
const BARE_WIDTH_PX: u32 = 960;

/// Colours from cold to hot, of even steps of lightness so that they can be told apart in print and by everybody
/// (after the idea of van der Walt and Smith's perceptually uniform maps).
const RAMP: [[f32; 3]; 5] =
    [[20.0, 11.0, 52.0], [106.0, 23.0, 110.0], [187.0, 55.0, 84.0], [249.0, 142.0, 8.0], [252.0, 255.0, 164.0]];

/// Draws presence over a picture of the scene, made grey so that the colours speak; over black without one.
///
/// The hottest cell is the end of the ramp. Presence is spread over its neighbours, as a foot point is not truer than
/// a cell, and its root is drawn, so that a queue does not drown a path.
pub fn draw(heat: &Heat, scene: Option<&RgbImage>) -> RgbImage {
    let (columns, rows) = (u32::from(heat.columns), u32::from(heat.rows));
    let (width, height) = scene.map_or((BARE_WIDTH_PX, BARE_WIDTH_PX * rows / columns.max(1)), RgbImage::dimensions);
    let smooth = spread(heat);
    let most = smooth.iter().copied().fold(0.0_f32, f32::max).sqrt();
    RgbImage::from_fn(width, height, |x, y| {
        let ground = scene.map_or(0.0, |scene| {
            let [r, g, b] = scene.get_pixel(x, y).0.map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        });
        let at = (x as f32 + 0.5) / width as f32 * columns as f32 - 0.5;
        let down = (y as f32 + 0.5) / height as f32 * rows as f32 - 0.5;
        let value = between(&smooth, (heat.columns, heat.rows), at, down).sqrt();
        let part = if most > 0.0 { value / most } else { 0.0 };
        let weight = (part * 1.6).min(0.75);
        let colour = ramp(part);
        Rgb(std::array::from_fn(|i| (ground * (1.0 - weight) + colour[i] * weight).round().clamp(0.0, 255.0) as u8))
    })
}

fn ramp(part: f32) -> [f32; 3] {
    let place = part.clamp(0.0, 1.0) * (RAMP.len() - 1) as f32;
    let low = (place.floor() as usize).min(RAMP.len() - 2);
    let t = place - low as f32;
    std::array::from_fn(|i| RAMP[low][i] * (1.0 - t) + RAMP[low + 1][i] * t)
}

/// Presence smoothed by the binomial kernel of five cells, both ways.
fn spread(heat: &Heat) -> Vec<f32> {
    const KERNEL: [f32; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
    let (columns, rows) = (i64::from(heat.columns), i64::from(heat.rows));
    let pass = |cells: &[f32], dx: i64, dy: i64| -> Vec<f32> {
        let value = |x: i64, y: i64| {
            let inside = (0..columns).contains(&x) && (0..rows).contains(&y);
            usize::try_from(y * columns + x).ok().filter(|_| inside).map_or(0.0, |i| cells[i])
        };
        let tap = |x: i64, y: i64| (-2..=2_i64).zip(KERNEL).map(|(k, w)| w * value(x + k * dx, y + k * dy)).sum();
        (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))).map(|(x, y)| tap(x, y)).collect()
    };
    let cells: Vec<f32> = heat.presence_s.iter().map(|s| *s as f32).collect();
    pass(&pass(&cells, 1, 0), 0, 1)
}

/// Bilinear interpolation between the middles of cells.
fn between(cells: &[f32], (columns, rows): (u16, u16), x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, f32::from(columns) - 1.0), y.clamp(0.0, f32::from(rows) - 1.0));
    let (left, top) = (x.floor() as usize, y.floor() as usize);
    let (right, bottom) = ((left + 1).min(usize::from(columns) - 1), (top + 1).min(usize::from(rows) - 1));
    let (tx, ty) = (x - left as f32, y - top as f32);
    let cell = |x: usize, y: usize| cells[y * usize::from(columns) + x];
    let upper = cell(left, top) * (1.0 - tx) + cell(right, top) * tx;
    let lower = cell(left, bottom) * (1.0 - tx) + cell(right, bottom) * tx;
    upper * (1.0 - ty) + lower * ty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(hot: usize) -> Heat {
        let mut presence_s = vec![0.0; 16 * 9];
        presence_s[hot] = 30.0;
        Heat { columns: 16, rows: 9, presence_s, watched_s: 60.0 }
    }

    #[test]
    fn the_hot_cell_glows_and_the_far_corner_stays_grey() {
        let scene = RgbImage::from_pixel(160, 90, Rgb([100, 100, 100]));
        let drawn = draw(&heat(4 * 16 + 8), Some(&scene));
        assert_eq!(drawn.dimensions(), (160, 90));
        let [r, _, b] = drawn.get_pixel(85, 45).0;
        assert!(r > 150 && r > b, "{r} {b}");
        assert_eq!(drawn.get_pixel(2, 2).0, [100, 100, 100]);
    }

    #[test]
    fn nothing_seen_draws_the_scene_alone() {
        let cold = Heat { presence_s: vec![0.0; 16 * 9], ..heat(0) };
        assert!(draw(&cold, None).pixels().all(|p| p.0 == [0, 0, 0]));
    }
}
