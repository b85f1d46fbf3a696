//! Checks of what does not hang on a condition: classes, parameters, times.

use forewarn_domain::Violation;

use super::super::error::{CompileError, Problem, nearest};
use super::super::lookup::{Lookup, MOST_SECONDS, PART, SECONDS};

/// The greatest number that a parameter may be.
const MOST: f64 = 1e9;

impl Lookup<'_> {
    /// Checks what does not hang on a condition.
    pub(super) fn check_site(&self) -> Result<(), CompileError> {
        if self.violation.subject.is_empty() {
            return Err(self.error("subject", Problem::Empty { help: "name the classes of the subjects" }));
        }
        self.classes(&self.violation.subject, "subject")?;
        let confidence = f64::from(self.violation.min_confidence);
        self.in_range(confidence, 0.0..=1.0, PART, "min_confidence")?;
        let known = &self.violation.parameters;
        for (name, &value) in &self.binding.parameters {
            if !known.contains_key(name) {
                let nearest = nearest(name, known.keys().map(String::as_str));
                let known = known.keys().cloned().collect();
                return Err(self.error("parameters", Problem::UnknownOverride { name: name.clone(), nearest, known }));
            }
            self.check_parameter(name, value)?;
        }
        known.iter().try_for_each(|(name, &value)| self.check_parameter(name, value))
    }

    /// No condition takes a greater number, so one that no condition asks for is bounded, too.
    fn check_parameter(&self, name: &str, value: f64) -> Result<(), CompileError> {
        let range = "write a number from -1e9 to 1e9";
        self.in_range(value, -MOST..=MOST, range, &format!("parameters.{name}")).map(drop)
    }

    /// Checks the times and counts of confirmation, warning, observation and evidence.
    pub(super) fn check_timing(&self) -> Result<(), CompileError> {
        let Violation { confirm, warning, observe, evidence, case, .. } = self.violation;
        let of_warning = warning.iter().flat_map(|warning| {
            [("warning.timeout_s", warning.timeout_s), ("warning.cool_down_s", warning.cool_down_s)]
        });
        let seconds = [
            ("confirm.for_s", confirm.for_s),
            ("confirm.forgive_s", confirm.forgive_s),
            ("observe.for_s", observe.for_s),
            ("observe.complied_after_s", observe.complied_after_s),
            ("observe.gone_after_s", observe.gone_after_s),
            ("observe.lost_after_s", observe.lost_after_s),
            ("observe.close_after_s", observe.close_after_s),
            ("evidence.pre_roll_s", evidence.pre_roll_s),
            ("evidence.post_roll_s", evidence.post_roll_s),
        ];
        for (place, value) in seconds.into_iter().chain(of_warning) {
            self.in_range(value, 0.0..=MOST_SECONDS, SECONDS, place)?;
        }
        let of_case = [
            ("case.received_s", case.received_s),
            ("case.assigned_s", case.assigned_s),
            ("case.called_back_s", case.called_back_s),
            ("case.on_site_s", case.on_site_s),
        ];
        for (place, value) in of_case {
            let range = "write 0 to 86400 seconds; 0 is no limit";
            self.in_range(value.unwrap_or_default(), 0.0..=86_400.0, range, place)?;
        }
        let hits = f64::from(confirm.hits);
        self.in_range(hits, 1.0..=10_000.0, "write a whole number from 1 to 10000", "confirm.hits")?;
        if let Some(warning) = warning {
            let range = "write a whole number from 0 to 100";
            self.in_range(f64::from(warning.times), 0.0..=100.0, range, "warning.times")?;
            let range = "write a whole number from 0 to 9";
            self.in_range(f64::from(warning.urgency), 0.0..=9.0, range, "warning.urgency")?;
        }
        Ok(())
    }
}
