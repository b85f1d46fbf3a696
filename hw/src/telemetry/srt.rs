//! Subtitles of DJI's recorders, one cue a frame or a second, in all spellings that were seen:
//!
//! | spelling | of |
//! |---|---|
//! | `[latitude: 30.1] [longitude: 120.2] [rel_alt: 1.300 abs_alt: 132.860]` | Mini 3 and later, Air 2S, Mavic 3 |
//! | `[latitude : 30.1] [longtitude : 120.2] [altitude: 9.5]` | Mavic 2, Mavic Air 2 |
//! | `[gb_yaw: 1.0 gb_pitch: -90.0 gb_roll: 0.0]`, also each by itself | enterprise models |
//! | `GPS(149.0251,-20.2533,16) BAROMETER:1.9` | Mavic Pro: longitude first |
//! | `GPS (-58.851745, -34.237922, 15), H 85.80m, F.PRY (2.7°, -7.0°, 110.1°), G.PRY (-24.4°, 0.0°, 110.4°)` | Phantom 4 |
//! | `GPS(36.6146,-6.1120,0.0M) BAROMETER:0.3M`, `GPS(39.9,116.3,69.8) BAROMETER(91.2)` | Matrice 300, Avata 2: latitude first |
//!
//! | `[focal_len: 24.00] [dzoom_ratio: 1.00]`, also `[focal_len : 240] [dzoom_ratio: 10000, delta:0]` | those that zoom |
//!
//! The zoom is `dzoom_ratio` (in parts of 10,000 where it is so large), times `focal_len` over the shortest that the file
//! tells, of which the site's lens is told. Cues before the receiver's first fix say 0, 0 and are passed over, and so are cues without a place. The time of a cue is
//! that of the clip. Heights above the sea are barometric.

use forewarn_ground::{Aim, Position, Sample};

use super::{Given, Heights, Reason, TelemetryError, instant, number, sample, short, turned};

/// Some recorders write the digital zoom in these parts; no other is so large.
const IN_PARTS: f64 = 10_000.0;
const LEAST_IN_PARTS: f64 = 1_000.0;

/// Reads the subtitles of a clip.
pub fn read(text: &str, given: &Given) -> Result<Vec<Sample>, TelemetryError> {
    let mut samples: Vec<(Sample, Option<f64>)> = Vec::new();
    let mut cue: Option<Cue> = None;
    let mut last = 0;
    for (i, line) in text.lines().enumerate() {
        last = i + 1;
        if let Some((from, _)) = line.split_once("-->") {
            samples.extend(cue.take().map(|cue| cue.sample(given)).transpose()?.flatten());
            cue = Some(Cue { line: last, at_s: cue_time(last, from)?, ..Cue::default() });
        } else if let Some(cue) = &mut cue {
            cue.take_line(last, line)?;
        }
    }
    samples.extend(cue.map(|cue| cue.sample(given)).transpose()?.flatten());
    let shortest = samples.iter().filter_map(|(_, focal)| *focal).filter(|focal| *focal > 0.0).fold(f64::MAX, f64::min);
    let zoomed = |(sample, focal): (Sample, Option<f64>)| Sample {
        zoom: sample.zoom * focal.map_or(1.0, |focal| focal / shortest),
        ..sample
    };
    let samples: Vec<Sample> = samples.into_iter().map(zoomed).collect();
    if samples.is_empty() {
        let mend =
            "give the subtitles that the drone wrote beside the clip, with latitude and longitude or GPS(…) in them";
        return Err(TelemetryError::new(last.max(1), Reason::NoPlace(mend)));
    }
    Ok(samples)
}

/// What one cue says.
#[derive(Debug, Default)]
struct Cue {
    line: usize,
    at_s: f64,
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    heights: Heights,
    yaw_deg: Option<f64>,
    pitch_deg: Option<f64>,
    roll_deg: Option<f64>,
    digital_zoom: Option<f64>,
    focal_len: Option<f64>,
}

impl Cue {
    fn take_line(&mut self, line: usize, text: &str) -> Result<(), TelemetryError> {
        self.take_pairs(line, text)?;
        if let Some(triple) = after(text, "GPS").and_then(bracketed) {
            self.take_gps(line, triple, text)?;
        }
        if let Some(angles) = after(text, "G.PRY").and_then(bracketed) {
            let names = ["G.PRY pitch", "G.PRY roll", "G.PRY yaw"];
            let places = [&mut self.pitch_deg, &mut self.roll_deg, &mut self.yaw_deg];
            for ((part, name), place) in angles.split(',').zip(names).zip(places) {
                *place = Some(number(line, name, part.trim().trim_end_matches('°'))?);
            }
        }
        let barometer = after(text, "BAROMETER").map(|rest| bracketed(rest).unwrap_or(rest.trim_start_matches(':')));
        let height = barometer.or_else(|| after(text, ", H "));
        if let Some(text) = height.and_then(|rest| rest.split_whitespace().next()) {
            self.heights.start_m = Some(number(line, "the height", metres(text))?);
        }
        Ok(())
    }

    /// `name: value` within square brackets, several of which may share a pair.
    fn take_pairs(&mut self, line: usize, text: &str) -> Result<(), TelemetryError> {
        for part in text.split('[').skip(1) {
            let inner = part.split(']').next().unwrap_or_default().replace(':', " : ");
            let words: Vec<&str> = inner.split_whitespace().collect();
            for pair in words.windows(3).filter(|pair| pair[1] == ":") {
                let place = match pair[0] {
                    "latitude" => &mut self.lat_deg,
                    "longitude" | "longtitude" => &mut self.lon_deg,
                    "rel_alt" => &mut self.heights.start_m,
                    "abs_alt" | "altitude" => &mut self.heights.sea_m,
                    "gb_yaw" => &mut self.yaw_deg,
                    "gb_pitch" => &mut self.pitch_deg,
                    "gb_roll" => &mut self.roll_deg,
                    "dzoom_ratio" => &mut self.digital_zoom,
                    "focal_len" => &mut self.focal_len,
                    _ => continue,
                };
                *place = Some(number(line, pair[0], pair[2].trim_end_matches(','))?);
            }
        }
        Ok(())
    }

    fn take_gps(&mut self, line: usize, triple: &str, text: &str) -> Result<(), TelemetryError> {
        let mut parts = triple.split(',');
        let (Some(first), Some(second)) = (parts.next(), parts.next()) else { return Ok(()) };
        let (a, b) = (number(line, "GPS", first)?, number(line, "GPS", second)?);
        let third = parts.next().unwrap_or_default().trim();
        // The recorders that write the latitude first also write the unit, or the barometer in brackets.
        let is_lat_first = b.abs() > 90.0 || (a.abs() <= 90.0 && (third.ends_with('M') || text.contains("BAROMETER(")));
        (self.lat_deg, self.lon_deg) = if is_lat_first { (Some(a), Some(b)) } else { (Some(b), Some(a)) };
        if !third.is_empty() {
            // Mavic Pro writes the number of satellites here: a height only where nothing better is told.
            self.heights.sea_m = self.heights.sea_m.or(Some(number(line, "the third of GPS", metres(third))?));
        }
        Ok(())
    }

    /// Its sample with the digital zoom alone, and the focal length in whichever unit.
    fn sample(self, given: &Given) -> Result<Option<(Sample, Option<f64>)>, TelemetryError> {
        let (Some(lat_deg), Some(lon_deg)) = (self.lat_deg, self.lon_deg) else { return Ok(None) };
        if (lat_deg, lon_deg) == (0.0, 0.0) {
            return Ok(None);
        }
        let Some(height_m) = self.heights.chosen(self.line, given.height)? else { return Ok(None) };
        let angles = self.yaw_deg.zip(self.pitch_deg);
        let aim = angles.map(|(yaw, pitch)| Aim::Earth(turned(yaw, pitch, self.roll_deg.unwrap_or(0.0))));
        let position = Position { lat_deg, lon_deg, height_m };
        let zoom =
            self.digital_zoom.map_or(1.0, |ratio| if ratio >= LEAST_IN_PARTS { ratio / IN_PARTS } else { ratio });
        let sample = sample(self.line, instant(self.at_s, given), position, aim, given)?;
        Ok(Some((Sample { zoom, ..sample }, self.focal_len)))
    }
}

/// What follows a word, without the spaces between.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.find(word).map(|at| text[at + word.len()..].trim_start())
}

/// What stands in the round brackets with which a text begins.
fn bracketed(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.split(')').next()
}

/// A number of metres without its unit.
fn metres(text: &str) -> &str {
    text.trim().trim_end_matches([',', 'm', 'M'])
}

/// Hours, minutes, seconds, milliseconds.
fn cue_time(line: usize, text: &str) -> Result<f64, TelemetryError> {
    let text = text.trim();
    let read = || {
        let mut seconds = 0.0;
        let parts: Vec<&str> = text.split(':').collect();
        for part in (parts.len() == 3).then_some(parts)? {
            let part: f64 = part.replace(',', ".").parse().ok()?;
            seconds = seconds * 60.0 + Some(part).filter(|part| (0.0..1e6).contains(part))?;
        }
        Some(seconds)
    };
    read().ok_or_else(|| {
        TelemetryError::new(line, Reason::Time { text: short(text), form: "00:00:01,033 --> 00:00:01,066" })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Height;
    use forewarn_ground::attitude;
    use glam::DVec3;

    /// Cues of half a second each.
    fn cues(bodies: &[&str]) -> String {
        let cue = |(i, body): (usize, &&str)| format!("{}\n00:00:0{i},500 --> 00:00:0{i},999\n{body}\n\n", i + 1);
        bodies.iter().enumerate().map(cue).collect()
    }

    fn down(height: Height) -> Given {
        Given { aim: Some(Aim::Earth(attitude(0.0, -90.0, 0.0))), height, offset_s: 0.0 }
    }

    fn place(body: &str, height: Height) -> (f64, f64, f64) {
        let Position { lat_deg, lon_deg, height_m } = read(&cues(&[body]), &down(height)).unwrap()[0].position;
        (lat_deg, lon_deg, height_m)
    }

    #[test]
    fn every_spelling_tells_the_place() {
        let bracketed = "<font size=\"28\">FrameCnt: 1, DiffTime: 33ms\n2024-08-07 12:34:24.380\n[iso: 100] [shutter: 1/3200.0] \
                         [focal_len: 24.00] [latitude: 30.25] [longitude: 120.125] [rel_alt: 1.300 abs_alt: -2.9] [ct: 5310] </font>";
        assert_eq!(place(bracketed, Height::Start), (30.25, 120.125, 1.3));
        assert_eq!(place(bracketed, Height::Sea), (30.25, 120.125, -2.9));
        let older = "[latitude : 30.25] [longtitude : 120.125] [altitude: 9.5]";
        assert_eq!(place(older, Height::Sea), (30.25, 120.125, 9.5));
        let mavic_pro = "HOME(149.0251,-20.2532) 2017.08.05 14:11:51\nGPS(149.0251,-20.2533,16) BAROMETER:1.9\nISO:100";
        assert_eq!(place(mavic_pro, Height::Start), (-20.2533, 149.0251, 1.9));
        let matrice = "GPS(36.6146,-6.1120,0.0M) BAROMETER:0.3M";
        assert_eq!(place(matrice, Height::Start), (36.6146, -6.112, 0.3));
        let avata = "GPS(39.906217,16.391305,69.800) BAROMETER(91.2) HOME(39.906206,16.391400)";
        assert_eq!(place(avata, Height::Start), (39.906_217, 16.391_305, 91.2));
    }

    #[test]
    fn the_gimbal_is_taken_from_the_file_before_the_site() {
        let phantom = "F/5.6, SS 400, ISO 100, EV 0, GPS (-58.851745, -34.237922, 15), HOME (-58.847509, -34.232707, -57.98m), \
                       D 698.70m, H 85.80m, H.S 0.00m/s, V.S 0.00m/s, F.PRY (2.7°, -7.0°, 110.1°), G.PRY (-30.0°, 0.0°, 90.0°)";
        let samples = read(&cues(&[phantom]), &down(Height::Start)).unwrap();
        assert_eq!((samples[0].position.lat_deg, samples[0].position.height_m), (-34.237_922, 85.8));
        let Aim::Earth(camera) = samples[0].aim else { panic!("{samples:?}") };
        let ahead = camera * DVec3::X;
        assert!((ahead - DVec3::new(0.0, 0.866_025, 0.5)).length() < 1e-5, "{ahead}");
        let apart = "[latitude: 30] [longitude: 120] [rel_alt: 5 abs_alt: 6] [gb_yaw: 90 gb_pitch: -30] [gb_roll: 0]";
        assert_eq!(read(&cues(&[apart]), &Given::default()).unwrap()[0].aim, samples[0].aim);
    }

    #[test]
    fn cues_without_a_place_are_passed_over_and_times_are_those_of_the_clip() {
        let fixed = "[latitude: 30] [longitude: 120] [rel_alt: 5 abs_alt: 6]";
        let text = cues(&["[latitude: 0.000000] [longitude: 0.000000] [rel_alt: 0 abs_alt: 0]", "[iso: 100]", fixed]);
        let samples = read(&text, &Given { offset_s: 10.0, ..down(Height::Start) }).unwrap();
        assert_eq!(samples.iter().map(|s| s.at.as_micros()).collect::<Vec<_>>(), [12_500_000]);
    }

    #[test]
    fn the_zoom_is_digital_times_optical() {
        let zooms = |bodies: &[&str]| -> Vec<f64> {
            let place = "[latitude: 30] [longitude: 120] [rel_alt: 5 abs_alt: 6]";
            let bodies: Vec<String> = bodies.iter().map(|body| format!("{body} {place}")).collect();
            let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
            read(&cues(&bodies), &down(Height::Start)).unwrap().iter().map(|sample| sample.zoom).collect()
        };
        assert_eq!(
            zooms(&["[focal_len: 24.00] [dzoom_ratio: 1.00]", "[focal_len: 48.00] [dzoom_ratio: 1.50],"]),
            [1.0, 3.0]
        );
        let older =
            ["[focal_len : 240] [dzoom_ratio: 10000, delta:0],", "[focal_len : 240] [dzoom_ratio: 25000, delta:9],"];
        assert_eq!(zooms(&older), [1.0, 2.5]);
        assert_eq!(zooms(&["[iso: 100]", "[focal_len: 24]"]), [1.0, 1.0]);
        let zero =
            read(&cues(&["[dzoom_ratio: 0] [latitude: 30] [longitude: 120] [rel_alt: 5]"]), &down(Height::Start));
        assert!(!zero.unwrap()[0].is_sound(), "a lens that sees nothing is passed over");
    }

    #[test]
    fn mistakes_name_their_line_and_mend() {
        let told = |text: &str, given: Given| read(text, &given).unwrap_err().to_string();
        let bad =
            cues(&["[latitude: 30] [longitude: 120] [rel_alt: 5]", "[latitude: north] [longitude: 120] [rel_alt: 5]"]);
        assert!(told(&bad, down(Height::Start)).starts_with("line 7: latitude is \"north\", which is no number"));
        let fine = cues(&["[latitude: 30] [longitude: 120] [rel_alt: 5]"]);
        assert!(told(&fine, Given::default()).contains("set aim = { yaw_deg"));
        assert!(told(&fine, down(Height::Sea)).contains("set height = \"start\""));
        assert!(told("1\nsoon --> later\n", down(Height::Start)).starts_with("line 2: \"soon\" is no time"));
        assert!(told("", down(Height::Start)).contains("subtitles that the drone wrote"));
    }
}
