//! Doubts about the certificate that the console shows.

use forewarn_domain::{Clock as _, SystemClock};

use super::{About, Doubt};
use crate::{ConsoleTls, Site};

/// What browsers will have against it now.
pub(super) fn of_certificate(site: &Site) -> Vec<Doubt> {
    let Some(ConsoleTls::Given(files)) = &site.listen.console_tls else { return Vec::new() };
    let now = std::time::Duration::from_secs(SystemClock.wall(SystemClock.now()).as_secs_f64().max(0.0) as u64);
    let faults = files.faults(&site.listen.console_hosts, now);
    let told = faults.iter().map(|fault| Doubt {
        about: About::section("console").key(fault.key()),
        problem: fault.to_string(),
        mend: fault.mend().to_owned(),
    });
    told.collect()
}
