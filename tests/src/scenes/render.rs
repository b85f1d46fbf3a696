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

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba, RgbaImage};

    use super::*;
    use crate::scenes::photos::Place;
    use crate::scenes::script::{Script, key};
    use crate::scenes::weather::{Light, Weather};

    fn photos() -> Photos {
        let post = Cutout::of_photo(&RgbaImage::from_pixel(4, 10, Rgba([200, 0, 0, 255])));
        let place = RgbImage::from_pixel(64, 48, Rgb([90, 100, 90]));
        Photos::of(Place::Street, place, BTreeMap::from([("post".to_owned(), post)]))
    }

    fn script(weather: Weather) -> Script {
        let path = vec![key(1.0, 10.0, 40.0), key(3.0, 50.0, 40.0)];
        Script {
            name: "post".to_owned(),
            about: "A post moves.".to_owned(),
            place: Place::Street,
            fps: 10,
            seconds: 4.0,
            actors: vec![Actor::new("post", "post", 20.0, Gait::Flies, path)],
            weather,
            quantizer: 0,
            zones: Vec::new(),
            rules: Vec::new(),
            truths: Vec::new(),
        }
    }

    fn frames(script: &Script, seed: u64) -> Vec<RgbImage> {
        let photos = photos();
        let mut renderer = Renderer::new(script, &photos, seed).unwrap();
        (0..40).map(|n| renderer.frame(n as f32 / 10.0)).collect()
    }

    #[test]
    fn a_thing_is_where_the_script_has_it_and_nowhere_before_and_after() {
        let frames = frames(&script(Weather { noise: 0.0, ..Weather::default() }), 1);
        let red = |n: usize| {
            let columns = frames[n].enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 150).map(|(x, _, _)| x);
            columns.min().zip(frames[n].enumerate_pixels().filter(|p| p.2.0[0] > 150).map(|p| p.1).max())
        };
        assert_eq!((red(5), red(35)), (None, None));
        assert_eq!((red(10), red(20)), (Some((6, 39)), Some((26, 39))));
    }

    #[test]
    fn the_same_seed_gives_the_same_pictures_and_another_seed_others() {
        let light = vec![Light::Waves(0.1, 3.0), Light::Step(2.0, 0.7), Light::Headlights(0.5, 2.0, 30.0)];
        let script = script(Weather { light, shake_px: 2.0, rain: 5, leaves: 3, ..Weather::default() });
        let first = frames(&script, 7);
        assert!(first == frames(&script, 7));
        assert!(first != frames(&script, 8));
    }
}
