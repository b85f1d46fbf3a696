//! Puts together what the parts of one frame show, without doubles at their borders.
//!
//! The same subject may be seen wholly by several parts, or be cut by the border of a tile. A box *is cut* at a side
//! where it touches a border of its tile that is not the edge of the frame. Two boxes of one class from different
//! parts are the same subject if
//!
//! - they overlap by [`SAME_IOU`], or one lies in the other ([`INSIDE`]) and they are not of very different size, or
//! - one of them is cut and, in the region that both parts show, they agree: each is clipped to the other's part and
//!   then they overlap by [`SAME_IOU`], or, where what is left is a sliver, one lies in the other.
//!
//! Of a pair the one that is cut at fewer sides is kept, then the one with the better score; if both are cut, the
//! subject is larger than the overlap and the two are joined to one box around both. Joining goes on until nothing
//! changes, so that a subject over many tiles becomes one box. Boxes of one and the same part are never compared: the
//! detector has done that.

use forewarn_domain::{BBox, Detection, Tile};

/// Boxes that overlap by more are one.
const SAME_IOU: f32 = 0.5;
/// A box of which so much lies in another is part of it.
const INSIDE: f32 = 0.85;
/// …unless it is smaller than this part of the other: then it is a subject of its own before a larger one.
const ALIKE_IN_SIZE: f32 = 0.3;
/// A box that ends within this many pixels of a tile's border, or this part of the tile's side, touches it.
const TOUCH_PX: f32 = 2.0;
const TOUCH_PART: f32 = 0.01;
/// Where two parts share less of a box than this, in pixels or as a part of its side, edges say too little.
const SLIVER_PX: f32 = 12.0;
const SLIVER_PART: f32 = 0.2;

/// What one part of a frame shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The part; all of the frame is a part as well.
    pub tile: Tile,
    /// Its detections in pixels of the frame.
    pub detections: Vec<Detection>,
}

/// One box while it is compared with others.
#[derive(Debug, Clone)]
struct Piece {
    detection: Detection,
    /// The region in which it was seen; grows when boxes are joined.
    region: BBox,
    /// Cut at left, top, right, bottom.
    cuts: [bool; 4],
    /// The numbers of the parts that it was seen in.
    parts: Vec<usize>,
}

impl Piece {
    fn new(detection: Detection, part: usize, tile: &Tile, frame: (f32, f32)) -> Self {
        let region = tile.bbox();
        let touch = |side: f32| TOUCH_PX.max(TOUCH_PART * side);
        let (x, y) = (touch(region.width()), touch(region.height()));
        let b = detection.bbox;
        let cuts = [
            region.x0 > 0.0 && b.x0 <= region.x0 + x,
            region.y0 > 0.0 && b.y0 <= region.y0 + y,
            region.x1 < frame.0 && b.x1 >= region.x1 - x,
            region.y1 < frame.1 && b.y1 >= region.y1 - y,
        ];
        Self { detection, region, cuts, parts: vec![part] }
    }

    fn is_cut(&self) -> bool {
        self.n_cuts() > 0
    }

    fn n_cuts(&self) -> usize {
        self.cuts.iter().filter(|is_cut| **is_cut).count()
    }

    fn bbox(&self) -> &BBox {
        &self.detection.bbox
    }

    fn is_same(&self, other: &Self) -> bool {
        let shares_part = self.parts.iter().any(|part| other.parts.contains(part));
        if shares_part || self.detection.class != other.detection.class {
            return false;
        }
        let (a, b) = (self.bbox(), other.bbox());
        if a.iou(b) > SAME_IOU {
            return true;
        }
        if !self.is_cut() && !other.is_cut() {
            return inside(a, b) > INSIDE && a.area().min(b.area()) > ALIKE_IN_SIZE * a.area().max(b.area());
        }
        let (a_shared, b_shared) = (clip(a, &other.region), clip(b, &self.region));
        if a_shared.area() <= 0.0 || b_shared.area() <= 0.0 {
            return false;
        }
        let common = clip(&self.region, &other.region);
        let is_sliver = |part: &BBox, full: &BBox| {
            let thin = |part: f32, full: f32| part < SLIVER_PX.max(SLIVER_PART * full);
            thin(part.width(), full.width()) || thin(part.height(), full.height())
        };
        let iou = a_shared.iou(&b_shared);
        iou > SAME_IOU
            || ((is_sliver(&a_shared, a) || is_sliver(&b_shared, b) || is_sliver(&common, a))
                && is_aligned(self, other)
                && inside(&a_shared, &b_shared) > SAME_IOU)
    }

    /// Keeps the better of the two, or joins them if both are cut.
    fn absorb(&mut self, other: Self) {
        if self.is_cut() && other.is_cut() {
            let (a, b) = (*self.bbox(), *other.bbox());
            let joined = a.union(&b);
            let pick = |outer: f32, a: f32, is_cut: bool, b_is_cut: bool| if a == outer { is_cut } else { b_is_cut };
            self.cuts = [
                pick(joined.x0, a.x0, self.cuts[0], other.cuts[0]),
                pick(joined.y0, a.y0, self.cuts[1], other.cuts[1]),
                pick(joined.x1, a.x1, self.cuts[2], other.cuts[2]),
                pick(joined.y1, a.y1, self.cuts[3], other.cuts[3]),
            ];
            self.detection.bbox = joined;
            self.detection.score = self.detection.score.max(other.detection.score);
            self.region = self.region.union(&other.region);
        } else if other.n_cuts() < self.n_cuts() {
            self.detection = other.detection;
            self.cuts = other.cuts;
            self.region = other.region;
        }
        self.parts.extend(other.parts);
    }
}

/// Whether two boxes that meet at a border have like edges along it, so that they can be two ends of one subject.
fn is_aligned(a: &Piece, b: &Piece) -> bool {
    let near = |x: f32, y: f32, side: f32| (x - y).abs() <= 0.25 * side;
    let (p, q) = (a.bbox(), b.bbox());
    let (width, height) = (p.width().min(q.width()), p.height().min(q.height()));
    let is_free = |side: usize| !a.cuts[side] && !b.cuts[side];
    let rows = (!is_free(1) || near(p.y0, q.y0, height)) && (!is_free(3) || near(p.y1, q.y1, height));
    let columns = (!is_free(0) || near(p.x0, q.x0, width)) && (!is_free(2) || near(p.x1, q.x1, width));
    rows || columns
}

fn clip(bbox: &BBox, to: &BBox) -> BBox {
    BBox::new(bbox.x0.max(to.x0), bbox.y0.max(to.y0), bbox.x1.min(to.x1), bbox.y1.min(to.y1))
}

/// Intersection over the smaller of the two.
fn inside(a: &BBox, b: &BBox) -> f32 {
    let smaller = a.area().min(b.area());
    if smaller > 0.0 { a.intersection(b) / smaller } else { 0.0 }
}

/// The subjects of a frame of `size`, each once, best score first. What several parts saw of a subject is one
/// detection; a subject that only some of the tiles were asked about keeps the box that those gave.
pub fn merge(size: (u32, u32), seen: Vec<Seen>) -> Vec<Detection> {
    let frame = (size.0 as f32, size.1 as f32);
    let mut pieces: Vec<Piece> = Vec::new();
    for (part, Seen { tile, detections }) in seen.into_iter().enumerate() {
        let valid = detections.into_iter().filter(|d| d.bbox.is_valid() && d.bbox.area() > 0.0);
        pieces.extend(valid.map(|detection| Piece::new(detection, part, &tile, frame)));
    }
    loop {
        let before = pieces.len();
        pieces = one_round(pieces);
        if pieces.len() == before {
            return pieces.into_iter().map(|piece| piece.detection).collect();
        }
    }
}

/// Compares each with those that are better, once.
fn one_round(mut pieces: Vec<Piece>) -> Vec<Piece> {
    sort(&mut pieces);
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match kept.iter_mut().find(|k| k.is_same(&piece)) {
            Some(twin) => twin.absorb(piece),
            None => kept.push(piece),
        }
    }
    kept.sort_by(|a, b| b.detection.score.total_cmp(&a.detection.score));
    kept
}

/// Whole boxes before cut ones, better scores first; the rest of the order is by place, so that it is always the same.
fn sort(pieces: &mut [Piece]) {
    let corners = |piece: &Piece| <[f32; 4]>::from(*piece.bbox());
    pieces.sort_by(|a, b| {
        let by_place = || {
            let pairs = corners(a).into_iter().zip(corners(b));
            pairs.map(|(x, y)| x.total_cmp(&y)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        (a.n_cuts().cmp(&b.n_cuts()))
            .then_with(|| b.detection.score.total_cmp(&a.detection.score))
            .then_with(|| a.detection.class.cmp(&b.detection.class))
            .then_with(by_place)
    });
}
