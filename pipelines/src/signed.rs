//! Video that its camera signs: the certificates by which its signatures are checked come only now and then, in messages
//! beside the pictures, and a clip must not lose the one that it needs.

use forewarn_base::messages::{CameraSignature, camera_signatures};

use crate::Codec;
use crate::codec::nal_units;
use crate::unit::{AccessUnit, Certificate};

/// The last certificate that an access unit, an Annex B byte stream, brings.
pub(crate) fn certificate_of(codec: Codec, unit: &[u8]) -> Option<Certificate> {
    let brings = |nal: &&[u8]| signatures(codec, nal).iter().any(|signature| signature.has_certificate);
    nal_units(codec.before_slices(unit)).filter(brings).last().map(Certificate::from)
}

fn signatures(codec: Codec, nal: &[u8]) -> Vec<CameraSignature> {
    codec.messages_of(nal).map(camera_signatures).unwrap_or_default()
}

/// Gives the first of these units the certificate that was in force before it, if they bring signatures before they bring a
/// certificate. No camera counts a message that is signed among what it signs, so that one more of them changes nothing.
pub(crate) fn bring_certificate(codec: Codec, units: &mut [AccessUnit]) {
    let first_signature = units.iter().find_map(|unit| {
        let bytes = unit.buffer.map_readable().ok()?;
        nal_units(codec.before_slices(&bytes)).find_map(|nal| signatures(codec, nal).first().copied())
    });
    if first_signature.is_none_or(|signature| signature.has_certificate) {
        return;
    }
    let Some(first) = units.first_mut() else { return };
    let Some(certificate) = first.certificate.clone() else { return };
    let Ok(bytes) = first.buffer.map_readable().map(|bytes| with(codec, &bytes, &certificate)) else { return };
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    if let Some(new) = buffer.get_mut() {
        let kept = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
        let _ = first.buffer.copy_into(new, kept, ..);
    }
    first.buffer = buffer;
}

/// An access unit with a NAL unit of messages in front of its own messages and slices.
fn with(codec: Codec, unit: &[u8], messages: &[u8]) -> Vec<u8> {
    let before = codec.before_slices(unit);
    let own: Vec<&[u8]> = nal_units(before).collect();
    let first = own.iter().position(|nal| codec.messages_of(nal).is_some()).unwrap_or(own.len());
    let (sets, own) = own.split_at(first);
    let all = sets.iter().copied().chain([messages]).chain(own.iter().copied());
    let mut out: Vec<u8> = all.flat_map(|nal| [&[0, 0, 0, 1], nal].concat()).collect();
    out.extend_from_slice(&unit[before.len()..]);
    out
}

#[cfg(test)]
mod tests {
    use forewarn_base::messages::Scheme;
    use forewarn_domain::Timestamp;

    use super::*;
    use crate::entry::Entry;

    fn messages(codec: Codec, scheme: Scheme, body: &[u8]) -> Vec<u8> {
        let header: &[u8] = if codec == Codec::H264 { &[6] } else { &[39 << 1, 1] };
        [header, &[5, 16 + body.len() as u8], &scheme.uuid(), body, &[0x80]].concat()
    }

    fn stream(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
    }

    fn unit(nals: &[&[u8]], certificate: Option<&[u8]>) -> AccessUnit {
        crate::init().unwrap();
        let buffer = gst::Buffer::from_slice(stream(nals));
        let certificate = certificate.map(Certificate::from);
        AccessUnit { captured_at: Timestamp::ZERO, is_key: true, entry: Entry::Clean, certificate, buffer }
    }

    fn bytes(unit: &AccessUnit) -> Vec<u8> {
        unit.buffer.map_readable().unwrap().to_vec()
    }

    /// Parameter set, first slice and a later one.
    fn nals(codec: Codec) -> [&'static [u8]; 3] {
        if codec == Codec::H264 {
            [&[0x67, 1], &[0x65, 1], &[0x41, 1]]
        } else {
            [&[0x42, 1, 1], &[0x26, 1, 1], &[2, 1, 1]]
        }
    }

    #[test]
    fn a_clip_that_begins_between_certificates_brings_the_one_before() {
        for codec in Codec::ALL {
            for (scheme, bare) in [(Scheme::Onvif, [0, 3, 0, 1, 9]), (Scheme::Axis, [0, 5, 0, 1, 9])] {
                let certificate = messages(codec, scheme, &[0xC0]);
                let signature = messages(codec, scheme, &bare);
                let [set, key, later] = nals(codec);
                assert_eq!(
                    certificate_of(codec, &stream(&[set, &certificate, key])).as_deref(),
                    Some(&certificate[..])
                );
                assert_eq!(certificate_of(codec, &stream(&[set, &signature, key])), None);
                assert_eq!(certificate_of(codec, &stream(&[set, key, &certificate])), None, "behind a slice");
                let mut units = [unit(&[set, key], Some(&certificate)), unit(&[&signature, later], None)];
                bring_certificate(codec, &mut units);
                assert_eq!(bytes(&units[0]), stream(&[set, &certificate, key]));
                assert_eq!(bytes(&units[1]), stream(&[&signature, later]));
            }
        }
    }

    #[test]
    fn nothing_is_brought_where_nothing_is_signed_or_the_certificate_comes_in_time() {
        let codec = Codec::H264;
        let certificate = messages(codec, Scheme::Onvif, &[0x80]);
        let [set, key, later] = nals(codec);
        for second in [stream(&[later]), stream(&[&certificate, later])] {
            let mut units = [unit(&[set, key], Some(&certificate)), unit(&[later], None)];
            units[1].buffer = gst::Buffer::from_slice(second);
            bring_certificate(codec, &mut units);
            assert_eq!(bytes(&units[0]), stream(&[set, key]));
        }
    }
}
