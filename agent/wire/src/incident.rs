//! An incident as others read it.

use forewarn_domain::clock::ClockSet;
use forewarn_domain::{
    BBox, Case, CaseCause, CaseStage, CaseStep, Cause, Ellipse, Finding, Fix, Gcj02, IncidentId, IncidentRecord,
    IncidentState, Proof, Reckoning, Subject, Timestamp, Transition, Tried, Unclear, Verdict,
};
use serde::{Deserialize, Serialize};

/// An incident on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireIncident {
    /// Its stable id.
    pub id: IncidentId,
    /// The site.
    pub site: String,
    /// The camera.
    pub camera: String,
    /// The violation.
    pub violation: String,
    /// The zone.
    pub zone: String,
    /// The state entered.
    pub state: IncidentState,
    /// Whom it concerns.
    pub subject: Subject,
    /// How many warnings were proven to have been played.
    pub warnings_played: u32,
    /// Whether a warning was due and no speaker played it.
    pub warning_not_delivered: bool,
    /// Every state so far, from `suspected` on.
    pub history: Vec<WireTransition>,
    /// What closer looks told of the subject; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<WireFinding>,
    /// Where the agent's clock was set while the incident was open; absent where nobody set it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock_set: Vec<WireClockSet>,
    /// What people do about it from its escalation on; absent where nobody follows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<WireCase>,
}

/// What people do about an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireCase {
    /// How far they are.
    pub stage: CaseStage,
    /// The upstream that it lies with; null without a rota.
    pub with: Option<String>,
    /// When whom it lies with is reminded, or the next is asked, RFC 3339 in UTC; null where nobody is waited for.
    pub due: Option<String>,
    /// Every step so far, from `sent` on.
    pub steps: Vec<WireCaseStep>,
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireCaseStep {
    /// The stage after it.
    pub stage: CaseStage,
    /// Why.
    pub cause: CaseCause,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Who said so; null where nobody did.
    pub by: Option<String>,
    /// The upstream that was told; null without a rota.
    pub to: Option<String>,
    /// What was said with it; absent where nothing was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl WireCase {
    fn new(case: &Case, clock: &Reckoning) -> Self {
        let step = |step: &CaseStep| WireCaseStep {
            stage: step.stage,
            cause: step.cause,
            at: clock.wall(step.at).to_rfc3339(),
            at_us: clock.wall(step.at).as_micros(),
            by: step.by.clone(),
            to: step.to.clone(),
            note: step.note.clone(),
        };
        Self {
            stage: case.stage,
            with: case.with().map(str::to_owned),
            due: case.due.map(|due| clock.wall(due).to_rfc3339()),
            steps: case.steps.iter().map(step).collect(),
        }
    }
}

/// Somebody set the agent's clock. The history's times go on as they began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireClockSet {
    /// When that was noticed, on the history's time line, RFC 3339 in UTC.
    pub at: String,
    /// The same in microseconds since the Unix epoch.
    pub at_us: i64,
    /// By how many seconds; below zero where it was set back.
    pub by_s: f64,
}

/// What closer looks told of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireFinding {
    /// The attribute, such as `dust_mask` or `plate`.
    pub attribute: String,
    /// What the looks say together.
    pub verdict: Verdict,
    /// Why they cannot tell; null where they can.
    pub unclear: Option<Unclear>,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// How many looks said yes or no, or read a text.
    pub votes: u32,
    /// How many looks there were.
    pub looks: u32,
    /// When the first vote was given, RFC 3339 in UTC.
    pub first_at: Option<String>,
    /// When the last vote was given, RFC 3339 in UTC.
    pub last_at: Option<String>,
    /// The text that was read, for an attribute that is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The best crop that voted for the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<WireCrop>,
    /// Within how many metres of the subject a camera that flies would have to come for it to be told, to the decimetre; absent
    /// where it is told, or where it is not size that lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fly_within_m: Option<f64>,
}

/// Where and when something is to be seen best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireCrop {
    /// When its frame was taken, RFC 3339 in UTC.
    pub at: String,
    /// The same in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Where it lies, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// How good it is, 0 to 1.
    pub quality: f32,
}

impl WireFinding {
    fn new(finding: &Finding, clock: &Reckoning) -> Self {
        let instant = |at: Option<Timestamp>| at.map(|at| clock.wall(at).to_rfc3339());
        Self {
            attribute: finding.about.to_string(),
            verdict: finding.verdict,
            unclear: finding.unclear,
            confidence: finding.confidence,
            votes: finding.votes,
            looks: finding.looks,
            first_at: instant(finding.first_at),
            last_at: instant(finding.last_at),
            text: finding.text.clone(),
            best: finding.best.map(|best| WireCrop {
                at: clock.wall(best.at).to_rfc3339(),
                at_us: clock.wall(best.at).as_micros(),
                bbox: best.bbox,
                quality: best.quality,
            }),
            fly_within_m: finding.fly_within_m.map(decimetres),
        }
    }
}

/// Rounded down: from nearer by it can be told, too.
pub(crate) fn decimetres(value: f32) -> f64 {
    (f64::from(value) * 10.0).floor() / 10.0
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireTransition {
    /// The state entered.
    pub state: IncidentState,
    /// Why.
    pub cause: Cause,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// How far the playback that led here is proven; absent of other steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The loudspeakers that were tried since the step before, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
}

/// A place in as many digits as say anything: links from drones are thin.
fn to_the_millimetre(fix: Fix) -> Fix {
    let (degrees, metres) = (|v: f64| (v * 1e8).round() / 1e8, |v: f64| (v * 1e3).round() / 1e3);
    let Fix { lat_deg, lon_deg, height_m, ellipse: Ellipse { major_m, minor_m, bearing_deg }, gcj02 } = fix;
    let gcj02 = gcj02.map(|at| Gcj02 { lat_deg: degrees(at.lat_deg), lon_deg: degrees(at.lon_deg) });
    let ellipse = Ellipse {
        major_m: metres(major_m),
        minor_m: metres(minor_m),
        bearing_deg: (bearing_deg * 10.0).round() / 10.0,
    };
    Fix { lat_deg: degrees(lat_deg), lon_deg: degrees(lon_deg), height_m: metres(height_m), ellipse, gcj02 }
}

impl WireIncident {
    /// An incident of a site as it is now.
    pub fn latest(record: &IncidentRecord, site: &str) -> Self {
        Self::new(record, record.state, site)
    }

    /// An incident of a site as it was in `state`.
    pub(crate) fn new(record: &IncidentRecord, state: IncidentState, site: &str) -> Self {
        let step = |t: &Transition| WireTransition {
            state: t.state,
            cause: t.cause,
            at: record.wall(t.at).to_rfc3339(),
            at_us: record.wall(t.at).as_micros(),
            proof: t.proof,
            tried: t.tried.clone(),
        };
        let set = |set: &ClockSet| WireClockSet {
            at: record.wall(set.at).to_rfc3339(),
            at_us: record.wall(set.at).as_micros(),
            by_s: set.by_us as f64 / 1e6,
        };
        Self {
            id: record.id.clone(),
            site: site.to_owned(),
            camera: record.rule.stream.to_string(),
            violation: record.rule.violation.to_string(),
            zone: record.rule.zone.to_string(),
            state,
            subject: Subject { fix: record.subject.fix.map(to_the_millimetre), ..record.subject.clone() },
            warnings_played: record.warnings_played,
            warning_not_delivered: record.warning_not_delivered,
            history: record.history.iter().map(step).collect(),
            findings: record.findings.iter().map(|finding| WireFinding::new(finding, &record.clock)).collect(),
            clock_set: record.clock.sets.iter().map(set).collect(),
            case: record.case.as_deref().map(|case| WireCase::new(case, &record.clock)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::samples::{report, source};

    #[test]
    fn the_latest_incident_is_the_one_of_the_latest_event() {
        let report = report(1, 5);
        let latest = WireIncident::latest(&report.incident, "north-gate");
        assert_eq!(latest, Event::from_report(&report, &source()).data.incident);
    }
}
