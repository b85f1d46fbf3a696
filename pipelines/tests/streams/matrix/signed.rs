//! Video that its camera signs: clips keep every signature, and the certificate by which they are checked.

use forewarn_base::messages::{Scheme, camera_signatures};
use forewarn_domain::{ClipSpan, Orientation, Timestamp};
use forewarn_pipelines::FileReplay;

use super::config;
use super::pack::{Unit, code, nal_units, transport};
use super::rows::{Coding, H264, H265};
use crate::support::clips;

/// Flags, then a field that says which signature it is; bytes that look like a start code are among what is signed.
fn messages(coding: Coding, scheme: Scheme, has_certificate: bool, n: u8) -> Vec<u8> {
    let header: &[u8] = if coding == Coding::H264 { &[6] } else { &[39 << 1, 1] };
    let flags = if has_certificate { 0xC0 } else { 0 };
    // A byte of 3 keeps the two noughts from becoming a start code; sizes do not count it.
    let body = [flags, 3, 0, 4, n, 7, 0, 0, 3, 1];
    [header, &[5, 16 + body.len() as u8 - 1], &scheme.uuid(), &body, &[0x80]].concat()
}

/// Puts messages in front of the slices of a unit.
fn sign(unit: &mut Unit, coding: Coding, messages: &[u8]) {
    let is_slice = |nal: &&[u8]| match coding {
        Coding::H264 => matches!(nal[0] & 31, 1..=5),
        _ => nal[0] >> 1 < 32,
    };
    let nals = nal_units(&unit.bytes);
    let (before, slices): (Vec<&[u8]>, Vec<&[u8]>) = nals.iter().partition(|nal| !is_slice(nal));
    let all = before.into_iter().chain([messages]).chain(slices);
    unit.bytes = all.flat_map(|nal| [&[0, 0, 0, 1], nal].concat()).collect();
}

/// The units of messages in an MP4 that are signatures, in their order.
fn signatures_in(film: &[u8], coding: Coding) -> Vec<Vec<u8>> {
    let header = if coding == Coding::H264 { 1 } else { 2 };
    let begin = film.windows(4).position(|kind| kind == b"mdat").unwrap() + 4;
    let mut rest = &film[begin..];
    let mut found = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((nal, behind)) = after.split_at_checked(u32::from_be_bytes(*length) as usize) else { break };
        rest = behind;
        if nal.len() > header && !camera_signatures(&nal[header..]).is_empty() {
            found.push(nal.to_vec());
        }
    }
    found
}

#[test]
fn clips_keep_what_the_camera_signed_and_the_certificate_from_before_them() {
    forewarn_pipelines::init().unwrap();
    for property in [H264[0], H265[0]] {
        for scheme in [Scheme::Onvif, Scheme::Axis] {
            let coding = property.coding;
            let mut units = code(&property, &property.stored(Orientation::UPRIGHT), |n| n as u64 * 40).unwrap();
            let made = |n: u8| messages(coding, scheme, n == 0, n);
            for n in [0, 10, 14, 20] {
                sign(&mut units[n], coding, &made(n as u8));
            }
            let name = format!("signed-{coding:?}-{scheme:?}");
            let source = clips().path(&format!("{name}.ts"));
            std::fs::write(&source, transport(&units, 900)).unwrap();
            for (from, expected) in [(12, [0, 10, 14, 20].as_slice()), (5, &[0, 10, 14, 20]), (22, &[0, 20])] {
                let mut replay = FileReplay::open(&source, config()).unwrap();
                let at = |n: i64| Timestamp::from_micros(n * 40_000);
                let recorder = replay.ring().record(ClipSpan { from: at(from), to: at(25) }).unwrap();
                while replay.next_frame().unwrap().is_some() {}
                let out = clips().path(&format!("{name}-{from}.mp4"));
                recorder.finish(&out).unwrap();
                let kept = signatures_in(&std::fs::read(&out).unwrap(), coding);
                let expected: Vec<Vec<u8>> = expected.iter().map(|&n| made(n)).collect();
                assert_eq!(kept, expected, "{name} from {from}");
            }
        }
    }
}
