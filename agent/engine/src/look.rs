//! One look at a camera that somebody asks for: rules that nobody watches, or not yet for long enough, are judged by what is
//! seen within a moment, beside those that are watched, and change nothing of them.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_analytics::{CompiledRule, Glimpse, Glimpsed, Rules, StillZones, View};
use forewarn_domain::{
    BBox, CivilTime, Class, Detection, Finding, IncidentRecord, IncidentState, RuleKey, Schedule, Sight, Timestamp,
    Track, TrackId, Zone,
};
use serde::Serialize;

use crate::ground::GroundWatch;

/// Nobody waits any more for what a look finds after this.
const LASTS: Duration = Duration::from_secs(5);

/// A rule that is looked for.
#[derive(Debug, Clone)]
pub struct SoughtRule {
    /// The rule, as one look can judge it.
    pub rule: CompiledRule,
    /// How long it must hold until it is an incident.
    pub needs: Duration,
    /// In how many pictures at the least.
    pub hits: u32,
    /// Whether the site watches for it all the time.
    pub is_watched: bool,
    /// Whether it compares with what was before.
    pub hangs_on_before: bool,
    /// When the site watches for it; always if none.
    pub schedule: Option<Schedule>,
}

/// What is looked for at one camera.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// The zones and lines of the camera, to which the rules are bound.
    pub zones: Vec<Zone>,
    /// The rules.
    pub rules: Vec<SoughtRule>,
    /// The classes of what the detector finds.
    pub classes: Vec<Class>,
}

impl Sought {
    /// Whether nothing is looked for but what is seen anyway.
    pub fn is_nothing(&self) -> bool {
        self.rules.is_empty() && self.classes.is_empty()
    }
}

/// What one look can say of a rule, or of one whom it may concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It does not hold now.
    NotNow,
    /// It cannot be told from this look.
    CannotTell,
    /// It holds now, and must hold for longer to be an incident than the look has seen.
    Begun,
    /// It is violated: the look has seen it hold for as long as it must, or what it is about happen, or an incident is open.
    Violated,
}

/// One whom a rule may concern.
#[derive(Debug, Serialize)]
pub struct Concerned {
    /// The track.
    pub track: u64,
    /// Its class.
    pub class: Class,
    /// Where it is.
    pub r#box: [f32; 4],
    /// What can be said of it.
    pub told: Told,
    /// For how long the camera has seen it, in this zone or elsewhere.
    pub seen_s: f64,
    /// The incident that is open.
    pub incident: Option<String>,
    /// What closer looks told.
    pub findings: Vec<Finding>,
}

/// What was told of one rule.
#[derive(Debug, Serialize)]
pub struct OfRule {
    /// The violation.
    pub violation: String,
    /// The zone.
    pub zone: String,
    /// What can be said of it.
    pub told: Told,
    /// Whether the site watches for it all the time.
    pub is_watched: bool,
    /// Whether the site watches for it at this time of day; none where the time of day is not known.
    pub is_in_hours: Option<bool>,
    /// How long it must hold until it is an incident.
    pub needs_s: f64,
    /// How many take part.
    pub count: u32,
    /// The incident that is open; the first, where there are several.
    pub incident: Option<String>,
    /// Those whom it may concern.
    pub subjects: Vec<Concerned>,
    /// What is known of the zone.
    pub findings: Vec<Finding>,
}

/// Something that the detector found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Its class.
    pub class: Class,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Where it is.
    pub r#box: [f32; 4],
}

/// What a look has told so far.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// In how many pictures it was looked for.
    pub pictures: u32,
    /// From the first of these to the last.
    pub lasted_s: f64,
    /// What was told of the rules.
    pub rules: Vec<OfRule>,
    /// What the detector found in the latest picture, of the classes that were asked for.
    pub found: Vec<Found>,
}

/// A look that goes on.
#[derive(Debug)]
pub(crate) struct Looking {
    zones: StillZones,
    sought: Vec<SoughtRule>,
    classes: Vec<Class>,
    pub(crate) rules: Rules,
    pub(crate) began_at: Timestamp,
    first_at: Option<Timestamp>,
    latest_at: Timestamp,
    pictures: u32,
    found: Vec<Detection>,
    /// Since when each rule has held without a break, of each whom it concerns and as a whole.
    held: BTreeMap<(RuleKey, Option<TrackId>), Holds>,
}

/// Since when something has held, and in how many pictures.
#[derive(Debug, Clone, Copy)]
struct Holds {
    since: Timestamp,
    pictures: u32,
}

impl Holds {
    /// Whether a rule needs no more.
    fn is_enough(self, sought: &SoughtRule, at: Timestamp) -> bool {
        sought.needs.is_zero() || (at.since(self.since) >= sought.needs && self.pictures >= sought.hits)
    }
}

impl Looking {
    /// A look that begins beside the rules that are watched.
    pub(crate) fn begin(sought: Sought, watched: &Rules, now: Timestamp) -> Self {
        let rules = watched.beside(sought.rules.iter().map(|one| one.rule.clone()).collect());
        Self {
            zones: StillZones::new(sought.zones),
            sought: sought.rules,
            classes: sought.classes,
            rules,
            began_at: now,
            first_at: None,
            latest_at: now,
            pictures: 0,
            found: Vec::new(),
            held: BTreeMap::new(),
        }
    }

    /// Whether anybody still waits for it.
    pub(crate) fn goes_on(&self, now: Timestamp) -> bool {
        now.since(self.began_at) <= LASTS
    }

    /// Takes in what the detector found in a frame.
    pub(crate) fn detected(&mut self, detections: &[Detection]) {
        self.found = detections.iter().filter(|one| self.classes.contains(&one.class)).cloned().collect();
    }

    /// Takes in a frame that was judged; `ground` tells where zones lie if its camera flies.
    pub(crate) fn see(&mut self, view: &View<'_>, ground: Option<&mut GroundWatch>) {
        let zones = match ground {
            Some(ground) => ground.laid_out(&mut self.zones, view.size),
            None => self.zones.laid_out(view.size),
        };
        // Its hits raise nothing.
        let _ = self.rules.evaluate(&View { zones, ..*view });
        self.first_at.get_or_insert(view.at);
        (self.latest_at, self.pictures) = (view.at, self.pictures.saturating_add(1));
        for glimpse in self.rules.glimpses(view.civil) {
            let whole = (None, glimpse.sight);
            for (who, sight) in glimpse.who.iter().map(|one| (Some(one.track), one.sight)).chain([whole]) {
                let key = (glimpse.rule.clone(), who);
                match sight {
                    Sight::Violating => {
                        let holds = self.held.entry(key).or_insert(Holds { since: view.at, pictures: 0 });
                        holds.pictures = holds.pictures.saturating_add(1);
                    }
                    // Who cannot be told for a moment has not stopped.
                    Sight::Occluded => {}
                    Sight::Compliant | Sight::Absent | Sight::Over => drop(self.held.remove(&key)),
                }
            }
        }
    }

    /// Whether a rule has held for as long as it must, of one whom it concerns or as a whole.
    fn is_enough(&self, sought: &SoughtRule, who: Option<TrackId>) -> bool {
        let holds = self.held.get(&(sought.rule.key().clone(), who));
        holds.is_some_and(|holds| holds.is_enough(sought, self.latest_at))
    }

    /// What it has told so far.
    pub(crate) fn told(&self, tracks: &[Track], incidents: &[&IncidentRecord], civil: &dyn CivilTime) -> Looked {
        let glimpses = if self.pictures == 0 { Vec::new() } else { self.rules.glimpses(civil) };
        let at = self.latest_at;
        let rules = self.sought.iter().map(|sought| {
            let glimpse = glimpses.iter().find(|glimpse| glimpse.rule == *sought.rule.key());
            let is_open = |record: &&&IncidentRecord| record.rule == *sought.rule.key() && is_confirmed(record);
            let open: Vec<&IncidentRecord> = incidents.iter().filter(is_open).copied().collect();
            let is_enough = |who: Option<TrackId>| self.is_enough(sought, who);
            of_rule((sought, &is_enough), glimpse, (tracks, at), &open, civil)
        });
        let found = |one: &Detection| Found { class: one.class.clone(), score: one.score, r#box: rounded(one.bbox) };
        Looked {
            pictures: self.pictures,
            lasted_s: self.first_at.map_or(0.0, |first| at.since(first).as_secs_f64()),
            rules: rules.collect(),
            found: self.found.iter().map(found).collect(),
        }
    }
}

fn rounded(bbox: BBox) -> [f32; 4] {
    <[f32; 4]>::from(bbox).map(f32::round)
}

fn is_confirmed(record: &IncidentRecord) -> bool {
    record.state != IncidentState::Suspected && !record.state.has_ended()
}

/// What a sight says of a rule, where an incident is open or not, and where it has lasted for as long as it must or not.
fn told(sight: Sight, sought: &SoughtRule, is_open: bool, is_enough: bool) -> Told {
    match sight {
        _ if is_open => Told::Violated,
        Sight::Violating if is_enough => Told::Violated,
        Sight::Violating => Told::Begun,
        Sight::Occluded => Told::CannotTell,
        _ if sought.hangs_on_before => Told::CannotTell,
        Sight::Compliant | Sight::Absent | Sight::Over => Told::NotNow,
    }
}

fn of_rule(
    (sought, is_enough): (&SoughtRule, &dyn Fn(Option<TrackId>) -> bool),
    glimpse: Option<&Glimpse>,
    (tracks, at): (&[Track], Timestamp),
    open: &[&IncidentRecord],
    civil: &dyn CivilTime,
) -> OfRule {
    let key: &RuleKey = sought.rule.key();
    let concerned = |one: &Glimpsed| {
        let incident = open.iter().find(|record| record.subject.track == Some(one.track));
        let first = tracks.iter().find(|track| track.id == one.track).map_or(at, |track| track.first_seen);
        Concerned {
            track: one.track.0,
            class: one.class.clone(),
            r#box: rounded(one.bbox),
            told: told(one.sight, sought, incident.is_some(), is_enough(Some(one.track))),
            seen_s: at.since(first).as_secs_f64(),
            incident: incident.map(|record| record.id.to_string()),
            findings: one.findings.clone(),
        }
    };
    let subjects: Vec<Concerned> = glimpse.iter().flat_map(|glimpse| &glimpse.who).map(concerned).collect();
    let sight = glimpse.map_or(Sight::Occluded, |glimpse| glimpse.sight);
    let violates = |one: &Concerned| one.told == Told::Violated;
    let is_enough_of_any = if subjects.is_empty() { is_enough(None) } else { subjects.iter().any(violates) };
    OfRule {
        violation: key.violation.to_string(),
        zone: key.zone.to_string(),
        told: told(sight, sought, !open.is_empty(), is_enough_of_any),
        is_watched: sought.is_watched,
        is_in_hours: sought.schedule.as_ref().map_or(Some(true), |schedule| schedule.holds_at(at, civil)),
        needs_s: sought.needs.as_secs_f64(),
        count: glimpse.map_or(0, |glimpse| glimpse.count),
        incident: open.first().map(|record| record.id.to_string()),
        subjects,
        findings: glimpse.map(|glimpse| glimpse.findings.clone()).unwrap_or_default(),
    }
}
