//! Privacy masks: parts of a camera's picture that nobody may see, neither people nor models.

use crate::zone::ZoneUnit;
use crate::{BBox, Orientation, Point, Polygon, Showing};

/// A part of the picture that is blackened before anything is kept, shown or analysed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Its name, unique for the camera.
    pub id: String,
    /// The part, in the picture as it is shown.
    pub polygon: Polygon,
    /// Unit of its corners.
    pub unit: ZoneUnit,
}

/// A run of blocks of two by two stored pixels, which share their colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The row of blocks.
    pub row: usize,
    /// The first block.
    pub from: usize,
    /// The first block beyond.
    pub to: usize,
}

/// How far beyond its edges a mask reaches, in pixels: what touches it is hidden.
const BEYOND_PX: f32 = 0.5;
/// Where a block of two by two pixels is asked whether it is hidden.
const ASKED_PX: [f32; 3] = [-BEYOND_PX, 1.0, 2.0 + BEYOND_PX];

/// The blocks of a picture of `stored` pixels, shown so, that masks hide, row by row.
pub fn hidden_runs(masks: &[Mask], stored: (u32, u32), showing: Showing) -> Vec<Run> {
    let shown = showing.shown_size(stored);
    let areas: Vec<(Polygon, BBox)> = masks.iter().map(|mask| normalised(mask, shown)).collect();
    let (width, height) = (stored.0 as f32, stored.1 as f32);
    let (columns, rows) = (stored.0.div_ceil(2) as usize, stored.1.div_ceil(2) as usize);
    let is_hidden = |column: usize, row: usize| {
        ASKED_PX.iter().any(|dy| {
            ASKED_PX.iter().any(|dx| {
                let at = Point::new((column as f32 * 2.0 + dx) / width, (row as f32 * 2.0 + dy) / height);
                let at = shown_at(at, showing.orientation);
                // Pixels of the border reach beyond it no more than the picture does.
                let at = Point::new(at.x.clamp(EDGE, 1.0 - EDGE), at.y.clamp(EDGE, 1.0 - EDGE));
                areas.iter().any(|(area, around)| is_inside(around, at) && area.contains(at))
            })
        })
    };
    let mut runs: Vec<Run> = Vec::new();
    for row in 0..rows {
        for column in (0..columns).filter(|&column| is_hidden(column, row)) {
            match runs.last_mut() {
                Some(run) if run.row == row && run.to == column => run.to += 1,
                _ => runs.push(Run { row, from: column, to: column + 1 }),
            }
        }
    }
    runs
}

/// What part of a picture of that size masks hide, 0 to 1.
pub fn hidden_part(masks: &[Mask], shown: (u32, u32)) -> f64 {
    let runs = hidden_runs(masks, shown, Showing::AS_STORED);
    let hidden: usize = runs.iter().map(|run| run.to - run.from).sum();
    hidden as f64 / f64::from(shown.0.div_ceil(2).max(1) * shown.1.div_ceil(2).max(1))
}

/// A point so near to the border counts as in the picture.
const EDGE: f32 = 1e-5;

fn normalised(mask: &Mask, (width, height): (u32, u32)) -> (Polygon, BBox) {
    let polygon = match mask.unit {
        ZoneUnit::Normalised => mask.polygon.clone(),
        ZoneUnit::Pixel => mask.polygon.scaled(1.0 / width.max(1) as f32, 1.0 / height.max(1) as f32),
    };
    let corners = polygon.points.iter().map(|p| BBox::new(p.x, p.y, p.x, p.y));
    let around = corners.reduce(|a, b| a.union(&b)).unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0));
    (polygon, around)
}

fn is_inside(bbox: &BBox, at: Point) -> bool {
    (bbox.x0..=bbox.x1).contains(&at.x) && (bbox.y0..=bbox.y1).contains(&at.y)
}

/// Where a point of the stored picture is shown, both from 0 to 1.
fn shown_at(at: Point, orientation: Orientation) -> Point {
    let x = if orientation.is_mirrored { 1.0 - at.x } else { at.x };
    match orientation.quarter_turns % 4 {
        0 => Point::new(x, at.y),
        1 => Point::new(1.0 - at.y, x),
        2 => Point::new(1.0 - x, 1.0 - at.y),
        _ => Point::new(at.y, 1.0 - x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};

    fn mask(points: &[[f32; 2]], unit: ZoneUnit) -> Mask {
        let polygon = Polygon::new(points.iter().copied().map(Point::from).collect());
        Mask { id: "window".to_owned(), polygon, unit }
    }

    #[test]
    fn what_touches_the_edge_is_hidden_and_nothing_else() {
        let window = mask(&[[10.0, 8.0], [20.0, 8.0], [20.0, 16.0], [10.0, 16.0]], ZoneUnit::Pixel);
        let runs = hidden_runs(&[window], (64, 48), Showing::AS_STORED);
        assert_eq!(runs.iter().map(|run| run.row).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        assert!(runs.iter().all(|run| (run.from, run.to) == (4, 11)), "{runs:?}");
        let all = mask(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], ZoneUnit::Normalised);
        assert!((hidden_part(&[all], (63, 47)) - 1.0).abs() < 1e-9);
        assert!(hidden_part(&[], (64, 48)) < 1e-9);
    }

    /// However the camera is mounted, what is hidden is where the mask was drawn in the picture as it is shown.
    #[test]
    fn a_mask_is_drawn_in_the_picture_as_it_is_shown() {
        let (width, height) = (64, 48);
        for exif in 1..=8 {
            let orientation = Orientation::of_exif(exif).unwrap();
            let showing = Showing { orientation, pixel_aspect: (2, 1) };
            let corner = mask(&[[0.0, 0.0], [0.25, 0.0], [0.25, 0.5], [0.0, 0.5]], ZoneUnit::Normalised);
            let mut luma = vec![200_u8; width * height];
            for run in hidden_runs(&[corner], (width as u32, height as u32), showing) {
                for y in run.row * 2..run.row * 2 + 2 {
                    luma[y * width + run.from * 2..y * width + run.to * 2].fill(16);
                }
            }
            luma.resize(width * height * 3 / 2, 128);
            let stream = StreamId::new("s").unwrap();
            let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
            let size = (width as u32, height as u32);
            let frame = Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, size, luma).unwrap().shown(showing);
            let luma_at = |x: f32, y: f32| {
                let (plane, stride) = frame.plane(0);
                plane[(y * frame.height as f32) as usize * stride + (x * frame.width as f32) as usize]
            };
            for (x, y) in [(0.02, 0.02), (0.22, 0.02), (0.02, 0.46), (0.22, 0.46)] {
                assert_eq!(luma_at(x, y), 16, "{exif}: {x} {y}");
            }
            for (x, y) in [(0.35, 0.02), (0.02, 0.62), (0.9, 0.9), (0.9, 0.1)] {
                assert_eq!(luma_at(x, y), 200, "{exif}: {x} {y}");
            }
        }
    }
}
