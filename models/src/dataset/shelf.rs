//! Which crops are kept: spread over tracks and time, the best first, none twice, within a quota.
//!
//! Of each track a few crops are kept that lie apart in time and differ to look at; where two are near each other the
//! better one stays. When the quota is reached, every track gives its best crop before any gives its second.

use std::collections::BTreeMap;

use forewarn_domain::{StreamId, Timestamp, TrackId};

/// Bits in which two crops of one track differ at least; 64 is the opposite.
const LEAST_DIFFERENCE: u32 = 6;

/// Bits in which crops of different tracks differ at least: a parked car or a poster that is found again and again.
const LEAST_DIFFERENCE_OF_TRACKS: u32 = 3;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Crops in all.
    pub crops: usize,
    /// Crops of one part of one track.
    pub per_track: usize,
    /// Bytes of all pictures.
    pub bytes: usize,
    /// Least time between two crops of one track, in seconds.
    pub gap_s: f64,
}

/// Whose crop it is: camera, track, and which of its parts (the left or the right ear).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The camera.
    pub camera: StreamId,
    /// The track.
    pub track: TrackId,
    /// The number of the part.
    pub part: usize,
}

/// A crop that may be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Crop<T> {
    /// Whose it is.
    pub owner: Owner,
    /// When its frame was taken.
    pub at: Timestamp,
    /// How good it is, 0 to 1.
    pub quality: f32,
    /// What it looks like, one bit for each difference of neighbouring fields (dHash).
    pub look: u64,
    /// Bytes of its picture.
    pub bytes: usize,
    /// Everything else.
    pub content: T,
}

/// The crops that are kept so far.
#[derive(Debug)]
pub struct Shelf<T> {
    quota: Quota,
    owners: BTreeMap<Owner, Vec<Crop<T>>>,
    held: usize,
    bytes: usize,
    passed_over: u64,
}

impl<T> Shelf<T> {
    /// An empty shelf.
    pub fn new(quota: Quota) -> Self {
        Self { quota, owners: BTreeMap::new(), held: 0, bytes: 0, passed_over: 0 }
    }

    /// Whether a crop of that owner, time and quality could be kept, judged without its picture.
    pub fn wants(&self, owner: &Owner, at: Timestamp, quality: f32) -> bool {
        let Some(kept) = self.owners.get(owner) else { return true };
        kept.iter().all(|other| seconds_between(other.at, at) >= self.quota.gap_s || quality > other.quality)
    }

    /// Takes a crop if it is better than those that it would stand beside.
    pub fn offer(&mut self, crop: Crop<T>) {
        let Quota { per_track, gap_s, .. } = self.quota;
        let kept = self.owners.entry(crop.owner.clone()).or_default();
        let is_near = |other: &Crop<T>| {
            seconds_between(other.at, crop.at) < gap_s || (other.look ^ crop.look).count_ones() < LEAST_DIFFERENCE
        };
        if kept.iter().any(|other| is_near(other) && other.quality >= crop.quality) {
            self.passed_over += 1;
            return;
        }
        let before: usize = kept.iter().map(|other| other.bytes).sum();
        let count = kept.len();
        kept.retain(|other| !is_near(other));
        let place = kept.partition_point(|other| other.at < crop.at);
        kept.insert(place, crop);
        while kept.len() > per_track.max(1) {
            kept.remove(worse_of_nearest(kept));
        }
        self.passed_over += (count + 1 - kept.len()) as u64;
        self.held = self.held + kept.len() - count;
        self.bytes = self.bytes + kept.iter().map(|other| other.bytes).sum::<usize>() - before;
        // Memory stays within twice the quota.
        if self.held > 2 * self.quota.crops || self.bytes > 2 * self.quota.bytes {
            self.prune();
        }
    }

    /// How many crops are held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The crops within the quota, best first, and how many were passed over.
    pub fn finish(mut self) -> (Vec<Crop<T>>, u64) {
        let all = self.by_worth();
        let before = all.len();
        let kept = within(all, self.quota);
        let passed_over = self.passed_over + (before - kept.len()) as u64;
        (kept, passed_over)
    }

    fn prune(&mut self) {
        let all = self.by_worth();
        let before = all.len();
        let kept = within(all, self.quota);
        self.passed_over += (before - kept.len()) as u64;
        self.held = kept.len();
        self.bytes = kept.iter().map(|crop| crop.bytes).sum();
        for crop in kept {
            let owner = self.owners.entry(crop.owner.clone()).or_default();
            let place = owner.partition_point(|other| other.at < crop.at);
            owner.insert(place, crop);
        }
    }

    /// Takes all crops off: the best of every owner, then the second of every owner, and so on.
    fn by_worth(&mut self) -> Vec<Crop<T>> {
        let mut ranked = Vec::with_capacity(self.held);
        for mut crops in std::mem::take(&mut self.owners).into_values() {
            crops.sort_by(|a, b| b.quality.total_cmp(&a.quality).then(a.at.cmp(&b.at)));
            ranked.extend(crops.into_iter().enumerate());
        }
        let place = |crop: &Crop<T>| (crop.owner.clone(), crop.at);
        ranked.sort_by(|(rank, a), (other, b)| {
            rank.cmp(other).then(b.quality.total_cmp(&a.quality)).then_with(|| place(a).cmp(&place(b)))
        });
        ranked.into_iter().map(|(_, crop)| crop).collect()
    }
}

/// As many of the first crops as the quota allows, without those that look like one before of another track.
fn within<T>(all: Vec<Crop<T>>, quota: Quota) -> Vec<Crop<T>> {
    let mut kept: Vec<Crop<T>> = Vec::new();
    let mut bytes = 0;
    for crop in all {
        let is_known = |other: &Crop<T>| {
            other.owner != crop.owner && (other.look ^ crop.look).count_ones() < LEAST_DIFFERENCE_OF_TRACKS
        };
        if kept.len() >= quota.crops || bytes + crop.bytes > quota.bytes || kept.iter().any(is_known) {
            continue;
        }
        bytes += crop.bytes;
        kept.push(crop);
    }
    kept
}

/// Of the two crops that are nearest in time, the place of the worse one.
fn worse_of_nearest<T>(crops: &[Crop<T>]) -> usize {
    let gap = |i: &usize| seconds_between(crops[*i].at, crops[*i + 1].at);
    let nearest = (0..crops.len().saturating_sub(1)).min_by(|a, b| gap(a).total_cmp(&gap(b)));
    nearest.map_or(0, |i| if crops[i].quality < crops[i + 1].quality { i } else { i + 1 })
}

fn seconds_between(a: Timestamp, b: Timestamp) -> f64 {
    (a.as_secs_f64() - b.as_secs_f64()).abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUOTA: Quota = Quota { crops: 10, per_track: 3, bytes: 1000, gap_s: 1.0 };

    fn crop(track: u64, at_s: f64, quality: f32, look: u64) -> Crop<()> {
        let owner = Owner { camera: StreamId::new("gate").unwrap(), track: TrackId(track), part: 0 };
        Crop { owner, at: Timestamp::from_secs_f64(at_s), quality, look, bytes: 10, content: () }
    }

    /// A look that differs from that of another number in half of the bits or so.
    fn look(number: u64) -> u64 {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn kept(quota: Quota, crops: impl IntoIterator<Item = Crop<()>>) -> Vec<(u64, f64)> {
        let mut shelf = Shelf::new(quota);
        crops.into_iter().for_each(|crop| shelf.offer(crop));
        shelf.finish().0.iter().map(|crop| (crop.owner.track.0, crop.at.as_secs_f64())).collect()
    }

    #[test]
    fn of_crops_near_in_time_or_look_the_best_stays() {
        let crops = [crop(1, 0.0, 0.5, look(0)), crop(1, 0.4, 0.9, look(1)), crop(1, 0.8, 0.7, look(2))];
        assert_eq!(kept(QUOTA, crops), [(1, 0.4)]);
        let alike = [crop(1, 0.0, 0.5, look(0)), crop(1, 5.0, 0.9, look(0) ^ 3)];
        assert_eq!(kept(QUOTA, alike), [(1, 5.0)]);
    }

    #[test]
    fn a_track_s_crops_are_spread_over_its_life() {
        let crops = (0..9).map(|i| crop(1, f64::from(i) * 2.0, if i == 4 { 0.9 } else { 0.5 }, look(i as u64)));
        let times: Vec<f64> = kept(QUOTA, crops).iter().map(|(_, at)| *at).collect();
        assert_eq!(times.len(), 3);
        assert_eq!(times[0], 8.0);
        let spread = times.iter().copied().fold(f64::MIN, f64::max) - times.iter().copied().fold(f64::MAX, f64::min);
        assert!(spread >= 6.0, "{times:?}");
    }

    #[test]
    fn every_track_gives_its_best_before_any_gives_its_second() {
        let crops = (0..4).flat_map(|track| {
            (0..3).map(move |i| crop(track, f64::from(i) * 3.0, 0.5 + 0.1 * i as f32, look(track * 10 + i as u64)))
        });
        let quota = Quota { crops: 6, ..QUOTA };
        let tracks: Vec<u64> = kept(quota, crops).iter().map(|(track, _)| *track).collect();
        assert_eq!(tracks, [0, 1, 2, 3, 0, 1]);
    }

    #[test]
    fn what_looks_the_same_in_another_track_is_kept_once() {
        assert_eq!(kept(QUOTA, [crop(1, 0.0, 0.5, look(0)), crop(2, 60.0, 0.6, look(0) ^ 1)]), [(2, 60.0)]);
    }

    proptest! {
        #[test]
        fn the_quota_holds_whatever_is_offered(
            offers in prop::collection::vec((0_u64..6, 0.0_f64..60.0, 0.0_f32..1.0, any::<u64>()), 0..200),
            crops in 1_usize..8, per_track in 1_usize..4, bytes in 10_usize..90,
        ) {
            let quota = Quota { crops, per_track, bytes, gap_s: 1.0 };
            let mut shelf = Shelf::new(quota);
            for (track, at_s, quality, look) in offers.clone() {
                shelf.offer(crop(track, at_s, quality, look));
                prop_assert!(shelf.held() <= 2 * crops && shelf.bytes <= 2 * bytes);
            }
            let (kept, passed_over) = shelf.finish();
            prop_assert_eq!(kept.len() + passed_over as usize, offers.len());
            prop_assert!(kept.len() <= crops && kept.len() * 10 <= bytes);
            for one in &kept {
                prop_assert!(kept.iter().filter(|other| other.owner == one.owner).count() <= per_track);
                let is_near = |other: &&Crop<()>| other.owner == one.owner && seconds_between(other.at, one.at) < 1.0;
                prop_assert_eq!(kept.iter().filter(is_near).count(), 1);
            }
        }
    }
}
