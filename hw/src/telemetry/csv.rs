//! A table of one's own: a line of names, then one sample a line, with commas between.
//!
//! | column | is |
//! |---|---|
//! | `at_s` | seconds, from `offset_s` on |
//! | `lat_deg`, `lon_deg` | WGS84 |
//! | `height_m` | the camera's height, in the reckoning of the ground's |
//! | `yaw_deg`, `pitch_deg`, `roll_deg` | where the camera looks; that of the site where there is none |
//! | `vehicle_yaw_deg`, `vehicle_pitch_deg`, `vehicle_roll_deg` | where they stand, the three above are the camera's angles within the vehicle |
//! | `zoom` | 1 is not at all |
//!
//! Other columns are passed over, and so are rows without a place.

use csv::ReaderBuilder;
use forewarn_ground::{Aim, Position, Sample};
use glam::DQuat;

use super::{Given, Reason, TelemetryError, instant, number, sample, turned};

/// The columns that every table has.
pub(super) const COLUMNS: &str = "at_s, lat_deg, lon_deg, height_m, and where known yaw_deg, pitch_deg, roll_deg, zoom";

/// Reads a table.
pub fn read(text: &str, given: &Given) -> Result<Vec<Sample>, TelemetryError> {
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let row_error = |line: usize, error: &csv::Error| TelemetryError::new(line, Reason::Row(error.to_string()));
    let names = reader.headers().map_err(|error| row_error(1, &error))?.clone();
    let column = |name: &str| names.iter().position(|known| known == name);
    let need = |name: &'static str| column(name).ok_or_else(|| TelemetryError::new(1, Reason::Column(name)));
    let (at, lat, lon, height) = (need("at_s")?, need("lat_deg")?, need("lon_deg")?, need("height_m")?);
    let angles = |prefix: &str| ["yaw_deg", "pitch_deg", "roll_deg"].map(|name| column(&format!("{prefix}{name}")));
    let (camera, vehicle, zoom) = (angles(""), angles("vehicle_"), column("zoom"));
    let mut samples = Vec::new();
    let mut last = 1;
    for row in reader.records() {
        let row = row.map_err(|error| row_error(error.position().map_or(last, |p| p.line() as usize), &error))?;
        last = row.position().map_or(last, |p| p.line() as usize);
        let cell = |column: usize| {
            let text = row.get(column).unwrap_or_default();
            number(last, names.get(column).unwrap_or_default(), text)
        };
        if row.get(lat).unwrap_or_default().is_empty() || row.get(lon).unwrap_or_default().is_empty() {
            continue;
        }
        let attitude = |[yaw, pitch, roll]: [Option<usize>; 3]| -> Result<Option<DQuat>, TelemetryError> {
            let (Some(yaw), Some(pitch)) = (yaw, pitch) else { return Ok(None) };
            Ok(Some(turned(cell(yaw)?, cell(pitch)?, roll.map_or(Ok(0.0), cell)?)))
        };
        let (camera, vehicle) = (attitude(camera)?, attitude(vehicle)?);
        let aim = camera.map(if vehicle.is_some() { Aim::Vehicle } else { Aim::Earth });
        let position = Position { lat_deg: cell(lat)?, lon_deg: cell(lon)?, height_m: cell(height)? };
        let of = sample(last, instant(cell(at)?, given), position, aim, given)?;
        samples.push(Sample { vehicle, zoom: zoom.map_or(Ok(1.0), cell)?, ..of });
    }
    if samples.is_empty() {
        return Err(TelemetryError::new(
            last,
            Reason::NoPlace("write one sample a line below the names of the columns"),
        ));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use forewarn_ground::attitude;

    #[test]
    fn a_table_tells_everything() {
        let text = "at_s,note,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg,roll_deg,zoom\n\
                    0.5,\"a, b\",30.5,120.25,40,10,-45,0,2\n1.0,, , ,40,10,-45,0,2\n1.5,,30.5,120.25,41,10,-45,0,2\n";
        let samples = read(text, &Given { offset_s: 1.0, ..Given::default() }).unwrap();
        assert_eq!(samples.len(), 2);
        assert_eq!((samples[0].at.as_micros(), samples[0].zoom), (1_500_000, 2.0));
        assert_eq!(samples[1].position, Position { lat_deg: 30.5, lon_deg: 120.25, height_m: 41.0 });
        assert_eq!(samples[0].aim, Aim::Earth(attitude(10.0, -45.0, 0.0)));
    }

    #[test]
    fn angles_of_the_vehicle_make_the_cameras_its_own() {
        let text =
            "at_s,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg,vehicle_yaw_deg,vehicle_pitch_deg\n0,1,2,3,0,-90,90,5\n";
        let sample = read(text, &Given::default()).unwrap()[0];
        assert_eq!(sample.aim, Aim::Vehicle(attitude(0.0, -90.0, 0.0)));
        assert_eq!(sample.vehicle, Some(attitude(90.0, 5.0, 0.0)));
    }

    #[test]
    fn mistakes_name_their_line_and_mend() {
        let told = |text: &str| read(text, &Given::default()).unwrap_err().to_string();
        assert!(told("at_s,lat_deg\n").starts_with("line 1: the table has no column lon_deg; name the columns"));
        let head = "at_s,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg\n";
        assert!(told(&format!("{head}0,1,2,3,4,5\n1,x,2,3,4,5\n")).starts_with("line 3: lat_deg is \"x\""));
        assert!(told(&format!("{head}0,1,2\n")).starts_with("line 2: "));
        assert!(told(&format!("{head}0,1,2,inf,4,5\n")).contains("height_m is \"inf\""));
        assert!(told(head).contains("one sample a line"));
        assert!(told("at_s,lat_deg,lon_deg,height_m\n0,1,2,3\n").contains("set aim"));
    }
}
