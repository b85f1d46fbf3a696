//! GCJ-02, the coordinates that maps in China are drawn by: WGS84 shifted by some hundred metres.
//!
//! The shift is a sum of sines of the place, known from public implementations; there is no published standard. It is
//! applied wherever it is asked for: which country a site lies in is the site's to say, no rectangle tells it.

use std::f64::consts::PI;

/// Major axis and eccentricity of the Krasovsky ellipsoid, by which the shift in metres becomes degrees.
const MAJOR_M: f64 = 6_378_245.0;
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// The way back is sought until it is this near, in degrees: a tenth of a millimetre.
const CLOSE_DEG: f64 = 1e-9;
const MOST_STEPS: usize = 30;

/// Latitude and longitude of a WGS84 place, in degrees, as they are in GCJ-02.
pub fn from_wgs84((lat, lon): (f64, f64)) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let (north_m, east_m) = (north_m(x, y), east_m(x, y));
    let phi = lat.to_radians();
    let flat = 1.0 - ECCENTRICITY_2 * phi.sin().powi(2);
    let north_deg = (north_m / (MAJOR_M * (1.0 - ECCENTRICITY_2) / (flat * flat.sqrt()))).to_degrees();
    let east_deg = (east_m / (MAJOR_M / flat.sqrt() * phi.cos())).to_degrees();
    (lat + north_deg, lon + east_deg)
}

/// The WGS84 place whose GCJ-02 coordinates these are, by iteration: what comes out, shifted, is what went in.
pub fn to_wgs84((lat, lon): (f64, f64)) -> (f64, f64) {
    let mut place = (lat, lon);
    for _ in 0..MOST_STEPS {
        let shifted = from_wgs84(place);
        let off = (lat - shifted.0, lon - shifted.1);
        place = (place.0 + off.0, place.1 + off.1);
        if off.0.abs().max(off.1.abs()) < CLOSE_DEG {
            break;
        }
    }
    place
}

fn waves(x: f64) -> f64 {
    (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0
}

fn north_m(x: f64, y: f64) -> f64 {
    let slow = (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0;
    let slowest = (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * x.abs().sqrt() + waves(x) + slow + slowest
}

fn east_m(x: f64, y: f64) -> f64 {
    let slow = (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0;
    let slowest = (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * x.abs().sqrt() + waves(x) + slow + slowest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_places_are_shifted_as_others_shift_them() {
        // Tian'anmen, by two public implementations.
        let (lat, lon) = from_wgs84((39.907_333, 116.391_083));
        assert!((lat - 39.908_735).abs() < 2e-5 && (lon - 116.397_324).abs() < 2e-5, "{lat}, {lon}");
    }

    proptest! {
        #[test]
        fn there_and_back_is_within_a_decimetre(lat in 15.0..55.0f64, lon in 72.0..138.0f64) {
            let (back_lat, back_lon) = to_wgs84(from_wgs84((lat, lon)));
            let (north, east) = ((back_lat - lat) * 111_320.0, (back_lon - lon) * 111_320.0 * lat.to_radians().cos());
            prop_assert!(north.hypot(east) < 0.001, "{} m", north.hypot(east));
        }
    }
}
