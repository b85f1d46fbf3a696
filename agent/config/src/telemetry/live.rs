//! Telemetry that is heard while the drone flies.

use std::ops::Range;

use forewarn_domain::StreamId;
use forewarn_engine::LensKind;
use forewarn_hw::telemetry::live::dji::DjiConfig;
use forewarn_hw::telemetry::live::mavlink::{Address, MavlinkSource};
use forewarn_hw::telemetry::live::{LiveGiven, LiveSource};
use toml::Spanned;

use super::{RawSource, RawTelemetry};
use crate::check::Check;

/// What is heard while the drone flies, and what the site says beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveTelemetry {
    /// Where it comes from.
    pub source: LiveSource,
    /// What it does not tell.
    pub given: LiveGiven,
}

/// Whose telemetry it is.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    /// The site.
    pub(crate) site: &'a str,
    /// The camera.
    pub(crate) camera: &'a StreamId,
}

/// Where it is heard from while the drone flies.
pub(super) fn check(
    check: &mut Check<'_>,
    raw: &RawTelemetry,
    place: Range<usize>,
    lens: Option<LensKind>,
    whose: Whose<'_>,
) -> Option<LiveTelemetry> {
    if let Some(file) = &raw.file {
        let problem = "this source is heard while the drone flies, and reads no file";
        return check.fail(file.span(), problem, "leave `file` out, or set `source` to the kind of the file");
    }
    let source = match raw.source {
        RawSource::Dji => dji(check, raw, place, whose)?,
        _ => mavlink(check, raw, place)?,
    };
    let view_deg = lens.map(|lens| match lens {
        LensKind::View(degrees) => degrees,
        LensKind::Calibrated(lens) => lens.across_deg(),
    });
    let aim = raw.aim.as_ref().map(|aim| aim.get_ref().resolve());
    let given = LiveGiven { aim, height: raw.height.into(), view_deg };
    Some(LiveTelemetry { source, given })
}

fn mavlink(check: &mut Check<'_>, raw: &RawTelemetry, place: Range<usize>) -> Option<LiveSource> {
    let Some(url) = &raw.url else {
        return check.fail(place, "nobody says where the autopilot is heard", "add `url = \"udpin:127.0.0.1:14550\"`");
    };
    if let Some(mqtt) = &raw.mqtt {
        return check.fail(mqtt.span(), "MAVLink comes over no broker", "leave `mqtt` out, or set `source = \"dji\"`");
    }
    let address = match Address::parse(url.get_ref()) {
        Ok(address) => address,
        Err(error) => return check.fail(url.span(), error.to_string(), error.mend()),
    };
    if address.is_open_to_others() {
        let problem = "whoever reaches this address can say where the drone is, as MAVLink is not signed here";
        let mend =
            "listen on 127.0.0.1 and let a router on this box hand on what comes, or shut others out by the firewall";
        check.doubt(url.span(), problem, mend);
    }
    let system = raw.system.as_ref().map_or(1, |system| *system.get_ref());
    if system == 0 {
        let place = raw.system.as_ref().map_or(place, Spanned::span);
        return check.fail(place, "0 is every system and none", "write the vehicle's system id, 1 to 255");
    }
    Some(LiveSource::Mavlink(MavlinkSource { address, system }))
}

fn dji(check: &mut Check<'_>, raw: &RawTelemetry, place: Range<usize>, whose: Whose<'_>) -> Option<LiveSource> {
    let Some(mqtt) = &raw.mqtt else {
        let mend = "add `mqtt = { url = \"mqtt://HOST:1883\", device = \"SERIAL\" }`";
        return check.fail(place, "nobody says at which broker the aircraft is told of", mend);
    };
    let other = raw.url.as_ref().map(Spanned::span).or_else(|| raw.system.as_ref().map(Spanned::span));
    if let Some(other) = other {
        return check.fail(other, "this is a key of MAVLink", "leave it out, or set `source = \"mavlink\"`");
    }
    let config = check.table::<DjiConfig>(mqtt.span(), mqtt.get_ref())?;
    match config.resolve(whose.camera, whose.site, check.directory(), &|name| std::env::var(name).ok()) {
        Ok(source) => Some(LiveSource::Dji(Box::new(source))),
        Err(error) => check.fail_key(mqtt.span(), error.key(), error.to_string(), error.mend()),
    }
}
