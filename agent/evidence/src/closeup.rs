//! The picture that shows best what a closer look found: the face without its mask, the number plate.

use forewarn_base::durable;
use forewarn_domain::{AttributeId, BestCrop, IncidentRecord, Moment};
use forewarn_seal::credentials::Action;
use image::RgbImage;

use crate::bundle::jpeg;
use crate::error::EvidenceError;
use crate::lack::Lack;
use crate::record::{CloseupEntry, StreamTime};
use crate::record_file::{make_way, save_record};
use crate::sealed_to::plain_name;
use crate::store::EvidenceStore;

impl EvidenceStore {
    /// Keeps the picture of the look that was the best at a moment of the incident.
    ///
    /// A look that is kept already, of this moment or of an earlier one, is not kept twice. Without a picture of a look
    /// that is not kept yet, the folder states that it is missing.
    pub fn add_closeup(
        &self,
        incident: &IncidentRecord,
        title: &str,
        moment: Moment,
        (attribute, best): (&AttributeId, &BestCrop),
        picture: Option<&RgbImage>,
    ) -> Result<(), EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        let file = self.kept_name(format!("{moment}-look-{attribute}.jpg"));
        let at = StreamTime::new(incident.wall(best.at), self.time_line());
        let is_same = |kept: &CloseupEntry| kept.attribute == *attribute && kept.at == at && kept.bbox == best.bbox;
        if record.closeups.iter().any(|kept| kept.file == file || is_same(kept)) {
            return Ok(());
        }
        let Some(picture) = picture else {
            return self.note_missing(incident, title, &file, &Lack::NoBestLook.to_string());
        };
        make_way(&dir, incident, &file)?;
        let (width, height) = picture.dimensions();
        let bytes = jpeg(picture.as_raw(), width, height).map_err(|source| {
            let what = format!("{moment} look at {attribute}");
            EvidenceError::Encode { incident: incident.id.clone(), what, source }
        })?;
        let path = dir.join(&file);
        let bytes = self.credited(&record, plain_name(&file), &[Action::Captured, Action::Cropped], &bytes);
        let kept = self.kept_bytes(bytes).and_then(|bytes| durable::replace(&path, &bytes));
        kept.map_err(EvidenceError::file(&incident.id, "write a close-up", &path))?;
        let attribute = attribute.clone();
        record.put_closeup(CloseupEntry { moment, attribute, file, at, bbox: best.bbox, width, height });
        save_record(&dir, &record)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, Timestamp};

    use super::*;
    use crate::testing::{T0, closed, confirmed};
    use crate::{Limits, StoreOptions, TimeLine, verify};

    const TITLE: &str = "No dust mask";

    fn best(at_us: i64) -> BestCrop {
        let at = Timestamp::from_micros(T0.as_micros() + at_us);
        BestCrop { at, bbox: BBox::new(10.0, 12.0, 40.0, 48.0), quality: 0.9 }
    }

    #[test]
    fn each_moment_keeps_its_best_look_once_and_under_the_seal() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { min_free_bytes: 0, ..Limits::default() };
        let options = StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() };
        let store = EvidenceStore::open(dir.path(), options).unwrap();
        let (begun, mask) = (confirmed(1), AttributeId::new("dust_mask").unwrap());
        let picture = RgbImage::from_pixel(45, 54, image::Rgb([10; 3]));
        let add = |moment, at_us, picture| store.add_closeup(&begun, TITLE, moment, (&mask, &best(at_us)), picture);

        add(Moment::Confirmed, 0, Some(&picture)).unwrap();
        add(Moment::AfterWarning, 0, Some(&picture)).unwrap();
        add(Moment::Ended, 500_000, None).unwrap();
        let sealed = store.seal(&closed(1), TITLE, T0).unwrap();
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(sealed.path.join("incident.json")).unwrap()).unwrap();
        let closeups = record["closeups"].as_array().unwrap();
        assert_eq!(closeups.len(), 1, "the same look is not kept twice: {closeups:?}");
        assert_eq!(closeups[0]["file"], "confirmed-look-dust_mask.jpg");
        assert_eq!(closeups[0]["at"]["utc"], "2026-01-31T06:03:07.250Z");
        let missing = record["missing"].as_array().unwrap();
        assert!(missing.iter().any(|gap| gap["what"] == "ended-look-dust_mask.jpg"), "{missing:?}");

        assert!(verify(&sealed.path).unwrap().problems.is_empty());
        std::fs::write(sealed.path.join("confirmed-look-dust_mask.jpg"), b"forged").unwrap();
        assert!(!verify(&sealed.path).unwrap().problems.is_empty(), "it is under the seal");
        let late = add(Moment::Ended, 900_000, Some(&picture)).unwrap_err();
        assert!(matches!(late, EvidenceError::Sealed { .. }), "{late}");
    }
}
