//! `incidents.jsonl`: one incident a line, the contract of `forewarn replay`.

use forewarn_domain::{
    BBox, Cause, Finding, Fix, IncidentRecord, IncidentState, Proof, Timestamp, TrackId, Unclear, Verdict,
};
use serde::Serialize;

use crate::incident::decimetres;

/// One line of `incidents.jsonl`.
#[derive(Debug, Serialize)]
pub struct IncidentLine<'a> {
    /// Stable id.
    pub id: &'a str,
    /// The violation's id.
    pub violation: &'a str,
    /// The camera's id.
    pub camera: &'a str,
    /// The zone's id.
    pub zone: &'a str,
    /// The latest state.
    pub state: IncidentState,
    /// What became of it: the last state but `closed`.
    pub outcome: IncidentState,
    /// Every state with the second of the clip at which it was entered.
    pub history: Vec<Step>,
    /// Whom it concerns.
    pub subject: LineSubject<'a>,
    /// Warnings that were played.
    pub warnings_played: u32,
    /// Whether a warning was due and none was played.
    pub warning_not_delivered: bool,
    /// The evidence folder, relative to the file; none if nothing was kept.
    pub evidence: Option<String>,
    /// What closer looks told of the subject; absent where nobody looked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<LineFinding<'a>>,
}

/// What closer looks told of one attribute.
#[derive(Debug, Serialize)]
pub struct LineFinding<'a> {
    /// The attribute.
    pub attribute: &'a str,
    /// What the looks say together.
    pub verdict: Verdict,
    /// Why they cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unclear: Option<Unclear>,
    /// How sure that is, to a thousandth.
    pub confidence: f64,
    /// Looks that said yes or no, or read a text.
    pub votes: u32,
    /// All looks.
    pub looks: u32,
    /// Seconds of the first vote and the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voted_s: Option<[f64; 2]>,
    /// The text that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// The best crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<LineCrop>,
    /// Within how many metres a camera that flies would have to come for it to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fly_within_m: Option<f64>,
}

/// Where and when something is to be seen best.
#[derive(Debug, Serialize)]
pub struct LineCrop {
    /// Seconds, to the millisecond.
    pub at_s: f64,
    /// `[x0, y0, x1, y1]` in pixels, to a tenth.
    #[serde(rename = "box")]
    pub bbox: [f64; 4],
    /// How good it is, to a thousandth.
    pub quality: f64,
}

impl<'a> LineFinding<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            attribute: finding.about.as_str(),
            verdict: finding.verdict,
            unclear: finding.unclear,
            confidence: thousandths(finding.confidence),
            votes: finding.votes,
            looks: finding.looks,
            voted_s: finding.first_at.zip(finding.last_at).map(|(first, last)| [seconds(first), seconds(last)]),
            text: finding.text.as_deref(),
            best: finding.best.map(|best| LineCrop {
                at_s: seconds(best.at),
                bbox: tenths(best.bbox),
                quality: thousandths(best.quality),
            }),
            fly_within_m: finding.fly_within_m.map(decimetres),
        }
    }
}

/// One step of the history.
#[derive(Debug, Serialize)]
pub struct Step {
    /// The state entered.
    pub state: IncidentState,
    /// Seconds, to the millisecond.
    pub at_s: f64,
    /// Why.
    pub cause: Cause,
    /// How far the playback that led here is proven; absent of other steps, and in a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// The subject of a line.
#[derive(Debug, Serialize)]
pub struct LineSubject<'a> {
    /// Class.
    pub class: &'a str,
    /// Latest track; none for a crowd.
    pub track: Option<TrackId>,
    /// How many take part.
    pub count: u32,
    /// `[x0, y0, x1, y1]` in pixels, to a tenth.
    #[serde(rename = "box")]
    pub bbox: [f64; 4],
    /// Where on earth; absent without telemetry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<LineFix>,
}

/// A place on earth.
#[derive(Debug, Serialize)]
pub struct LineFix {
    /// WGS84 latitude in degrees, to a centimetre.
    pub lat_deg: f64,
    /// WGS84 longitude in degrees, to a centimetre.
    pub lon_deg: f64,
    /// Half axes of the 95 % ellipse in metres, the longer first, to a decimetre.
    pub ellipse_m: [f64; 2],
    /// Where the longer one points, in whole degrees east of north.
    pub bearing_deg: f64,
    /// `[latitude, longitude]` in GCJ-02, where the site asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcj02: Option<[f64; 2]>,
}

impl LineFix {
    fn new(fix: &Fix) -> Self {
        let degrees = |v: f64| (v * 1e7).round() / 1e7;
        let metres = |v: f64| (v * 10.0).round() / 10.0;
        Self {
            lat_deg: degrees(fix.lat_deg),
            lon_deg: degrees(fix.lon_deg),
            ellipse_m: [metres(fix.ellipse.major_m), metres(fix.ellipse.minor_m)],
            bearing_deg: fix.ellipse.bearing_deg.round(),
            gcj02: fix.gcj02.map(|g| [degrees(g.lat_deg), degrees(g.lon_deg)]),
        }
    }
}

/// Seconds to the millisecond, so that a number prints the same wherever it is made.
pub(crate) fn seconds(at: Timestamp) -> f64 {
    (at.as_micros() as f64 / 1e3).round() / 1e3
}

fn thousandths(value: f32) -> f64 {
    (f64::from(value) * 1e3).round() / 1e3
}

fn tenths(bbox: BBox) -> [f64; 4] {
    <[f32; 4]>::from(bbox).map(|v| (f64::from(v) * 10.0).round() / 10.0)
}

impl<'a> IncidentLine<'a> {
    /// The line of an incident with its evidence folder.
    pub fn new(record: &'a IncidentRecord, evidence: Option<String>) -> Self {
        let last_open = record.history.iter().rev().find(|t| t.state != IncidentState::Closed);
        Self {
            id: record.id.as_str(),
            violation: record.rule.violation.as_str(),
            camera: record.rule.stream.as_str(),
            zone: record.rule.zone.as_str(),
            state: record.state,
            outcome: last_open.map_or(record.state, |t| t.state),
            history: record
                .history
                .iter()
                .map(|t| Step { state: t.state, at_s: seconds(t.at), cause: t.cause, proof: t.proof })
                .collect(),
            subject: LineSubject {
                class: record.subject.class.as_str(),
                track: record.subject.track,
                count: record.subject.count,
                bbox: tenths(record.subject.bbox),
                fix: record.subject.fix.as_ref().map(LineFix::new),
            },
            warnings_played: record.warnings_played,
            warning_not_delivered: record.warning_not_delivered,
            evidence,
            findings: record.findings.iter().map(LineFinding::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{
        About, AttributeId, BestCrop, Class, IncidentId, Reckoning, RuleKey, StreamId, Subject, Transition,
        ViolationId, ZoneId,
    };

    use super::*;

    #[test]
    fn a_line_keeps_the_contract() {
        let at = Timestamp::from_secs_f64(12.3456);
        let record = IncidentRecord {
            id: IncidentId::from_stored("gate-loitering-12345-1"),
            rule: RuleKey {
                stream: StreamId::new("gate").unwrap(),
                violation: ViolationId::new("loitering").unwrap(),
                zone: ZoneId::new("plaza").unwrap(),
            },
            state: IncidentState::Confirmed,
            history: vec![Transition::new(IncidentState::Confirmed, at, Cause::HeldLongEnough)],
            subject: Subject {
                class: Class::new("person"),
                track: Some(TrackId(3)),
                count: 1,
                bbox: BBox::new(1.04, 2.0, 3.26, 4.0),
                fix: None,
            },
            warnings_played: 0,
            warning_not_delivered: false,
            said: None,
            findings: Vec::new(),
            clock: Reckoning::default(),
            case: None,
        };
        let line = serde_json::to_string(&IncidentLine::new(&record, Some("evidence/a".to_owned()))).unwrap();
        expect_test::expect![[r#"{"id":"gate-loitering-12345-1","violation":"loitering","camera":"gate","zone":"plaza","state":"confirmed","outcome":"confirmed","history":[{"state":"confirmed","at_s":12.346,"cause":"held_long_enough"}],"subject":{"class":"person","track":3,"count":1,"box":[1.0,2.0,3.3,4.0]},"warnings_played":0,"warning_not_delivered":false,"evidence":"evidence/a"}"#]]
        .assert_eq(&line);
    }

    #[test]
    fn a_finding_is_told_in_round_numbers() {
        let finding = Finding {
            about: About::Attribute(AttributeId::new("plate").unwrap()),
            verdict: Verdict::Yes,
            unclear: None,
            confidence: 0.912_345,
            votes: 5,
            looks: 6,
            first_at: Some(Timestamp::from_secs_f64(1.0004)),
            last_at: Some(Timestamp::from_secs_f64(4.5)),
            text: Some("浙B8K201".to_owned()),
            fly_within_m: None,
            best: Some(BestCrop {
                at: Timestamp::from_secs_f64(2.0),
                bbox: BBox::new(1.04, 2.0, 3.26, 4.0),
                quality: 0.5,
            }),
        };
        let line = serde_json::to_string(&LineFinding::new(&finding)).unwrap();
        expect_test::expect![[r#"{"attribute":"plate","verdict":"yes","confidence":0.912,"votes":5,"looks":6,"voted_s":[1.0,4.5],"text":"浙B8K201","best":{"at_s":2.0,"box":[1.0,2.0,3.3,4.0],"quality":0.5}}"#]]
        .assert_eq(&line);
    }
}
