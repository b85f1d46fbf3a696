//! The least and the greatest level around each sample.
//!
//! A sample that stays between the two has at most been displaced: by a shaking camera or a twig in the wind. The
//! tolerance to small movement is that of the neighbourhood matching of Barnich and Van Droogenbroeck (ViBe, 2011),
//! done once for a reference picture instead of for each comparison.

/// Lower and upper bound of every sample of a reference.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) low: Vec<u8>,
    pub(super) high: Vec<u8>,
    scratch: Vec<u8>,
}

impl Envelope {
    /// Takes a new reference; bounds reach over `radius` samples each way.
    pub(super) fn take(&mut self, samples: &[u8], width: usize, radius: usize) {
        spread(samples, width, radius, u8::min, &mut self.scratch, &mut self.low);
        spread(samples, width, radius, u8::max, &mut self.scratch, &mut self.high);
    }
}

/// Replaces every sample by the `pick` of the square of `radius` around it, columns first.
fn spread(
    samples: &[u8],
    width: usize,
    radius: usize,
    pick: impl Fn(u8, u8) -> u8,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.extend_from_slice(samples);
    let merge = |into: &mut [u8], from: &[u8]| {
        for (a, &b) in into.iter_mut().zip(from) {
            *a = pick(*a, b);
        }
    };
    for step in (1..=radius).map(|rows| rows * width).filter(|&step| step < samples.len()) {
        merge(&mut out[step..], &samples[..samples.len() - step]);
        let end = samples.len() - step;
        merge(&mut out[..end], &samples[step..]);
    }
    scratch.clone_from(out);
    for (row, source) in out.chunks_exact_mut(width.max(1)).zip(scratch.chunks_exact(width.max(1))) {
        for step in (1..=radius).filter(|&step| step < width) {
            merge(&mut row[step..], &source[..width - step]);
            merge(&mut row[..width - step], &source[step..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_reach_a_square_and_stop_at_the_edge() {
        let mut envelope = Envelope::default();
        envelope.take(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 4, 1);
        assert_eq!(envelope.low, [1, 1, 2, 3, 1, 1, 2, 3, 5, 5, 6, 7]);
        assert_eq!(envelope.high, [6, 7, 8, 8, 10, 11, 12, 12, 10, 11, 12, 12]);
    }
}
