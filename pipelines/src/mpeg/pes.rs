//! The head of a packet of an elementary stream.

/// Where the content begins, and its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: usize,
    pub(super) pts: Option<u64>,
    pub(super) dts: Option<u64>,
}

/// Whether this is the name of a stream of video.
pub(super) fn is_video(stream_id: u8) -> bool {
    (0xE0..=0xEF).contains(&stream_id)
}

/// Whether this is the name of a stream that may be metadata: a private one, or one of metadata.
pub(super) fn is_metadata(stream_id: u8) -> bool {
    matches!(stream_id, 0xBD | 0xFC)
}

/// Reads what follows the start code, name and length, of MPEG-2 or of MPEG-1.
pub(super) fn head(content: &[u8]) -> Option<Head> {
    if content.first()? >> 6 == 0b10 {
        let size = 3 + usize::from(*content.get(2)?);
        let stated = content.get(3..size)?;
        let has = content.get(1)? >> 6;
        let pts = (has & 0b10 != 0).then(|| time(stated)).flatten();
        let dts = (has == 0b11).then(|| time(stated.get(5..)?)).flatten();
        return Some(Head { size, pts, dts });
    }
    let mut size = content.iter().take_while(|&&byte| byte == 0xFF).count();
    if content.get(size)? >> 6 == 0b01 {
        size += 2;
    }
    let (length, pts, dts) = match content.get(size)? >> 4 {
        0b0010 => (5, time(&content[size..]), None),
        0b0011 => (10, time(&content[size..]), content.get(size + 5..).and_then(time)),
        _ => (1, None, None),
    };
    size += length;
    (size <= content.len()).then_some(Head { size, pts, dts })
}

/// 33 bits in five bytes, with marks between.
fn time(bytes: &[u8]) -> Option<u64> {
    let [a, b, c, d, e] = bytes.first_chunk::<5>()?.map(u64::from);
    Some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_both_generations_are_read() {
        // 0x1_2345_6789 as five bytes.
        let at = |kind: u8| [kind << 4 | 0b1001, 0x8D, 0x15 << 1 | 1, 0xCF, 0x09 << 1 | 1];
        let known = time(&at(2));
        let of = |parts: &[&[u8]]| head(&parts.concat());
        assert_eq!(time(&[0x0F, 0xFF, 0xFF, 0xFF, 0xFF]), Some((1 << 33) - 1));
        assert_eq!(time(&[0x21, 0, 1, 0, 3]), Some(1));
        assert_eq!(of(&[&[0x80, 0x80, 7], &at(2), &[0xFF; 2], b"x"]), Some(Head { size: 10, pts: known, dts: None }));
        let both = [&[0x80, 0xC0, 10][..], &at(3), &at(1)];
        assert_eq!(of(&both), Some(Head { size: 13, pts: known, dts: known }));
        assert_eq!(of(&[&[0x80, 0, 0]]), Some(Head { size: 3, pts: None, dts: None }));
        assert_eq!(of(&[&[0xFF, 0xFF, 0x40, 9], &at(2)]), Some(Head { size: 9, pts: known, dts: None }));
        assert_eq!(of(&[&at(3), &at(1)]), Some(Head { size: 10, pts: known, dts: known }));
        assert_eq!(of(&[&[0x0F], b"x"]), Some(Head { size: 1, pts: None, dts: None }));
        assert_eq!((of(&[&[0x80, 0x80, 7]]), of(&[&at(2)[..3]]), of(&[])), (None, None, None));
    }
}
