//! Heads that belong to nobody who was found, over the looks at one place.
//!
//! One look at such a head makes a person only where the detector is sure: round and shiny things look alike. What it is nearly as
//! sure of in look after look is somebody, too; a thing that is now and then taken for a head is not there in the looks between,
//! which count as well.

use forewarn_domain::{BBox, Detection, Timestamp};

/// The mean score from which on a head that lasts is somebody's. Of what is found so on the 204 held photos of workers, each looked
/// at 25 times, five of the six that reach it are labelled heads; of the 21 from 0.5 to there 3.
const LASTING: f32 = 0.6;
/// In so many looks, over so many microseconds.
const LEAST_LOOKS: u32 = 5;
const LEAST_US: i64 = 1_000_000;
/// No look weighs less than one of so many: who has come later is not held back by the looks before.
const MOST_LOOKS: u32 = 15;
/// Boxes that overlap by so much are of one head, from one look to the next.
const SAME_PLACE: f32 = 0.3;
/// Below this mean a place is forgotten.
const FORGOTTEN: f32 = 0.2;

/// The places at which heads were found that are nobody's.
#[derive(Debug, Default)]
pub(crate) struct LoneHeads(Vec<Lone>);

#[derive(Debug)]
struct Lone {
    bbox: BBox,
    mean: f32,
    n_looks: u32,
    first_at: Timestamp,
    is_seen: bool,
}

impl LoneHeads {
    /// Takes in the lone heads of a look, and says of each whether it has lasted.
    pub(crate) fn look(&mut self, at: Timestamp, heads: &[&Detection]) -> Vec<bool> {
        self.0.iter_mut().for_each(|lone| lone.is_seen = false);
        let lasting = heads.iter().map(|head| self.find(at, head)).collect();
        for lone in self.0.iter_mut().filter(|lone| !lone.is_seen) {
            lone.weigh(0.0);
        }
        self.0.retain(|lone| lone.mean >= FORGOTTEN);
        lasting
    }

    fn find(&mut self, at: Timestamp, head: &Detection) -> bool {
        let near = |lone: &&mut Lone| !lone.is_seen && lone.bbox.iou(&head.bbox) >= SAME_PLACE;
        let nearest = |a: &&mut Lone, b: &&mut Lone| a.bbox.iou(&head.bbox).total_cmp(&b.bbox.iou(&head.bbox));
        let Some(lone) = self.0.iter_mut().filter(near).max_by(nearest) else {
            self.0.push(Lone { bbox: head.bbox, mean: head.score, n_looks: 1, first_at: at, is_seen: true });
            return false;
        };
        (lone.bbox, lone.is_seen) = (head.bbox, true);
        lone.weigh(head.score);
        lone.mean >= LASTING && lone.n_looks >= LEAST_LOOKS && at.micros_since(lone.first_at) >= LEAST_US
    }
}

impl Lone {
    fn weigh(&mut self, score: f32) {
        self.n_looks = self.n_looks.saturating_add(1);
        self.mean += (score - self.mean) / self.n_looks.min(MOST_LOOKS) as f32;
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Class;

    use super::*;

    /// Seconds until a head lasts that is found with these scores in turn, five times a second; none within ten seconds.
    fn lasts_after(scores: &[f32]) -> Option<f64> {
        let mut lone = LoneHeads::default();
        (0..50_u32).find_map(|n| {
            let (at, x) = (f64::from(n) / 5.0, 100.0 + (n % 3) as f32);
            let score = scores[n as usize % scores.len()];
            let head = Detection { class: Class::new("head"), score, bbox: BBox::new(x, 50.0, x + 20.0, 74.0) };
            let heads: Vec<&Detection> = if score > 0.0 { vec![&head] } else { Vec::new() };
            lone.look(Timestamp::from_secs_f64(at), &heads).contains(&true).then_some(at)
        })
    }

    #[test]
    fn a_head_that_is_found_nearly_surely_in_each_look_lasts_and_one_of_now_and_then_does_not() {
        assert_eq!(lasts_after(&[0.65]), Some(1.0));
        assert_eq!(lasts_after(&[0.55, 0.69]), Some(1.0));
        assert_eq!(lasts_after(&[0.69, 0.0, 0.68]), None);
        assert_eq!(lasts_after(&[0.55]), None);
    }

    #[test]
    fn heads_that_pass_are_not_those_of_one_place() {
        let mut lone = LoneHeads::default();
        for n in 0..20_u32 {
            let x = 30.0 * n as f32;
            let head = Detection { class: Class::new("head"), score: 0.69, bbox: BBox::new(x, 50.0, x + 20.0, 74.0) };
            assert_eq!(lone.look(Timestamp::from_secs_f64(f64::from(n) / 5.0), &[&head]), [false]);
        }
        assert!(lone.0.len() < 10, "{}", lone.0.len());
    }
}
