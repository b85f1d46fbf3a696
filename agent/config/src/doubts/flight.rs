//! Doubts about telemetry: rules whose places nobody tells.

use forewarn_pipelines::SourceKind;

use super::{About, Doubt};
use crate::{Camera, Site};

/// A loudspeaker that flies with a camera whose place nobody tells: it would warn nobody.
pub(super) fn never_heard(site: &Site, camera: &Camera) -> Option<Doubt> {
    let flies = |id| site.speakers.iter().any(|(named, config)| named == id && config.common.range_m.is_some());
    let speaker = camera.speakers.all().into_iter().find(|id| camera.ground.is_none() && flies(*id))?;
    Some(Doubt {
        about: About::camera(&camera.id),
        problem: format!(
            "speaker {speaker} has `range_m`, and no telemetry tells how far subjects are from it, so it never warns"
        ),
        mend: "add `[camera.telemetry]`, or leave `range_m` out".to_owned(),
    })
}

/// A live camera whose flight stands in a file, or a clip whose flight would be heard: its ground zones are nowhere.
pub(super) fn never_told(camera: &Camera) -> Option<Doubt> {
    let ground = camera.ground.as_ref()?;
    let on_ground = |zone: &str| ground.zones.iter().any(|(at, _)| camera.zones[*at].id.as_str() == zone);
    let rule = camera.rules.iter().find(|rule| on_ground(rule.key.zone.as_str()))?;
    let is_clip = camera.source.kind() == SourceKind::File;
    let (problem, mend) = match (is_clip, camera.live.is_some()) {
        (false, false) => (
            "the camera is live and its telemetry is the file of another flight",
            "set `source = \"mavlink\"` or `\"dji\"`, or replay the clip of that flight",
        ),
        (true, true) => (
            "the camera is a clip and its telemetry is what flies now",
            "set `source` to \"srt\", \"csv\", \"gpx\" or \"klv\", and `file`",
        ),
        _ => return None,
    };
    Some(Doubt {
        about: About::camera(&camera.id),
        problem: format!(
            "{problem}, so nobody knows where zone `{}` lies and {} can never fire",
            rule.key.zone, rule.key.violation
        ),
        mend: mend.to_owned(),
    })
}
