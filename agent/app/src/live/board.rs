//! What the incident loop and other parts write up for those who look from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_console::{CameraNow, Onlookers};
use forewarn_domain::violation::Language;
use forewarn_domain::{
    AnnounceOutcome, FailureKind, IncidentRecord, MapGround, Prepared, SensorId, SpeakerId, StreamId, Timestamp,
};
use forewarn_pipelines::Away;

use crate::config::changes::Concern;
use crate::config::plain_texts::at_speaker;
use crate::config::prepared::Ready;
use crate::config::{Camera, Site};

/// What is written up.
#[derive(Debug, Default)]
pub struct Notices {
    /// The incidents that are open.
    pub open: Vec<IncidentRecord>,
    /// The cameras that the site names.
    pub cameras: Vec<CameraNow>,
    /// The site as it is watched.
    pub site: Option<Arc<Site>>,
    /// What is ready to be said.
    pub ready: Ready,
    /// What the map of the site lies on.
    pub map: MapGround,
    /// The streams without a picture, and why.
    pub down: BTreeMap<StreamId, Down>,
    /// The streams that go on with another decoder than they began with, and why.
    pub degraded: BTreeMap<StreamId, String>,
    /// The cameras one of whose two streams is away.
    pub halved: BTreeMap<StreamId, Away>,
    /// The loudspeakers that the site names.
    pub named_speakers: Vec<SpeakerId>,
    /// The sensors that the site names.
    pub named_sensors: Vec<SensorId>,
    /// What became of the latest announcements on each loudspeaker.
    pub speakers: BTreeMap<SpeakerId, SpeakerNotice>,
    /// When the incident loop last turned.
    pub turned_at: Option<Timestamp>,
    /// The sensors that cannot be read, and why.
    pub unread: BTreeMap<SensorId, String>,
    /// What nobody can reach because it could not be opened, and why.
    pub closed: BTreeMap<&'static str, String>,
    /// What cannot be kept or written, and why.
    pub failing: BTreeMap<&'static str, String>,
}

/// Why a stream gives no picture.
#[derive(Debug)]
pub enum Down {
    /// It came to its end, as a file does that stands for a camera.
    Ended,
    /// In words.
    Because(String),
}

/// What became of the latest announcements on one loudspeaker.
#[derive(Debug, Default)]
pub struct SpeakerNotice {
    /// How many in a row have failed.
    pub failed_in_row: u32,
    /// How many of them in a row because the text could not be spoken.
    pub speech_failed_in_row: u32,
    /// What became of the latest, for people, after "the announcement".
    pub last: String,
}

/// What the console shows of a camera that gives a picture.
fn camera_now(camera: &Camera) -> CameraNow {
    let rules = camera.rules.iter().map(|rule| (rule.key.clone(), rule.violation.title.clone())).collect();
    let (zones, speakers) = (camera.zones.clone(), camera.speakers.usual.clone());
    let zone_speakers = camera.speakers.zones.values().flatten().cloned().collect();
    let (masks, exclusions) = (camera.masks.clone(), camera.exclusions.clone());
    let (id, place, at) = (camera.id.clone(), camera.place.clone(), camera.at);
    CameraNow { id, trouble: None, place, at, zones, masks, exclusions, rules, speakers, zone_speakers }
}

/// The board, and those who look at cameras. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Notices>>, pub Onlookers);

impl Board {
    /// The loudspeakers and the sensors are those that the site names. What was written up of others goes, and of those
    /// that are others by the same name.
    pub fn adopt(&self, site: &Site, concerns: &BTreeSet<Concern>) {
        let mut notices = self.lock();
        notices.site = Some(Arc::new(site.clone()));
        notices.cameras = site.cameras.iter().map(camera_now).collect();
        (notices.map, notices.ready) = (site.map.clone(), Ready::of(site));
        notices.named_speakers = site.speakers.iter().map(|(id, _)| id.clone()).collect();
        notices.named_sensors = site.sensors.iter().map(|sensor| sensor.id().clone()).collect();
        for concern in concerns {
            if let Some(id) = concern.speaker() {
                notices.speakers.remove(id);
            }
            if let Some(id) = concern.sensor() {
                notices.unread.remove(id);
            }
            if let Some(id) = concern.camera().filter(|id| site.cameras.iter().all(|camera| camera.id != **id)) {
                notices.down.remove(id);
                notices.degraded.remove(id);
                notices.halved.remove(id);
            }
        }
    }

    /// What is ready to be said over a loudspeaker: first what belongs to its cameras, then all else of the site.
    pub fn ready_at(&self, speaker: &SpeakerId) -> Vec<Prepared> {
        let notices = self.lock();
        let (site, ready) = (notices.site.clone(), notices.ready.clone());
        drop(notices);
        let near = site.map(|site| at_speaker(&site.cameras, speaker)).unwrap_or_default();
        near.into_iter().chain(ready.all()).collect()
    }

    /// The language of the site.
    pub fn language(&self) -> Language {
        self.lock().site.as_ref().map(|site| site.header.language).unwrap_or_default()
    }

    /// What is on it, to be read or changed.
    pub fn lock(&self) -> MutexGuard<'_, Notices> {
        lock(&self.0)
    }

    /// Writes up what became of an announcement. That the agent stops, or that somebody else was to be heard, says nothing of
    /// the loudspeaker.
    pub fn announced(&self, speaker: &SpeakerId, outcome: &AnnounceOutcome) {
        let mut notices = self.lock();
        let notice = notices.speakers.entry(speaker.clone()).or_default();
        match outcome {
            AnnounceOutcome::Played { proof, .. } => {
                *notice = SpeakerNotice { last: format!("was played ({proof})"), ..SpeakerNotice::default() };
            }
            AnnounceOutcome::Failed { kind: FailureKind::Stopped | FailureKind::Cut, .. } => {}
            AnnounceOutcome::Failed { kind, reason } => {
                let is_speech = *kind == FailureKind::Speech;
                notice.failed_in_row = notice.failed_in_row.saturating_add(1);
                notice.speech_failed_in_row = if is_speech { notice.speech_failed_in_row.saturating_add(1) } else { 0 };
                notice.last = format!("failed ({kind}): {reason}");
            }
        }
    }
}
