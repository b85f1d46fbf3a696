//! People cut out of the demo clip, with their gait.
//!
//! The camera of the demo clip stands still, so the median of its frames is the place without people, and what differs
//! from it within a person's window is the person.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use forewarn_domain::StreamId;
use forewarn_pipelines::{FileReplay, ReplayConfig};
use image::{Rgb, RgbImage, Rgba, RgbaImage};

use super::cutout::{Cutout, Picture};

/// A person who walks alone for two seconds: window as `[left, top, width, height]` in the first and the last frame.
struct Walk {
    name: &'static str,
    first: u64,
    from: [f32; 4],
    to: [f32; 4],
}

/// Frames of each walk; a double step takes about ten.
const N_FRAMES: u64 = 20;

/// Side views walk to the left unless their name says otherwise.
const WALKS: [Walk; 7] = [
    Walk { name: "man-in-black", first: 239, from: [656., 256., 68., 136.], to: [528., 228., 64., 124.] },
    Walk { name: "woman-in-red", first: 429, from: [672., 260., 76., 128.], to: [560., 236., 60., 120.] },
    Walk { name: "man-in-dark-coat", first: 229, from: [664., 208., 64., 108.], to: [540., 180., 60., 100.] },
    Walk { name: "man-to-the-right", first: 374, from: [508., 248., 64., 124.], to: [644., 280., 68., 132.] },
    Walk { name: "man-in-jeans", first: 179, from: [484., 212., 60., 112.], to: [596., 252., 64., 124.] },
    Walk { name: "man-with-red-sleeves", first: 639, from: [628., 204., 60., 112.], to: [612., 172., 60., 108.] },
    Walk { name: "bald-man", first: 49, from: [668., 244., 64., 140.], to: [580., 204., 60., 124.] },
];

/// Every how manieth frame the place without people is made of.
const STRIDE: u64 = 16;
/// Difference of a channel from which a pixel belongs to the person rather than to the place.
const DIFFERENCE: i16 = 24;

/// The place of the demo clip without people, and the people by name.
pub fn cut_out(clip: &Path) -> anyhow::Result<(RgbImage, BTreeMap<String, Cutout>)> {
    forewarn_pipelines::init()?;
    let mut replay = FileReplay::open(clip, ReplayConfig::new(StreamId::new("walkers")?))
        .with_context(|| format!("failed to open {}", clip.display()))?;
    let mut samples = Vec::new();
    let mut walks: BTreeMap<u64, RgbImage> = BTreeMap::new();
    let mut n = 0;
    while let Some(frame) = replay.next_frame()? {
        let is_walked = WALKS.iter().any(|walk| (walk.first..walk.first + N_FRAMES).contains(&n));
        if n % STRIDE == 0 || is_walked {
            let image = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8());
            let image = image.context("a frame of the demo clip has too few pixels")?;
            if n % STRIDE == 0 {
                samples.push(image.clone());
            }
            if is_walked {
                walks.insert(n, image);
            }
        }
        n += 1;
    }
    let place = median(&samples)?;
    let mut people = BTreeMap::new();
    for walk in &WALKS {
        people.insert(walk.name.to_owned(), walk.cut(&walks, &place)?);
    }
    Ok((place, people))
}

/// The median of every channel of every pixel.
fn median(samples: &[RgbImage]) -> anyhow::Result<RgbImage> {
    let first = samples.first().context("the demo clip has no frames")?;
    let mut values = vec![0; samples.len()];
    let mut bytes = Vec::with_capacity(first.as_raw().len());
    for i in 0..first.as_raw().len() {
        for (value, sample) in values.iter_mut().zip(samples) {
            *value = sample.as_raw()[i];
        }
        let middle = values.len() / 2;
        bytes.push(*values.select_nth_unstable(middle).1);
    }
    RgbImage::from_raw(first.width(), first.height(), bytes).context("the frames differ in size")
}

impl Walk {
    fn cut(&self, frames: &BTreeMap<u64, RgbImage>, place: &RgbImage) -> anyhow::Result<Cutout> {
        let mut pictures = Vec::new();
        let mut heights = Vec::new();
        for n in 0..N_FRAMES {
            let frame = frames.get(&(self.first + n)).context("the demo clip is shorter than it should be")?;
            let part = n as f32 / (N_FRAMES - 1) as f32;
            let [x, y, width, height] = std::array::from_fn(|i| self.from[i] + (self.to[i] - self.from[i]) * part);
            let (picture, rows) = person(frame, place, [x, y, width, height].map(|v| v.round() as u32));
            pictures.push(picture);
            heights.push(rows);
        }
        heights.sort_by(f32::total_cmp);
        Ok(Cutout { pictures, height: heights[heights.len() / 2] })
    }
}

/// Cuts the person out of a window, and tells how high the person is in pixels.
fn person(frame: &RgbImage, place: &RgbImage, [left, top, width, height]: [u32; 4]) -> (Picture, f32) {
    let (width, height) = (width.min(frame.width() - left), height.min(frame.height() - top));
    let differs = |x: u32, y: u32| {
        let (a, b) = (frame.get_pixel(left + x, top + y).0, place.get_pixel(left + x, top + y).0);
        a.iter().zip(b).map(|(&a, b)| (i16::from(a) - i16::from(b)).abs()).max().unwrap_or(0) > DIFFERENCE
    };
    let grid: Vec<bool> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| differs(x, y)).collect();
    let mask = largest_part(&closed(&grid, width as usize), width as usize);
    let mut image = RgbaImage::new(width, height);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let Rgb([red, green, blue]) = *frame.get_pixel(left + x, top + y);
        *pixel = Rgba([red, green, blue, softness(&mask, width as usize, x as usize, y as usize)]);
    }
    let rows: Vec<usize> =
        (0..height as usize).filter(|y| mask[y * width as usize..][..width as usize].contains(&true)).collect();
    let (top_row, foot_row) = (rows.first().copied().unwrap_or(0), rows.last().map_or(height as usize, |row| row + 1));
    let picture = Picture { image, foot_x: width as f32 / 2.0, foot_y: foot_row as f32 };
    (picture, (foot_row - top_row).max(1) as f32)
}

/// Fills gaps of a pixel or two: grown by two pixels and shrunk again.
fn closed(grid: &[bool], width: usize) -> Vec<bool> {
    let grown = |grid: &[bool], value: bool| -> Vec<bool> {
        let height = grid.len() / width;
        let near = |x: usize, y: usize| {
            let rows = y.saturating_sub(2)..=(y + 2).min(height - 1);
            rows.into_iter().any(|row| {
                (x.saturating_sub(2)..=(x + 2).min(width - 1)).any(|column| grid[row * width + column] == value)
            })
        };
        (0..grid.len()).map(|i| if near(i % width, i / width) { value } else { !value }).collect()
    };
    grown(&grown(grid, true), false)
}

/// The largest connected part.
fn largest_part(grid: &[bool], width: usize) -> Vec<bool> {
    let mut part_of = vec![0_usize; grid.len()];
    let mut sizes = vec![0_usize];
    for start in 0..grid.len() {
        if !grid[start] || part_of[start] != 0 {
            continue;
        }
        sizes.push(0);
        let part = sizes.len() - 1;
        let mut open = vec![start];
        part_of[start] = part;
        while let Some(i) = open.pop() {
            sizes[part] += 1;
            let (x, y) = (i % width, i / width);
            let left = (x > 0).then(|| i - 1);
            let right = (x + 1 < width).then_some(i + 1);
            let above = (y > 0).then(|| i - width);
            let below = (i + width < grid.len()).then_some(i + width);
            for next in [left, right, above, below].into_iter().flatten() {
                if grid[next] && part_of[next] == 0 {
                    part_of[next] = part;
                    open.push(next);
                }
            }
        }
    }
    let largest = (1..sizes.len()).max_by_key(|&part| sizes[part]).unwrap_or(usize::MAX);
    part_of.into_iter().map(|part| part == largest).collect()
}

/// Opacity of a pixel: the part of its neighbours and itself that belongs to the person.
fn softness(mask: &[bool], width: usize, x: usize, y: usize) -> u8 {
    let height = mask.len() / width;
    let mut inside = 0_u16;
    for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
        for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
            inside += u16::from(mask[row * width + column]);
        }
    }
    (inside.min(9) * 255 / 9) as u8
}
