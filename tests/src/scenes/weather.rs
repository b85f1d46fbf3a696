//! What light, rain, wind and the camera itself do to a picture.

use fastrand::Rng;
use image::RgbImage;

/// All of it; the default is a calm day with a good camera.
#[derive(Debug, Clone)]
pub struct Weather {
    /// Standard deviation of the sensor's noise, in grey levels.
    pub noise: f32,
    /// Changes of light.
    pub light: Vec<Light>,
    /// How far the camera is shaken, in pixels.
    pub shake_px: f32,
    /// Drops of rain in each frame.
    pub rain: u32,
    /// Leaves in the air.
    pub leaves: u32,
    /// Flakes of snow in the air.
    pub snow: u32,
}

impl Default for Weather {
    fn default() -> Self {
        Self { noise: 2.5, light: Vec::new(), shake_px: 0.0, rain: 0, leaves: 0, snow: 0 }
    }
}

/// A change of light.
#[derive(Debug, Clone, Copy)]
pub enum Light {
    /// The whole scene in this brightness.
    Even(f32),
    /// Slow waves, as clouds make: depth and period in seconds.
    Waves(f32, f32),
    /// From this second on in this brightness, at once, as when a lamp is switched.
    Step(f32, f32),
    /// Headlights cross the picture between two seconds, at this row.
    Headlights(f32, f32, f32),
    /// The edge of a shadow crosses the picture between two seconds and stays to a third.
    Shadow(f32, f32, f32),
}

impl Light {
    /// What it multiplies the brightness of a pixel by, and what it adds to it, for columns and rows from 0 to 1.
    fn at(self, at_s: f32, x: f32, row: f32, width: f32) -> (f32, f32) {
        match self {
            Self::Even(gain) => (gain, 0.0),
            Self::Waves(depth, period_s) => (1.0 + depth * (at_s * std::f32::consts::TAU / period_s).sin(), 0.0),
            Self::Step(from_s, gain) => (if at_s >= from_s { gain } else { 1.0 }, 0.0),
            Self::Headlights(from_s, to_s, beam_row) => {
                let part = (at_s - from_s) / (to_s - from_s);
                if !(0.0..=1.0).contains(&part) {
                    return (1.0, 0.0);
                }
                // The bright spot on the road runs ahead of the car from the left edge to beyond the right one.
                let (dx, dy) = (x - (part * 1.6 - 0.3) * width, (row - beam_row) * 2.5);
                (1.0, 170.0 * (-(dx * dx + dy * dy) / (2.0 * 90.0 * 90.0)).exp())
            }
            Self::Shadow(from_s, to_s, end_s) => {
                if at_s < from_s || at_s > end_s {
                    return (1.0, 0.0);
                }
                let edge = ((at_s - from_s) / (to_s - from_s)).min(1.0) * width * 0.7;
                // A soft edge of 30 pixels.
                let inside = ((edge - x) / 30.0).clamp(0.0, 1.0);
                (1.0 - 0.45 * inside, 0.0)
            }
        }
    }
}

/// The state of the weather over a scene.
#[derive(Debug)]
pub struct Sky {
    weather: Weather,
    rng: Rng,
    /// Normally distributed noise with deviation 1, drawn once.
    noise: Vec<f32>,
    leaves: Vec<Leaf>,
    flakes: Vec<Leaf>,
    phase: [f32; 4],
}

#[derive(Debug)]
struct Leaf {
    x: f32,
    y: f32,
    speed: f32,
    phase: f32,
}

impl Sky {
    /// Weather whose chances hang on the seed alone.
    pub fn new(weather: Weather, seed: u64, (width, height): (u32, u32)) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Twelve uniform numbers add up to a nearly normal one (Irwin–Hall).
        let noise = (0..65_536).map(|_| (0..12).map(|_| rng.f32()).sum::<f32>() - 6.0).collect();
        let leaf = |rng: &mut Rng| Leaf {
            x: rng.f32() * width as f32,
            y: rng.f32() * height as f32,
            speed: 25.0 + 30.0 * rng.f32(),
            phase: rng.f32() * std::f32::consts::TAU,
        };
        let leaves = (0..weather.leaves).map(|_| leaf(&mut rng)).collect();
        let phase = std::array::from_fn(|_| rng.f32() * std::f32::consts::TAU);
        let flakes = (0..weather.snow).map(|_| leaf(&mut rng)).collect();
        Self { weather, rng, noise, leaves, flakes, phase }
    }

    /// Where the camera looks now, in pixels from where it should.
    pub fn shake(&self, at_s: f32) -> (i64, i64) {
        // Two swings of a mast that do not fit each other.
        let swing =
            |a: f32, b: f32, slow: f32, fast: f32| (at_s * slow + a).sin() * 0.6 + (at_s * fast + b).sin() * 0.4;
        let [a, b, c, d] = self.phase;
        let px = |part: f32| (part * self.weather.shake_px).round() as i64;
        (px(swing(a, b, 5.1, 17.3)), px(swing(c, d, 4.3, 13.9)))
    }

    /// Lets light, rain, leaves and noise act on a picture.
    pub fn act(&mut self, image: &mut RgbImage, at_s: f32) {
        self.blow_leaves(image, at_s);
        self.rain(image);
        self.snow(image, at_s);
        let (width, height) = image.dimensions();
        let lights = self.weather.light.clone();
        let is_flat = |light: &Light| !matches!(light, Light::Headlights(..) | Light::Shadow(..));
        let flat: f32 =
            lights.iter().filter(|light| is_flat(light)).map(|light| light.at(at_s, 0.0, 0.0, 1.0).0).product();
        let shaped: Vec<Light> = lights.into_iter().filter(|light| !is_flat(light)).collect();
        let deviation = self.weather.noise;
        for y in 0..height {
            let offset = self.rng.usize(..self.noise.len());
            for x in 0..width {
                let (mut gain, mut extra) = (flat, 0.0);
                for light in &shaped {
                    let (by, add) = light.at(at_s, x as f32, y as f32, width as f32);
                    gain *= by;
                    extra += add;
                }
                let noise = self.noise[(offset + x as usize) % self.noise.len()] * deviation;
                let pixel = image.get_pixel_mut(x, y);
                for value in &mut pixel.0 {
                    // Headlights show the colour of what they fall on.
                    let lit = f32::from(*value) * gain + extra * f32::from(*value).max(40.0) / 160.0;
                    *value = (lit + noise).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }

    fn rain(&mut self, image: &mut RgbImage) {
        let (width, height) = image.dimensions();
        for _ in 0..self.weather.rain {
            let (x, y) = (self.rng.u32(..width), self.rng.u32(..height));
            let length = 8 + self.rng.u32(..10);
            for step in 0..length.min(height - y) {
                let column = (x + step / 5).min(width - 1);
                for value in &mut image.get_pixel_mut(column, y + step).0 {
                    *value = (f32::from(*value) * 0.7 + 66.0).min(255.0) as u8;
                }
            }
        }
    }

    /// Flakes sink twice as fast as leaves and are bright; near ones are larger.
    fn snow(&self, image: &mut RgbImage, at_s: f32) {
        let (width, height) = image.dimensions();
        for flake in &self.flakes {
            let y = (flake.y + 2.0 * flake.speed * at_s) % height as f32;
            let x = (flake.x + (at_s * 1.5 + flake.phase).sin() * 12.0 + at_s * 14.0).rem_euclid(width as f32);
            let side = 2 + u32::from(flake.speed > 45.0);
            for (dx, dy) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dx, dy))) {
                let (column, row) = (x as u32 + dx, y as u32 + dy);
                if column < width && row < height {
                    image.get_pixel_mut(column, row).0 = [236, 238, 242];
                }
            }
        }
    }

    fn blow_leaves(&self, image: &mut RgbImage, at_s: f32) {
        let (width, height) = image.dimensions();
        for leaf in &self.leaves {
            // A leaf tumbles: it sinks at an even pace and swings to and fro.
            let y = (leaf.y + leaf.speed * at_s) % height as f32;
            let x = leaf.x + (at_s * 3.0 + leaf.phase).sin() * 25.0 + at_s * 9.0;
            let radius = 2 + (leaf.phase as u32 % 2);
            let turned = ((at_s * 6.0 + leaf.phase).sin().abs() * radius as f32) as u32;
            for dy in 0..=turned {
                for dx in 0..=radius {
                    let (column, row) = (x.rem_euclid(width as f32) as u32 + dx, y as u32 + dy);
                    if column < width && row < height {
                        image.get_pixel_mut(column, row).0 = [122, 84, 38];
                    }
                }
            }
        }
    }
}
