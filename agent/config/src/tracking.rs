//! `[tracking]`: how detections become tracks. Its keys are those of [`TrackerConfig`].

use forewarn_analytics::TrackerConfig;
use toml::Spanned;

use crate::check::Check;

pub(crate) fn check(raw: Option<Spanned<TrackerConfig>>, check: &mut Check<'_>) -> TrackerConfig {
    let Some(raw) = raw else { return TrackerConfig::default() };
    if let Err(error) = raw.get_ref().check() {
        check.fail::<()>(raw.span(), error.to_string(), "see docs/configuration.md, \"Tracking\"");
    }
    raw.into_inner()
}
