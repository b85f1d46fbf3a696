//! How careful the thread that looks is with heat and power, as it is told what there is.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::Timestamp;
use forewarn_engine::power::{Care, Power, PowerLimits, PowerReading};
use forewarn_telemetry as telemetry;

#[derive(Debug)]
struct State {
    power: Power,
    why: String,
}

/// Where readings are handed in and it is asked how careful it is. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct PowerDesk(Arc<Mutex<Option<State>>>);

impl PowerDesk {
    /// The site says where to be careful; before, nobody is.
    pub fn begin(&self, limits: PowerLimits) {
        *lock(&self.0) = Some(State { power: Power::new(limits), why: String::new() });
    }

    /// A reading.
    pub fn read(&self, reading: PowerReading, now: Timestamp) {
        if let Some(state) = &mut *lock(&self.0) {
            state.power.read(reading, now);
            // Prometheus knows a gauge without a value.
            telemetry::BOX_WARMEST.of([]).set(reading.warm_c.unwrap_or(f64::NAN));
            telemetry::BATTERY_LEFT.of([]).set(reading.left_percent.unwrap_or(f64::NAN));
        }
    }

    /// How careful it is and why; none where the site does not ask for it.
    pub fn care(&self) -> Option<(Care, String)> {
        lock(&self.0).as_ref().map(|state| (state.power.care(), state.why.clone()))
    }

    /// Decides, tells the log of a change, and says which part of the work is left.
    pub(super) fn turn(&self, now: Timestamp) -> f64 {
        let mut desk = lock(&self.0);
        let Some(state) = &mut *desk else { return 1.0 };
        let before = state.power.care();
        if let Some((care, reason)) = state.power.turn(now) {
            state.why = reason.to_string();
            let (why, percent) = (&state.why, care.share() * 100.0);
            if care > before {
                tracing::warn!("{why}: cameras are looked at {percent:.0} % as often until that is over");
            } else {
                tracing::info!("{why}: cameras are looked at {percent:.0} % as often again");
            }
        }
        let share = state.power.care().share();
        telemetry::POWER_SHARE.of([]).set(share);
        share
    }
}
