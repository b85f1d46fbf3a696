//! What a process uses, and whether that grows.

use std::fs;

use anyhow::Context as _;

/// What this process uses now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// Open file descriptors.
    pub(super) descriptors: f64,
    /// Threads.
    pub(super) threads: f64,
    /// Memory in KiB.
    pub(super) memory_kib: f64,
}

impl Usage {
    /// Reads it.
    pub(super) fn read() -> anyhow::Result<Self> {
        // The folder that is read is one of them.
        let descriptors = fs::read_dir("/proc/self/fd").context("failed to count descriptors")?.count() - 1;
        let status = fs::read_to_string("/proc/self/status").context("failed to read /proc/self/status")?;
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        Ok(Self {
            descriptors: descriptors as f64,
            threads: number("Threads:").context("/proc/self/status names no threads")?,
            memory_kib: number("RssAnon:").context("/proc/self/status names no memory")?,
        })
    }

    /// Each figure with its name and unit.
    pub(super) fn figures(self) -> [(&'static str, f64); 3] {
        [("descriptors", self.descriptors), ("threads", self.threads), ("KiB of memory", self.memory_kib)]
    }
}

/// The growth of `values` a step, by least squares; nothing for fewer than two.
pub(super) fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let deviation = |i: usize| i as f64 - mean_x;
    let below: f64 = (0..values.len()).map(|i| deviation(i).powi(2)).sum();
    let above: f64 = values.iter().enumerate().map(|(i, value)| deviation(i) * (value - mean_y)).sum();
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_a_slope_and_noise_is_none() {
        let leak: Vec<f64> = (0..50).map(|i| 60.0 + 2.0 * f64::from(i)).collect();
        assert!((slope(&leak) - 2.0).abs() < 1e-9);
        let noise: Vec<f64> = (0..50).map(|i| 60.0 + f64::from(i % 3)).collect();
        assert!(slope(&noise).abs() < 0.02, "{}", slope(&noise));
        assert_eq!((slope(&[]), slope(&[7.0])), (0.0, 0.0));
    }

    #[test]
    fn what_is_opened_counts() {
        let before = Usage::read().unwrap();
        let files: Vec<_> = (0..30).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of the process open and close files meanwhile.
        assert!(Usage::read().unwrap().descriptors + 15.0 > before.descriptors + files.len() as f64);
        assert!(before.threads >= 1.0 && before.memory_kib > 100.0);
    }
}
