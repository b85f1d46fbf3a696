//! Fields that are pictures of their own: two of them are one picture, in whatever they come.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forewarn_domain::mask::Mask;
use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{Orientation, Point, Polygon, Timestamp};
use forewarn_pipelines::{Codec, ReplayConfig, RtspTransport};
use gst::prelude::*;

use super::edits::within;
use super::make::{PICTURES, play_out, run};
use super::pack::{FlvName, Unit, avi, flv, nal_units, program, transport};
use super::paff::{Coded, LAYOUTS, Layout, code};
use super::recordings::{check, evenly};
use super::rows::{H265, PLAIN, Property};
use super::scene::{SHOWN, Stored};
use super::{SIZE, check_all, check_file, check_live, config, numbers, numbers_by};
use crate::support::clips;

/// From one picture to the next, on a clock of 90 kHz.
const APART: i64 = 3600;

/// The units that a container holds: pictures, or each field for itself.
fn units(layout: &Layout, are_apart: bool) -> Vec<Unit> {
    let later = if layout.has_b { APART } else { 0 };
    let units_of = |(i, Coded { n, parts }): (usize, Coded)| {
        let (pts, dts) = (n as i64 * APART + later, i as i64 * APART);
        let is_key = n % 10 == 0;
        if !are_apart {
            return vec![Unit { bytes: parts.concat(), pts, dts, is_key }];
        }
        let unit = |(k, bytes)| Unit {
            bytes,
            pts: pts + k as i64 * APART / 2,
            dts: dts + k as i64 * APART / 2,
            is_key: is_key && k == 0,
        };
        parts.into_iter().enumerate().map(unit).collect()
    };
    code(layout, &PLAIN.stored(Orientation::UPRIGHT)).into_iter().enumerate().flat_map(units_of).collect()
}

/// Muxes units as samples, each as it is.
fn muxed(units: &[Unit], muxer: &str, path: &Path) -> Result<(), String> {
    let long = |nal: &[u8]| [&(nal.len() as u32).to_be_bytes()[..], nal].concat();
    let set = |kind: u8| {
        let set = *nal_units(&units[0].bytes).iter().find(|nal| nal[0] & 31 == kind).unwrap();
        [&(set.len() as u16).to_be_bytes()[..], set].concat()
    };
    let header = [&[1, 77, 0, 30, 0xFF, 0xE1][..], &set(7), &[1], &set(8)].concat();
    let header = header.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let line = format!(
        "appsrc name=src format=time max-bytes=0 caps=\"video/x-h264,stream-format=avc,alignment=au,width={},height={},\
         framerate=25/1,codec_data=(buffer){header}\" ! h264parse ! {muxer} ! filesink location={}",
        SHOWN.0,
        SHOWN.1,
        path.display()
    );
    let pipeline = gst::parse::launch(&line).map_err(|error| format!("{error}: {line}"))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for (i, unit) in units.iter().enumerate() {
        let nals = nal_units(&unit.bytes).into_iter().filter(|nal| !matches!(nal[0] & 31, 7 | 8));
        let mut buffer = gst::Buffer::from_mut_slice(nals.flat_map(long).collect::<Vec<u8>>());
        let time = |ticks: i64| gst::ClockTime::from_useconds(ticks as u64 * 100 / 9);
        let next = units.get(i + 1).map_or_else(|| unit.dts * 2 - units[i - 1].dts, |next| next.dts);
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(time(unit.pts));
        writable.set_dts(time(unit.dts));
        writable.set_duration(time(next - unit.dts));
        if !unit.is_key {
            writable.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        src.push_buffer(buffer).map_err(|error| error.to_string())?;
    }
    src.end_of_stream().unwrap();
    play_out(&pipeline, &line)
}

/// Containers, by how many pictures or fields a part of them holds.
const CONTAINERS: &[(&str, bool)] = &[
    ("h264", false),
    ("ts", false),
    ("ts", true),
    ("mpg", false),
    ("mp4", false),
    ("mp4", true),
    ("mov", false),
    ("mkv", false),
    ("mkv", true),
    ("flv", false),
    ("avi", false),
];

fn make(layout: &Layout, (ending, are_apart): (&str, bool), name: &str) -> Result<PathBuf, String> {
    let path = clips().path(&format!("{name}-{}-{are_apart}.{ending}", layout.name));
    let units = units(layout, are_apart);
    let bytes = match ending {
        "h264" => units.iter().flat_map(|unit| &unit.bytes).copied().collect(),
        "ts" => transport(&units, 900),
        "mpg" => program(&units, 1, 900),
        "flv" => flv(&units, FlvName::H264, 0),
        "avi" => avi(&units, *b"H264", SHOWN, 25),
        _ => {
            let muxer = [("mp4", "mp4mux"), ("mov", "qtmux"), ("mkv", "matroskamux")];
            let (_, muxer) = muxer.into_iter().find(|(name, _)| *name == ending).unwrap();
            muxed(&units, muxer, &path)?;
            return Ok(path);
        }
    };
    std::fs::write(&path, bytes).unwrap();
    Ok(path)
}

/// Samples of the only track.
fn samples(clip: &Path) -> usize {
    let bytes = std::fs::read(clip).unwrap();
    let place = within(&bytes, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"]).0;
    u32::from_be_bytes(bytes[place + 16..place + 20].try_into().unwrap()) as usize
}

#[test]
fn two_fields_are_one_picture_in_every_container_and_in_clips() {
    let rows: Vec<(&Layout, (&str, bool))> =
        LAYOUTS.iter().flat_map(|layout| CONTAINERS.iter().map(move |&container| (layout, container))).collect();
    check_all(
        &rows,
        |(layout, container)| format!("{} {container:?}", layout.name),
        |&(layout, container)| {
            let path = make(layout, container, "fields")?;
            if container.0 == "avi" {
                return check(&path, &evenly(0, 40));
            }
            check_file(&path, &PLAIN, Some(Codec::H264), SIZE)?;
            let clip = path.with_added_extension("clip.mp4");
            let (samples, pictures) = (samples(&clip), numbers(&clip, SIZE, false)?.len());
            if samples == pictures { Ok(()) } else { Err(format!("{samples} samples hold {pictures} pictures")) }
        },
    );
}

#[test]
fn two_fields_are_one_picture_live() {
    let rows: Vec<(&Layout, bool)> = LAYOUTS.iter().flat_map(|layout| [(layout, false), (layout, true)]).collect();
    check_all(
        &rows,
        |(layout, are_apart)| format!("{} {are_apart} live", layout.name),
        |&(layout, are_apart)| check_live(&make(layout, ("ts", are_apart), "live-fields")?, SIZE, RtspTransport::Tcp),
    );
}

#[test]
fn two_fields_are_one_picture_behind_a_mask() {
    // Where nothing tells a picture's number.
    let corners = [[0.45, 0.92], [0.55, 0.92], [0.5, 1.0]].map(Point::from).to_vec();
    let mask = Mask { id: "m".to_owned(), polygon: Polygon::new(corners), unit: ZoneUnit::Normalised };
    let rows: Vec<(&Layout, bool)> = LAYOUTS.iter().flat_map(|layout| [(layout, false), (layout, true)]).collect();
    check_all(
        &rows,
        |(layout, are_apart)| format!("{} {are_apart} masked", layout.name),
        |&(layout, are_apart)| {
            let path = make(layout, ("mkv", are_apart), "masked-fields")?;
            let masked = ReplayConfig { masks: Arc::from([mask.clone()]), ..config() };
            let seen = numbers_by(&path, masked, SIZE, false)?;
            let is_right = |(n, (seen, at)): (usize, &(usize, Timestamp))| n == *seen && off_ms(*at, n) <= 1;
            let is_whole = seen.len() == PICTURES && seen.iter().enumerate().all(is_right);
            if is_whole { Ok(()) } else { Err(format!("{seen:?}")) }
        },
    );
}

#[test]
fn each_field_of_h265_is_a_picture_of_the_right_shape() {
    forewarn_pipelines::init().unwrap();
    let coded = Property { options: "bframes=0:scenecut=0:interlace=tff", rate: 50, ..H265[0] };
    let stored = Stored { size: (SHOWN.0, SHOWN.1 / 2), ..coded.stored(Orientation::UPRIGHT) };
    for (ending, muxer) in [("mp4", "mp4mux"), ("mkv", "matroskamux"), ("ts", "mpegtsmux")] {
        let path = clips().path(&format!("fields-h265.{ending}"));
        let line = format!("{} ! {muxer} ! filesink location={}", coded.source(stored.size), path.display());
        run(&line, coded.rate, |n| stored.picture(n)).unwrap();
        check_file(&path, &coded, Some(Codec::H265), SIZE).unwrap();
    }
}

/// How far a time is from where that picture is shown.
fn off_ms(at: Timestamp, n: usize) -> i64 {
    (at.as_micros() / 1000 - n as i64 * 40).abs()
}
