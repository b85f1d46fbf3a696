//! Clips: begun with their incidents, written when their last picture has come and the disk takes them, and what seals wait
//! for.

use std::io;

use forewarn_domain::{Clip, ClipRecording, ClipSpan, EvidenceRequest, IncidentRecord, Moment, StreamId, Timestamp};

use super::{EvidenceKeeper, missing};
use crate::error::EvidenceError;
use crate::lack::Lack;
use crate::record::ClipFacts;
use crate::retention::{FreeSpace as _, StatvfsSpace};

/// A clip that begins later than asked for by more seconds than this lacks part of its pre-roll.
const LATE_S: f64 = 2.0;

/// Clips that wait for a disk that failed, each some megabytes of video.
const MOST_CLIPS: usize = 8;

/// Free bytes without which no clip is begun.
const ROOM_FOR_CLIP: u64 = 4 << 20;

/// A clip whose last picture has not come yet.
pub(super) struct Pending {
    pub(super) record: IncidentRecord,
    pub(super) moment: Moment,
    pub(super) stream: StreamId,
    pub(super) recording: Box<dyn ClipRecording>,
}

impl EvidenceKeeper {
    pub(super) fn start_clip(&mut self, request: &EvidenceRequest, span: ClipSpan, title: &str) {
        let record = request.incident.clone();
        let stream = record.rule.stream.clone();
        let started = match self.sources.get(&stream) {
            Some(source) => source.record(span).map_err(|error| error.to_string()),
            None => Err(Lack::NothingEncoded.to_string()),
        };
        match started {
            Ok(recording) => self.pending.push(Pending { record, moment: request.moment, stream, recording }),
            Err(why) => self.note_missing_clip(&record, request.moment, title, &why, request.at),
        }
    }

    fn note_missing_clip(&mut self, record: &IncidentRecord, moment: Moment, title: &str, why: &str, at: Timestamp) {
        self.put(record, title, missing(format!("{moment}.mp4"), why), at);
    }

    pub(super) fn write_clips(&mut self, now: Timestamp, is_due: impl Fn(&Pending) -> bool) {
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(is_due);
        self.pending = waiting;
        for pending in due {
            if self.can_write_clip(now) {
                self.write_clip(pending, now);
            } else {
                self.pending.push(pending);
            }
        }
        self.bound_clips(now);
        self.seal_what_is_ready(now);
    }

    /// Whether the disk takes a clip. What has been recorded can be written once only.
    fn can_write_clip(&mut self, now: Timestamp) -> bool {
        if self.failing.is_none() {
            let root = self.store.root().to_owned();
            let has_room = StatvfsSpace.free_bytes(&root).is_ok_and(|free| free >= ROOM_FOR_CLIP);
            let source = || io::Error::from(io::ErrorKind::StorageFull);
            let error = if has_room {
                self.prepare().err()
            } else {
                Some(EvidenceError::Root { path: root, source: source() })
            };
            if let Some(error) = error {
                self.fail(&error, now);
            }
        }
        self.failing.is_none()
    }

    /// Gives up the oldest clips that wait for the disk where there are too many.
    fn bound_clips(&mut self, now: Timestamp) {
        while self.failing.is_some() && self.pending.len() > MOST_CLIPS {
            let Pending { record, moment, .. } = self.pending.remove(0);
            self.late.n_lost += 1;
            let title = self.title(&record.rule);
            self.note_missing_clip(&record, moment, &title, &Lack::DiskTooSlow.to_string(), now);
        }
    }

    fn write_clip(&mut self, pending: Pending, now: Timestamp) {
        let Pending { record, moment, stream, recording } = pending;
        self.leave_where_chain_is_away(now);
        let title = self.title(&record.rule);
        let temp = self.setup.scratch.join(format!("{}-{moment}.mp4", record.id));
        let asked_from = recording.span().from;
        match recording.finish(&temp) {
            Ok(clip) => {
                let sights = self.sights.within(&stream, clip.from, clip.to);
                let facts = clip_facts(moment, &clip, sights);
                if let Err(error) = self.store.add_clip(&record, &title, moment.as_str(), &temp, &facts) {
                    self.late.n_lost += 1;
                    self.note_missing_clip(&record, moment, &title, &error.to_string(), now);
                    self.trouble(error.to_string(), now);
                } else {
                    if let Some(why) = shortfall(&clip, asked_from) {
                        self.put(&record, &title, missing(format!("part of {moment}.mp4"), &why), now);
                    }
                    self.changed(&record);
                }
                // Moved in by now, unless the clip was kept before or could not be.
                let _ = std::fs::remove_file(&temp);
            }
            Err(error) => self.note_missing_clip(&record, moment, &title, &error.to_string(), now),
        }
    }
}

/// Why a clip shows less than was asked for, if it does.
fn shortfall(clip: &Clip, asked_from: Timestamp) -> Option<String> {
    let late_s = clip.from.since(asked_from).as_secs_f64();
    let begins_late = (late_s > LATE_S).then(|| Lack::Late(&format!("{late_s:.1}")).to_string());
    clip.cut_short.clone().or(begins_late)
}

fn clip_facts(moment: Moment, clip: &Clip, sights: Option<String>) -> ClipFacts {
    ClipFacts {
        moment,
        from: clip.from,
        to: clip.to,
        codec: clip.codec.clone(),
        width: clip.width,
        height: clip.height,
        access_units: clip.pictures,
        sights,
    }
}
