//! `absent`: for how much watched time fewer than needed have been there.

use forewarn_domain::condition;
use serde::{Deserialize, Serialize};

use super::ZoneCondition;
use crate::rules::error::CompileError;
use crate::rules::lookup::{COUNT, Lookup};
use crate::rules::truth::Truth;
use crate::rules::watched::Watched;

/// Watched time without those who are missed; goes on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct Absence {
    /// Microseconds.
    absent_us: i64,
}

/// Fewer than needed fulfil a condition.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Absent {
    least: usize,
    for_us: i64,
    absence: Absence,
}

impl Absent {
    pub(super) fn compile(absent: &condition::Absent, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let for_us = lookup.seconds(&absent.for_s, &format!("{place}.for_s"))?;
        let at_least_place = format!("{place}.at_least");
        let least = absent.at_least.as_ref().map_or(Ok(1), |n| lookup.whole(n, 1000.0, COUNT, &at_least_place))?;
        Ok(Self { least: least as usize, for_us, absence: Absence::default() })
    }
}

impl ZoneCondition for Absent {
    fn count(&mut self, (surely, perhaps): (usize, usize), step_us: i64, _now: Watched) -> Truth {
        if surely >= self.least {
            self.close();
            return Truth::False;
        }
        // Whoever may be there is not missed; the time does not run.
        if perhaps >= self.least {
            return Truth::CannotTell;
        }
        self.absence.absent_us = self.absence.absent_us.saturating_add(step_us);
        Truth::from(self.absence.absent_us >= self.for_us)
    }

    fn recall(&mut self, _now: Watched) {
        self.absence = Absence { absent_us: self.for_us };
    }

    fn close(&mut self) {
        self.absence = Absence::default();
    }

    /// Whoever is there takes no part in an absence.
    fn has_members(&self) -> bool {
        false
    }

    fn absence(&self) -> Option<Absence> {
        Some(self.absence)
    }

    fn remember(&mut self, absence: Absence) {
        self.absence = self.absence.max(absence);
    }

    fn at_once(&mut self) {
        self.for_us = 0;
    }
}
