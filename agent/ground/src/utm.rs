//! The grid of a zone of UTM, in metres: places on WGS84 laid onto it.
//!
//! A table of projections (`proj4rs` and its kin) would be many times larger than the one that elevation models of flights come in.
//!
//! Source: C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", Journal of Geodesy 85 (2011), equations 7 to
//! 11 and 35, of which four terms are kept: below a millimetre within ten degrees of the middle.

/// The equatorial radius, and the flattening, of WGS84.
const A_M: f64 = 6_378_137.0;
const F: f64 = 1.0 / 298.257_223_563;
/// What lies on the middle meridian is drawn so much smaller.
const SCALE: f64 = 0.9996;
const FALSE_EAST_M: f64 = 500_000.0;
const FALSE_NORTH_M: f64 = 10_000_000.0;

/// A zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utm {
    zone: u8,
    is_south: bool,
}

impl Utm {
    /// That of a code of EPSG: on WGS84, 326 and 327 before the number of the zone; on ETRS89, which lies within a metre, 258.
    pub(crate) fn of_epsg(code: u16) -> Option<Self> {
        let zone = |first: u16, is_south: bool| {
            let zone = u8::try_from(code.checked_sub(first)?).ok().filter(|zone| (1..=60).contains(zone))?;
            Some(Self { zone, is_south })
        };
        match code {
            32_601..=32_660 => zone(32_600, false),
            32_701..=32_760 => zone(32_700, true),
            25_828..=25_838 => zone(25_800, false),
            _ => None,
        }
    }

    /// Metres east and north of a place; none of one that lies too far from the zone.
    pub(crate) fn of_place(self, lat_deg: f64, lon_deg: f64) -> Option<(f64, f64)> {
        let middle_deg = f64::from(self.zone) * 6.0 - 183.0;
        let beside_deg = (lon_deg - middle_deg + 540.0).rem_euclid(360.0) - 180.0;
        if beside_deg.abs() > 10.0 || lat_deg.abs() > 84.0 {
            return None;
        }
        let (n, e) = (F / (2.0 - F), (F * (2.0 - F)).sqrt());
        let (n2, n3, n4) = (n * n, n * n * n, n * n * n * n);
        let radius_m = A_M / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0);
        let alphas = [
            n / 2.0 - 2.0 / 3.0 * n2 + 5.0 / 16.0 * n3 + 41.0 / 180.0 * n4,
            13.0 / 48.0 * n2 - 3.0 / 5.0 * n3 + 557.0 / 1440.0 * n4,
            61.0 / 240.0 * n3 - 103.0 / 140.0 * n4,
            49_561.0 / 161_280.0 * n4,
        ];
        let (lat, beside) = (lat_deg.to_radians(), beside_deg.to_radians());
        // The latitude on the sphere of like angles.
        let tan = lat.tan();
        let sigma = (e * (e * tan / tan.hypot(1.0)).atanh()).sinh();
        let tan = tan * sigma.hypot(1.0) - sigma * tan.hypot(1.0);
        let (north, east) = (tan.atan2(beside.cos()), (beside.sin() / tan.hypot(beside.cos())).asinh());
        let (mut north_sum, mut east_sum) = (north, east);
        for (alpha, times) in alphas.into_iter().zip([2.0, 4.0, 6.0, 8.0]) {
            north_sum += alpha * (times * north).sin() * (times * east).cosh();
            east_sum += alpha * (times * north).cos() * (times * east).sinh();
        }
        let false_north_m = if self.is_south { FALSE_NORTH_M } else { 0.0 };
        Some((FALSE_EAST_M + SCALE * radius_m * east_sum, false_north_m + SCALE * radius_m * north_sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_where_proj_lays_them() {
        // By PROJ 9, which is within nanometres.
        for (code, lat_deg, lon_deg, east_m, north_m) in CASES {
            let (east, north) = Utm::of_epsg(code).unwrap().of_place(lat_deg, lon_deg).unwrap();
            assert!((east - east_m).hypot(north - north_m) < 2e-3, "EPSG:{code} {lat_deg} {lon_deg}: {east} {north}");
        }
    }

    #[test]
    fn what_is_no_zone_or_far_from_it_has_no_place() {
        for code in [4326, 32_600, 32_661, 32_700, 3857, 2154] {
            assert_eq!(Utm::of_epsg(code), None, "{code}");
        }
        let zone = Utm::of_epsg(32_650).unwrap();
        assert_eq!((zone.of_place(30.0, 140.0), zone.of_place(85.0, 117.0)), (None, None));
    }

    const CASES: [(u16, f64, f64, f64, f64); 7] = [
        (32_650, 30.25, 120.15, 803_121.556, 3_350_688.262),
        (32_651, 31.2, 121.5, 357_093.026, 3_452_736.485),
        (32_650, 30.0, 117.0, 500_000.0, 3_318_785.353),
        (32_733, -33.9, 18.4, 814_420.331, 6_243_724.840),
        (25_832, 52.5, 6.2, 309_946.945, 5_820_337.520),
        (32_601, 0.0, -178.5, 333_068.357, 0.0),
        (32_660, 60.0, 179.9, 661_720.751, 6_654_956.720),
    ];
}
