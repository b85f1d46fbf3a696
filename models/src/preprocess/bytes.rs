//! Resizing of packed red, green and blue bytes in fixed point, to the byte as OpenCV's `INTER_LINEAR` does it.
//!
//! Models are evaluated on pictures that OpenCV resized, and the small ones notice a single level: with exact
//! arithmetic, rounded, an eighth of the bytes differ by one and three detections in a hundred move by more than a
//! pixel or a score of 0.01. Source: OpenCV 4 and 5, `modules/imgproc/src/resize.cpp`, whose weights are whole
//! 2048ths and whose second pass drops bits before it adds.

/// Weights are whole parts of this.
const ONE: f32 = 2048.0;

/// A sample out of two neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteTap {
    /// The two neighbours; the same one twice at the rim.
    indices: [u32; 2],
    /// Their weights in 2048ths.
    weights: [i32; 2],
}

/// The taps that resize a side of `source` samples to one of `out`.
pub(crate) fn byte_taps(source: u32, out: u32) -> Vec<ByteTap> {
    let last = source - 1;
    let scale = f64::from(source) / f64::from(out);
    let tap = |o| {
        let position = ((f64::from(o) + 0.5) * scale - 0.5) as f32;
        let (low, weight) = if position < 0.0 { (0, 0.0) } else { (position as u32, position.fract()) };
        let (low, weight) = if low >= last { (last, 0.0) } else { (low, weight) };
        let weights = [1.0 - weight, weight].map(|weight| (weight * ONE).round_ties_even() as i32);
        ByteTap { indices: [low, (low + 1).min(last)], weights }
    };
    (0..out).map(tap).collect()
}

/// The source rows that the current row is blended of, their columns already sampled.
#[derive(Debug, Default)]
pub(crate) struct ByteRows {
    /// Even and odd source rows; three planes each, in 2048ths of a level.
    lines: [Vec<i32>; 2],
    /// Which source row each holds.
    held: [Option<u32>; 2],
}

impl ByteRows {
    /// Makes room for `columns` samples and forgets the last frame.
    pub(crate) fn prepare(&mut self, columns: usize) {
        self.held = [None; 2];
        for line in &mut self.lines {
            line.resize(columns * 3, 0);
        }
    }

    /// One resized row as whole levels in three planes.
    pub(crate) fn sample(
        &mut self,
        (bytes, stride): (&[u8], usize),
        columns: &[ByteTap],
        row: ByteTap,
        out: &mut [Vec<f32>; 3],
    ) {
        // Of two neighbouring rows one is even and one odd, so neither takes the other's place.
        for index in row.indices {
            let slot = (index % 2) as usize;
            if self.held[slot] != Some(index) {
                self.held[slot] = Some(index);
                sample_columns(&bytes[index as usize * stride..], columns, &mut self.lines[slot]);
            }
        }
        let [upper, lower] = row.indices.map(|index| self.lines[(index % 2) as usize].as_slice());
        let [a, b] = row.weights;
        let n = columns.len();
        for (c, out) in out.iter_mut().enumerate() {
            let lines = upper[c * n..][..n].iter().zip(&lower[c * n..][..n]);
            for (out, (&upper, &lower)) in out.iter_mut().zip(lines) {
                let quarters = (((upper >> 4) * a) >> 16) + (((lower >> 4) * b) >> 16);
                *out = ((quarters + 2) >> 2) as f32;
            }
        }
    }
}

fn sample_columns(bytes: &[u8], columns: &[ByteTap], line: &mut [i32]) {
    let n = columns.len();
    let (reds, rest) = line.split_at_mut(n);
    let (greens, blues) = rest.split_at_mut(n);
    let pixels = reds.iter_mut().zip(greens).zip(blues);
    for (tap, ((r, g), b)) in columns.iter().zip(pixels) {
        let [low, high] = tap.indices.map(|index| &bytes[index as usize * 3..][..3]);
        let blend = |c: usize| i32::from(low[c]) * tap.weights[0] + i32::from(high[c]) * tap.weights[1];
        (*r, *g, *b) = (blend(0), blend(1), blend(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized((width, height): (u32, u32), (out_width, out_height): (u32, u32)) -> Vec<f32> {
        let bytes: Vec<u8> = (0..width * height * 3).map(|i| (i * 7919 % 251) as u8).collect();
        let columns = byte_taps(width, out_width);
        let mut rows = ByteRows::default();
        rows.prepare(columns.len());
        let mut out = [0; 3].map(|_| vec![0.0; columns.len()]);
        let mut all = Vec::new();
        for row in byte_taps(height, out_height) {
            rows.sample((&bytes, width as usize * 3), &columns, row, &mut out);
            all.extend((0..columns.len()).flat_map(|x| [out[0][x], out[1][x], out[2][x]]));
        }
        all
    }

    #[test]
    fn bytes_are_those_of_opencv() {
        // What `cv2.resize` 5.0.0 gives for the same picture.
        let expected = [
            74.0, 137.0, 99.0, 115.0, 159.0, 84.0, 137.0, 181.0, 163.0, 122.0, 141.0, 147.0, 106.0, 100.0, 131.0,
            205.0, 136.0, 54.0, 139.0, 158.0, 76.0, 74.0, 180.0, 98.0, 83.0, 114.0, 108.0, 93.0, 49.0, 118.0, 172.0,
            128.0, 197.0, 106.0, 138.0, 131.0, 41.0, 147.0, 66.0, 63.0, 170.0, 88.0, 85.0, 198.0, 110.0, 120.0, 114.0,
            146.0, 80.0, 99.0, 105.0, 196.0, 178.0, 65.0, 156.0, 162.0, 87.0, 115.0, 146.0, 140.0,
        ];
        assert_eq!(resized((13, 9), (5, 4)), expected);
        let expected = [
            125.0, 90.0, 150.0, 106.0, 102.0, 131.0, 110.0, 114.0, 111.0, 75.0, 126.0, 92.0, 103.0, 69.0, 128.0, 84.0,
            81.0, 109.0, 88.0, 163.0, 89.0, 53.0, 128.0, 70.0, 199.0, 149.0, 59.0, 164.0, 114.0, 71.0, 168.0, 79.0,
            154.0, 149.0, 44.0, 119.0, 177.0, 127.0, 202.0, 142.0, 92.0, 167.0, 146.0, 175.0, 132.0, 127.0, 187.0,
            97.0, 116.0, 176.0, 118.0, 128.0, 157.0, 83.0, 140.0, 137.0, 165.0, 152.0, 118.0, 177.0, 95.0, 154.0,
            120.0, 107.0, 135.0, 132.0, 119.0, 115.0, 144.0, 131.0, 96.0, 156.0,
        ];
        assert_eq!(resized((13, 9), (4, 6)), expected);
        let expected = [
            194.0, 144.0, 219.0, 137.0, 87.0, 162.0, 96.0, 97.0, 121.0, 99.0, 152.0, 124.0, 175.0, 132.0, 200.0, 119.0,
            69.0, 144.0, 81.0, 90.0, 106.0, 92.0, 137.0, 117.0, 168.0, 118.0, 193.0, 149.0, 194.0, 126.0, 96.0, 172.0,
            92.0, 84.0, 123.0, 109.0, 154.0, 111.0, 175.0, 134.0, 187.0, 108.0, 78.0, 153.0, 77.0, 77.0, 108.0, 102.0,
            142.0, 92.0, 167.0, 129.0, 79.0, 154.0, 113.0, 144.0, 138.0, 145.0, 169.0, 92.0, 188.0, 138.0, 58.0, 121.0,
            71.0, 135.0, 98.0, 136.0, 123.0, 138.0, 154.0, 74.0, 185.0, 120.0, 51.0, 166.0, 53.0, 128.0, 98.0, 129.0,
            109.0, 131.0, 140.0, 156.0, 170.0, 102.0, 177.0, 147.0, 45.0, 113.0, 80.0, 122.0, 94.0, 124.0, 125.0,
            149.0, 156.0, 150.0, 181.0, 140.0, 215.0, 165.0,
        ];
        assert_eq!(resized((13, 9), (17, 2)), expected);
    }

    #[test]
    fn a_picture_of_the_right_size_stays_as_it_is() {
        let bytes: Vec<f32> = (0..7 * 5 * 3).map(|i| (i * 7919 % 251) as f32).collect();
        assert_eq!(resized((7, 5), (7, 5)), bytes);
    }
}
