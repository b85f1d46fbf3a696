//! What a change of configuration or model gains and loses: two evaluations of the same clips compared.

use std::collections::BTreeMap;

use forewarn_domain::StreamId;
use serde::Serialize;

use crate::alarms::Alarm;
use crate::matching::{pair, shared_s};
use crate::result::{AlarmResult, ClipResult, Evaluation, TruthResult, scores};
use crate::score::Score;

/// Two false alarms this near to each other, in seconds, are taken for the same one.
const SAME_WITHIN_S: f64 = 5.0;

/// The comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// What is found now and was missed before.
    pub gained: Vec<Entry>,
    /// What was found before and is missed now.
    pub lost: Vec<Entry>,
    /// False alarms that were not there before.
    pub false_alarms_new: Vec<Entry>,
    /// False alarms that are gone.
    pub false_alarms_gone: Vec<Entry>,
    /// The figures before and now, over the clips that both have.
    pub violations: Vec<Change>,
    /// All violations together.
    pub all: Change,
    /// Clips that only the old evaluation has.
    pub only_old: Vec<String>,
    /// Clips that only the new evaluation has.
    pub only_new: Vec<String>,
    /// Clips left out because the two were judged by different truths.
    pub truth_differs: Vec<String>,
}

/// One incident or entry of the truth that makes a difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The clip.
    pub clip: String,
    /// The camera.
    pub camera: StreamId,
    /// What.
    pub violation: String,
    /// Where.
    pub zone: Option<String>,
    /// From this second of the clip: of the truth, or of the false alarm.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
    /// The incident's id where it was found.
    pub incident: Option<String>,
}

/// The figures of one violation before and now; none where it was not looked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The violation; `all` for all together.
    pub violation: String,
    /// Before.
    pub old: Option<Score>,
    /// Now.
    pub new: Option<Score>,
}

impl Diff {
    /// Whether something is lost, or a false alarm is new.
    pub fn is_worse(&self) -> bool {
        !self.lost.is_empty() || !self.false_alarms_new.is_empty()
    }
}

/// Compares two evaluations clip by clip.
pub fn compare(old: &Evaluation, new: &Evaluation) -> Diff {
    let key = |clip: &ClipResult| (clip.clip.clone(), clip.camera.clone());
    let old_clips: BTreeMap<_, _> = old.clips.iter().map(|clip| (key(clip), clip)).collect();
    let new_clips: BTreeMap<_, _> = new.clips.iter().map(|clip| (key(clip), clip)).collect();
    let only = |these: &BTreeMap<_, &ClipResult>, others: &BTreeMap<_, &ClipResult>| {
        these.iter().filter(|(key, _)| !others.contains_key(*key)).map(|(_, clip)| clip.label()).collect()
    };
    let mut diff = Diff {
        gained: Vec::new(),
        lost: Vec::new(),
        false_alarms_new: Vec::new(),
        false_alarms_gone: Vec::new(),
        violations: Vec::new(),
        all: Change { violation: "all".to_owned(), old: None, new: None },
        only_old: only(&old_clips, &new_clips),
        only_new: only(&new_clips, &old_clips),
        truth_differs: Vec::new(),
    };
    let (mut olds, mut news) = (Vec::new(), Vec::new());
    for (key, old) in &old_clips {
        let Some(new) = new_clips.get(key) else { continue };
        if !same_truths(old, new) {
            diff.truth_differs.push(old.label());
            continue;
        }
        diff.clip(old, new);
        olds.push((*old).clone());
        news.push((*new).clone());
    }
    (diff.violations, diff.all) = changes(&olds, &news);
    diff
}

fn same_truths(old: &ClipResult, new: &ClipResult) -> bool {
    let plain = |truth: &TruthResult| TruthResult { found: None, delay_s: None, ..truth.clone() };
    old.truths.iter().map(plain).eq(new.truths.iter().map(plain)) && old.judged_s == new.judged_s
}

fn changes(olds: &[ClipResult], news: &[ClipResult]) -> (Vec<Change>, Change) {
    let ((old, old_all), (new, new_all)) = (scores(olds), scores(news));
    let mut by_name: BTreeMap<String, (Option<Score>, Option<Score>)> = BTreeMap::new();
    for score in old {
        let name = score.violation.clone();
        by_name.entry(name).or_default().0 = Some(score);
    }
    for score in new {
        let name = score.violation.clone();
        by_name.entry(name).or_default().1 = Some(score);
    }
    let violations = by_name.into_iter().map(|(violation, (old, new))| Change { violation, old, new }).collect();
    (violations, Change { violation: "all".to_owned(), old: Some(old_all), new: Some(new_all) })
}

impl Diff {
    fn clip(&mut self, old: &ClipResult, new: &ClipResult) {
        for (before, now) in old.truths.iter().zip(&new.truths) {
            match (&before.found, &now.found) {
                (None, Some(_)) => self.gained.push(of_truth(new, now, now.found.clone())),
                (Some(_), None) => self.lost.push(of_truth(old, before, before.found.clone())),
                _ => {}
            }
        }
        let (before, now) = (false_alarms(old), false_alarms(new));
        let partners = pair(before.len(), now.len(), |b, n| nearness(&before[b].alarm, &now[n].alarm));
        for (alarm, _) in before.iter().zip(&partners).filter(|(_, partner)| partner.is_none()) {
            self.false_alarms_gone.push(of_alarm(old, &alarm.alarm));
        }
        for (n, alarm) in now.iter().enumerate() {
            if !partners.contains(&Some(n)) {
                self.false_alarms_new.push(of_alarm(new, &alarm.alarm));
            }
        }
    }
}

fn false_alarms(clip: &ClipResult) -> Vec<&AlarmResult> {
    clip.alarms.iter().filter(|known| known.verdict.is_false_alarm()).collect()
}

/// Seconds in common of two alarms that may be the same; none if they cannot be.
fn nearness(a: &Alarm, b: &Alarm) -> Option<f64> {
    let shared = shared_s((a.confirmed_s, a.closed_s), (b.confirmed_s, b.closed_s));
    let is_near = shared > 0.0 || (a.confirmed_s - b.confirmed_s).abs() <= SAME_WITHIN_S;
    (a.violation == b.violation && a.zone == b.zone && is_near).then_some(shared)
}

fn of_truth(clip: &ClipResult, truth: &TruthResult, incident: Option<String>) -> Entry {
    Entry {
        clip: clip.clip.clone(),
        camera: clip.camera.clone(),
        violation: truth.violation.to_string(),
        zone: truth.zone.as_ref().map(ToString::to_string),
        from_s: truth.from_s,
        to_s: truth.to_s,
        incident,
    }
}

fn of_alarm(clip: &ClipResult, alarm: &Alarm) -> Entry {
    Entry {
        clip: clip.clip.clone(),
        camera: clip.camera.clone(),
        violation: alarm.violation.to_string(),
        zone: Some(alarm.zone.to_string()),
        from_s: alarm.confirmed_s,
        to_s: alarm.closed_s,
        incident: Some(alarm.id.clone()),
    }
}
