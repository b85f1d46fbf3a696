//! The site's outbox and its upstreams, as the site file has them.

use forewarn_domain::{Clock, Timestamp, WallTime};
use forewarn_journal::told_of;
use forewarn_report::{Destination, Outbox, OutboxError, OutboxLimits, OutboxSettings, ResolvedUpstream};
use forewarn_wire::EventSource;
use forewarn_wire::story::Happening;

use crate::config::Site;
use crate::exit::{CommandError, ExitCode};

/// Opens the outbox of a site. What must be told of it comes along.
pub fn open_outbox(site: &Site, clock: &dyn Clock) -> Result<(Outbox, Vec<Happening>), CommandError> {
    let path = site.storage.dir.outbox();
    let limits = OutboxLimits { max_bytes: site.storage.outbox_bytes, ..OutboxLimits::default() };
    let source = EventSource { site: site.header.id.to_string(), agent_version: env!("CARGO_PKG_VERSION").to_owned() };
    let now = clock.now();
    let settings = OutboxSettings { limits, source, upstreams: destinations(site, clock) };
    let opened = Outbox::open(path, settings, now).map_err(|error| {
        // A start that is tried again finds the same.
        let code = if matches!(error, OutboxError::Newer { .. }) { ExitCode::BadInput } else { ExitCode::Failed };
        CommandError { code, error: error.into() }
    })?;
    let mut notes: Vec<_> = opened.set_aside.iter().map(|aside| told_of(aside, now)).collect();
    if let Some(refused) = opened.refused {
        notes.push(Happening::trouble(format!("{refused}; reports wait in memory, and are sent from there"), now));
    }
    Ok((opened.outbox, notes))
}

/// The site's upstreams as the outbox sees them.
pub fn destinations(site: &Site, clock: &dyn Clock) -> Vec<Destination> {
    // What the site file says by the clock on the wall becomes an instant of the time line.
    let since = |shown: Timestamp| clock.now() - clock.age(WallTime::from_micros(shown.as_micros()));
    let upstreams = site.upstreams.iter().map(ResolvedUpstream::destination);
    upstreams.map(|one| Destination { since: one.since.map(since), ..one }).collect()
}
