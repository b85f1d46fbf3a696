//! Containers that are packed byte by byte, as recorders do and muxers do not.

use gst::prelude::*;

use super::make::{Feed, feed};
use super::rows::{Coding, Property};
use super::scene::Stored;

/// A coded picture, with its times on a clock of 90 kHz.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) bytes: Vec<u8>,
    pub(super) pts: i64,
    pub(super) dts: i64,
    pub(super) is_key: bool,
}

/// Codes pictures, whose n-th is shown at that millisecond.
pub(super) fn code(property: &Property, stored: &Stored, at_ms: impl Fn(usize) -> u64) -> Result<Vec<Unit>, String> {
    let name = if property.coding == Coding::H264 { "h264" } else { "h265" };
    let line = format!(
        "{} ! video/x-{name},stream-format=byte-stream,alignment=au ! appsink name=out sync=false max-buffers=0",
        property.source(stored.size)
    );
    let pipeline = feed(&line, Feed { picture: &|n| stored.picture(n), at_ms: &at_ms })?;
    let out = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    let mut units = Vec::new();
    let mut base = None;
    while let Ok(sample) = out.pull_sample() {
        let buffer = sample.buffer_owned().unwrap();
        let ticks = |time: Option<gst::ClockTime>| time.map(|time| (time.nseconds() * 9 / 100_000) as i64);
        let pts = ticks(buffer.pts()).ok_or("a unit without a time")?;
        let dts = ticks(buffer.dts()).unwrap_or(pts);
        let base = *base.get_or_insert(dts);
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let bytes = buffer.map_readable().unwrap().to_vec();
        units.push(Unit { bytes, pts: pts - base, dts: dts - base, is_key });
    }
    pipeline.set_state(gst::State::Null).unwrap();
    Ok(units)
}

/// 33 bits in five bytes, with marks between.
fn time(kind: u8, at: i64) -> [u8; 5] {
    let at = at.rem_euclid(1 << 33) as u64;
    [u64::from(kind) << 4 | at >> 30 << 1 | 1, at >> 22, at >> 15 << 1 | 1, at >> 7, at << 1 | 1]
        .map(|value| value as u8)
}

/// A packet of an elementary stream.
fn packet(name: u8, times: Option<(i64, i64)>, content: &[u8], has_length: bool) -> Vec<u8> {
    let head = match times {
        Some((pts, dts)) => [&[0x80, 0xC0, 10][..], &time(3, pts), &time(1, dts)].concat(),
        None => vec![0x80, 0, 0],
    };
    let length = if has_length { (head.len() + content.len()) as u16 } else { 0 };
    [&[0, 0, 1, name][..], &length.to_be_bytes(), &head, content].concat()
}

/// The head of a pack of a program stream.
fn pack() -> [u8; 14] {
    [0, 0, 1, 0xBA, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xF8]
}

/// A program stream without a map, with so many pictures in each packet, and times from `clock` on.
pub(super) fn program(units: &[Unit], at_once: usize, clock: i64) -> Vec<u8> {
    let mut out = Vec::new();
    for group in units.chunks(at_once) {
        out.extend(pack());
        let bytes: Vec<u8> = group.iter().flat_map(|unit| &unit.bytes).copied().collect();
        for (i, part) in bytes.chunks(2000).enumerate() {
            let times = (i == 0).then_some((group[0].pts + clock, group[0].dts + clock));
            out.extend(packet(0xE0, times, part, true));
        }
    }
    out
}

/// Sound in a program stream, which nobody needs to understand.
pub(super) fn sound(seconds: i64) -> Vec<u8> {
    (0..seconds * 5)
        .flat_map(|n| [&pack()[..], &packet(0xC0, Some((n * 18_000, n * 18_000)), &[0xFF; 700], true)].concat())
        .collect()
}

/// A transport stream that is video alone, with times from `clock` on. A picture at the time of the one before states none.
pub(super) fn transport(units: &[Unit], clock: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut count, mut last) = (0_u8, None);
    for unit in units {
        let is_stated = last.replace(unit.pts) != Some(unit.pts);
        let bytes = packet(0xE0, is_stated.then_some((unit.pts + clock, unit.dts + clock)), &unit.bytes, false);
        for (i, part) in bytes.chunks(170).enumerate() {
            let begins = if i == 0 { 0x40 } else { 0 };
            let stuffing = 184 - part.len();
            out.extend([0x47, begins | 1, 0, 0x30 | count, stuffing as u8 - 1, 0]);
            out.extend(vec![0xFF; stuffing - 2]);
            out.extend(part);
            count = (count + 1) % 16;
        }
    }
    out
}

fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let padding = &[0][..content.len() % 2];
    [&name[..], &(content.len() as u32).to_le_bytes(), content, padding].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// AVI without an index, whose stated rate is twice that of its pictures: behind each stands an empty one.
pub(super) fn avi(units: &[Unit], name: [u8; 4], (width, height): (usize, usize), rate: u32) -> Vec<u8> {
    let (width, height, n) = (width as u32, height as u32, units.len() as u32 * 2);
    let header = words(&[1_000_000 / rate / 2, 0, 0, 0, n, 0, 1, 0, width, height, 0, 0, 0, 0]);
    let stream = [&b"vids"[..], &name, &words(&[0, 0, 0, 1, rate * 2, 0, n, 0, u32::MAX, 0, 0, 0])].concat();
    let format = [&words(&[40, width, height, 24 << 16 | 1])[..], &name, &words(&[0; 5])].concat();
    let list = |kind: [u8; 4], content: &[u8]| chunk(*b"LIST", &[&kind[..], content].concat());
    let stream = list(*b"strl", &[chunk(*b"strh", &stream), chunk(*b"strf", &format)].concat());
    let pictures: Vec<u8> =
        units.iter().flat_map(|unit| [chunk(*b"00dc", &unit.bytes), chunk(*b"00dc", &[])].concat()).collect();
    let content = [list(*b"hdrl", &[chunk(*b"avih", &header), stream].concat()), list(*b"movi", &pictures)].concat();
    chunk(*b"RIFF", &[&b"AVI "[..], &content].concat())
}

/// The NAL units of a unit of a byte stream.
pub(super) fn nal_units(bytes: &[u8]) -> Vec<&[u8]> {
    let code = [0, 0, 1];
    let begins: Vec<usize> = (0..bytes.len().saturating_sub(2)).filter(|&i| bytes[i..i + 3] == code).collect();
    let end = |i: usize| begins.get(i + 1).map_or(bytes.len(), |&next| next);
    // Noughts behind a unit belong to the next start code.
    let trimmed = |unit: &mut &[u8]| {
        while let [before @ .., 0] = *unit {
            *unit = before;
        }
    };
    let unit = |i: usize| {
        let mut unit = &bytes[begins[i] + 3..end(i)];
        trimmed(&mut unit);
        unit
    };
    (0..begins.len()).map(unit).collect()
}

/// How Flash video says what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlvName {
    H264,
    /// By the number that recorders use.
    H265,
    /// By a name of four letters.
    Hvc1,
}

/// Flash video without data about itself, with times from `clock` on, in milliseconds.
pub(super) fn flv(units: &[Unit], name: FlvName, clock: i64) -> Vec<u8> {
    let is_set = |unit: &&[u8]| match name {
        FlvName::H264 => matches!(unit[0] & 31, 7 | 8),
        _ => matches!(unit[0] >> 1, 32..=34),
    };
    let long = |set: &[u8]| [&(set.len() as u16).to_be_bytes()[..], set].concat();
    let first = nal_units(&units[0].bytes);
    let sets: Vec<&[u8]> = first.into_iter().filter(is_set).collect();
    let setup = if name == FlvName::H264 {
        [&[1, 66, 0, 30, 0xFF, 0xE1][..], &long(sets[0]), &[1], &long(sets[1])].concat()
    } else {
        let arrays = sets.iter().flat_map(|set| [&[set[0] >> 1, 0, 1][..], &long(set)].concat());
        [&[1; 21][..], &[3, sets.len() as u8]].concat().into_iter().chain(arrays).collect()
    };
    let tag = |at_ms: i64, content: &[u8]| {
        let [t0, t1, t2, t3] = (at_ms as u32).to_be_bytes();
        let size = (content.len() as u32).to_be_bytes();
        let head = [9, size[1], size[2], size[3], t1, t2, t3, t0, 0, 0, 0];
        [&head[..], content, &(content.len() as u32 + 11).to_be_bytes()].concat()
    };
    let video = |is_key: bool, kind: u8, later_ms: i64, content: &[u8]| {
        let frame = if is_key { 0x10 } else { 0x20 };
        let later = &(later_ms as i32).to_be_bytes()[1..];
        match name {
            FlvName::Hvc1 if kind == 0 => [&[0x80 | frame][..], b"hvc1", content].concat(),
            FlvName::Hvc1 => [&[0x80 | frame | kind][..], b"hvc1", later, content].concat(),
            FlvName::H265 => [&[frame | 0x0C, kind][..], later, content].concat(),
            FlvName::H264 => [&[frame | 7, kind][..], later, content].concat(),
        }
    };
    let mut out = [&b"FLV\x01\x01\0\0\0\x09"[..], &[0; 4]].concat();
    out.extend(tag(clock, &video(true, 0, 0, &setup)));
    for unit in units {
        let nals = nal_units(&unit.bytes).into_iter().filter(|nal| !is_set(nal));
        let content: Vec<u8> = nals.flat_map(|nal| [&(nal.len() as u32).to_be_bytes()[..], nal].concat()).collect();
        out.extend(tag(clock + unit.dts / 90, &video(unit.is_key, 1, (unit.pts - unit.dts) / 90, &content)));
    }
    out
}
