//! Which subjects are looked at more closely, and when.
//!
//! A look costs as much as a small inference, so it is asked for only where it can change something: at a subject whose
//! rule holds but for what the look would tell, that is large enough, whole, and not behind another. Looks that told
//! nothing are asked for less and less often; a subject with an open incident is looked at often enough that its
//! compliance is seen within seconds.

use forewarn_domain::{
    AttributeId, AttributeNeed, BBox, HeadNeed, Look, SeenHead, Timestamp, TrackId, Unclear, Verdict,
};

use super::conditions::Watch;
use super::identity::Identity;
use super::program::CompiledRule;
use super::recollection::Recollection;
use super::tree::Facts;
use super::truth::Truth;

/// The most looks that are asked for after one frame.
const MOST_LOOKS: usize = 16;
/// Pauses between two looks at one attribute of one subject, in microseconds: it is not known yet, or it has an open
/// incident; it is known, and only a change is of interest; it is a text, which does not change.
const UNDECIDED_US: i64 = 400_000;
const OPEN_US: i64 = 700_000;
const DECIDED_US: i64 = 3_000_000;
const READ_US: i64 = 15_000_000;
/// Each look in a row that could not tell makes the next one wait longer, up to this.
const FRUITLESS_US: i64 = 4_000_000;
/// A box this near to the edge of the picture is cut off by it.
const EDGE_PX: f32 = 2.0;
/// More of the part that matters must not be covered by somebody in front, and by somebody of the same kind behind.
const COVERED_IN_FRONT: f32 = 0.2;
const COVERED_BEHIND: f32 = 0.5;

/// One seen subject of the frame, as others see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour<'a> {
    track: Option<TrackId>,
    bbox: BBox,
    group: &'a forewarn_domain::Class,
}

impl<'a> Neighbour<'a> {
    pub(super) fn new(identity: &'a Identity) -> Self {
        Self { track: identity.track, bbox: identity.bbox, group: &identity.group }
    }
}

/// What of the picture a look hangs on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture<'a> {
    /// Width and height of the frame in pixels.
    pub(super) size: (u32, u32),
    /// How much larger the picture is that is looked at, in parts of a side.
    pub(super) zoom: f32,
    /// The subject's head, where the detector found it.
    pub(super) head: Option<&'a SeenHead>,
}

/// A look that is due, with its rank: the lower the sooner.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    rank: u32,
    pub(super) look: Look,
}

/// The wishes of all rules after one frame, the most urgent first, bounded.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes(Vec<Wish>);

impl Wishes {
    /// Adds a wish; of two for the same look the more urgent one stays.
    pub(super) fn add(&mut self, wish: Wish) {
        let is_same = |w: &&mut Wish| w.look.track == wish.look.track && w.look.attribute == wish.look.attribute;
        match self.0.iter_mut().find(is_same) {
            Some(known) => known.rank = known.rank.min(wish.rank),
            None => self.0.push(wish),
        }
    }

    /// The looks in the order of their urgency; then the order of tracks and attributes.
    pub(super) fn into_looks(mut self) -> Vec<Look> {
        self.0.sort_by(|a, b| {
            let by_name = || (a.look.track, &a.look.attribute).cmp(&(b.look.track, &b.look.attribute));
            a.rank.cmp(&b.rank).then_with(by_name)
        });
        self.0.into_iter().take(MOST_LOOKS).map(|wish| wish.look).collect()
    }
}

/// What one rule wishes to know of one identity that is seen.
pub(super) fn wishes(
    rule: &CompiledRule,
    identity: &Identity,
    memory: &Recollection,
    neighbours: &[Neighbour<'_>],
    picture: Picture<'_>,
    facts: &Facts<'_>,
) -> Vec<Wish> {
    let is_subject = memory.subject.is_some() || (rule.subject.contains(&identity.class) && memory.is_admitted);
    let Some(track) = identity.track.filter(|_| is_subject) else { return Vec::new() };
    let mut wishes = Vec::new();
    for ask in &rule.asks {
        let attribute = &ask.attribute;
        let is_shown = match (picture.head, ask.need.head) {
            (Some(head), Some(need)) => is_head_shown(&head.bbox, picture, need),
            _ => {
                identity.bbox.height() * picture.zoom >= ask.need.least_height_px
                    && is_worth_it(identity, neighbours, picture.size, ask.need)
            }
        };
        if !is_shown || !matters(rule, memory, attribute, facts) {
            continue;
        }
        let finding = identity.attributes.finding(attribute, &ask.standard, facts.at);
        let is_decided = finding.verdict != Verdict::CannotTell;
        // A contradiction is solved by looking, not by waiting.
        let is_fruitless = finding.unclear != Some(Unclear::Contradictory);
        let is_open = memory.subject.is_some();
        let pause_us = match (is_decided, is_open) {
            (true, _) if finding.text.is_some() => READ_US,
            (true, true) => OPEN_US,
            (true, false) => DECIDED_US,
            (false, _) if is_fruitless => backed_off(identity.attributes.fruitless(attribute), is_open),
            (false, _) => UNDECIDED_US,
        };
        let asked_at = identity.attributes.asked_at(attribute);
        if asked_at.is_some_and(|asked_at| is_early(asked_at, facts.at, pause_us)) {
            continue;
        }
        let rank = u32::from(is_decided) * 2 + u32::from(!is_open);
        let (class, head) = (identity.class.clone(), picture.head.cloned());
        let look = Look { track, class, bbox: identity.bbox, attribute: attribute.clone(), of: None, head };
        wishes.push(Wish { rank, look });
    }
    wishes
}

/// The pause after `fruitless` looks in a row that could not tell.
fn backed_off(fruitless: u32, is_open: bool) -> i64 {
    // Whoever turned away after the warning may turn round at any moment.
    let most_us = if is_open { FRUITLESS_US / 4 } else { FRUITLESS_US };
    (UNDECIDED_US << (fruitless / 3).min(4)).min(most_us)
}

fn is_early(asked_at: Timestamp, at: Timestamp, pause_us: i64) -> bool {
    (0..pause_us).contains(&at.micros_since(asked_at))
}

/// Whether the rule's condition, or one of its counts', hangs on what a look at `attribute` would tell, now or soon.
fn matters(rule: &CompiledRule, memory: &Recollection, attribute: &AttributeId, facts: &Facts<'_>) -> bool {
    let is_asked = |watch: &Watch| matches!(watch, Watch::Wearing(wearing) if wearing.item() == attribute);
    let tracks: Vec<Truth> = rule
        .watches
        .iter()
        .zip(&memory.nearly)
        .map(|(watch, truth)| if is_asked(watch) { Truth::CannotTell } else { *truth })
        .collect();
    // What a score would come to with the look is not worth working out.
    let scores: Vec<Truth> = memory.scored.iter().map(|truth| (*truth).max(Truth::CannotTell)).collect();
    let facts = Facts { tracks: &tracks, scores: &scores, ..*facts };
    if rule.terms.is_empty() {
        facts.truth(&rule.condition).may_hold()
    } else {
        rule.terms.iter().any(|term| facts.truth(&term.of).may_hold())
    }
}

/// Whether a head that was found is large enough, and whole where it must be. That it was found says that nothing hides it.
fn is_head_shown(head: &BBox, picture: Picture<'_>, need: HeadNeed) -> bool {
    let (width, height) = (picture.size.0 as f32 - EDGE_PX, picture.size.1 as f32 - EDGE_PX);
    let is_whole = head.x0 > EDGE_PX && head.y0 > EDGE_PX && head.x1 < width && head.y1 < height;
    (is_whole || !need.is_whole) && head.area().sqrt() * picture.zoom >= need.least_px
}

/// Whether the box is whole, and not behind another.
fn is_worth_it(identity: &Identity, neighbours: &[Neighbour<'_>], size: (u32, u32), need: AttributeNeed) -> bool {
    let b = &identity.bbox;
    let is_cut = b.x0 <= EDGE_PX || b.y0 <= EDGE_PX || b.x1 >= size.0 as f32 - EDGE_PX;
    // Below, only what reaches down to the edge is cut off there.
    let is_cut_below = b.y1 >= size.1 as f32 - EDGE_PX && need.part.1 > 0.9;
    if need.is_whole && (is_cut || is_cut_below) {
        return false;
    }
    let (from, to) = need.part;
    let part = BBox::new(b.x0, b.y0 + from * b.height(), b.x1, b.y0 + to * b.height());
    neighbours.iter().filter(|other| other.track != identity.track).all(|other| {
        let covered = other.bbox.intersection(&part) / part.area().max(1.0);
        // Whoever stands further down in the picture stands in front.
        let most = match other.bbox.y1 > b.y1 {
            true => COVERED_IN_FRONT,
            false if *other.group == identity.group => COVERED_BEHIND,
            false => 1.0,
        };
        covered <= most
    })
}
