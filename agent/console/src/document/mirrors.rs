//! Types of other crates as the document tells them: those crates know nothing of it. A test sees that each is read, or written,
//! as its original is.

use forewarn_domain::{CaseStage, found_camera, site_change, violation, zone};
use forewarn_memory::feedback;
use forewarn_report::answers;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A language of texts and voices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Language {
    En,
    Zh,
}

/// What operators say of an incident.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Opinion {
    True,
    FalseAlarm,
}

/// How far a case is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Sent,
    Received,
    Assigned,
    CalledBack,
    OnSite,
    Settled,
    Rejected,
}

/// What a link of a message answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Received,
    OnSite,
    FalseAlarm,
}

/// In what points are told: parts of the picture, or its pixels.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Normalised,
    Pixel,
}

/// What can be drawn.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Area,
    Line,
    Mask,
    Exclusion,
}

/// A change of what is drawn over a camera's picture.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drawn {
    shape: Shape,
    id: String,
    /// In parts of the picture where it is new; left out to take it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Vec<[f32; 2]>>,
    /// Of an exclusion: what is not detected there, everything where none is named; left out where that stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<String>>,
    /// Whether the site file has a shape of this name already: true to move or delete it, false for a new one.
    is_there: bool,
}

/// A camera that is to be watched.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCamera {
    id: String,
    url: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

/// When a rule holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    /// On all days where none is named.
    #[serde(default)]
    days: Vec<Day>,
    /// `HH:MM`.
    from: String,
    /// `HH:MM`; earlier than `from` runs over midnight.
    to: String,
}

/// A day of the week.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A violation that is to be looked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    camera: String,
    violation: String,
    zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Hours>,
}

/// A loudspeaker that is to speak.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSpeaker {
    id: String,
    kind: NewSpeakerKind,
}

/// What a loudspeaker is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NewSpeakerKind {
    /// The sound card of this box.
    Local,
    /// An IP horn that takes sound over RTP.
    Rtp { address: String },
    /// The loudspeaker in a camera.
    Camera { camera: String },
}

/// One change of a site.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SiteChange {
    Draw { camera: String, drawn: Drawn },
    AddCamera(NewCamera),
    AddSpeaker(NewSpeaker),
    AddRule(NewRule),
    RemoveRule { camera: String, violation: String, zone: String },
    SetSpeakers { camera: String, speakers: Vec<String> },
}

/// A camera that is asked for its streams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedCamera {
    address: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

/// A camera that answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoundCamera {
    /// Where it is asked for its streams.
    address: String,
    name: String,
    model: String,
}

/// A stream that a camera offers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoundStream {
    name: String,
    url: String,
    coding: String,
    size_px: [u32; 2],
}

/// What is told by a mirror is read by its original.
fn is_read<T: DeserializeOwned>(mirror: impl Serialize) {
    let told = serde_json::to_value(mirror).unwrap();
    assert!(serde_json::from_value::<T>(told.clone()).is_ok(), "{told}");
}

/// What is written by an original has the keys of its mirror, and no others.
fn is_written<T: DeserializeOwned + Serialize>(original: impl Serialize) {
    let told = serde_json::to_value(original).unwrap();
    let mirror: T = serde_json::from_value(told.clone()).unwrap();
    assert_eq!(serde_json::to_value(mirror).unwrap(), told);
}

/// Every word of one is a word of the other.
fn are_words<T: DeserializeOwned + Serialize>(words: &[&str]) {
    let read = |word: &&str| serde_json::from_value::<T>(Value::from(*word)).unwrap();
    let told: Vec<Value> = words.iter().map(|word| serde_json::to_value(read(word)).unwrap()).collect();
    assert_eq!(json!(words), json!(told));
}

#[test]
fn what_the_document_tells_of_other_crates_is_so() {
    are_words::<Language>(&["en", "zh"]);
    are_words::<violation::Language>(&["en", "zh"]);
    are_words::<Opinion>(&["true", "false_alarm"]);
    are_words::<feedback::Opinion>(&["true", "false_alarm"]);
    are_words::<Answer>(&["received", "on_site", "false_alarm"]);
    are_words::<answers::Answer>(&["received", "on_site", "false_alarm"]);
    are_words::<Unit>(&["normalised", "pixel"]);
    are_words::<zone::ZoneUnit>(&["normalised", "pixel"]);
    are_words::<Shape>(&["area", "line", "mask", "exclusion"]);
    are_words::<site_change::Shape>(&["area", "line", "mask", "exclusion"]);
    let stages = CaseStage::ALL.map(|stage| serde_json::to_value(stage).unwrap());
    are_words::<Stage>(&stages.each_ref().map(|stage| stage.as_str().unwrap()));

    let text = |text: &str| text.to_owned();
    let camera = || NewCamera { id: text("gate"), url: text("rtsp://a"), user: text("u"), password: text("p") };
    is_read::<site_change::NewCamera>(camera());
    is_read::<found_camera::AskedCamera>(AskedCamera { address: text("a"), user: text("u"), password: text("p") });
    let (points, classes) = (Some(vec![[0.0, 1.0]]), Some(vec![text("person")]));
    let drawn = Drawn { shape: Shape::Exclusion, id: text("m"), points, classes, is_there: false };
    let days = vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
    let schedule = Some(Hours { days, from: text("22:00"), to: text("06:00") });
    let rule = NewRule { camera: text("gate"), violation: text("loitering"), zone: text("kerb"), schedule };
    for kind in [
        NewSpeakerKind::Local,
        NewSpeakerKind::Rtp { address: text("10.0.0.9:5004") },
        NewSpeakerKind::Camera { camera: text("gate") },
    ] {
        is_read::<site_change::SiteChange>(SiteChange::AddSpeaker(NewSpeaker { id: text("horn"), kind }));
    }
    for change in [
        SiteChange::Draw { camera: text("gate"), drawn },
        SiteChange::AddCamera(camera()),
        SiteChange::AddRule(rule),
        SiteChange::RemoveRule { camera: text("gate"), violation: text("loitering"), zone: text("kerb") },
        SiteChange::SetSpeakers { camera: text("gate"), speakers: vec![text("horn")] },
    ] {
        is_read::<site_change::SiteChange>(change);
    }
    let found = found_camera::FoundCamera { address: text("a"), name: text("n"), model: text("m") };
    is_written::<FoundCamera>(found);
    let (name, url, coding) = (text("n"), text("u"), text("H264"));
    is_written::<FoundStream>(found_camera::FoundStream { name, url, coding, size_px: (4, 3) });
}
