//! Elevation models as GDAL writes and reads them; `terrain/make.py` makes both.

use std::path::{Path, PathBuf};

use forewarn_ground::geotiff;
use forewarn_ground::{Flat, Lens, Limits, Pose, Position, Shot, Terrain as _, Uncertainty, attitude, locate};

fn file(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/terrain").join(name);
    std::fs::read(path).unwrap()
}

#[test]
fn heights_are_those_that_gdal_reads() {
    let table = String::from_utf8(file("read.csv")).unwrap();
    let (mut n, mut n_unknown) = (0, 0);
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [name, lat, lon, height] = fields[..] else { panic!("{line}") };
        let grid = geotiff::read(&file(&format!("{name}.tif")), 0.0).unwrap();
        let (told, wanted) =
            (grid.height_m(lat.parse().unwrap(), lon.parse().unwrap()), height.parse::<f64>().unwrap());
        match told {
            None => assert!(wanted.is_nan(), "{line}"),
            Some(told) => assert!((told - wanted).abs() < 1e-3, "{line}: {told}"),
        }
        (n, n_unknown) = (n + 1, n_unknown + usize::from(told.is_none()));
    }
    assert!(n >= 480 && n_unknown >= 1, "{n} places, {n_unknown} of them without a height");
}

#[test]
fn who_stands_on_the_hill_is_placed_on_the_hill() {
    let grid = geotiff::read(&file("float-deflate.tif"), 0.0).unwrap();
    // Looks level-handedly down onto the slope from the south.
    let position = Position { lat_deg: 30.006, lon_deg: 120.0175, height_m: 200.0 };
    let camera = attitude(0.0, -30.0, 0.0);
    let uncertainty = Uncertainty::default();
    let pose = Pose { position, camera, zoom: 1.0, age_us: 0, uncertainty };
    let shot = Shot::new(pose, &Lens::of_view(70.0, (1280, 720)).unwrap(), (1280, 720));
    let limits = Limits { max_range_m: 2_000.0 };
    let middle = forewarn_domain::Point::new(640.0, 360.0);
    let on_hill = locate(&shot, middle, &grid, &limits).unwrap();
    let height = grid.height_m(on_hill.lat_deg, on_hill.lon_deg).unwrap();
    let away_m = (on_hill.lat_deg - position.lat_deg) * 110_853.0;
    let drop_m = position.height_m - height;
    assert!((away_m * 30_f64.to_radians().tan() - drop_m).abs() < 0.5, "{away_m} m away, {drop_m} m down");
    let level = Flat { height_m: grid.height_m(position.lat_deg, position.lon_deg).unwrap() };
    let on_level = locate(&shot, middle, &level, &limits);
    assert!(
        (on_level.unwrap().lat_deg - on_hill.lat_deg) * 110_853.0 > 10.0,
        "level ground would lie behind the hill's face"
    );
}

#[test]
fn what_lies_elsewhere_or_is_no_height_is_refused_with_the_mend() {
    let told = |bytes: &[u8]| geotiff::read(bytes, 0.0).unwrap_err().to_string();
    assert!(told(&file("mercator.tif")).contains("EPSG:3857") && told(&file("mercator.tif")).contains("gdalwarp"));
    let beyond = told(&file("beyond.tif"));
    assert!(
        beyond.contains("from 2999895.0000 to 2999985.0000 north") && beyond.contains("no place on earth"),
        "{beyond}"
    );
    assert!(told(&file("bands.tif")).contains("gdal_translate -b 1"));
    assert!(
        told(&file("packbits.tif"))
            .contains("than by Deflate or LZW: write it anew by `gdal_translate -co COMPRESS=DEFLATE")
    );
    assert!(told(b"GIF89a").contains("it is no TIFF") && told(b"II*\0 no more").contains("was cut off"));
    // What was cut off is refused, and wherever it was, nothing falls.
    for whole in [file("short-deflate.tif"), file("short-lzw.tif")] {
        for length in 0..whole.len() {
            let read = geotiff::read(&whole[..length], 0.0);
            assert!(read.is_err() || length > whole.len() / 2, "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn bytes_by_chance_are_no_heights_and_nothing_falls() {
    let whole = file("float-lzw.tif");
    let mut state = 17_u32;
    for at in 0..whole.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut damaged = whole.clone();
        damaged[at] ^= (state >> 24) as u8 | 1;
        let _ = geotiff::read(&damaged, 0.0);
    }
}
