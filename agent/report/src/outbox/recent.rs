//! The latest reports, in memory beside the disk: what a damaged outbox has lost of them is written anew.

use std::collections::VecDeque;

use forewarn_domain::Report;

/// Bytes of reports as JSON that are kept: more than the write-ahead log holds of them, which is what damage takes.
const MOST_BYTES: usize = 4 << 20;

/// The latest reports that were written, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    steps: VecDeque<(Report, Option<String>, usize)>,
    bytes: usize,
}

impl Recent {
    /// A report was written, of so many bytes.
    pub(super) fn push(&mut self, report: Report, snapshot: Option<String>, bytes: usize) {
        self.steps.push_back((report, snapshot, bytes));
        self.bytes += bytes;
        while self.bytes > MOST_BYTES
            && let Some((_, _, bytes)) = self.steps.pop_front()
        {
            self.bytes -= bytes;
        }
    }

    /// All of them, with the snapshots of their incidents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Report, Option<&str>)> {
        self.steps.iter().map(|(report, snapshot, _)| (report, snapshot.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::report;

    use super::*;

    #[test]
    fn the_latest_are_kept_up_to_the_bound() {
        let mut recent = Recent::default();
        for n in 0..10 {
            recent.push(report(n, 1), None, MOST_BYTES / 4);
        }
        let kept: Vec<_> = recent.iter().map(|(report, _)| report.incident.id.clone()).collect();
        assert_eq!(kept, (6..10).map(|n| report(n, 1).incident.id).collect::<Vec<_>>());
    }
}
