//! Tiles cover the frame, and every subject is told once.

use forewarn_domain::{BBox, Class};
use proptest::prelude::*;

use super::*;

const FULL_HD: (u32, u32) = (1920, 1080);
const INPUT: (u32, u32) = (416, 416);

fn person(score: f32, bbox: [f32; 4]) -> Detection {
    Detection { class: Class::new("person"), score, bbox: bbox.into() }
}

/// What a perfect detector says of one subject in each part: the visible piece of it, where enough is visible.
fn told(truth: &BBox, parts: &[Tile], least_visible: f32) -> Vec<Seen> {
    let see = |tile: &Tile| {
        let region = tile.bbox();
        let piece =
            [truth.x0.max(region.x0), truth.y0.max(region.y0), truth.x1.min(region.x1), truth.y1.min(region.y1)];
        let is_seen = truth.intersection(&region) > least_visible * truth.area();
        let score = 0.5 + 0.4 * truth.intersection(&region) / truth.area();
        Seen { tile: *tile, detections: if is_seen { vec![person(score, piece)] } else { Vec::new() } }
    };
    parts.iter().map(see).collect()
}

#[test]
fn automatic_tiles_are_about_the_models_own_scale() {
    let tiles = plan(FULL_HD, INPUT, &TileSpec::default());
    assert_eq!(tiles.len(), 15, "{tiles:?}");
    assert!(tiles.iter().all(|t| t.width <= 520 && t.height <= 520));
    assert!(plan((500, 400), INPUT, &TileSpec::default()).is_empty(), "the whole frame is at that scale already");
    assert_eq!(plan((768, 576), INPUT, &TileSpec::default()).len(), 4);
    assert!(plan((0, 5), INPUT, &TileSpec::default()).is_empty());
}

#[test]
fn a_grid_is_read_from_its_words() {
    assert_eq!("auto".parse(), Ok(Grid::Auto));
    assert_eq!("3x2".parse(), Ok(Grid::Fixed { across: 3, down: 2 }));
    let told = |text: &str| text.parse::<Grid>().unwrap_err().to_string();
    assert_eq!(told("three"), "`three` is no grid of tiles; write `auto`, or tiles across x down, such as 3x2");
    assert_eq!(told("0x2"), "0x2 tiles cannot be; write 1 to 16 across and down");
    assert_eq!(Grid::Fixed { across: 3, down: 2 }.to_string(), "3x2");
}

#[test]
fn halves_of_a_subject_larger_than_the_overlap_are_joined() {
    let tiles = plan(
        (1000, 400),
        INPUT,
        &TileSpec { grid: Grid::Fixed { across: 2, down: 1 }, overlap: 0.1, ..TileSpec::default() },
    );
    let bus = BBox::new(300.0, 100.0, 800.0, 300.0);
    let merged = merge((1000, 400), told(&bus, &tiles, 0.0));
    assert_eq!(merged.iter().map(|d| d.bbox).collect::<Vec<_>>(), [bus]);
    // Where the whole frame shows it too, that box is the one.
    let parts: Vec<Tile> = tiles.into_iter().chain([Tile::whole((1000, 400))]).collect();
    let merged = merge((1000, 400), told(&bus, &parts, 0.0));
    assert_eq!(merged, [person(0.9, bus.into())]);
}

#[test]
fn neighbours_are_not_taken_for_one() {
    // Two people side by side, one on either side of a border; the tile on the left sees a little of the other.
    let (left, right) = (Tile { x: 0, y: 0, width: 220, height: 400 }, Tile { x: 180, y: 0, width: 220, height: 400 });
    let seen = vec![
        Seen {
            tile: left,
            detections: vec![person(0.8, [150., 50., 198., 200.]), person(0.5, [200., 52., 220., 198.])],
        },
        Seen {
            tile: right,
            detections: vec![person(0.8, [200., 50., 250., 200.]), person(0.4, [180., 55., 198., 200.])],
        },
    ];
    let boxes: Vec<f32> = merge((400, 400), seen).iter().map(|d| d.bbox.x0).collect();
    assert_eq!(boxes, [150.0, 200.0]);
    // A child before a bus of the same class is two subjects, though the child lies in the bus.
    let whole = Tile::whole((400, 400));
    let seen = vec![
        Seen { tile: whole, detections: vec![person(0.8, [20., 20., 380., 380.])] },
        Seen { tile: left, detections: vec![person(0.7, [60., 60., 120., 200.])] },
    ];
    assert_eq!(merge((400, 400), seen).len(), 2);
}

#[test]
fn what_only_one_tile_was_asked_about_is_kept_as_it_is() {
    let tile = Tile { x: 100, y: 100, width: 100, height: 100 };
    let cut = person(0.6, [180., 120., 200., 160.]);
    let seen = vec![Seen { tile, detections: vec![cut.clone()] }];
    assert_eq!(merge((400, 400), seen), [cut]);
}

fn specs() -> impl Strategy<Value = TileSpec> {
    let grid =
        prop_oneof![Just(Grid::Auto), (1..=6u32, 1..=5u32).prop_map(|(across, down)| Grid::Fixed { across, down })];
    let smallest_px = prop::option::of(5f32..300.0);
    (grid, 0f32..0.5, smallest_px).prop_map(|(grid, overlap, smallest_px)| TileSpec { grid, overlap, smallest_px })
}

proptest! {
    #[test]
    fn tiles_cover_the_frame_and_overlap(size in (200u32..5000, 200u32..3000), spec in specs()) {
        let tiles = plan(size, INPUT, &spec);
        prop_assume!(!tiles.is_empty());
        let (width, height) = (tiles[0].width, tiles[0].height);
        for tile in &tiles {
            prop_assert!(tile.x % 2 == 0 && tile.y % 2 == 0);
            prop_assert!(tile.x + tile.width <= size.0 && tile.y + tile.height <= size.1);
            prop_assert_eq!((tile.width, tile.height), (width, height));
        }
        let mut columns: Vec<u32> = tiles.iter().map(|t| t.x).collect();
        let mut rows: Vec<u32> = tiles.iter().map(|t| t.y).collect();
        for (begins, length, side) in [(&mut columns, width, size.0), (&mut rows, height, size.1)] {
            begins.sort_unstable();
            begins.dedup();
            prop_assert_eq!(begins[0], 0);
            prop_assert_eq!(begins[begins.len() - 1] + length, side);
            for pair in begins.windows(2) {
                let shared = (pair[0] + length) as f32 - pair[1] as f32;
                prop_assert!(shared >= (spec.overlap * length as f32).floor(), "{shared} of {length}");
            }
        }
    }

    #[test]
    fn a_subject_that_one_tile_shows_wholly_is_told_exactly_once(
        size in (800u32..4000, 600u32..2200),
        spec in specs(),
        place in (0f32..1., 0f32..1.),
        shape in (0.02f32..0.9, 0.02f32..0.9),
        which in 0usize..1000,
        least_visible in 0f32..0.5,
        has_whole in any::<bool>(),
    ) {
        let tiles = plan(size, INPUT, &spec);
        prop_assume!(!tiles.is_empty());
        let tile = tiles[which % tiles.len()].bbox();
        let (width, height) = ((shape.0 * tile.width()).max(8.), (shape.1 * tile.height()).max(8.));
        // Inside of the tile, clear of its borders by more than what counts as touching.
        let clear = 6.0_f32.max(0.011 * tile.width().max(tile.height()));
        prop_assume!(width + 2. * clear < tile.width() && height + 2. * clear < tile.height());
        let x = tile.x0 + clear + place.0 * (tile.width() - width - 2. * clear);
        let y = tile.y0 + clear + place.1 * (tile.height() - height - 2. * clear);
        let truth = BBox::new(x, y, x + width, y + height);
        let mut parts = tiles;
        if has_whole {
            parts.push(Tile::whole(size));
        }
        let merged = merge(size, told(&truth, &parts, least_visible));
        prop_assert_eq!(merged.len(), 1, "{:?}", merged);
        prop_assert_eq!(merged[0].bbox, truth);
    }

    #[test]
    fn a_subject_of_any_size_is_one_box_around_all_of_it(
        size in (800u32..4000, 600u32..2200),
        spec in specs(),
        a in (0f32..1., 0f32..1.),
        b in (0f32..1., 0f32..1.),
    ) {
        prop_assume!(spec.overlap > 0.05);
        let tiles = plan(size, INPUT, &spec);
        let (w, h) = (size.0 as f32, size.1 as f32);
        let truth = BBox::new(a.0.min(b.0) * w, a.1.min(b.1) * h, a.0.max(b.0) * w, a.1.max(b.1) * h);
        prop_assume!(!tiles.is_empty() && truth.width() > 20. && truth.height() > 20.);
        let merged = merge(size, told(&truth, &tiles, 0.0));
        prop_assert_eq!(merged.len(), 1, "{:?}", merged);
        prop_assert_eq!(merged[0].bbox, truth);
    }

    #[test]
    fn two_subjects_apart_stay_two(
        size in (800u32..4000, 600u32..2200),
        spec in specs(),
        place in (0f32..0.8, 0f32..0.8),
        shape in (0.02f32..0.2, 0.02f32..0.2),
        gap in 8f32..200.,
        is_beside in any::<bool>(),
    ) {
        prop_assume!(spec.overlap > 0.05);
        let tiles = plan(size, INPUT, &spec);
        let (w, h) = (size.0 as f32, size.1 as f32);
        let (x, y, width, height) = (place.0 * w, place.1 * h, (shape.0 * w).max(10.), (shape.1 * h).max(10.));
        let (dx, dy) = if is_beside { (width + gap, 0.) } else { (0., height + gap) };
        prop_assume!(!tiles.is_empty() && x + dx + width < w && y + dy + height < h);
        let pair = [BBox::new(x, y, x + width, y + height), BBox::new(x + dx, y + dy, x + dx + width, y + dy + height)];
        let [mut seen, others] = pair.map(|truth| told(&truth, &tiles, 0.05));
        for (part, other) in seen.iter_mut().zip(others) {
            part.detections.extend(other.detections);
        }
        prop_assert_eq!(merge(size, seen).len(), 2);
    }

    #[test]
    fn the_order_of_the_parts_does_not_matter(
        boxes in prop::collection::vec((0f32..900., 0f32..500., 10f32..300., 10f32..300., 0.3f32..1.), 1..12),
        turn in 0usize..4,
    ) {
        let size = (1000, 600);
        let tiles = plan(size, INPUT, &TileSpec { grid: Grid::Fixed { across: 2, down: 2 }, overlap: 0.2, ..TileSpec::default() });
        let seen = |tile: &Tile| {
            let region = tile.bbox();
            let cut = |&(x, y, w, h, score): &(f32, f32, f32, f32, f32)| {
                let piece = [x.max(region.x0), y.max(region.y0), (x + w).min(region.x1), (y + h).min(region.y1)];
                (piece[2] - piece[0] > 4. && piece[3] - piece[1] > 4.).then(|| person(score, piece))
            };
            Seen { tile: *tile, detections: boxes.iter().filter_map(cut).collect() }
        };
        let parts: Vec<Seen> = tiles.iter().map(seen).collect();
        let mut turned = parts.clone();
        turned.rotate_left(turn);
        prop_assert_eq!(merge(size, parts), merge(size, turned));
    }
}
