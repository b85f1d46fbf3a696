//! How warm the box is and what the battery of a drone has left, read by and by.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, Timestamp};

use crate::telemetry::live::Mailbox;

/// Where Linux tells of its thermal zones.
pub const THERMAL_DIR: &str = "/sys/class/thermal";
/// How often it is read.
const EVERY: Duration = Duration::from_secs(2);
/// What no box is; some zones tell such while their sensor is off.
const WILD_C: std::ops::RangeInclusive<f64> = -60.0..=150.0;

/// The warmest of the thermal zones in a directory, in degrees Celsius; none where nothing tells.
pub fn warmest_c(dir: &Path) -> Option<f64> {
    let zones = fs::read_dir(dir).ok()?.flatten();
    let zones = zones.filter(|zone| zone.file_name().to_string_lossy().starts_with("thermal_zone"));
    let warm = zones.filter_map(|zone| {
        let text = fs::read_to_string(zone.path().join("temp")).ok()?;
        let celsius = text.trim().parse::<i64>().ok()? as f64 / 1000.0;
        WILD_C.contains(&celsius).then_some(celsius)
    });
    warm.reduce(f64::max)
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PowerNow {
    /// The warmest place of the box, in degrees Celsius.
    pub warm_c: Option<f64>,
    /// What the emptiest battery that is told of has left, in percent.
    pub left_percent: Option<f64>,
}

impl PowerNow {
    fn read(dir: &Path, flights: &Mailbox, now: Timestamp) -> Self {
        let left = flights.vehicles(now).into_values().filter_map(|vehicle| vehicle.left_percent).min();
        Self { warm_c: warmest_c(dir), left_percent: left.map(f64::from) }
    }
}

/// The thread `power`, which reads. It ends when this is dropped; nobody waits for it, as a sensor may hang.
#[derive(Debug)]
pub struct PowerWatch {
    _is_watched: SyncSender<()>,
}

impl PowerWatch {
    /// Reads thermal zones in `dir` and what `flights` tell, and tells of it.
    pub fn start(
        dir: PathBuf,
        flights: Arc<Mailbox>,
        clock: Arc<dyn Clock>,
        tell: impl Fn(PowerNow, Timestamp) + Send + 'static,
    ) -> Result<Self, ThreadError> {
        let (is_watched, end) = sync_channel(0);
        let _thread = Thread::spawn("power", move || {
            loop {
                let now = clock.now();
                tell(PowerNow::read(&dir, &flights, now), now);
                if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { _is_watched: is_watched })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmest_zone_counts_and_what_cannot_be_does_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(warmest_c(&dir.path().join("away")), None);
        assert_eq!(warmest_c(dir.path()), None);
        for (zone, text) in [
            ("thermal_zone0", "48312\n"),
            ("thermal_zone1", "61000\n"),
            ("thermal_zone2", "-274000\n"),
            ("thermal_zone3", "255000"),
            ("thermal_zone4", ""),
            ("cooling_device0", "99000"),
        ] {
            fs::create_dir(dir.path().join(zone)).unwrap();
            fs::write(dir.path().join(zone).join("temp"), text).unwrap();
        }
        fs::create_dir(dir.path().join("thermal_zone5")).unwrap();
        assert_eq!(warmest_c(dir.path()), Some(61.0));
    }
}
