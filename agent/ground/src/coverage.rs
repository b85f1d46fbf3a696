//! What of the ground was seen over a flight, and how finely: a grid of cells, each with the finest view of it.
//!
//! How finely is told as metres a pixel across the line of sight, the distance over the focal length: that is what counts
//! for somebody who stands, however flat the view of the ground itself is.

use std::collections::{BTreeMap, BTreeSet};

use glam::DVec3;

use crate::flight::{Position, global, local};
use crate::zone::is_inside;

/// The finest grid, in metres.
const FINEST_M: f64 = 0.5;
/// A grid of more cells is made coarser.
const MOST_CELLS: usize = 100_000;

/// The ground that one frame shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View<'a> {
    /// Where the camera is.
    pub camera: Position,
    /// The height of the ground, in the reckoning of the camera's.
    pub ground_m: f64,
    /// The focal length in pixels of the frame.
    pub focal_px: f64,
    /// The ground that it sees, as `[longitude, latitude]`.
    pub ring: &'a [[f64; 2]],
}

/// The ground that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    origin: Position,
    cell_m: f64,
    /// The metres a pixel of the finest view, by the cell's number east and north.
    cells: BTreeMap<(i32, i32), f64>,
}

/// An area with the areas that are missing in it, each a closed ring of `[longitude, latitude]`: a polygon of RFC 7946.
pub type Area = Vec<Vec<[f64; 2]>>;

impl Coverage {
    /// Nothing yet, about a place.
    pub fn about(lat_deg: f64, lon_deg: f64) -> Self {
        let origin = Position { lat_deg, lon_deg, height_m: 0.0 };
        Self { origin, cell_m: FINEST_M, cells: BTreeMap::new() }
    }

    /// East and north of the place about which it is, in metres.
    pub fn local(&self, lat_deg: f64, lon_deg: f64) -> (f64, f64) {
        let at = local(&self.origin, &Position { lat_deg, lon_deg, height_m: 0.0 });
        (at.x, at.y)
    }

    /// The side of a cell, in metres.
    pub fn cell_m(&self) -> f64 {
        self.cell_m
    }

    /// Adds what a frame shows.
    pub fn add(&mut self, view: &View<'_>) {
        let ring: Vec<(f64, f64)> = view.ring.iter().map(|[lon, lat]| self.local(*lat, *lon)).collect();
        let span = |of: fn(&(f64, f64)) -> f64| {
            ring.iter().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (east, north) = (span(|p| p.0), span(|p| p.1));
        // A place that is none, or on another continent, is no part of this flight.
        let is_near = |(low, high): (f64, f64)| low > -1e6 && high < 1e6;
        if ring.len() < 3 || view.focal_px <= 0.0 || !is_near(east) || !is_near(north) {
            return;
        }
        while (east.1 - east.0) * (north.1 - north.0) / (self.cell_m * self.cell_m) > MOST_CELLS as f64 {
            self.coarsen();
        }
        let (x, y) = self.local(view.camera.lat_deg, view.camera.lon_deg);
        let up = view.camera.height_m - view.ground_m;
        let number = |m: f64, cell_m: f64| (m / cell_m).floor() as i32;
        for row in number(north.0, self.cell_m)..=number(north.1, self.cell_m) {
            let middle_y = (f64::from(row) + 0.5) * self.cell_m;
            for [from, to] in spans(&ring, middle_y) {
                // A cell whose middle is seen counts.
                let (first, last) =
                    (number(from - 0.5 * self.cell_m, self.cell_m) + 1, number(to - 0.5 * self.cell_m, self.cell_m));
                for column in first..=last {
                    let middle_x = (f64::from(column) + 0.5) * self.cell_m;
                    let m_px = DVec3::new(middle_x - x, middle_y - y, up).length() / view.focal_px;
                    let cell = self.cells.entry((column, row)).or_insert(m_px);
                    *cell = cell.min(m_px);
                }
            }
        }
        while self.cells.len() > MOST_CELLS {
            self.coarsen();
        }
    }

    /// Makes four cells one, which is seen as finely as the finest of them.
    fn coarsen(&mut self) {
        self.cell_m *= 2.0;
        let mut cells = BTreeMap::new();
        for ((column, row), m_px) in std::mem::take(&mut self.cells) {
            let cell: &mut f64 = cells.entry((column.div_euclid(2), row.div_euclid(2))).or_insert(m_px);
            *cell = cell.min(m_px);
        }
        self.cells = cells;
    }

    /// The square metres that were seen with so many metres a pixel, from the one to below the other.
    pub fn area_m2(&self, from: f64, below: f64) -> f64 {
        self.seen(from, below).count() as f64 * self.cell_m * self.cell_m
    }

    fn seen(&self, from: f64, below: f64) -> impl Iterator<Item = (i32, i32)> + '_ {
        self.cells.iter().filter(move |(_, m_px)| (from..below).contains(*m_px)).map(|(cell, _)| *cell)
    }

    /// The outlines of what was seen with so many metres a pixel.
    pub fn areas(&self, from: f64, below: f64) -> Vec<Area> {
        let (outer, holes): (Vec<Outline>, Vec<Outline>) =
            outlines(&self.seen(from, below).collect()).into_iter().partition(|outline| outline.twice_area > 0);
        let mut areas: Vec<Area> = outer.iter().map(|outline| vec![self.on_earth(outline)]).collect();
        for hole in &holes {
            let (x, y) = hole.beside;
            let around = |outline: &Outline| {
                let corners = outline.corners.iter().map(|(x, y)| (f64::from(*x), f64::from(*y)));
                is_inside(corners, (f64::from(x) + 0.5, f64::from(y) + 0.5))
            };
            let least = (0..outer.len()).filter(|at| around(&outer[*at])).min_by_key(|at| outer[*at].twice_area);
            if let Some(at) = least {
                areas[at].push(self.on_earth(hole));
            }
        }
        areas
    }

    fn on_earth(&self, outline: &Outline) -> Vec<[f64; 2]> {
        let place = |(x, y): &(i32, i32)| {
            let by = DVec3::new(f64::from(*x) * self.cell_m, f64::from(*y) * self.cell_m, 0.0);
            let at = global(&self.origin, by);
            // A ten-millionth of a degree is a centimetre.
            [at.lon_deg, at.lat_deg].map(|degrees| (degrees * 1e7).round() / 1e7)
        };
        outline.corners.iter().chain(outline.corners.first()).map(place).collect()
    }
}

/// Where a level line lies within a ring, by the even-odd rule.
fn spans(ring: &[(f64, f64)], y: f64) -> Vec<[f64; 2]> {
    let next = ring.iter().cycle().skip(1);
    let crossing = |(a, b): (&(f64, f64), &(f64, f64))| {
        ((a.1 > y) != (b.1 > y)).then(|| a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1))
    };
    let mut crossings: Vec<f64> = ring.iter().zip(next).filter_map(crossing).collect();
    crossings.sort_by(f64::total_cmp);
    crossings.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// A closed line along the edges of cells, with the cells on its left.
struct Outline {
    /// Where it turns.
    corners: Vec<(i32, i32)>,
    /// Twice the area; negative of a hole.
    twice_area: i64,
    /// A cell on its left.
    beside: (i32, i32),
}

/// The outlines of cells. Cells that touch at a corner alone are apart.
fn outlines(cells: &BTreeSet<(i32, i32)>) -> Vec<Outline> {
    /// From a corner, in which direction, beside which cell.
    type Edge = ((i32, i32), (i32, i32));
    let mut edges: BTreeMap<Edge, (i32, i32)> = BTreeMap::new();
    for &(x, y) in cells {
        // From where each edge of a cell runs, so that the cell is on its left, and who lies on its right.
        let sides = [
            ((x, y), (1, 0), (x, y - 1)),
            ((x + 1, y), (0, 1), (x + 1, y)),
            ((x + 1, y + 1), (-1, 0), (x, y + 1)),
            ((x, y + 1), (0, -1), (x - 1, y)),
        ];
        let open = sides.into_iter().filter(|(_, _, right)| !cells.contains(right));
        edges.extend(open.map(|(from, way, _)| ((from, way), (x, y))));
    }
    let mut found = Vec::new();
    while let Some((((x0, y0), way0), beside)) = edges.pop_first() {
        let (mut at, mut way) = ((x0 + way0.0, y0 + way0.1), way0);
        let (mut corners, mut twice_area) =
            (vec![(x0, y0)], i64::from(x0) * i64::from(at.1) - i64::from(at.0) * i64::from(y0));
        while at != (x0, y0) {
            // To the left first: that stays with the same cell where two touch.
            let turns = [(-way.1, way.0), way, (way.1, -way.0)];
            let Some(next) = turns.into_iter().find(|turn| edges.remove(&(at, *turn)).is_some()) else { break };
            if next != way {
                corners.push(at);
            }
            let to = (at.0 + next.0, at.1 + next.1);
            twice_area += i64::from(at.0) * i64::from(to.1) - i64::from(to.0) * i64::from(at.1);
            (at, way) = (to, next);
        }
        found.push(Outline { corners, twice_area, beside });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 30.0 };

    /// A square on the ground `m` metres to each side of a place, as a ring.
    fn square(east_m: f64, north_m: f64, m: f64) -> Vec<[f64; 2]> {
        let corner = |e: f64, n: f64| {
            let at = global(&Position { height_m: 0.0, ..HOME }, DVec3::new(east_m + e, north_m + n, 0.0));
            [at.lon_deg, at.lat_deg]
        };
        vec![corner(-m, -m), corner(m, -m), corner(m, m), corner(-m, m)]
    }

    fn view(ring: &[[f64; 2]]) -> View<'_> {
        View { camera: HOME, ground_m: 0.0, focal_px: 1000.0, ring }
    }

    #[test]
    fn what_is_seen_twice_counts_once_and_by_the_finer_view() {
        let mut coverage = Coverage::about(30.0, 120.0);
        coverage.add(&view(&square(0.0, 0.0, 10.0)));
        coverage.add(&view(&square(10.0, 0.0, 10.0)));
        assert!((coverage.area_m2(0.0, 1.0) - 600.0).abs() < 15.0, "{}", coverage.area_m2(0.0, 1.0));
        // Straight below it is 30 m over 1000 px.
        assert_eq!(coverage.area_m2(0.0, 0.0299), 0.0);
        let nearer = Position { height_m: 10.0, ..HOME };
        coverage.add(&View { camera: nearer, ..view(&square(0.0, 0.0, 2.0)) });
        assert!((coverage.area_m2(0.0, 0.0299) - 16.0).abs() < 3.0);
        assert!((coverage.area_m2(0.0, 1.0) - 600.0).abs() < 15.0);
    }

    #[test]
    fn outlines_have_their_holes_and_their_true_place() {
        let mut coverage = Coverage::about(30.0, 120.0);
        for (east, north) in
            [(-6.0, 0.0), (6.0, 0.0), (0.0, -6.0), (0.0, 6.0), (-6.0, -6.0), (6.0, 6.0), (-6.0, 6.0), (6.0, -6.0)]
        {
            coverage.add(&view(&square(east, north, 3.0)));
        }
        coverage.add(&view(&square(40.0, 0.0, 2.0)));
        let mut areas = coverage.areas(0.0, 1.0);
        areas.sort_by_key(Vec::len);
        assert_eq!(areas.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2], "a square, and a ring about a hole");
        let zone = crate::GroundZone::new(&areas[0][0]).unwrap();
        assert!((zone.area_m2() - 16.0).abs() < 3.0, "{}", zone.area_m2());
        let (lat, lon) = zone.middle();
        let (east, north) = coverage.local(lat, lon);
        assert!((east - 40.0).abs() < 1.0 && north.abs() < 1.0, "{east}, {north}");
        assert!(areas[1].iter().all(|ring| ring.first() == ring.last()));
    }

    #[test]
    fn a_wide_flight_is_told_by_larger_cells() {
        let mut coverage = Coverage::about(30.0, 120.0);
        coverage.add(&view(&square(0.0, 0.0, 400.0)));
        assert!(coverage.cell_m() >= 2.0 && coverage.cells.len() <= MOST_CELLS);
        assert!((coverage.area_m2(0.0, 9.0) / 640_000.0 - 1.0).abs() < 0.02, "{}", coverage.area_m2(0.0, 9.0));
        let nowhere = [[f64::NAN, 0.0], [1.0, 2.0], [3.0, f64::INFINITY]];
        coverage.add(&view(&nowhere));
        coverage.add(&view(&square(0.0, 0.0, 400.0)[..2]));
    }

    #[test]
    fn cells_that_touch_at_a_corner_are_two_areas() {
        let apart = outlines(&BTreeSet::from([(0, 0), (1, 1)]));
        assert_eq!(
            apart.iter().map(|outline| (outline.corners.len(), outline.twice_area)).collect::<Vec<_>>(),
            [(4, 2); 2]
        );
    }
}
