//! What is looked at once: closer looks at tracks, and looks that somebody asks for.

use forewarn_analytics::ReadingCounts;
use forewarn_domain::{
    About, AttributeId, BBox, Finding, Fix, Look, Reading, RuleHit, StreamId, Timestamp, TrackId, Verdict,
};

use super::{Engine, StreamBrain};
use crate::look::{Looked, Looking, Sought};
use crate::payload::distance_m;

/// How near the camera would have to come for an attribute to be told of who stands there.
fn within_m(brain: &StreamBrain, attribute: &AttributeId, bbox: &BBox, fix: &Fix) -> Option<f64> {
    let part = f64::from(bbox.height() / brain.rules.least_height_px(attribute)?);
    let away_m = distance_m(&brain.ground.as_ref()?.above()?, fix)?;
    (part < 1.0).then_some(away_m * part)
}

/// Says of each attribute of a subject that lacks nothing but size how near the camera would have to come, also where nobody looked
/// because of that.
pub(super) fn tell_how_near(brain: &StreamBrain, hit: &mut RuleHit) {
    let RuleHit { rule, track: Some(_), findings, bbox, fix: Some(fix), .. } = hit else { return };
    for attribute in brain.rules.asked_by(rule) {
        let Some(metres) = within_m(brain, attribute, bbox, fix).map(|metres| metres as f32) else { continue };
        let is_of = |finding: &&mut Finding| matches!(&finding.about, About::Attribute(known) if known == attribute);
        match findings.iter_mut().find(is_of) {
            Some(finding) if finding.verdict == Verdict::CannotTell => finding.fly_within_m = Some(metres),
            Some(_) => {}
            None => findings.push(Finding::too_small(attribute.clone(), metres)),
        }
    }
}

impl Engine {
    /// What closer looks told of a track, for each attribute that a rule of the stream asks for.
    pub fn told(&self, stream: &StreamId, track: TrackId, at: Timestamp) -> Vec<Finding> {
        self.streams.get(stream).map(|brain| brain.rules.told(track, at)).unwrap_or_default()
    }

    /// How near a camera that flies would have to come, in metres, for an attribute to be told of somebody in its latest frame;
    /// none where it is not size that lacks, or where nobody knows how far away that is.
    pub fn fly_within_m(&self, stream: &StreamId, attribute: &AttributeId, bbox: &BBox) -> Option<f64> {
        let brain = self.streams.get(stream)?;
        within_m(brain, attribute, bbox, &self.fix(stream, bbox)?)
    }

    /// The looks at tracks of the stream's latest frame that would help its rules, the most urgent first. Each is given
    /// out once; one that is not taken is asked for again after a moment.
    pub fn take_looks(&mut self, stream: &StreamId) -> Vec<Look> {
        let Some(brain) = self.streams.get_mut(stream) else { return Vec::new() };
        let mut looks = brain.rules.take_looks();
        for look in brain.looking.iter_mut().flat_map(|looking| looking.rules.take_looks()) {
            if !looks.iter().any(|known| known.track == look.track && known.attribute == look.attribute) {
                looks.push(look);
            }
        }
        looks
    }

    /// Takes in what looks at tracks of a stream said. They count from its next frame on.
    pub fn read(&mut self, stream: &StreamId, readings: &[Reading]) {
        if let Some(brain) = self.streams.get_mut(stream) {
            brain.every_rules().for_each(|rules| rules.read(readings));
        }
    }

    /// What became of the readings of each stream.
    pub fn reading_counts(&self) -> impl Iterator<Item = (&StreamId, ReadingCounts)> {
        self.streams.iter().map(|(stream, brain)| (stream, brain.rules.reading_counts()))
    }

    /// Somebody looks for this at a camera, from its next frame on; what another one looked for there is given up. False if there
    /// is no such camera.
    pub fn look(&mut self, stream: &StreamId, sought: Sought, now: Timestamp) -> bool {
        let Some(brain) = self.streams.get_mut(stream) else { return false };
        brain.looking = Some(Looking::begin(sought, &brain.rules, now));
        true
    }

    /// What somebody who looks at a camera has been told so far; none where nobody does.
    pub fn looked(&self, stream: &StreamId) -> Option<Looked> {
        let brain = self.streams.get(stream)?;
        let looking = brain.looking.as_ref()?;
        Some(looking.told(brain.tracker.tracks(), &self.incidents.records().collect::<Vec<_>>(), &*self.civil))
    }
}
