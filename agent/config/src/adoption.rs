//! What of a site that changed is taken up without a restart.

use std::collections::BTreeSet;

use forewarn_domain::StreamId;

use crate::changes::{Change, Concern};
use crate::{Camera, Site};

/// What of a site that changed is taken up without a restart.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The site as it was, with what is taken up as it is now.
    pub site: Site,
    /// What is taken up.
    pub concerns: BTreeSet<Concern>,
    /// The cameras whose streams end for that, begin, or begin anew.
    pub streams: BTreeSet<StreamId>,
    /// What changed in that, in words.
    pub taken_up: Vec<String>,
    /// What changed and waits for a restart, in words.
    pub waiting: Vec<String>,
}

impl Adoption {
    /// Sorts `changes` between two readings of a site. `can_read` says whether what the rules ask of closer looks can be
    /// answered by the models that run.
    pub fn of(before: &Site, now: &Site, changes: Vec<Change>, can_read: impl Fn(&Camera) -> bool) -> Self {
        let mut site = before.clone();
        let is_taken_up = |concern: &&Concern| match concern {
            Concern::Watching(id) | Concern::Camera(id) => {
                let camera = now.cameras.iter().find(|camera| camera.id == *id);
                camera.is_none_or(&can_read) && adopt_one(&mut site.cameras, &now.cameras, |other| other.id == *id)
            }
            Concern::Speaker(id) => {
                let is_left = now.speakers.iter().any(|(other, _)| other == id);
                let is_named = || site.cameras.iter().any(|camera| camera.speakers.all().contains(&id));
                (is_left || !is_named()) && adopt_one(&mut site.speakers, &now.speakers, |(other, _)| other == id)
            }
            Concern::Sensor(id) => adopt_one(&mut site.sensors, &now.sensors, |other| other.id() == id),
            Concern::Upstream(id) => adopt_one(&mut site.upstreams, &now.upstreams, |other| other.id == *id),
            Concern::Model | Concern::Other => false,
        };
        let all: BTreeSet<_> = changes.iter().map(|change| change.concern.clone()).collect();
        let concerns: BTreeSet<_> = all.iter().filter(is_taken_up).cloned().collect();
        // What the files beside the site file held is known anew with what names them.
        site.beside.clone_from(&now.beside);
        let (taken_up, waiting): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| concerns.contains(&change.concern));
        let words = |changes: Vec<Change>| changes.into_iter().map(|change| change.words).collect();
        let streams = other_streams(&before.cameras, &site.cameras);
        Self { site, concerns, streams, taken_up: words(taken_up), waiting: words(waiting) }
    }
}

/// One entry becomes that of `now`, goes as it does there, or comes to the end as one that is new.
fn adopt_one<T: Clone>(entries: &mut Vec<T>, now: &[T], is_it: impl Fn(&T) -> bool) -> bool {
    match (entries.iter_mut().find(|entry| is_it(entry)), now.iter().find(|entry| is_it(entry))) {
        (Some(former), Some(entry)) => former.clone_from(entry),
        (Some(_), None) => entries.retain(|entry| !is_it(entry)),
        (None, Some(entry)) => entries.push(entry.clone()),
        (None, None) => {}
    }
    true
}

/// The cameras that have come, are gone, or whose streams are others.
pub fn other_streams(before: &[Camera], now: &[Camera]) -> BTreeSet<StreamId> {
    let goes_on = |camera: &Camera, there: &[Camera]| {
        there.iter().any(|other| other.id == camera.id && camera.is_same_stream(other))
    };
    let gone = before.iter().filter(|camera| !goes_on(camera, now));
    let new = now.iter().filter(|camera| !goes_on(camera, before));
    gone.chain(new).map(|camera| camera.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::tests::{SITE, changes};
    use crate::changes::{Parts, beside};
    use crate::resolve;
    use crate::source::Source;

    fn read(text: &str) -> Site {
        resolve(&Source::new("site.toml", text)).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn adoption(from: &str, to: &str) -> (Adoption, Site) {
        let (before, now) = (read(SITE), read(&SITE.replace(from, to)));
        let mut changes = changes(from, to);
        changes.extend(beside(&before, &now));
        (Adoption::of(&before, &now, changes, |_| true), now)
    }

    #[test]
    fn a_camera_is_taken_up_and_its_stream_begins_anew_only_where_it_must() {
        let gate = StreamId::new("gate").unwrap();
        for (from, to, begins_anew) in [
            ("0.9, 0.9", "0.8, 0.9", false),
            ("loitering", "intrusion", false),
            ("loitering", "thrown_object", true),
            ("zone = \"kerb\"\n", "zone = \"kerb\"\nwith = { evidence.pre_roll_s = 90 }\n", true),
            ("cam/1\"", "cam/1\"\nspeakers = [\"horn\"]\nanalysis_fps = 2\ntiles = \"auto\"", false),
            ("cam/1\"", "cam/1\"\ndetect_url = \"rtsp://u:p@cam/2\"", true),
            ("cam/1", "cam/2", true),
            (
                "[[camera.zone]]",
                "[[camera.mask]]\nid = \"house\"\npolygon = [[0, 0], [0.1, 0], [0.1, 0.1]]\n[[camera.zone]]",
                true,
            ),
            (
                "[[camera.zone]]",
                "[[camera.exclusion]]\nid = \"poster\"\npolygon = [[0, 0], [0.1, 0], [0.1, 0.1]]\n[[camera.zone]]",
                false,
            ),
            (":p@", ":q@", true),
        ] {
            let (adoption, now) = adoption(from, to);
            assert!(adoption.waiting.is_empty(), "{to}: {:?}", adoption.waiting);
            assert!(!adoption.taken_up.is_empty(), "{to}");
            assert_eq!(adoption.streams.contains(&gate), begins_anew, "{to}");
            let (adopted, now) = (&adoption.site.cameras[0], &now.cameras[0]);
            assert_eq!((&adopted.zones, &adopted.source, &adopted.tiles), (&now.zones, &now.source, &now.tiles));
            assert_eq!(adopted.exclusions, now.exclusions);
            assert!(adopted.is_same_stream(now) && adopted.rules.len() == now.rules.len());
        }
    }

    #[test]
    fn cameras_come_and_go_and_one_that_asks_for_what_cannot_be_read_waits() {
        let yard = "[[camera]]\nid = \"yard\"\nurl = \"rtsp://cam/3\"\n[[camera]]";
        let (come, now) = adoption("[[camera]]", yard);
        assert_eq!((come.taken_up.join(", ").as_str(), come.site.cameras.len()), ("camera yard is new", 2));
        assert_eq!(come.streams, BTreeSet::from([StreamId::new("yard").unwrap()]));
        let (text, before) = (SITE.replacen("[[camera]]", yard, 1), read(SITE));
        let gone = Adoption::of(&now, &before, Parts::of(&text).changes(&Parts::of(SITE)), |_| true);
        assert_eq!((gone.taken_up.join(", ").as_str(), gone.site.cameras.len()), ("camera yard is gone", 1));
        assert_eq!(gone.streams, come.streams);
        let blind = Adoption::of(&before, &now, Parts::of(SITE).changes(&Parts::of(&text)), |_| false);
        assert_eq!((blind.waiting.join(", ").as_str(), blind.site.cameras.len()), ("camera yard is new", 1));
        assert!(blind.streams.is_empty());
    }

    #[test]
    fn speakers_sensors_and_upstreams_are_taken_up_one_by_one() {
        let (bell, now) = adoption("id = \"horn\"", "id = \"bell\"");
        assert_eq!(
            (bell.taken_up.join(", ").as_str(), bell.waiting.len()),
            ("speaker bell is new, speaker horn is gone", 0)
        );
        assert_eq!(bell.site.speakers, now.speakers);
        let (sensor, now) = adoption(
            "[[camera]]",
            "[[sensor]]\nid = \"fume\"\nkind = \"modbus_tcp\"\naddress = \"plc:502\"\n\
            register = 1\n[[camera]]",
        );
        assert_eq!(
            (sensor.taken_up.join(", ").as_str(), sensor.site.sensors.len()),
            ("sensor fume is new", now.sensors.len())
        );
        let (broker, now) = adoption("mqtt://b", "mqtt://c");
        let peer = |site: &Site| site.upstreams.iter().map(|upstream| upstream.adapter.peer()).collect::<Vec<_>>();
        assert_eq!((broker.taken_up.join(", ").as_str(), peer(&broker.site)), ("upstream mqtt changed", peer(&now)));
        let (none, _) = adoption("[upstream.mqtt]\nurl = \"mqtt://b\"\n", "");
        assert!(none.site.upstreams.is_empty() && none.taken_up == ["upstream mqtt is gone"], "{:?}", none.taken_up);
    }

    #[test]
    fn a_speaker_that_a_camera_still_names_stays() {
        let named = SITE.replace("cam/1\"", "cam/1\"\nspeakers = [\"horn\"]");
        let now =
            named.replace("[[speaker]]\nid = \"horn\"\nkind = \"local\"\n", "").replace("speakers = [\"horn\"]\n", "");
        let changes = Parts::of(&named).changes(&Parts::of(&now));
        let adoption = Adoption::of(&read(&named), &read(&now), changes, |_| false);
        assert!(adoption.site.speakers.len() == 1 && adoption.concerns.is_empty(), "{:?}", adoption.taken_up);
    }
}
