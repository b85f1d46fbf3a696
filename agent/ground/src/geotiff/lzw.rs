//! LZW as TIFF has it: codes of 9 to 12 bits, the highest bit first, which grow one code early.
//!
//! Source: TIFF 6.0, section 13.

const CLEAR: usize = 256;
const END: usize = 257;
const LONGEST_BITS: u32 = 12;

/// What was packed, up to `most` bytes; none of what is no LZW. What is cut off ends early.
pub(super) fn unpacked(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    // Each string is where it was first written, and how long it is there.
    let (mut table, mut out): (Vec<(usize, usize)>, Vec<u8>) = (Vec::new(), Vec::new());
    let (mut bits, mut n_bits, mut width, mut before) = (0_u32, 0, 9, None::<(usize, usize)>);
    for byte in packed {
        (bits, n_bits) = (bits << 8 | u32::from(*byte), n_bits + 8);
        if n_bits < width {
            continue;
        }
        n_bits -= width;
        let code = (bits >> n_bits & ((1 << width) - 1)) as usize;
        bits &= (1 << n_bits) - 1;
        if code == END || out.len() >= most {
            break;
        }
        if code == CLEAR {
            table.clear();
            (width, before) = (9, None);
            continue;
        }
        let from = out.len();
        match (code.checked_sub(END + 1), before) {
            (None, _) => out.push(code as u8),
            // The string that this code itself makes: the one before, and its first byte again.
            (Some(n), Some((at, length))) if n == table.len() => {
                out.extend_from_within(at..at + length);
                out.push(out[at]);
            }
            (Some(n), _) => {
                let (at, length) = *table.get(n)?;
                out.extend_from_within(at..at + length);
            }
        }
        if let Some((at, length)) = before
            && table.len() + END + 1 < 1 << LONGEST_BITS
        {
            // The string before lies in front of this one, so that its first byte follows there.
            table.push((at, length + 1));
        }
        before = Some((from, out.len() - from));
        while width < LONGEST_BITS && table.len() + END + 1 >= (1 << width) - 1 {
            width += 1;
        }
    }
    out.truncate(most);
    Some(out)
}
