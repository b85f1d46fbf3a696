//! Loudspeakers that fly with a camera: they warn only whom they reach, and in few words.

use std::collections::BTreeMap;

use forewarn_domain::{AnnounceOutcome, Announcement, FailureKind, Fix, SpeakerId};
use forewarn_ground::{Position, Terrain as _, way_between};

use crate::ground::Above;

/// What is so of a loudspeaker that flies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Payload {
    /// How far it is heard, in metres, from the drone to the subject as the crow flies.
    pub range_m: f64,
}

/// The loudspeakers that fly.
pub type Payloads = BTreeMap<SpeakerId, Payload>;

/// An announcement as a loudspeaker says it: only the first sentence, where it flies.
pub(crate) fn shortened(payloads: &Payloads, mut announcement: Announcement) -> Announcement {
    if payloads.contains_key(&announcement.speaker) {
        let text = first_sentence(&announcement.text.text).to_owned();
        announcement.text.text = text;
    }
    announcement
}

/// Why a loudspeaker that flies is not heard by the subject; none if it is.
pub(crate) fn unheard(payload: Payload, above: Option<&Above>, subject: Option<&Fix>) -> Option<AnnounceOutcome> {
    let Payload { range_m } = payload;
    let away = above.zip(subject).and_then(|(above, fix)| distance_m(above, fix));
    let reason = match away {
        Some(away_m) if away_m <= range_m => return None,
        Some(away_m) => format!("the subject is {away_m:.0} m from the drone, and it is heard within {range_m:.0} m"),
        None => format!("nobody knows how far the subject is from the drone, and it is heard within {range_m:.0} m"),
    };
    Some(AnnounceOutcome::Failed { kind: FailureKind::OutOfRange, reason })
}

/// From the drone to a place on the ground, with the height between them.
pub(crate) fn distance_m(above: &Above, fix: &Fix) -> Option<f64> {
    let from = above.shot.pose.position;
    let height_m = above.ground.height_m(fix.lat_deg, fix.lon_deg)?;
    let to = Position { lat_deg: fix.lat_deg, lon_deg: fix.lon_deg, height_m };
    let (east_m, north_m) = way_between(&from, &to);
    Some((east_m.hypot(north_m)).hypot(from.height_m - height_m))
}

/// A text up to the end of its first sentence. A full stop within a number or a name ends none.
fn first_sentence(text: &str) -> &str {
    let ends = |(at, sign): (usize, char)| {
        let end = at + sign.len_utf8();
        let is_end = match sign {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => text[end..].chars().next().is_none_or(char::is_whitespace),
            _ => false,
        };
        is_end.then_some(end)
    };
    text.char_indices().find_map(ends).map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_where_people_end_it() {
        for (text, first) in [
            ("Please move the vehicle. Thank you.", "Please move the vehicle."),
            ("Wait 2.5 minutes! Then go.", "Wait 2.5 minutes!"),
            ("请移走车辆。谢谢。", "请移走车辆。"),
            ("Go", "Go"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text), first);
        }
    }
}
