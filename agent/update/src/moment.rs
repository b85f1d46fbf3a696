//! Moments by the count that the kernel keeps since the box was started, which nobody can set.

use std::fs;

use serde::{Deserialize, Serialize};

/// A moment of one run of the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Which run of the box.
    boot: String,
    /// Hundredths of a second since its start.
    hundredths: u64,
}

impl Moment {
    /// This moment; none where the kernel does not tell.
    pub(crate) fn now() -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let seconds: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
        Some(Self { boot, hundredths: (seconds * 100.0).round() as u64 })
    }

    /// Whether a process has begun since. One of another run of the box has.
    pub(crate) fn is_before(&self, process: u32) -> bool {
        let Some(now) = Self::now() else { return true };
        now.boot != self.boot || started(process).is_some_and(|started| started >= self.hundredths)
    }
}

/// When a process was started, in hundredths of a second: proc(5), field 22 of `stat`, of which the first two are its number
/// and its name in brackets.
fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_begins_before_or_after_a_moment() {
        let own = std::process::id();
        let long_ago = Moment { hundredths: 0, ..Moment::now().unwrap() };
        let ahead = Moment { hundredths: u64::MAX, ..Moment::now().unwrap() };
        let of_another = Moment { boot: "another".to_owned(), ..ahead.clone() };
        assert!(long_ago.is_before(own) && !ahead.is_before(own) && of_another.is_before(own));
        assert!(!long_ago.is_before(u32::MAX), "there is no such process");
    }
}
