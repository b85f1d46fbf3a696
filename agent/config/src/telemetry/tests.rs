//! What the site file says of where a camera that flies is.

use forewarn_ground::Terrain as _;

use crate::site::{Site, resolve};
use crate::source::{ConfigErrors, Source};

const TABLE: &str = "at_s,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg\n0,30,120,40,0,-90\n9,30,120.001,40,0,-90\n";
const YARD: &str = r#"{"type":"Feature","properties":{"name":"yard"},"geometry":{"type":"Polygon","coordinates":
    [[[120,30],[120.001,30],[120.001,30.001],[120,30]]]}}"#;
const ZONES: &str = "[[camera.zone]]\nid = \"yard\"\ngeojson = \"zones.geojson\"\nfeature = \"yard\"\n\
                     [[camera.zone]]\nid = \"kerb\"\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n\
                     [[camera.zone]]\nid = \"lot\"\nlon_lat = [[120, 30], [120.001, 30], [120, 30.001]]\n\
                     [[camera.rule]]\nviolation = \"loitering\"\nzone = \"yard\"\n";

/// A site of one camera with these tables, beside its files.
fn site(telemetry: &str, zones: &str) -> Result<Site, ConfigErrors> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("flight.csv"), TABLE).unwrap();
    std::fs::write(folder.path().join("zones.geojson"), YARD).unwrap();
    let camera = "[site]\nid = \"s\"\n[[camera]]\nid = \"drone\"\nurl = \"file:flight.mp4\"\n";
    let text = format!("{camera}{telemetry}{zones}");
    resolve(&Source::new(folder.path().join("site.toml").display().to_string(), text))
}

fn told(telemetry: &str, zones: &str) -> String {
    site(telemetry, zones).err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn ground_zones_and_the_flight_reach_the_engine() {
    let telemetry = "[camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\n";
    let site = site(telemetry, ZONES).unwrap();
    let setup = site.engine_setup();
    let stream = setup.streams.values().next().unwrap();
    let ground = stream.ground.as_ref().unwrap();
    assert_eq!(ground.flight.len(), 2);
    let on_ground: Vec<&str> = ground.zones.iter().map(|(at, _)| stream.zones[*at].id.as_str()).collect();
    assert_eq!(on_ground, ["yard", "lot"]);
}

#[test]
fn a_density_takes_the_area_of_a_zone_on_the_ground() {
    let telemetry = "[camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\n";
    let zones = |more: &str| {
        let lot = "[[camera.zone]]\nid = \"lot\"\nlon_lat = [[120, 30], [120.001, 30], [120, 30.001]]\n";
        format!("{lot}{more}[[camera.rule]]\nviolation = \"crowd_density\"\nzone = \"lot\"\n")
    };
    let areas = site(telemetry, &zones("")).unwrap().cameras[0].rules[0].binding.areas_m2.clone();
    let lot = areas.iter().find(|(id, _)| id.as_str() == "lot").map(|(_, area)| *area).unwrap();
    assert!((lot - 0.5 * 96.4863 * 110.8524).abs() < 5.0, "{lot}");
    let both = "ground = { points = [[0, 0], [1, 0], [1, 1], [0, 1]], size_m = [1, 1] }\n";
    assert!(told(telemetry, &zones(both)).contains("follow from its corners"));
}

#[test]
fn a_zone_on_the_ground_whose_edges_cross_is_doubted() {
    let telemetry = "[camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\n";
    let doubts = |corners: &str| {
        let zone = format!("[[camera.zone]]\nid = \"lot\"\nlon_lat = [{corners}]\n");
        site(telemetry, &zone).unwrap().doubts.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let [a, b, c, d] = ["[120, 30]", "[120.001, 30]", "[120.001, 30.001]", "[120, 30.001]"];
    assert_eq!(doubts(&[a, b, c, d].join(", ")), [""; 0]);
    let told = doubts(&[a, c, b, d].join(", ")).join(" ");
    assert!(told.contains("a part of it counts as outside") && told.contains("exchange corners 2 and 3"), "{told}");
}

#[test]
fn a_zone_on_the_ground_asks_for_telemetry() {
    let told = told("", ZONES);
    assert!(told.contains("zone `yard` lies on the ground, and no telemetry tells its rules where that is"), "{told}");
    assert!(told.contains("add `[camera.telemetry]`"), "{told}");
}

#[test]
fn an_autopilot_and_a_dock_are_heard_while_they_fly() {
    let live = |rest: &str| {
        let site = site(&format!("[camera.telemetry]\nview_deg = 70\n{rest}"), ZONES);
        site.map(|site| site.cameras[0].live.clone().unwrap().source.to_string()).map_err(|e| e.to_string())
    };
    let mavlink = live("source = \"mavlink\"\nurl = \"udp:127.0.0.1:14550\"\nsystem = 7\n");
    assert_eq!(mavlink.unwrap(), "MAVLink system 7 at udpin:127.0.0.1:14550");
    let dji = "source = \"dji\"\nmqtt = { url = \"mqtt://b\", device = \"1581F\" }\n";
    assert_eq!(live(dji).unwrap(), "thing/product/1581F/osd at b:1883");
    for (rest, says) in [
        ("source = \"mavlink\"\n", "add `url = \"udpin:"),
        ("source = \"mavlink\"\nurl = \"drone\"\n", "names no link"),
        ("source = \"mavlink\"\nurl = \"tcp:a:1\"\nsystem = 0\n", "0 is every system"),
        (
            "source = \"mavlink\"\nurl = \"tcp:a:1\"\nsystem = 300\n",
            "site.toml:10: system: invalid value: integer `300`",
        ),
        ("source = \"mavlink\"\nurl = \"tcp:a:1\"\nsystem = 300\n", "fix: write 255 or less"),
        ("source = \"mavlink\"\nurl = \"udpin:127.0.0.1:65536\"\n", "no HOST:PORT"),
        ("source = \"mavlink\"\nurl = \"serial:/dev/ttyAMA0:0\"\n", "1200 to 4000000"),
        ("source = \"mavlink\"\nurl = \"tcp:a:1\"\nfile = \"a.srt\"\n", "reads no file"),
        ("source = \"dji\"\n", "at which broker"),
        ("source = \"dji\"\nmqtt = { url = \"mqtt://b\", device = \"+\" }\n", "is no serial number"),
        ("source = \"dji\"\nsystem = 3\nmqtt = { url = \"mqtt://b\", device = \"1\" }\n", "a key of MAVLink"),
        ("source = \"csv\"\nfile = \"flight.csv\"\nsystem = 3\n", "while the drone flies"),
        ("source = \"csv\"\n", "no file is named"),
    ] {
        let told = live(rest).unwrap_err();
        assert!(told.contains(says), "{rest}: {told}");
    }
}

#[test]
fn what_others_reach_is_doubted() {
    let doubts = |url: &str| {
        let table = format!("[camera.telemetry]\nview_deg = 70\nsource = \"mavlink\"\nurl = \"{url}\"\n");
        site(&table, ZONES).unwrap().doubts.len()
    };
    assert_eq!((doubts("udpin:0.0.0.0:14550"), doubts("udpin:127.0.0.1:14550")), (1, 0));
}

#[test]
fn samples_that_cannot_be_meant_are_counted_and_passed_over() {
    let site_of = |table: String| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flight.csv"), table).unwrap();
        let text = "[site]\nid = \"s\"\n[[camera]]\nid = \"drone\"\nurl = \"file:flight.mp4\"\n[camera.telemetry]\n\
                    source = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\n";
        resolve(&Source::new(folder.path().join("site.toml").display().to_string(), text))
    };
    let wild = "10,95,120,40,0,-90\n11,30,120,4e7,0,-90\n12,30,120,40,0,4000\n";
    let site = site_of(format!("{TABLE}{wild}")).unwrap();
    let setup = site.engine_setup();
    assert_eq!(setup.streams.values().next().unwrap().ground.as_ref().unwrap().flight.len(), 2);
    let doubts: Vec<String> = site.doubts.iter().map(ToString::to_string).collect();
    let says = |doubt: &String| {
        doubt.contains("3 of the 5 samples of flight.csv") && doubt.contains("passed over: latitude 95.0000000")
    };
    assert!(doubts.iter().any(says), "{doubts:?}");
    // Where none is left, nobody knows where the camera was.
    let told = site_of(format!("{}\n{wild}", TABLE.lines().next().unwrap())).unwrap_err().to_string();
    assert!(told.contains("all 3 samples of flight.csv") && told.contains("latitude 95.0000000"), "{told}");
}

#[test]
fn heights_come_out_of_a_file_that_lies_on_earth() {
    let terrain = |name: &str, more: &str| {
        let at = concat!(env!("CARGO_MANIFEST_DIR"), "/../ground/tests/it/terrain");
        format!(
            "[camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\nterrain = \"{at}/{name}.tif\"\n{more}"
        )
    };
    let height = |more: &str| {
        let setup = site(&terrain("float-deflate", more), "").unwrap().engine_setup();
        let ground = setup.streams.values().next().unwrap().ground.as_ref().unwrap().ground.clone();
        ground.height_m(30.010_439_678, 120.024_200_723).unwrap()
    };
    assert!((height("") - 103.046_526).abs() < 0.01 && (height("ground_m = -40.0\n") - 63.046_526).abs() < 0.01);
    let told = |name: &str| told(&terrain(name, ""), "").replace("\n  fix: ", ", ");
    assert!(
        told("mercator").contains("EPSG:3857, make one in degrees by `gdalwarp -t_srs EPSG:4326"),
        "{}",
        told("mercator")
    );
    assert!(told("beyond").contains("no place on earth in degrees, give it the coordinates"), "{}", told("beyond"));
    assert!(told("bands").contains("gdal_translate -b 1"), "{}", told("bands"));
    assert!(told("away").contains("name a GeoTIFF"), "{}", told("away"));
}

#[test]
fn mistakes_are_told_with_their_mend() {
    let table = |rest: &str| format!("[camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\n{rest}");
    assert!(told(&table(""), "").contains("either by `view_deg` or by `lens`"));
    assert!(told(&table("view_deg = 190\n"), "").contains("no field of view of 190"));
    for (line, says) in [
        ("uncertainty = { tilt_deg = -1 }", "tilt_deg = -1 is no standard deviation, write tilt_deg = 0 to 45"),
        ("uncertainty = { focal = inf }", "focal = inf is no standard deviation"),
        ("ground_m = nan", "ground_m: NaN is out of range, write -1000 to 9000 metres"),
        ("ground_m = 1e9", "is out of range, write -1000"),
        ("offset_s = inf", "offset_s: inf is out of range, write -86400 to 86400 seconds"),
        ("max_age_s = nan", "max_age_s: NaN is out of range"),
        ("aim = { yaw_deg = 0, pitch_deg = nan }", "pitch_deg: NaN is out of range, write -180 to 180 degrees"),
    ] {
        let told = told(&table(&format!("view_deg = 70\n{line}\n")), "");
        let told = told.replace("\n  fix: ", ", ");
        assert!(told.contains("site.toml:") && told.contains(says), "{line}: {told}");
    }
    let wrong = table("view_deg = 70\n").replace("\"csv\"", "\"srt\"");
    assert!(told(&wrong, "").contains("subtitles that the drone wrote"));
    let both = "[[camera.zone]]\nid = \"a\"\npolygon = [[0, 0], [1, 0], [1, 1]]\nlon_lat = [[1, 2], [3, 4], [5, 6]]\n";
    assert!(told(&table("view_deg = 70\n"), both).contains("either in the picture or on the ground"));
    let swapped = "[[camera.zone]]\nid = \"a\"\nlon_lat = [[30, 120], [30, 121], [31, 120]]\n";
    assert!(told(&table("view_deg = 70\n"), swapped).contains("the longitude comes first"));
}
