//! A track of GPX 1.0 or 1.1: places and heights above the sea, at times on the wall. Where the camera looked is the site's to
//! say. The first point stands for the start of the clip unless `offset_s` says another second.

use forewarn_ground::{Position, Sample};

use super::{Given, Height, Reason, TelemetryError, instant, number, sample, short};

/// Reads a track.
pub fn read(text: &str, given: &Given) -> Result<Vec<Sample>, TelemetryError> {
    let xml = roxmltree::Document::parse(text)
        .map_err(|error| TelemetryError::new(error.pos().row as usize, Reason::Xml(error.to_string())))?;
    let mut samples = Vec::new();
    let mut start = None;
    for point in xml.descendants().filter(|node| node.has_tag_name_anywhere("trkpt")) {
        let line = xml.text_pos_at(point.range().start).row as usize;
        let child = |name: &str| point.children().find(|node| node.has_tag_name_anywhere(name))?.text();
        let cell = |name: &str| number(line, name, point.attribute(name).unwrap_or_default());
        let Some(time) = child("time") else { continue };
        let at: jiff::Timestamp = time.trim().parse().map_err(|_| {
            TelemetryError::new(line, Reason::Time { text: short(time), form: "<time>2026-01-31T08:00:00Z</time>" })
        })?;
        let Some(height) = child("ele") else { continue };
        if given.height == Height::Start {
            return Err(TelemetryError::new(line, Reason::NoHeight("above the place of take-off", "sea")));
        }
        let since = *start.get_or_insert(at.as_microsecond());
        let position =
            Position { lat_deg: cell("lat")?, lon_deg: cell("lon")?, height_m: number(line, "ele", height)? };
        let file_s = (at.as_microsecond() - since) as f64 / 1e6;
        samples.push(sample(line, instant(file_s, given), position, None, given)?);
    }
    if samples.is_empty() {
        let mend = "give a track whose points have <ele> and <time>";
        return Err(TelemetryError::new(text.lines().count().max(1), Reason::NoPlace(mend)));
    }
    Ok(samples)
}

/// Names in whichever namespace: GPX 1.0 and 1.1 have one each, and some writers none.
trait AnyNamespace {
    fn has_tag_name_anywhere(&self, name: &str) -> bool;
}

impl AnyNamespace for roxmltree::Node<'_, '_> {
    fn has_tag_name_anywhere(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forewarn_ground::{Aim, attitude};

    const TRACK: &str = r#"<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="30.5" lon="120.25"><ele>61.5</ele><time>2026-01-31T08:00:00Z</time></trkpt>
<trkpt lat="30.6" lon="120.25"><time>2026-01-31T08:00:01Z</time></trkpt>
<trkpt lat="30.7" lon="120.25"><ele>62.5</ele><time>2026-01-31T16:00:02.5+08:00</time></trkpt>
</trkseg></trk></gpx>"#;

    fn given() -> Given {
        Given { aim: Some(Aim::Earth(attitude(0.0, -90.0, 0.0))), height: Height::Sea, offset_s: 3.0 }
    }

    #[test]
    fn points_count_from_the_first() {
        let samples = read(TRACK, &given()).unwrap();
        assert_eq!(samples.iter().map(|s| s.at.as_micros()).collect::<Vec<_>>(), [3_000_000, 5_500_000]);
        assert_eq!(samples[1].position, Position { lat_deg: 30.7, lon_deg: 120.25, height_m: 62.5 });
    }

    #[test]
    fn mistakes_name_their_line_and_mend() {
        let told = |text: &str, given: Given| read(text, &given).unwrap_err().to_string();
        assert!(told(&TRACK.replace("30.7", "north"), given()).starts_with("line 5: lat is \"north\""));
        assert!(
            told(&TRACK.replace("2026-01-31T08:00:00Z", "noon"), given()).contains("\"noon\" is no time; write <time>")
        );
        assert!(told(TRACK, Given { height: Height::Start, ..given() }).contains("set height = \"sea\""));
        assert!(told(TRACK, Given { aim: None, ..given() }).contains("set aim"));
        assert!(told("<gpx>", given()).contains("it is no XML"));
        assert!(told("<gpx/>", given()).contains("points have <ele> and <time>"));
    }
}
