//! Writes H.264 whose fields are pictures of their own, beside frames where a layout wants them. No encoder at hand does,
//! so its macroblocks hold their samples as they are.
//!
//! Source: ITU-T H.264, 7.3.2.1 (sequence), 7.3.2.2 (picture parameter set), 7.3.3 (slice header), 7.3.5 (macroblocks),
//! 8.2.1 (order), 9.1 (codes).

use super::make::PICTURES;
use super::scene::Stored;

/// How the fields of a stream lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    /// Each so many pictures one is a frame; none where it is 0.
    pub(super) frame_each: usize,
    /// The second field says only that it is as the first.
    pub(super) is_second_skipped: bool,
    pub(super) is_bottom_first: bool,
    /// Each second picture refers to the one behind it.
    pub(super) has_b: bool,
}

const PAIRS: Layout =
    Layout { name: "pairs", frame_each: 0, is_second_skipped: false, is_bottom_first: false, has_b: false };

pub(super) const LAYOUTS: &[Layout] = &[
    PAIRS,
    Layout { name: "skipped", is_second_skipped: true, ..PAIRS },
    Layout { name: "bottom-first", is_bottom_first: true, ..PAIRS },
    Layout { name: "with-frames", frame_each: 2, ..PAIRS },
    Layout { name: "with-b", has_b: true, ..PAIRS },
    Layout { name: "with-frames-and-b", frame_each: 3, is_second_skipped: true, has_b: true, ..PAIRS },
];

/// Pictures from one key picture to the next.
const GROUP: usize = 10;

/// A coded picture: its number, and the bytes of its frame or of its two fields.
pub(super) struct Coded {
    pub(super) n: usize,
    pub(super) parts: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    n_bits: usize,
}

impl Writer {
    fn bits(&mut self, value: usize, n: usize) {
        for bit in (0..n).rev() {
            if self.n_bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (7 - self.n_bits % 8);
            self.n_bits += 1;
        }
    }

    /// ue(v).
    fn code(&mut self, value: usize) {
        let n = (value + 1).ilog2() as usize;
        self.bits(value + 1, 2 * n + 1);
    }

    fn codes(&mut self, values: &[usize]) {
        for &value in values {
            self.code(value);
        }
    }

    /// The unit of that kind, which begins with a start code and in which none is.
    fn unit(mut self, kind: u8) -> Vec<u8> {
        self.bits(1, 1);
        let mut out = vec![0, 0, 0, 1, kind];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

/// The kinds of slices, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    P = 5,
    B = 6,
    I = 7,
}

/// What a frame or a field is.
#[derive(Clone, Copy)]
struct Part {
    kind: Kind,
    is_idr: bool,
    number: usize,
    order: usize,
    /// 0 or 1 for a field: its first row.
    field: Option<usize>,
    is_skipped: bool,
}

/// Sequence and picture parameter sets for pictures of that size, 25 a second.
fn sets((width, height): (usize, usize), has_b: bool) -> Vec<u8> {
    let mut set = Writer::default();
    set.bits(0x4D_001E, 24);
    // Numbers and places in the order have 8 bits; fields, each of so many rows of macroblocks.
    set.codes(&[0, 4, 0, 4, if has_b { 2 } else { 1 }]);
    set.bits(0, 1);
    set.codes(&[width / 16 - 1, height / 32 - 1]);
    // Not frames alone; no pairs of macroblocks; 8x8 inference; no cropping; more about it: the rate, and what is held back.
    set.bits(0b00101, 5);
    set.bits(0b00001, 5);
    set.bits(1, 32);
    set.bits(50, 32);
    set.bits(0b10001, 5);
    set.bits(1, 1);
    set.codes(&[0, 0, 10, 10, usize::from(has_b), if has_b { 2 } else { 1 }]);
    let sequence = set.unit(0x67);
    let mut set = Writer::default();
    set.codes(&[0, 0]);
    set.bits(0, 2);
    set.codes(&[0, 0, 0]);
    set.bits(0, 3);
    set.codes(&[0, 0, 0]);
    // Slices say how edges are filtered.
    set.bits(0b100, 3);
    [sequence, set.unit(0x68)].concat()
}

fn slice(picture: &[u8], (width, height): (usize, usize), part: Part) -> Vec<u8> {
    let is_reference = part.kind != Kind::B;
    let mut out = Writer::default();
    out.codes(&[0, part.kind as usize, 0]);
    out.bits(part.number % 256, 8);
    match part.field {
        Some(field) => out.bits(2 | field, 2),
        None => out.bits(0, 1),
    }
    if part.is_idr {
        out.code(part.number & 1);
    }
    out.bits(part.order % 256, 8);
    match part.kind {
        Kind::P => out.bits(0, 2),
        Kind::B => out.bits(0b1000, 4),
        Kind::I => {}
    }
    if is_reference {
        out.bits(0, if part.is_idr { 2 } else { 1 });
    }
    out.codes(&[0, 1]);
    let (first, step) = part.field.map_or((0, 1), |field| (field, 2));
    let (across, down) = (width / 16, height / 16 / step);
    if part.is_skipped {
        out.code(across * down);
    } else {
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            match part.kind {
                Kind::I => out.code(25),
                Kind::P => out.codes(&[0, 30]),
                Kind::B => out.codes(&[0, 48]),
            }
            out.bits(0, (8 - out.n_bits % 8) % 8);
            let planes = [(0, 16, width), (width * height, 8, width / 2), (width * height * 5 / 4, 8, width / 2)];
            for (begin, side, stride) in planes {
                for row in 0..side {
                    let at = begin + ((y * side + row) * step + first) * stride + x * side;
                    out.bytes.extend_from_slice(&picture[at..at + side]);
                    out.n_bits += side * 8;
                }
            }
        }
    }
    out.unit(match (part.is_idr, is_reference) {
        (true, _) => 0x65,
        (false, true) => 0x41,
        (false, false) => 0x01,
    })
}

/// The pictures in decoding order.
pub(super) fn code(layout: &Layout, stored: &Stored) -> Vec<Coded> {
    let mut coded = Vec::new();
    for begin in (0..PICTURES).step_by(GROUP) {
        let mut number = 0;
        for place in order(layout.has_b) {
            let n = begin + place;
            let is_b = layout.has_b && place % 2 == 1 && place + 1 < GROUP;
            let kind = if is_b {
                Kind::B
            } else if place == 0 {
                Kind::I
            } else {
                Kind::P
            };
            let part = |field: Option<usize>, is_second: bool| Part {
                kind: if is_second && kind == Kind::I && layout.is_second_skipped { Kind::P } else { kind },
                is_idr: place == 0 && !is_second,
                number,
                order: place * 2 + usize::from(is_second),
                field,
                is_skipped: is_second && layout.is_second_skipped && kind != Kind::B,
            };
            let is_frame = layout.frame_each > 0 && n % layout.frame_each == 0;
            let parts = match (is_frame, usize::from(layout.is_bottom_first)) {
                (true, _) => vec![part(None, false)],
                (false, first) => vec![part(Some(first), false), part(Some(1 - first), true)],
            };
            let picture = stored.picture(n);
            let mut parts: Vec<_> = parts.into_iter().map(|part| slice(&picture, stored.size, part)).collect();
            if place == 0 {
                parts[0].splice(0..0, sets(stored.size, layout.has_b));
            }
            coded.push(Coded { n, parts });
            number += usize::from(!is_b);
        }
    }
    coded
}

/// The places within a group in decoding order.
fn order(has_b: bool) -> Vec<usize> {
    if !has_b {
        return (0..GROUP).collect();
    }
    let pairs = (1..GROUP).step_by(2).flat_map(|place| [place + 1, place]);
    std::iter::once(0).chain(pairs.filter(|&place| place < GROUP)).collect()
}
