//! What happens in a scene: who is where when, in what weather, and what of it is a violation.

use forewarn_domain::BBox;

use super::photos::Place;
use super::weather::Weather;

/// A scene.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its name, which is that of its folder.
    pub name: String,
    /// What happens, in a sentence.
    pub about: String,
    /// Where.
    pub place: Place,
    /// Frames a second.
    pub fps: u32,
    /// How long.
    pub seconds: f32,
    /// Who and what.
    pub actors: Vec<Actor>,
    /// In what weather.
    pub weather: Weather,
    /// How coarsely the camera encodes: the quantiser of H.264, 0 to 51.
    pub quantizer: u32,
    /// Areas and lines by name.
    pub zones: Vec<Zone>,
    /// Which violations are looked for.
    pub rules: Vec<Rule>,
    /// Which violations there are.
    pub truths: Vec<Truth>,
}

/// An area, or a line where it has two points.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its name.
    pub id: &'static str,
    /// Its corners in pixels.
    pub points: Vec<[u32; 2]>,
}

/// A violation that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Which.
    pub violation: &'static str,
    /// Where.
    pub zone: &'static str,
    /// What differs from the violation's file, as TOML.
    pub with: &'static str,
}

/// A violation that there is.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Which.
    pub violation: &'static str,
    /// Where.
    pub zone: &'static str,
    /// From this second.
    pub from_s: f32,
    /// To this second.
    pub to_s: f32,
    /// Name of the actor whose way meanwhile is its place; none where it is nobody's in particular.
    pub actor: Option<&'static str>,
}

/// Who or what is in a scene.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its name in the scene.
    pub name: &'static str,
    /// Name of its photograph.
    pub photo: &'static str,
    /// Height in pixels.
    pub height: f32,
    /// Whether it looks to the right in its photograph; it is mirrored when it goes the other way.
    pub faces_right: bool,
    /// Where its foot is when; it is not there before the first and after the last.
    pub path: Vec<Key>,
    /// How it goes from one place to the next.
    pub gait: Gait,
}

/// A place at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Second of the scene.
    pub at_s: f32,
    /// Column of the foot point.
    pub x: f32,
    /// Row of the foot point.
    pub y: f32,
}

/// Photographs that look to the right; the others look to the left or nowhere.
const RIGHT: [&str; 4] = ["man-to-the-right", "man-in-jeans", "sedan", "truck"];

/// A place at a time.
pub const fn key(at_s: f32, x: f32, y: f32) -> Key {
    Key { at_s, x, y }
}

/// How something moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gait {
    /// At an even pace, on foot: the pictures of the walk follow one another while it moves.
    Walks,
    /// With a shadow below, gently braking and starting.
    Rolls,
    /// At an even pace without a shadow, as a bird does.
    Flies,
    /// Falls from the first place to the second, faster and faster, and lies there until the last.
    Falls,
    /// Stays rooted and sways by so many pixels.
    Sways(f32),
}

impl Actor {
    /// Someone or something on its way.
    pub fn new(name: &'static str, photo: &'static str, height: f32, gait: Gait, path: Vec<Key>) -> Self {
        Self { name, photo, height, faces_right: RIGHT.contains(&photo), path, gait }
    }

    /// Where its foot is at a time; none where it is not there.
    pub fn foot(&self, at_s: f32) -> Option<(f32, f32)> {
        let (first, last) = (self.path.first()?, self.path.last()?);
        if at_s < first.at_s || at_s > last.at_s {
            return None;
        }
        let next = self.path.iter().position(|key| key.at_s > at_s).unwrap_or(self.path.len() - 1);
        let (a, b) = (self.path[next.saturating_sub(1)], self.path[next]);
        let part = if b.at_s > a.at_s { ((at_s - a.at_s) / (b.at_s - a.at_s)).clamp(0.0, 1.0) } else { 1.0 };
        let eased = match self.gait {
            Gait::Rolls => part * part * (3.0 - 2.0 * part),
            // A body falls by half of g times the square of the time.
            Gait::Falls => part * part,
            Gait::Walks | Gait::Flies | Gait::Sways(_) => part,
        };
        Some((a.x + (b.x - a.x) * if self.gait == Gait::Falls { part } else { eased }, a.y + (b.y - a.y) * eased))
    }

    /// Whether it is on the move at a time.
    pub fn is_moving(&self, at_s: f32) -> bool {
        match (self.foot(at_s), self.foot(at_s + 0.1)) {
            (Some(a), Some(b)) => (a.0 - b.0).hypot(a.1 - b.1) > 0.2,
            _ => false,
        }
    }

    /// Whether its photograph is mirrored at a time, because it goes or last went the other way.
    pub fn is_mirrored(&self, at_s: f32) -> bool {
        let turns = |pair: &&[Key]| (pair[1].x - pair[0].x).abs() > 1.0;
        let begun = self.path.windows(2).filter(|pair| pair[0].at_s <= at_s).rfind(turns);
        let way = begun.or_else(|| self.path.windows(2).find(turns));
        way.is_some_and(|pair| (pair[1].x > pair[0].x) != self.faces_right)
    }

    /// Its box at a time, if its photograph is `aspect` times as wide as high.
    pub fn bbox(&self, at_s: f32, aspect: f32) -> Option<BBox> {
        let (x, y) = self.foot(at_s)?;
        let half = self.height * aspect / 2.0;
        Some(BBox::new((x - half).max(0.0), (y - self.height).max(0.0), (x + half).max(0.0), y.max(0.0)))
    }
}
