//! `[power]`: where the box is careful with heat and a battery, as on a drone.

use std::path::PathBuf;

use forewarn_engine::power::PowerLimits;
use forewarn_hw::power::THERMAL_DIR;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};

pub(crate) const EXAMPLE: &str = r"# [power]                        # on a drone: looks less often where the box is warm or the battery low
# warm_c = [75, 85]              # half as often, and a fifth as often
# battery_percent = [30, 15]     # as the autopilot tells it, see [camera.telemetry]
";

/// `[power]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPower {
    /// Degrees Celsius of the warmest thermal zone from which on cameras are looked at half as often, and a fifth as often.
    #[schemars(with = "[f64; 2]")]
    pub warm_c: Spanned<[f64; 2]>,
    /// Percent of the battery, as a drone's autopilot tells it, down from which it is the same.
    #[schemars(with = "[f64; 2]")]
    pub battery_percent: Spanned<[f64; 2]>,
    /// Where the thermal zones are.
    pub thermal_dir: PathBuf,
}

impl Default for RawPower {
    fn default() -> Self {
        let PowerLimits { warm_c, left_percent } = PowerLimits::default();
        let (warm_c, battery_percent) = (unwritten(warm_c), unwritten(left_percent));
        Self { warm_c, battery_percent, thermal_dir: PathBuf::from(THERMAL_DIR) }
    }
}

/// Where to be careful, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerPlan {
    /// The limits.
    pub limits: PowerLimits,
    /// Where the thermal zones are.
    pub thermal_dir: PathBuf,
}

impl RawPower {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Option<PowerPlan> {
        let [warm, hot] = *self.warm_c.get_ref();
        if !(30.0..=120.0).contains(&warm) || !(warm..=120.0).contains(&hot) {
            let problem = format!("[{warm}, {hot}] are no two temperatures of 30 to 120 °C, the lower one first");
            return check.fail(self.warm_c.span(), problem, "write it like [75, 85]");
        }
        let [low, last] = *self.battery_percent.get_ref();
        if !(0.0..=95.0).contains(&last) || !(last..=95.0).contains(&low) {
            let problem = format!("[{low}, {last}] are no two parts of 0 to 95 %, the higher one first");
            return check.fail(self.battery_percent.span(), problem, "write it like [30, 15]");
        }
        let limits = PowerLimits { warm_c: [warm, hot], left_percent: [low, last] };
        Some(PowerPlan { limits, thermal_dir: check.directory().join(self.thermal_dir) })
    }
}

#[cfg(test)]
mod tests {
    use forewarn_engine::power::PowerLimits;

    use crate::source::Source;

    fn power(keys: &str) -> Result<Option<super::PowerPlan>, String> {
        let text = format!("[site]\nid = \"s\"\n{keys}\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n");
        let site = crate::resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())?;
        Ok(site.power)
    }

    #[test]
    fn care_is_taken_where_the_site_asks_for_it() {
        assert_eq!(power(""), Ok(None));
        let plan = power("[power]").unwrap().unwrap();
        assert_eq!((plan.limits, plan.thermal_dir.as_path()), (PowerLimits::default(), "/sys/class/thermal".as_ref()));
        let plan = power("[power]\nwarm_c = [60, 70.5]\nbattery_percent = [50, 0]").unwrap().unwrap();
        assert_eq!((plan.limits.warm_c, plan.limits.left_percent), ([60.0, 70.5], [50.0, 0.0]));
    }

    #[test]
    fn limits_in_the_wrong_order_are_told_with_the_mend() {
        let told = power("[power]\nwarm_c = [85, 75]").unwrap_err();
        assert!(told.contains("the lower one first") && told.contains("[75, 85]"), "{told}");
        let told = power("[power]\nbattery_percent = [15, 30]").unwrap_err();
        assert!(told.contains("the higher one first"), "{told}");
        assert!(power("[power]\nwarm_c = [nan, 80]").is_err());
    }
}
