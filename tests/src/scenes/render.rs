//! Drawing the frames of a scene.

use std::collections::BTreeMap;

use anyhow::Context as _;
use image::RgbImage;

use super::cutout::{Cutout, Picture};
use super::photos::Photos;
use super::script::{Actor, Gait, Script};
use super::weather::Sky;

/// Draws a scene frame by frame.
#[derive(Debug)]
pub struct Renderer<'a> {
    script: &'a Script,
    place: &'a RgbImage,
    /// Each actor's pictures in its size, as they are and mirrored.
    cutouts: BTreeMap<&'static str, [Cutout; 2]>,
    sky: Sky,
}

impl<'a> Renderer<'a> {
    /// Makes everything ready; what is left to chance hangs on the seed.
    pub fn new(script: &'a Script, photos: &'a Photos, seed: u64) -> anyhow::Result<Self> {
        let place = photos.place(script.place)?;
        let mut cutouts = BTreeMap::new();
        for actor in &script.actors {
            let cutout = photos.thing(actor.photo).with_context(|| format!("scene {}", script.name))?;
            let is_new =
                cutouts.insert(actor.name, [false, true].map(|side| cutout.sized(actor.height, side))).is_none();
            anyhow::ensure!(is_new, "scene {}: two actors are called {}", script.name, actor.name);
        }
        let sky = Sky::new(script.weather.clone(), seed, place.dimensions());
        Ok(Self { script, place, cutouts, sky })
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        self.place.dimensions()
    }

    /// Width of an actor's picture by its height.
    pub fn aspect(&self, name: &str) -> f32 {
        self.cutouts.get(name).map_or(1.0, |[cutout, _]| cutout.width() / cutout.height)
    }

    /// The picture at a time; times must not go back.
    pub fn frame(&mut self, at_s: f32) -> RgbImage {
        let mut image = self.place.clone();
        let mut there: Vec<(&Actor, (f32, f32))> =
            self.script.actors.iter().filter_map(|actor| Some((actor, actor.foot(at_s)?))).collect();
        // Who stands further down stands nearer and hides the others.
        there.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
        for (actor, foot) in there {
            if let Some(sides) = self.cutouts.get(actor.name) {
                draw_actor(&mut image, actor, &sides[usize::from(actor.is_mirrored(at_s))], foot, at_s);
            }
        }
        let shift = self.sky.shake(at_s);
        if shift != (0, 0) {
            image = shifted(&image, shift);
        }
        self.sky.act(&mut image, at_s);
        image
    }
}

fn draw_actor(image: &mut RgbImage, actor: &Actor, cutout: &Cutout, foot: (f32, f32), at_s: f32) {
    let n = cutout.pictures.len();
    // People who stand keep one picture: nobody in the photographs stands still.
    let number = if n > 1 && actor.is_moving(at_s) { (at_s * 10.0) as usize % n } else { n / 2 };
    let Some(picture) = cutout.pictures.get(number) else { return };
    if actor.gait == Gait::Rolls {
        shade(image, foot, picture.image.width() as f32 * 0.48, picture.image.height() as f32 * 0.07);
    }
    let sway =
        if let Gait::Sways(px) = actor.gait { (at_s * 1.9).sin() * px + (at_s * 4.7).sin() * px * 0.4 } else { 0.0 };
    draw(image, picture, foot, sway);
}

/// Draws a picture with its foot at a point; its top is bent aside by `sway` pixels.
fn draw(image: &mut RgbImage, picture: &Picture, (x, y): (f32, f32), sway: f32) {
    let (left, top) = ((x - picture.foot_x).round() as i64, (y - picture.foot_y).round() as i64);
    let height = picture.image.height().max(1) as f32;
    for (column, row, pixel) in picture.image.enumerate_pixels() {
        let alpha = u16::from(pixel.0[3]);
        let bend = (sway * (1.0 - row as f32 / height)).round() as i64;
        let (at_x, at_y) = (left + i64::from(column) + bend, top + i64::from(row));
        if alpha == 0 || at_x < 0 || at_y < 0 || at_x >= i64::from(image.width()) || at_y >= i64::from(image.height()) {
            continue;
        }
        let below = image.get_pixel_mut(at_x as u32, at_y as u32);
        for (value, drawn) in below.0.iter_mut().zip(pixel.0) {
            // The drawn colours are weighted by their opacity already.
            *value = (u16::from(*value) * (255 - alpha) / 255 + u16::from(drawn)).min(255) as u8;
        }
    }
}

/// The shadow below something heavy: a dark ellipse with a soft edge.
fn shade(image: &mut RgbImage, (x, y): (f32, f32), half_width: f32, half_height: f32) {
    let rows = (y - half_height).max(0.0) as u32..((y + half_height).max(0.0) as u32).min(image.height());
    for row in rows {
        for column in (x - half_width).max(0.0) as u32..((x + half_width).max(0.0) as u32).min(image.width()) {
            let (dx, dy) = ((column as f32 - x) / half_width, (row as f32 - y) / half_height.max(1.0));
            let depth = (1.0 - dx * dx - dy * dy).clamp(0.0, 0.5);
            for value in &mut image.get_pixel_mut(column, row).0 {
                *value = (f32::from(*value) * (1.0 - depth)) as u8;
            }
        }
    }
}

/// The picture moved; edges are drawn out.
fn shifted(image: &RgbImage, (dx, dy): (i64, i64)) -> RgbImage {
    let (width, height) = image.dimensions();
    let within = |v: i64, length: u32| v.clamp(0, i64::from(length) - 1) as u32;
    RgbImage::from_fn(width, height, |x, y| {
        *image.get_pixel(within(i64::from(x) + dx, width), within(i64::from(y) + dy, height))
    })
}
