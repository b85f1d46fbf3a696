//! What was seen of one subject, and the clocks that run by it: how long it has complied, how long its clear place
//! has been empty, how long there was no view.
//!
//! The first two clocks add up spans between frames and therefore pause by themselves while nothing can be told;
//! the last one counts from the arrival of the latest view, because it must run when no frames come at all.

use std::time::Duration;

use forewarn_domain::violation::Observation;
use forewarn_domain::{Cause, Sight, Timestamp};
use serde::{Deserialize, Serialize};

use crate::span::span;

/// The most that the span between two frames adds to a clock, and the age up to which a sight counts as present.
/// Nobody looked in between, so a long gap proves no more than this.
const MAX_GAP: Duration = Duration::from_secs(2);

/// So many violating sights set running clocks back; fewer are taken for flicker of the detector.
const VIOLATING_SIGHTS_TO_RESET: u32 = 2;

/// One sight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Look {
    sight: Sight,
    at: Timestamp,
}

/// What was seen of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// The latest sight; none after an interruption of the stream.
    latest: Option<Look>,
    /// Time of the newest frame; older ones come late. None after an interruption: the time line may have moved.
    newest_frame_at: Option<Timestamp>,
    /// When the latest sight arrived.
    received_at: Timestamp,
    /// When the latest sight with a view of the subject's place arrived.
    viewed_at: Timestamp,
    complying: Duration,
    absent: Duration,
    /// Violating sights since one of the clocks began to run.
    strays: u32,
}

impl Watch {
    /// Begins with a violating sight of the frame of `at`, which arrived at `now`.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self {
            latest: Some(Look { sight: Sight::Violating, at }),
            newest_frame_at: Some(at),
            received_at: now,
            viewed_at: now,
            complying: Duration::ZERO,
            absent: Duration::ZERO,
            strays: 0,
        }
    }

    /// Whether a frame is not newer than what was seen already.
    pub(crate) fn is_late(&self, at: Timestamp) -> bool {
        self.newest_frame_at.is_some_and(|newest| at <= newest)
    }

    /// Time of the newest frame, if the time line is known.
    pub(crate) fn newest_frame_at(&self) -> Option<Timestamp> {
        self.newest_frame_at
    }

    /// Takes in what a frame of `at`, which arrived at `now`, shows.
    pub(crate) fn see(&mut self, sight: Sight, at: Timestamp, now: Timestamp) {
        let before = self.latest.map(|look| look.sight);
        let gap = self.latest.map_or(Duration::ZERO, |look| at.since(look.at).min(MAX_GAP));
        match sight {
            Sight::Violating => {
                self.strays = if self.is_running() { self.strays + 1 } else { 0 };
                if self.strays >= VIOLATING_SIGHTS_TO_RESET {
                    self.reset_clocks();
                }
            }
            Sight::Compliant => {
                self.absent = Duration::ZERO;
                if matches!(before, Some(Sight::Compliant | Sight::Absent)) {
                    self.complying += gap;
                }
            }
            Sight::Absent | Sight::Over => {
                if matches!(before, Some(Sight::Absent | Sight::Over)) {
                    self.absent += gap;
                }
            }
            Sight::Occluded => {}
        }
        if sight != Sight::Occluded {
            self.viewed_at = now;
        }
        self.received_at = now;
        self.latest = Some(Look { sight, at });
        self.newest_frame_at = Some(at);
    }

    /// The stream was interrupted or came back: nothing is known of the time in between.
    pub(crate) fn interrupt(&mut self) {
        self.latest = None;
        self.newest_frame_at = None;
    }

    /// The agent was restarted at `now`: nothing is known, and the subject has its full time to be seen again.
    pub(crate) fn restart(&mut self, now: Timestamp) {
        self.interrupt();
        self.reset_clocks();
        self.received_at = now;
        self.viewed_at = now;
    }

    /// Sets the clocks of complying and absence back.
    pub(crate) fn reset_clocks(&mut self) {
        self.complying = Duration::ZERO;
        self.absent = Duration::ZERO;
        self.strays = 0;
    }

    fn is_running(&self) -> bool {
        self.complying > Duration::ZERO || self.absent > Duration::ZERO
    }

    /// Whether the subject complied or left, or there is nothing to be told any more, by the sight just taken in.
    pub(crate) fn has_ended(&self, observe: &Observation) -> Option<Cause> {
        match self.latest?.sight {
            Sight::Compliant => (self.complying >= span(observe.complied_after_s)).then_some(Cause::SeenComplying),
            Sight::Absent => (self.absent >= span(observe.gone_after_s)).then_some(Cause::NoLongerSeen),
            Sight::Over => (self.absent >= span(observe.gone_after_s)).then_some(Cause::NoLongerJudged),
            Sight::Violating | Sight::Occluded => None,
        }
    }

    /// Whether the latest sight is recent and shows the violation, beyond flicker.
    pub(crate) fn is_clearly_violating(&self, now: Timestamp) -> bool {
        self.latest.is_some_and(|look| look.sight == Sight::Violating)
            && !self.is_running()
            && now.since(self.received_at) <= MAX_GAP
    }

    /// When the subject counts as lost if there is no view of its place until then.
    pub(crate) fn lost_at(&self, lost_after: Duration) -> Timestamp {
        self.viewed_at + lost_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(looks: &[(f64, Sight)]) -> Option<Cause> {
        let mut watch = Watch::new(Timestamp::ZERO, Timestamp::ZERO);
        let mut ended = None;
        for &(at_s, sight) in looks {
            let at = Timestamp::from_secs_f64(at_s);
            watch.see(sight, at, at);
            ended = ended.or(watch.has_ended(&Observation::default()));
        }
        ended
    }

    fn every_half_second(sights: &[Sight]) -> Option<Cause> {
        let looks: Vec<_> = sights.iter().enumerate().map(|(i, &sight)| ((i + 1) as f64 * 0.5, sight)).collect();
        after(&looks)
    }

    use Sight::{Absent as A, Compliant as C, Occluded as O, Over as E, Violating as V};

    #[test]
    fn complying_takes_two_seconds_and_absence_five() {
        assert_eq!(every_half_second(&[C; 4]), None);
        assert_eq!(every_half_second(&[C; 5]), Some(Cause::SeenComplying));
        assert_eq!(every_half_second(&[A; 10]), None);
        assert_eq!(every_half_second(&[A; 11]), Some(Cause::NoLongerSeen));
    }

    #[test]
    fn what_is_over_ends_after_as_long_as_who_is_gone_and_is_no_compliance() {
        assert_eq!(every_half_second(&[E; 10]), None);
        assert_eq!(every_half_second(&[E; 11]), Some(Cause::NoLongerJudged));
        let hours_end = [C, C, C, E, E, E, E, E, E, E, E, E, E, E];
        assert_eq!(every_half_second(&hours_end), Some(Cause::NoLongerJudged));
    }

    #[test]
    fn occlusion_pauses_the_clocks() {
        assert_eq!(every_half_second(&[C, C, C, O, O, O, O, C]), None);
        assert_eq!(every_half_second(&[C, C, C, O, O, O, O, C, C, C]), Some(Cause::SeenComplying));
        assert_eq!(every_half_second(&[A, O, A, O, A, O, A, O, A, O, A, O, A, O, A, O, A, O, A, O, A]), None);
    }

    #[test]
    fn one_stray_violating_sight_is_flicker_and_two_are_not() {
        assert_eq!(every_half_second(&[C, C, C, V, C, C, C]), Some(Cause::SeenComplying));
        assert_eq!(every_half_second(&[C, C, C, V, V, C, C, C]), None);
        assert_eq!(every_half_second(&[C, C, C, V, C, V, C, C, C]), None);
    }

    #[test]
    fn a_long_gap_between_frames_proves_little() {
        assert_eq!(after(&[(1.0, A), (60.0, A)]), None);
        assert_eq!(after(&[(1.0, A), (60.0, A), (120.0, A), (180.0, A)]), Some(Cause::NoLongerSeen));
    }
}
