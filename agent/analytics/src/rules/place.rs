//! Where a subject is, smoothed, and since when it has kept its place.

use std::collections::VecDeque;

use forewarn_domain::{BBox, Motion, Point};

use super::watched::Watched;

/// Boxes of this span of time are smoothed by their median, in microseconds.
const SMOOTHING_US: i64 = 1_500_000;
const SMOOTHING_FRAMES: usize = 9;
/// Edges this near to the edge of the picture are cut off by it.
const BORDER_PX: f32 = 2.0;

/// How a picture has changed as a whole, and with it every remembered place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Remap {
    /// It has another size: by so much wider and higher.
    Scaled(f32, f32),
    /// Everything has moved by so many pixels.
    Shifted(f32, f32),
    /// The camera has moved over the ground.
    Moved(Motion),
}

impl Remap {
    pub(super) fn point(&self, p: Point) -> Point {
        match self {
            Self::Scaled(x, y) => Point::new(p.x * x, p.y * y),
            Self::Shifted(dx, dy) => Point::new(p.x + dx, p.y + dy),
            Self::Moved(motion) => motion.point(p),
        }
    }

    pub(super) fn bbox(&self, b: BBox) -> BBox {
        if let Self::Moved(motion) = self {
            return motion.bbox(b);
        }
        let (low, high) = (self.point(Point::new(b.x0, b.y0)), self.point(Point::new(b.x1, b.y1)));
        BBox::new(low.x, low.y, high.x, high.y)
    }

    /// The height of what stood at a point before.
    pub(super) fn height(&self, height: f32, at: Point) -> f32 {
        match self {
            Self::Scaled(_, y) => height * y,
            Self::Shifted(..) => height,
            Self::Moved(motion) => height * motion.scale_at(at),
        }
    }
}

/// The latest boxes of a subject, for smoothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    boxes: VecDeque<(Watched, BBox)>,
}

impl Recent {
    pub(super) fn push(&mut self, now: Watched, bbox: BBox) {
        self.boxes.retain(|(at, _)| now.micros_since(*at) <= SMOOTHING_US);
        if self.boxes.len() == SMOOTHING_FRAMES {
            self.boxes.pop_front();
        }
        self.boxes.push_back((now, bbox));
    }

    /// The median of each edge.
    pub(super) fn median(&self) -> Option<BBox> {
        let edge = |pick: fn(&BBox) -> f32| {
            let mut values = [0.0; SMOOTHING_FRAMES];
            let known = values.iter_mut().zip(&self.boxes).map(|(value, (_, bbox))| *value = pick(bbox)).count();
            values[..known].sort_unstable_by(f32::total_cmp);
            (known > 0).then(|| values[known / 2])
        };
        Some(BBox::new(edge(|b| b.x0)?, edge(|b| b.y0)?, edge(|b| b.x1)?, edge(|b| b.y1)?))
    }

    /// Movement of the centre in pixels per second, over the smoothing span.
    pub(super) fn velocity(&self) -> (f32, f32) {
        let (Some((from, a)), Some((to, b))) = (self.boxes.front(), self.boxes.back()) else { return (0.0, 0.0) };
        let seconds = to.micros_since(*from) as f32 / 1e6;
        if seconds < 0.15 {
            return (0.0, 0.0);
        }
        ((b.centre().x - a.centre().x) / seconds, (b.centre().y - a.centre().y) / seconds)
    }

    pub(super) fn remap(&mut self, remap: &Remap) {
        for (_, bbox) in &mut self.boxes {
            *bbox = remap.bbox(*bbox);
        }
    }
}

/// Since when a subject has kept its place, measured from the place where it came to rest, so that creeping away in
/// small steps adds up.
///
/// A box that is partly hidden shrinks: one edge of each axis stays and the centre wanders. An axis therefore counts as
/// moved by as much as its steadiest of low edge, centre and high edge; the centre as a whole may wander twice as far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Stillness {
    anchor: Option<(BBox, Watched)>,
}

impl Stillness {
    /// Takes in that the subject, which was first seen at `first`, is at `smooth` in a picture of `size`, and tells since
    /// when it has been where it is.
    pub(super) fn update(
        &mut self,
        within: f32,
        smooth: BBox,
        size: (u32, u32),
        (first, now): (Watched, Watched),
    ) -> Watched {
        let since = match self.anchor {
            Some((anchor, since)) if is_at(&anchor, &smooth, within, size) => return since,
            Some(_) => now,
            None => first,
        };
        self.anchor = Some((smooth, since));
        since
    }

    /// The memory of a subject that has been at `bbox` since then.
    pub(super) fn since(bbox: BBox, since: Watched) -> Self {
        Self { anchor: Some((bbox, since)) }
    }

    pub(super) fn remap(&mut self, remap: &Remap) {
        if let Some((anchor, _)) = &mut self.anchor {
            *anchor = remap.bbox(*anchor);
        }
    }

    /// The place and since when, if any was seen.
    pub(super) fn anchor(&self) -> Option<(BBox, Watched)> {
        self.anchor
    }
}

/// Whether a box is still at the place of `anchor`, partial occlusion allowed for.
///
/// An edge that lies on the edge of the picture (of `size`) says nothing: it also stays while the subject walks out.
pub(super) fn is_at(anchor: &BBox, bbox: &BBox, within: f32, size: (u32, u32)) -> bool {
    let diagonal = anchor.diagonal().max(1.0);
    let (a, b) = (anchor.centre(), bbox.centre());
    let steadiest = |centre: f32, low: (f32, f32), high: (f32, f32), most: u32| {
        let is_inner = |(x, y): (f32, f32)| x.min(y) > BORDER_PX && x.max(y) < most as f32 - BORDER_PX;
        let edges = [low, high].into_iter().filter(|edge| is_inner(*edge)).map(|(x, y)| (x - y).abs());
        edges.fold(centre.abs(), f32::min)
    };
    let x = steadiest(b.x - a.x, (anchor.x0, bbox.x0), (anchor.x1, bbox.x1), size.0);
    let y = steadiest(b.y - a.y, (anchor.y0, bbox.y0), (anchor.y1, bbox.y1), size.1);
    x.hypot(y) <= within * diagonal && a.distance(b) <= 2.0 * within * diagonal
}
