//! A group of pictures in the ring, and how its bytes lie in memory.
//!
//! Each unit comes in a block of its own of the heap, of any size, and stays for half a minute, in which thousands of smaller
//! blocks come and go around it: where it lay, little else fits afterwards. So units that are to stay are moved together into
//! blocks that are large enough for the heap to give each back to the system as it goes.

use forewarn_domain::Timestamp;

use crate::unit::AccessUnit;

/// So many bytes are moved together at once, which takes a tenth of a millisecond.
const BLOCK_BYTES: usize = 512 << 10;

/// A key picture and what follows up to the next one.
#[derive(Debug, Default)]
pub(super) struct Group {
    units: Vec<AccessUnit>,
    bytes: usize,
    /// The last units, which lie each for itself: how many, and how many bytes.
    loose: (usize, usize),
}

impl Group {
    pub(super) fn units(&self) -> &[AccessUnit] {
        &self.units
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn begins_at(&self) -> Timestamp {
        self.units[0].captured_at
    }

    pub(super) fn push(&mut self, unit: AccessUnit) {
        let bytes = unit.size_bytes();
        self.bytes += bytes;
        self.loose = (self.loose.0 + 1, self.loose.1 + bytes);
        self.units.push(unit);
        if self.loose.1 >= BLOCK_BYTES {
            self.settle();
        }
    }

    /// Moves what lies loose together. Whoever took a unit before keeps it as it was.
    pub(super) fn settle(&mut self) {
        let (n, bytes) = std::mem::take(&mut self.loose);
        let first = self.units.len() - n;
        if n > 1 {
            move_together(&mut self.units[first..], bytes);
        }
    }
}

/// Moves the bytes of units into one block, of which each has its part. They stay where they are if one cannot be read.
fn move_together(units: &mut [AccessUnit], bytes: usize) {
    let mut block = Vec::with_capacity(bytes);
    for unit in &*units {
        let Ok(bytes) = unit.buffer.map_readable() else { return };
        block.extend_from_slice(&bytes);
    }
    let block = gst::Buffer::from_slice(block);
    let mut from = 0;
    for unit in units {
        let to = from + unit.size_bytes();
        if let Some(moved) = part_of(&block, from..to, &unit.buffer) {
            unit.buffer = moved;
        }
        from = to;
    }
}

/// A part of a block with all that a unit says beside its bytes.
fn part_of(block: &gst::Buffer, part: std::ops::Range<usize>, unit: &gst::Buffer) -> Option<gst::Buffer> {
    let mut moved = block.copy_region(gst::BufferCopyFlags::MEMORY, part).ok()?;
    let beside = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
    unit.copy_into(moved.get_mut()?, beside, ..).ok()?;
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;

    fn unit(n: u8, bytes: usize) -> AccessUnit {
        let mut buffer = gst::Buffer::from_slice(vec![n; bytes]);
        let said = buffer.get_mut().unwrap();
        said.set_pts(gst::ClockTime::from_mseconds(40 * u64::from(n)));
        said.set_flags(gst::BufferFlags::DELTA_UNIT);
        let captured_at = Timestamp::from_micros(i64::from(n));
        AccessUnit { captured_at, is_key: n == 0, entry: Entry::No, certificate: None, buffer }
    }

    /// Where the bytes of each unit lie.
    fn places(group: &Group) -> Vec<usize> {
        group.units().iter().map(|unit| unit.buffer.map_readable().unwrap().as_ptr() as usize).collect()
    }

    #[test]
    fn units_that_stay_lie_one_behind_the_other_and_say_what_they_said() {
        crate::init().unwrap();
        let (mut group, bytes) = (Group::default(), BLOCK_BYTES / 4);
        for n in 0..7 {
            group.push(unit(n, bytes));
        }
        let is_together = |places: &[usize]| places.windows(2).all(|pair| pair[1] == pair[0] + bytes);
        assert!(is_together(&places(&group)[..4]), "as many as fill a block");
        let taken = group.units()[5].clone();
        group.settle();
        assert!(is_together(&places(&group)[4..]), "and the rest when the group is over");
        for (n, settled) in group.units().iter().enumerate() {
            let came = unit(n as u8, bytes);
            assert_eq!(
                settled.buffer.map_readable().unwrap().as_slice(),
                came.buffer.map_readable().unwrap().as_slice()
            );
            // Pools alone ask for the mark of a buffer whose memory was changed.
            let said = |unit: &AccessUnit| (unit.buffer.pts(), unit.buffer.flags() - gst::BufferFlags::TAG_MEMORY);
            assert_eq!(said(settled), said(&came));
        }
        assert_eq!(taken.buffer.map_readable().unwrap().as_slice(), vec![5; bytes]);
        assert_eq!(group.bytes(), 7 * bytes);
    }
}
