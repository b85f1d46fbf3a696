//! Telemetry that is heard while the drone flies.

use std::ops::Range;

use forewarn_domain::StreamId;
use forewarn_engine::LensKind;
use forewarn_hw::telemetry::live::dji::DjiConfig;
use forewarn_hw::telemetry::live::mavlink::{Address, MavlinkSource};
use forewarn_hw::telemetry::live::{LiveGiven, LiveSource};
use forewarn_pipelines::SourceKind;
use toml::Spanned;

use super::{RawHeight, RawSource, RawTelemetry};
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
    /// How its video comes, where that is known.
    pub(crate) kind: Option<SourceKind>,
}

impl Whose<'_> {
    /// Whether its video comes in a transport stream that may carry telemetry beside it.
    pub(crate) fn sends_stream(&self) -> bool {
        matches!(self.kind, Some(SourceKind::Udp | SourceKind::Srt))
    }
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
        RawSource::Klv => klv(check, raw, place)?,
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

fn klv(check: &mut Check<'_>, raw: &RawTelemetry, place: Range<usize>) -> Option<LiveSource> {
    let others = [raw.url.as_ref().map(Spanned::span), raw.mqtt.as_ref().map(Spanned::span)];
    if let Some(other) = others.into_iter().flatten().next() {
        let problem = "KLV comes beside the camera's own video, from nowhere else";
        return check.fail(other, problem, "leave it out, or set `source` to what is heard there");
    }
    if !matches!(raw.height, RawHeight::Sea) {
        let problem = "ST 0601 tells heights above the sea";
        return check.fail(place, problem, "set height = \"sea\", and ground_m above the sea");
    }
    Some(LiveSource::Klv)
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

#[cfg(test)]
mod tests {
    use forewarn_hw::telemetry::live::LiveSource;

    use crate::source::Source;

    fn site(url: &str, telemetry: &str) -> Result<crate::Site, String> {
        let text = format!(
            "[site]\nid = \"s\"\n[[camera]]\nid = \"drone\"\nurl = \"{url}\"\n[camera.telemetry]\nview_deg = 60\n{telemetry}\n"
        );
        crate::resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn klv_without_a_file_is_heard_beside_the_video_of_a_camera_that_sends() {
        let sea = "source = \"klv\"\nheight = \"sea\"";
        for url in ["udp://127.0.0.1:5000", "srt://:9000?mode=listener"] {
            let live = site(url, sea).unwrap_or_else(|told| panic!("{told}")).cameras[0].live.clone().unwrap();
            assert_eq!((live.source, live.given.view_deg), (LiveSource::Klv, Some(60.0)), "{url}");
            assert!(site(url, sea).unwrap().cameras[0].tiles.is_some(), "people are small from up there");
        }
        let refused = |url: &str, telemetry: &str| site(url, telemetry).err().unwrap();
        assert!(
            refused("rtsp://127.0.0.1/a", sea).contains("udp:// or srt://"),
            "{}",
            refused("rtsp://127.0.0.1/a", sea)
        );
        assert!(refused("udp://127.0.0.1:5000", "source = \"klv\"").contains("set height = \"sea\""));
        let elsewhere = format!("{sea}\nurl = \"udpin:127.0.0.1:1\"");
        assert!(refused("udp://127.0.0.1:5000", &elsewhere).contains("own video"));
    }
}
