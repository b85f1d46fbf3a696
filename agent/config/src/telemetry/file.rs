//! Telemetry from a file beside the clip.

use std::ops::Range;
use std::path::Path;

use forewarn_ground::{Flight, Sample};
use forewarn_hw::telemetry::{Given, csv, gpx, klv, srt};
use forewarn_pipelines::Metadata;
use toml::Spanned;

use super::{RawSource, RawTelemetry};
use crate::check::Check;

/// What packets of metadata say, as they are or beside the video of a transport stream.
fn packets(path: &Path, bytes: &[u8], given: &Given) -> Result<Vec<Sample>, String> {
    let beside = forewarn_pipelines::metadata(path).map_err(|error| error.to_string())?;
    let read = match beside {
        Some(beside) => {
            let timed = |of: Metadata| klv::Timed { at_s: of.at_s, beside_s: of.beside_s, bytes: of.bytes };
            klv::read_timed(&beside.into_iter().map(timed).collect::<Vec<_>>(), given)
        }
        None => klv::read(bytes, given),
    };
    read.map_err(|error| error.to_string())
}

/// The flight that a file tells. Says how much of it cannot be meant; where that is all of it, it is a mistake.
pub(super) fn flight(check: &mut Check<'_>, raw: &RawTelemetry, samples: Vec<Sample>) -> Option<Flight> {
    let (n_told, wrong) = (samples.len(), samples.iter().find_map(Sample::impossible));
    let flight = Flight::new(samples);
    let (n, Some(file)) = (flight.passed_over(), &raw.file) else { return Some(flight) };
    if n == 0 {
        return Some(flight);
    }
    let first = wrong.map(|what| format!(": {what}")).unwrap_or_default();
    let name = file.get_ref().display();
    let what = "no place on earth, or a height, an attitude or a zoom that no drone has";
    let mend = "see whether the columns or the units are others than docs/drone.md says";
    if flight.is_empty() {
        return check.fail(file.span(), format!("all {n_told} samples of {name} tell {what}{first}"), mend);
    }
    let problem = format!("{n} of the {n_told} samples of {name} tell {what}, and are passed over{first}");
    check.doubt(file.span(), problem, mend);
    Some(flight)
}

/// What a file beside the clip says.
pub(super) fn samples(
    check: &mut Check<'_>,
    raw: &RawTelemetry,
    place: Range<usize>,
    offset_s: f64,
) -> Option<Vec<Sample>> {
    let Some(file) = &raw.file else {
        let mend = if matches!(raw.source, RawSource::Klv) {
            "add `file = \"flight.ts\"`, from the site file on; without one it is heard beside the video of udp:// or srt:// alone"
        } else {
            "add `file = \"flight.srt\"`, from the site file on"
        };
        return check.fail(place, "no file is named", mend);
    };
    let (url, system) = (raw.url.as_ref().map(Spanned::span), raw.system.as_ref().map(Spanned::span));
    if let Some(other) = url.or(system).or_else(|| raw.mqtt.as_ref().map(Spanned::span)) {
        let mend = "leave it out, or set `source` to \"mavlink\" or \"dji\"";
        return check.fail(other, "this is a key of what is heard while the drone flies", mend);
    }
    let path = check.path(file.get_ref());
    let aim = raw.aim.as_ref().map(|aim| aim.get_ref().resolve());
    let given = Given { aim, height: raw.height.into(), offset_s };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let problem = format!("failed to read {}: {error}", path.display());
            return check.fail(file.span(), problem, "give the path from the site file on");
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let read = match raw.source {
        RawSource::Srt => srt::read(&text, &given).map_err(|error| error.to_string()),
        RawSource::Csv => csv::read(&text, &given).map_err(|error| error.to_string()),
        RawSource::Gpx => gpx::read(&text, &given).map_err(|error| error.to_string()),
        RawSource::Klv => packets(&path, &bytes, &given),
        RawSource::Mavlink | RawSource::Dji => Ok(Vec::new()),
    };
    match read {
        Ok(samples) => Some(samples),
        Err(problem) => check.fail(file.span(), format!("{}: {problem}", path.display()), "see docs/drone.md"),
    }
}
