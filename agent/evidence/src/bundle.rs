//! What goes into a folder while its incident goes on: snapshots, clips, and notes of what will not come.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use forewarn_base::{durable, private};
use forewarn_domain::{Frame, IncidentRecord, Moment};
use forewarn_seal::credentials::Action;

use crate::error::EvidenceError;
use crate::marking::{Overlay, marked};
use crate::record::{ClipEntry, ClipFacts, SnapshotEntry, StreamTime};
use crate::record_file::{has_final_seal, make_way, save_record};
use crate::sealed_to::plain_name;
use crate::sights::SIGHTS;
use crate::store::EvidenceStore;

/// High enough that a number plate stays readable, low enough that a 1080p frame takes about 500 KiB.
const JPEG_QUALITY: u8 = 88;

/// The pictures of a moment, ready to be written.
pub(crate) struct Shot {
    entry: SnapshotEntry,
    clean: Vec<u8>,
    marked: Vec<u8>,
}

impl Shot {
    /// The incident's boxes are those in a picture of this size.
    pub(crate) fn with_boxes_of(mut self, size: (u32, u32)) -> Self {
        self.entry.boxes_of = Some(size).filter(|size| *size != (self.entry.width, self.entry.height));
        self
    }

    /// Bytes of both pictures.
    pub(crate) fn len(&self) -> usize {
        self.clean.len() + self.marked.len()
    }
}

impl EvidenceStore {
    /// Keeps the clean and the marked snapshot of a moment.
    ///
    /// A moment that is kept already stays as it is; what is returned tells of the one kept.
    pub fn add_snapshot(
        &self,
        incident: &IncidentRecord,
        moment: Moment,
        frame: &Frame,
        overlay: &Overlay,
    ) -> Result<SnapshotEntry, EvidenceError> {
        self.put_shot(incident, &overlay.title, &self.shoot(incident, moment, frame, overlay)?)
    }

    /// Makes the pictures of a moment, for [`Self::put_shot`].
    pub(crate) fn shoot(
        &self,
        incident: &IncidentRecord,
        moment: Moment,
        frame: &Frame,
        overlay: &Overlay,
    ) -> Result<Shot, EvidenceError> {
        let entry = SnapshotEntry {
            moment,
            file: self.kept_name(format!("{moment}.jpg")),
            marked_file: self.kept_name(format!("{moment}-marked.jpg")),
            width: frame.width,
            height: frame.height,
            frame_sequence: frame.meta.sequence,
            captured_at: StreamTime::new(incident.wall(frame.meta.captured_at), self.time_line()),
            boxes_of: None,
            subject: Some(incident.subject.bbox),
        };
        let encode = |rgb: &[u8], width, height| {
            jpeg(rgb, width, height).map_err(|source| EvidenceError::Encode {
                incident: incident.id.clone(),
                what: format!("{moment} snapshot"),
                source,
            })
        };
        let clean = encode(&frame.to_rgb8(), frame.width, frame.height)?;
        // The caption below the picture makes the marked copy higher than the frame.
        let picture = marked(frame, incident, moment, overlay);
        let drawn = encode(picture.as_raw(), picture.width(), picture.height())?;
        Ok(Shot { entry, clean, marked: drawn })
    }

    /// Writes the pictures of a moment, unless it is kept already.
    pub(crate) fn put_shot(
        &self,
        incident: &IncidentRecord,
        title: &str,
        shot: &Shot,
    ) -> Result<SnapshotEntry, EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        let entry = &shot.entry;
        let kept = record.snapshots.iter().find(|s| s.moment == entry.moment);
        if let Some(kept) = kept.filter(|s| dir.join(&s.file).is_file() && dir.join(&s.marked_file).is_file()) {
            return Ok(kept.clone());
        }
        make_way(&dir, incident, &entry.file)?;
        let taken = (&entry.file, &shot.clean, &[Action::Captured][..]);
        let drawn = (&entry.marked_file, &shot.marked, &[Action::Captured, Action::Drawn][..]);
        for (name, picture, actions) in [taken, drawn] {
            let path = dir.join(name);
            let bytes = self.credited(&record, plain_name(name), actions, picture);
            let kept = self.kept_bytes(bytes).and_then(|bytes| durable::replace(&path, &bytes));
            kept.map_err(EvidenceError::file(&incident.id, "write a snapshot", &path))?;
        }
        record.put_snapshot(entry.clone());
        save_record(&dir, &record)?;
        Ok(entry.clone())
    }

    /// Moves a finished clip into the incident's folder as `<name>.mp4`.
    ///
    /// A clip of that name that is kept already stays, and `temp` is left where it is.
    pub fn add_clip(
        &self,
        incident: &IncidentRecord,
        title: &str,
        name: &str,
        temp: &Path,
        facts: &ClipFacts,
    ) -> Result<ClipEntry, EvidenceError> {
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
            return Err(EvidenceError::UnsafeName { incident: incident.id.clone(), name: name.to_owned() });
        }
        let (dir, mut record) = self.open_bundle(incident, title)?;
        let file = self.kept_name(format!("{name}.mp4"));
        let path = dir.join(&file);
        if let Some(kept) = record.clips.iter().find(|c| c.file == file && path.is_file()) {
            return Ok(kept.clone());
        }
        make_way(&dir, incident, &file)?;
        let sights = facts.sights.as_ref().map(|lines| (format!("{name}{SIGHTS}"), lines));
        if let Some((name, lines)) = &sights {
            let path = dir.join(name);
            let kept = durable::replace(&path, lines.as_bytes());
            kept.map_err(EvidenceError::file(&incident.id, "write what was seen in the clip", &path))?;
        }
        let at = |time| StreamTime::new(incident.wall(time), self.time_line());
        self.credit_clip(&record, plain_name(&file), temp).map_err(EvidenceError::file(
            &incident.id,
            "add content credentials to the clip",
            temp,
        ))?;
        self.make_clip_kept(temp).map_err(EvidenceError::file(&incident.id, "seal the clip to its key", temp))?;
        let bytes = fs::metadata(temp).map_err(EvidenceError::file(&incident.id, "read the clip", temp))?.len();
        // Whoever wrote it knew nothing of who may see it.
        let closed = fs::set_permissions(temp, Permissions::from_mode(private::FILE_MODE));
        closed.and_then(|()| durable::move_file(temp, &path)).map_err(EvidenceError::file(
            &incident.id,
            "move the clip in",
            &path,
        ))?;
        let entry = ClipEntry {
            moment: facts.moment,
            file,
            from: at(facts.from),
            to: at(facts.to),
            codec: facts.codec.clone(),
            width: facts.width,
            height: facts.height,
            access_units: facts.access_units,
            bytes,
            sights: sights.map(|(name, _)| name),
        };
        record.put_clip(entry.clone());
        save_record(&dir, &record)?;
        Ok(entry)
    }

    /// Notes that a file will not come, such as a clip of a stream that was interrupted. A no-op once sealed.
    pub fn note_missing(
        &self,
        incident: &IncidentRecord,
        title: &str,
        what: &str,
        why: &str,
    ) -> Result<(), EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        if has_final_seal(&dir) {
            return Ok(());
        }
        record.note_missing(what, why);
        save_record(&dir, &record)
    }
}

pub(crate) fn jpeg(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(rgb, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}
