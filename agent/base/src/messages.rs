//! Supplemental messages in H.264 and H.265, and those among them with which cameras sign their own video.
//!
//! Source: ITU-T H.264 7.3.2.3.1 and D.1.7; ITU-T H.265 7.3.5; ONVIF Media Signing 1.0; Axis' Signed Video Framework 2.

/// The longest unit of messages that is read: a chain of certificates has room.
pub const MOST_BYTES: usize = 1 << 16;

/// The kind of a message whose format a number of 16 bytes in front of it tells.
const USER_DATA: usize = 5;

/// The bytes of a NAL unit without those that only keep start codes from appearing in it; at most `limit` of them.
pub fn unescaped(nal: &[u8], limit: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(nal.len().min(limit));
    let mut zeros = 0;
    for &byte in nal {
        if out.len() >= limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The messages of a unescaped NAL unit behind its header, each by its kind; one that is not whole ends them.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        // What is left in the end is a single byte, which only says so.
        if bytes.len() <= 2 {
            return None;
        }
        let (kind, size) = (take_sum(&mut bytes)?, take_sum(&mut bytes)?);
        let (message, rest) = bytes.split_at_checked(size)?;
        bytes = rest;
        Some((kind, message))
    })
}

/// A number that is written as a sum of bytes, of which only the last is not 255.
fn take_sum(bytes: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        sum += usize::from(byte);
        if byte != 255 {
            return Some(sum);
        }
    }
}

/// How a camera signs its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// ONVIF Media Signing.
    Onvif,
    /// Axis' signed video, from before there was ONVIF's.
    Axis,
}

impl Scheme {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onvif => "ONVIF Media Signing",
            Self::Axis => "Axis signed video",
        }
    }

    /// What its messages begin with.
    pub fn uuid(self) -> [u8; 16] {
        match self {
            Self::Onvif => 0x005b_c93f_2d71_5e95_ada4_796f_9087_7a6f_u128.to_be_bytes(),
            Self::Axis => *b"Signed Video...0",
        }
    }

    /// Whether a message brings what the others are checked by: a certificate, or with Axis a key or its attestation. Behind
    /// the number stand flags, then fields, each with its tag and its length.
    fn has_certificate(self, body: &[u8]) -> bool {
        let (is_certificate, tags): (u8, &[u8]) = match self {
            Self::Onvif => (0x80, &[6]),
            Self::Axis => (0x40, &[2, 129]),
        };
        let Some((flags, mut rest)) = body.split_first() else { return false };
        let mut fields = std::iter::from_fn(|| {
            let (&tag, after) = rest.split_first()?;
            // Axis writes the lengths of two of its fields in a single byte.
            let width = if self == Self::Axis && matches!(tag, 1 | 7) { 1 } else { 2 };
            let (length, after) = after.split_at_checked(width)?;
            let length = length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
            rest = after.get(length..)?;
            Some(tag)
        });
        flags & is_certificate != 0 || fields.any(|tag| tags.contains(&tag))
    }
}

/// A message with which a camera signs its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraSignature {
    /// How.
    pub scheme: Scheme,
    /// Whether it brings the certificate or key by which others are checked.
    pub has_certificate: bool,
}

/// Those of a NAL unit of messages, by what stands behind its header.
pub fn camera_signatures(escaped: &[u8]) -> Vec<CameraSignature> {
    let bytes = unescaped(escaped, MOST_BYTES);
    let signature = |(kind, message): (usize, &[u8])| {
        let (uuid, body) = message.split_at_checked(16).filter(|_| kind == USER_DATA)?;
        let scheme = [Scheme::Onvif, Scheme::Axis].into_iter().find(|scheme| scheme.uuid() == uuid)?;
        Some(CameraSignature { scheme, has_certificate: scheme.has_certificate(body) })
    };
    messages(&bytes).filter_map(signature).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(scheme: Scheme, body: &[u8]) -> Vec<u8> {
        let content = [&scheme.uuid(), body].concat();
        [&[5, content.len() as u8][..], &content, &[0x80]].concat()
    }

    fn found(scheme: Scheme, body: &[u8]) -> Vec<bool> {
        let found = camera_signatures(&unit(scheme, body));
        assert!(found.iter().all(|one| one.scheme == scheme), "{found:?}");
        found.iter().map(|one| one.has_certificate).collect()
    }

    #[test]
    fn signatures_are_told_and_what_they_bring() {
        // Flags, then fields: general (1), signature (3), certificates (6).
        assert_eq!(found(Scheme::Onvif, &[0, 1, 0, 2, 6, 6, 3, 0, 1, 9]), [false]);
        assert_eq!(found(Scheme::Onvif, &[0, 1, 0, 2, 6, 6, 6, 0, 1, 9]), [true]);
        assert_eq!(found(Scheme::Onvif, &[0x80]), [true]);
        // General (1) and crypto info (7) have a length of one byte, signature (5) and key (2) of two.
        assert_eq!(found(Scheme::Axis, &[0x80, 1, 2, 2, 2, 7, 1, 0, 5, 0, 1, 9]), [false]);
        assert_eq!(found(Scheme::Axis, &[0x80, 1, 2, 9, 9, 2, 0, 1, 9]), [true]);
        assert_eq!(found(Scheme::Axis, &[0, 129, 0, 1, 9]), [true]);
        assert_eq!(found(Scheme::Axis, &[0x40]), [true]);
        let mut other = unit(Scheme::Onvif, &[0]);
        other[3] ^= 1;
        assert_eq!(camera_signatures(&other), []);
        let both = [&[1, 1, 7][..], &unit(Scheme::Onvif, &[0])[..19], &unit(Scheme::Axis, &[0])].concat();
        assert_eq!(camera_signatures(&both).len(), 2);
    }

    #[test]
    fn bytes_that_keep_start_codes_away_are_left_out() {
        assert_eq!(unescaped(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3], 99), [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(unescaped(&[9, 0, 3, 4], 3), [9, 0, 3]);
        let escaped = unit(Scheme::Onvif, &[0, 0, 0, 3, 0, 6, 0, 1, 9]);
        // The size counts the message without the byte that was put into it.
        let size = escaped[1] - 1;
        let told = camera_signatures(&[&[5, size], &escaped[2..]].concat());
        assert_eq!(told, [CameraSignature { scheme: Scheme::Onvif, has_certificate: true }]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..60), is_axis: bool) {
            let scheme = if is_axis { Scheme::Axis } else { Scheme::Onvif };
            let _ = camera_signatures(&body);
            prop_assert!(camera_signatures(&unit(scheme, &body)).len() <= 1 + body.len());
        }
    }
}
