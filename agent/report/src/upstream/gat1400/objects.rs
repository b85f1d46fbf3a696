//! An incident as an object of the platform: a motor vehicle, a person, or a picture. Pure but for the picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_base::hash::sha256_of_bytes;
use forewarn_domain::{BBox, IncidentRecord, Timestamp};
use serde_json::{Value, json};

use super::picture::{Shot, shots, small_shot};
use crate::outbox::QueuedReport;
use crate::upstream::people::People;
use crate::upstream::thin::MOST_PICTURE_BYTES;

/// Classes that have an engine.
const MOTOR: [&str; 4] = ["car", "truck", "bus", "motorcycle"];

/// The device that reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    /// Its code, 20 digits.
    pub(super) id: String,
}

/// What an object is. Source: public implementations, "ObjectSubType" and the types of sub-images.
enum Sort {
    MotorVehicle,
    Person,
    Picture,
}

impl Sort {
    fn of(class: &str) -> Self {
        match class {
            "person" => Self::Person,
            motor if MOTOR.contains(&motor) => Self::MotorVehicle,
            _ => Self::Picture,
        }
    }
}

/// Where an object goes, and the object, with its pictures or without.
pub(super) fn object(
    device: &Device,
    people: &People,
    queued: &QueuedReport,
    has_pictures: bool,
) -> (&'static str, Value) {
    let incident = &queued.report.incident;
    let (time, sort) = (local_time(people, incident), Sort::of(incident.subject.class.as_str()));
    let source = source_id(device, incident, &time);
    let shots = if has_pictures { shots(people, &queued.report) } else { Vec::new() };
    let list = |close: &str| json!({ "SubImageInfoObject": sub_images(device, &source, &time, &shots, close) });
    let common = |bbox: BBox| {
        let [left, top, right, bottom] = <[f32; 4]>::from(bbox).map(|px| px.round().max(0.0) as u32);
        json!({
            "InfoKind": 1, "SourceID": source, "DeviceID": device.id, "LeftTopX": left, "LeftTopY": top,
            "RightBtmX": right, "RightBtmY": bottom, "MarkTime": time, "AppearTime": time, "DisappearTime": time,
        })
    };
    let mut of = common(incident.subject.bbox);
    match sort {
        Sort::MotorVehicle => {
            let plate = incident.findings.iter().find_map(|finding| finding.text.as_deref());
            of["MotorVehicleID"] = format!("{source}0200001").into();
            of["HasPlate"] = if plate.is_some() { "1" } else { "0" }.into();
            if let Some(plate) = plate {
                of["PlateNo"] = plate.into();
            }
            of["PassTime"] = time.as_str().into();
            of["SubImageList"] = list("09");
            ("MotorVehicles", json!({ "MotorVehicleListObject": { "MotorVehicleObject": [of] } }))
        }
        Sort::Person => {
            of["PersonID"] = format!("{source}0100001").into();
            of["SubImageList"] = list("10");
            ("Persons", json!({ "PersonListObject": { "PersonObject": [of] } }))
        }
        Sort::Picture => ("Images", image((device, &source, &time), incident, shots.first())),
    }
}

/// The scene that an object names as its source, as small as a thin link takes it in base64; none where there is none by now.
pub(super) fn scene_after(device: &Device, people: &People, queued: &QueuedReport) -> Option<(&'static str, Value)> {
    let incident = &queued.report.incident;
    let time = local_time(people, incident);
    let shot = small_shot(people, &queued.report, MOST_PICTURE_BYTES / 4 * 3)?;
    Some(("Images", image((device, &source_id(device, incident, &time), &time), incident, Some(&shot))))
}

/// A picture as an object of its own.
fn image((device, source, time): (&Device, &str, &str), incident: &IncidentRecord, shot: Option<&Shot>) -> Value {
    let info = json!({
        "ImageID": source, "InfoKind": 1, "ImageSource": "99", "EventSort": EVENT_SORT, "DeviceID": device.id,
        "StoragePath": "", "FileFormat": "Jpeg", "ShotTime": time, "Title": incident.rule.violation,
        "Width": shot.map_or(0, |shot| shot.width), "Height": shot.map_or(0, |shot| shot.height),
    });
    let data = shot.map(|shot| STANDARD.encode(&shot.jpeg)).unwrap_or_default();
    json!({ "ImageListObject": { "Image": [{ "ImageInfo": info, "Data": data }] } })
}

/// What was analysed: something that was seen in video. Source: public implementations.
const EVENT_SORT: u32 = 4;

/// The pictures of an object: the whole, and the close one of a type.
fn sub_images(device: &Device, source: &str, time: &str, shots: &[Shot], close: &str) -> Vec<Value> {
    let of = |(n, shot): (usize, &Shot)| {
        json!({
            "ImageID": format!("{}{:05}", source.get(..36).unwrap_or_default(), number(source, n)),
            "EventSort": EVENT_SORT, "DeviceID": device.id, "StoragePath": "",
            "Type": if shot.is_close { close } else { "14" },
            "FileFormat": "Jpeg", "ShotTime": time, "Width": shot.width, "Height": shot.height,
            "Data": STANDARD.encode(&shot.jpeg),
        })
    };
    shots.iter().enumerate().map(of).collect()
}

/// The number in the id of the nth picture: that of the object, and those after it.
fn number(source: &str, n: usize) -> u64 {
    let first: u64 = source.get(36..41).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    (first + 1 + n as u64) % 100_000
}

/// The same in every repetition: device, kind 02 (a picture), time and five digits of the incident's own.
fn source_id(device: &Device, incident: &IncidentRecord, time: &str) -> String {
    let digest = sha256_of_bytes(incident.id.as_str().as_bytes());
    let own = u64::from_str_radix(digest.get(..8).unwrap_or_default(), 16).unwrap_or_default();
    format!("{}02{time}{:05}", device.id, own % 100_000)
}

/// When the incident was escalated, as clocks at the site show it: `yyyyMMddHHmmss`.
fn local_time(people: &People, incident: &IncidentRecord) -> String {
    let at = incident.history.last().map_or(Timestamp::from_micros(0), |step| step.at);
    let wall_us = incident.wall(at).as_micros();
    let local = people.civil.as_deref().and_then(|civil| civil.local(None, Timestamp::from_micros(wall_us)));
    let minute = wall_us.div_euclid(60_000_000).rem_euclid(1440);
    // The day is told by this: clocks are between 11 hours behind and 13 hours ahead, but for some islands.
    let ahead = local.map_or(0, |local| (i64::from(local.minute) - minute + 660).rem_euclid(1440) - 660);
    let shown = jiff::Timestamp::from_microsecond(wall_us + ahead * 60_000_000).unwrap_or_default();
    shown.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use forewarn_domain::{CivilTime, Class, LocalTime, Weekday};
    use forewarn_wire::samples::{report, source};

    use super::*;

    struct East(i64);

    impl CivilTime for East {
        fn local(&self, _: Option<&str>, at: Timestamp) -> Option<LocalTime> {
            let minute = at.as_micros().div_euclid(60_000_000) + self.0;
            Some(LocalTime { weekday: Weekday::Mon, minute: minute.rem_euclid(1440) as u16 })
        }
    }

    #[test]
    fn an_object_is_a_vehicle_a_person_or_a_picture_and_the_same_whenever_it_is_told() {
        let device = Device { id: "31000000001190000001".to_owned() };
        let people = People { civil: Some(Arc::new(East(480))), ..People::default() };
        let of = |class: &str| {
            let mut report = report(1, 5);
            report.incident.subject.class = Class::new(class);
            object(&device, &people, &QueuedReport { seq: 1, report, source: source() }, true)
        };
        let (path, told) = of("truck");
        let vehicle = &told["MotorVehicleListObject"]["MotorVehicleObject"][0];
        assert_eq!(
            (path, &vehicle["PlateNo"], &vehicle["HasPlate"]),
            ("MotorVehicles", &json!("苏A12340"), &json!("1"))
        );
        assert_eq!((&vehicle["LeftTopX"], &vehicle["RightBtmY"]), (&json!(653), &json!(101)));
        let id = vehicle["SourceID"].as_str().unwrap();
        assert!(id.len() == 41 && id.starts_with("3100000000119000000102"), "{id}");
        assert_eq!(vehicle["MotorVehicleID"].as_str().unwrap().len(), 48);
        assert_eq!(of("truck"), (path, told.clone()));
        let (path, told) = of("person");
        assert_eq!(
            (path, told["PersonListObject"]["PersonObject"][0]["PersonID"].as_str().unwrap().len()),
            ("Persons", 48)
        );
        assert_eq!(of("bicycle").0, "Images");
    }

    #[test]
    fn times_are_those_of_the_site() {
        let mut incident = report(1, 5).incident;
        incident.history.truncate(1);
        let at =
            |ahead: i64| local_time(&People { civil: Some(Arc::new(East(ahead))), ..People::default() }, &incident);
        let (utc, none) = (at(0), local_time(&People::default(), &incident));
        assert!(utc == none && utc.starts_with("20260131"), "{utc}");
        for (ahead, hours) in [(480, 8), (-480, -8), (720, 12), (-660, -11)] {
            let of = |text: &str| jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).unwrap();
            assert_eq!(of(&at(ahead)), of(&utc) + jiff::Span::new().hours(hours));
        }
    }
}
