//! Chooses which tiles of a frame are looked at besides the whole of it: where something moves, where a track is too
//! small for the whole frame, and the others in turn, by and by.
//!
//! The three wishes take turns, so that none starves however few tiles the budget allows. With room for all of them
//! every tile is looked at at least once every `sweep`.

use std::time::Duration;

use forewarn_domain::{BBox, Coverage, Tile, Timestamp};

/// A subject whose larger side reaches so many pixels of the model's input is seen in the whole frame, though from
/// [`LEGIBLE_PX`](super::plan::LEGIBLE_PX) on it would be found at first sight more often.
const SEEN_WHOLE_PX: f32 = 48.0;

/// Which tiles of one stream were looked at when.
#[derive(Debug, Clone)]
pub struct TileRounds {
    sweep: Duration,
    tiles: Vec<Tile>,
    looked_at: Vec<Timestamp>,
    /// Subjects that are larger than this, in pixels of the frame, need no tile.
    seen_whole_px: f32,
    turn: usize,
}

impl TileRounds {
    /// Rounds over `tiles` of a frame of `size` for a model whose input is of size `input`, beginning at `now`.
    pub fn new(tiles: Vec<Tile>, size: (u32, u32), input: (u32, u32), sweep: Duration, now: Timestamp) -> Self {
        let n = tiles.len().max(1) as u32;
        // As if the tiles had been looked at evenly over the last round, so that they do not fall due all at once.
        let looked_at = (1..=tiles.len() as u32).map(|i| now - sweep + sweep * i / n).collect();
        let scale = |side: u32, input: u32| side as f32 / input.max(1) as f32;
        let seen_whole_px = SEEN_WHOLE_PX * scale(size.0, input.0).max(scale(size.1, input.1));
        Self { sweep, tiles, looked_at, seen_whole_px, turn: 0 }
    }

    /// The tiles.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Up to `most` tiles to look at now. `tracks` and `motion` are boxes in pixels of the frame.
    pub fn choose(&mut self, now: Timestamp, tracks: &[BBox], motion: &[BBox], most: usize) -> Vec<Tile> {
        let small = tracks.iter().filter(|bbox| bbox.width().max(bbox.height()) < self.seen_whole_px);
        let mut wishes = [self.overdue(now), self.showing(small), self.showing(motion.iter())];
        for wish in &mut wishes {
            wish.reverse();
        }
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < most && wishes.iter().any(|wish| !wish.is_empty()) {
            self.turn = (self.turn + 1) % wishes.len();
            let next = loop {
                match wishes[self.turn].pop() {
                    Some(tile) if chosen.contains(&tile) => {}
                    other => break other,
                }
            };
            chosen.extend(next);
        }
        for &tile in &chosen {
            self.looked_at[tile] = now;
        }
        chosen.sort_unstable();
        chosen.into_iter().map(|tile| self.tiles[tile]).collect()
    }

    /// What a look at the whole frame and `tiles` can have seen.
    pub fn coverage(&self, tiles: &[Tile]) -> Coverage {
        Coverage { seen_whole_px: self.seen_whole_px, regions: tiles.iter().map(Tile::bbox).collect() }
    }

    /// The longest time for which a tile has not been looked at.
    pub fn oldest(&self, now: Timestamp) -> Duration {
        self.looked_at.iter().map(|at| now.since(*at)).max().unwrap_or_default()
    }

    /// Tiles that were not looked at for a round, the oldest first.
    fn overdue(&self, now: Timestamp) -> Vec<usize> {
        let is_overdue = |tile: &usize| now.since(self.looked_at[*tile]) >= self.sweep;
        self.oldest_first((0..self.tiles.len()).filter(is_overdue).collect())
    }

    /// The tiles that show these boxes best, the oldest first.
    fn showing<'a>(&self, boxes: impl Iterator<Item = &'a BBox>) -> Vec<usize> {
        let mut tiles: Vec<usize> = boxes.filter_map(|bbox| self.best_for(bbox)).collect();
        tiles.sort_unstable();
        tiles.dedup();
        self.oldest_first(tiles)
    }

    fn oldest_first(&self, mut tiles: Vec<usize>) -> Vec<usize> {
        tiles.sort_by_key(|&tile| (self.looked_at[tile], tile));
        tiles
    }

    /// The tile that holds the centre of a box with the most room around it.
    fn best_for(&self, bbox: &BBox) -> Option<usize> {
        let centre = bbox.centre();
        let room = |tile: &Tile| {
            let t = tile.bbox();
            (centre.x - t.x0).min(t.x1 - centre.x).min(centre.y - t.y0).min(t.y1 - centre.y)
        };
        let rooms = self.tiles.iter().map(room).enumerate().filter(|(_, room)| *room >= 0.0);
        rooms.max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i))).map(|(tile, _)| tile)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{TileSpec, plan};
    use super::*;

    const SIZE: (u32, u32) = (3840, 2160);
    const INPUT: (u32, u32) = (416, 416);

    fn rounds() -> TileRounds {
        let tiles = plan(SIZE, INPUT, &TileSpec::default());
        TileRounds::new(tiles, SIZE, INPUT, Duration::from_secs(4), Timestamp::ZERO)
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    #[test]
    fn small_tracks_and_motion_have_their_tile_looked_at_and_large_tracks_do_not() {
        let mut rounds = rounds();
        let drone = BBox::new(1000.0, 500.0, 1030.0, 520.0);
        let bus = BBox::new(2000.0, 1000.0, 2900.0, 1700.0);
        let chosen = rounds.choose(at(0.001), &[drone, bus], &[], 99);
        assert_eq!(chosen.len(), 1, "{chosen:?}");
        assert!(chosen[0].bbox().contains_centre_of(&drone));
        let leaf = BBox::new(3000.0, 200.0, 3010.0, 210.0);
        let chosen = rounds.choose(at(0.002), &[drone], &[leaf], 99);
        assert_eq!(chosen.len(), 2, "{chosen:?}");
        let coverage = rounds.coverage(&chosen);
        assert!(coverage.can_have_seen(&drone) && coverage.can_have_seen(&leaf) && coverage.can_have_seen(&bus));
        assert!(!coverage.can_have_seen(&BBox::new(100.0, 2000.0, 130.0, 2040.0)));
    }

    trait Holds {
        fn contains_centre_of(&self, other: &BBox) -> bool;
    }

    impl Holds for BBox {
        fn contains_centre_of(&self, other: &BBox) -> bool {
            let c = other.centre();
            c.x >= self.x0 && c.x <= self.x1 && c.y >= self.y0 && c.y <= self.y1
        }
    }

    #[test]
    fn with_room_for_one_tile_the_wishes_take_turns() {
        let mut rounds = rounds();
        let (drone, leaf) = (BBox::new(1000.0, 500.0, 1030.0, 520.0), BBox::new(3000.0, 2000.0, 3010.0, 2010.0));
        let mut held = [0, 0, 0];
        for step in 0..60 {
            let chosen = rounds.choose(at(5.0 + f64::from(step) * 0.2), &[drone], &[leaf], 1);
            let region = chosen[0].bbox();
            let kind =
                if region.contains_centre_of(&drone) { 0 } else { 1 + usize::from(region.contains_centre_of(&leaf)) };
            held[kind] += 1;
        }
        assert!(held.iter().all(|n| *n >= 15), "{held:?}");
    }

    proptest! {
        #[test]
        fn every_tile_is_looked_at_once_a_round_where_there_is_room(
            steps in prop::collection::vec(0.02f64..0.5, 50..200),
            points in prop::collection::vec((0f32..3800., 0f32..2100.), 0..6),
        ) {
            let mut rounds = rounds();
            let boxes: Vec<BBox> = points.iter().map(|&(x, y)| BBox::new(x, y, x + 20., y + 20.)).collect();
            let (mut now, mut n_chosen) = (0.0, 0);
            for step in &steps {
                now += step;
                n_chosen += rounds.choose(at(now), &boxes, &[], usize::MAX).len();
                prop_assert!(rounds.oldest(at(now)) <= Duration::from_secs_f64(4.0 + step));
            }
            let n_tiles = rounds.tiles().len() as f64;
            prop_assert!((n_chosen as f64) <= (now / 4.0 + 1.0) * n_tiles + (steps.len() * boxes.len()) as f64);
        }

        #[test]
        fn the_allowance_is_kept_and_the_sweep_goes_on(most in 1usize..4) {
            let mut rounds = rounds();
            let mut seen = std::collections::BTreeSet::new();
            let boxes = [BBox::new(1000.0, 500.0, 1030.0, 520.0), BBox::new(3000.0, 2000.0, 3010.0, 2010.0)];
            for step in 0..400 {
                let chosen = rounds.choose(at(f64::from(step) * 0.2), &boxes, &boxes, most);
                prop_assert!(chosen.len() <= most);
                seen.extend(chosen);
            }
            prop_assert_eq!(seen.len(), rounds.tiles().len());
        }
    }
}
