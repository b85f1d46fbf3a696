//! `[footage]`: how much is kept of the video that is kept around the clock.

use std::path::Path;
use std::time::Duration;

use forewarn_pipelines::footage::FootageLimits;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};
use crate::storage::{DISK_GIB, GIB, Storage};

pub(crate) const EXAMPLE: &str = r"# [footage]                     # of cameras with `footage = true`: all their video, beside evidence
# max_days = 7                   # the oldest minute goes after this
# max_gib = 50.0                 # and beyond this, of all cameras together
# min_free_gib = 2.0             # and below this; evidence gives way later, below `[storage] min_free_gib`
";

/// Footage gives way so much earlier than evidence, where the site says nothing.
const BEFORE_EVIDENCE_GIB: f64 = 1.0;

/// `[footage]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawFootage {
    /// Footage older than this is deleted, in days.
    #[schemars(with = "u32")]
    pub max_days: Spanned<u32>,
    /// Footage beyond this is deleted, oldest first, of all cameras together, in GiB.
    #[schemars(with = "f64")]
    pub max_gib: Spanned<f64>,
    /// Below this free space footage is deleted, and where none is left, none is written, in GiB; 1 more than that of
    /// `[storage]` if absent.
    #[schemars(with = "Option<f64>")]
    pub min_free_gib: Option<Spanned<f64>>,
}

impl Default for RawFootage {
    fn default() -> Self {
        Self { max_days: unwritten(7), max_gib: unwritten(50.0), min_free_gib: None }
    }
}

/// Checks the table, or what holds without one.
pub(crate) fn check(
    table: Option<&Spanned<RawFootage>>,
    is_kept: bool,
    storage: Option<&Storage>,
    check: &mut Check<'_>,
) -> Option<FootageLimits> {
    if let Some(table) = table.filter(|_| !is_kept) {
        check.doubt(
            table.span(),
            "no camera keeps footage",
            "write `footage = true` in a `[[camera]]`, or leave this out",
        );
    }
    let usual = RawFootage::default();
    table.map_or(&usual, Spanned::get_ref).check(check, storage)
}

impl RawFootage {
    fn check(&self, check: &mut Check<'_>, storage: Option<&Storage>) -> Option<FootageLimits> {
        let max_gib = check.number(&self.max_gib, 0.01..=DISK_GIB, "GiB");
        let of_evidence_gib = storage.map_or(0.0, |storage| storage.min_free_bytes as f64 / GIB);
        let usual = unwritten(of_evidence_gib + BEFORE_EVIDENCE_GIB);
        let min_free = self.min_free_gib.as_ref().unwrap_or(&usual);
        let min_free_gib = check.number(min_free, 0.0..=DISK_GIB, "GiB");
        if *min_free.get_ref() < of_evidence_gib {
            let problem = format!("evidence gives way below {of_evidence_gib} GiB, and so would before footage does");
            let mend =
                format!("write more than `[storage] min_free_gib`, such as {}", of_evidence_gib + BEFORE_EVIDENCE_GIB);
            check.fail::<()>(min_free.span(), problem, mend);
        }
        if *self.max_days.get_ref() == 0 {
            let mend = "write 1 or more; a camera without `footage = true` keeps none";
            check.fail::<()>(self.max_days.span(), "footage of no day is none", mend);
        }
        Some(FootageLimits {
            max_age: Duration::from_secs(u64::from(*self.max_days.get_ref()) * 86_400),
            max_bytes: (max_gib? * GIB) as u64,
            min_free_bytes: (min_free_gib? * GIB) as u64,
        })
    }
}

/// What footage is kept of these cameras, where and how much; none if there is none.
pub(crate) fn in_words(ids: &[&str], limits: &FootageLimits, dir: &Path) -> Option<String> {
    let gib = |bytes: u64| bytes as f64 / GIB;
    (!ids.is_empty()).then(|| {
        format!(
            "footage: all video of {} is kept around the clock in {}, for {} days and up to {:.1} GiB; it gives way below \
             {:.1} GiB of free space",
            ids.join(", "),
            dir.display(),
            limits.max_age.as_secs() / 86_400,
            gib(limits.max_bytes),
            gib(limits.min_free_bytes)
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::source::Source;
    use crate::{Site, doubts, resolve};

    fn read(tables: &str, camera: &str) -> Result<Site, String> {
        let text = format!("[site]\nid = \"n\"\n{tables}\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://c/1\"\n{camera}\n");
        resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn footage_is_asked_for_by_camera_and_gives_way_before_evidence() {
        let plain = read("", "").unwrap();
        assert!(!plain.cameras[0].has_footage);
        let kept = read("[storage]\nmin_free_gib = 3.0", "footage = true").unwrap();
        assert!(kept.cameras[0].has_footage && !kept.cameras[0].is_same_stream(&plain.cameras[0]));
        assert_eq!((kept.footage.min_free_bytes, kept.footage.max_bytes), (4 << 30, 50 << 30));
        assert_eq!(kept.footage.max_age.as_secs(), 7 * 86_400);
        let told = read("[storage]\nmin_free_gib = 3.0\n[footage]\nmin_free_gib = 2.0", "footage = true").unwrap_err();
        assert!(told.contains("evidence gives way below 3 GiB"), "{told}");
        let told = read("[footage]\nmax_days = 0", "").unwrap_err();
        assert!(told.contains("site.toml:4") && told.contains("footage of no day"), "{told}");
    }

    #[test]
    fn limits_of_what_no_camera_keeps_are_doubted() {
        let doubts = |camera: &str| doubts::doubts(&read("[footage]\nmax_days = 3", camera).unwrap(), |_| None);
        let told = |camera: &str| doubts(camera).iter().any(|doubt| doubt.problem == "no camera keeps footage");
        assert!(told("") && !told("footage = true"));
    }
}
