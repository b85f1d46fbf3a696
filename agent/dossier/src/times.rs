//! Times as people at the site read them.

use forewarn_domain::{IncidentRecord, Timestamp};
use forewarn_evidence::{Opened, StreamTime, TimeLine};
use jiff::tz::TimeZone;

/// Tells times in the site's zone.
pub struct Times {
    zone: TimeZone,
    /// The zone's name; none if nobody says which it is, and times are told in UTC.
    pub zone_name: Option<String>,
    /// Whether instants are seconds of a clip whose date nobody stated.
    pub is_clip: bool,
}

impl Times {
    pub(crate) fn of(opened: &Opened) -> Self {
        let named = opened.setting.as_ref().map(|setting| setting.time_zone.clone());
        let is_clip = opened.record.as_ref().is_some_and(|record| record.time_line == TimeLine::Clip);
        Self::in_zone(named, is_clip)
    }

    /// Times in a zone by its name; in UTC where it has none that is known.
    pub fn in_zone(named: Option<String>, is_clip: bool) -> Self {
        let known = named.and_then(|name| Some((TimeZone::get(&name).ok()?, name)));
        match known {
            Some((zone, name)) => Self { zone, zone_name: Some(name), is_clip },
            None => Self { zone: TimeZone::UTC, zone_name: None, is_clip },
        }
    }

    /// Date and time with the offset; seconds of the clip where there is no date.
    pub fn tell(&self, at: &StreamTime) -> String {
        match &at.utc {
            Some(utc) => self.civil(utc),
            None => format!("{:.3} s", at.seconds),
        }
    }

    /// Date and time of an RFC 3339 text with the offset; the text itself if it is none.
    pub fn civil(&self, utc: &str) -> String {
        let Ok(at) = utc.parse::<jiff::Timestamp>() else { return utc.to_owned() };
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%3f %:z").to_string()
    }

    /// An instant of an incident.
    pub(crate) fn instant(&self, incident: &IncidentRecord, at: Timestamp) -> String {
        let line = if self.is_clip { TimeLine::Clip } else { TimeLine::WallClock };
        self.tell(&StreamTime::new(incident.wall(at), line))
    }
}
