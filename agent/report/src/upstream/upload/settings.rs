//! The keys that every upstream has which keeps evidence.

use std::sync::{Arc, Mutex};

use forewarn_base::setting::SettingError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::Place;
use super::kept::Kept;
use super::{Carrier, OverFiles, Shared};
use crate::upstream::http::table::HttpKeys;
use crate::upstream::settings::Surroundings;
use crate::upstream::spending::Budget;

/// The longest that a piece may take, in seconds.
const MOST_S: u16 = 3600;

/// The value of `timeout_s` where it is not given: a piece has megabytes.
pub(crate) fn default_timeout_s() -> u16 {
    300
}

/// When clips go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClipsGo {
    /// When nothing goes before them and the budget has room.
    #[default]
    AtOnce,
    /// Not before every vehicle says that it has landed.
    Landed,
}

impl ClipsGo {
    /// What says whether they may go; none where they always may.
    fn gate(self, around: Surroundings<'_>) -> Result<Option<fn() -> bool>, SettingError> {
        match self {
            Self::AtOnce => Ok(None),
            Self::Landed if around.people.hears_of_landing => Ok(Some(forewarn_base::landing::is_told_of_all)),
            Self::Landed => {
                let why = "no camera's telemetry tells of landing, so clips would never go";
                let mend = "give the camera that flies `source = \"mavlink\"`, or leave `clips` out";
                Err(SettingError::value("clips", why, mend))
            }
        }
    }
}

/// The keys, as the table of a kind holds them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadKeys<'a> {
    /// Those of a server over HTTP.
    pub(crate) http: HttpKeys<'a>,
    /// `prefix`.
    pub(crate) prefix: Option<&'a str>,
    /// `thin`.
    pub(crate) thin: Option<Budget>,
    /// `clips`.
    pub(crate) clips: ClipsGo,
    /// The largest piece of a file.
    pub(crate) piece_bytes: u64,
}

impl UploadKeys<'_> {
    /// The way to a server of a kind.
    pub(crate) fn open<C: Carrier>(
        self,
        kind: &str,
        carrier: C,
        around: Surroundings<'_>,
    ) -> Result<OverFiles<C>, SettingError> {
        if !(1..=MOST_S).contains(&self.http.timeout_s) {
            return Err(self.http.out_of_range("write 1 to 3600 seconds"));
        }
        let budget = self.thin.map(|budget| self.check(budget)).transpose()?;
        let kept = Kept::open(around.people.uploads.join(format!("{}.json", around.id)));
        Ok(OverFiles {
            id: around.id.to_owned(),
            carrier,
            way: self.http.way(kind, around)?,
            shared: Arc::new(Mutex::new(Shared::new(kept, budget, self.clips.gate(around)?))),
            place: Place { root: around.people.evidence.clone(), prefix: self.prefix(around.site)? },
        })
    }

    fn check(&self, budget: Budget) -> Result<Budget, SettingError> {
        let least_kib = (self.piece_bytes >> 10) + 10;
        if u64::from(budget.kib_per_hour) < least_kib {
            let why = format!("an hour has less than one piece of a file, which takes {least_kib} KiB");
            return Err(SettingError::value("thin", why, "write a larger kib_per_hour"));
        }
        budget.in_order()
    }

    fn prefix(&self, site: &str) -> Result<String, SettingError> {
        let prefix = self.prefix.map_or_else(|| format!("{site}/"), |prefix| prefix.trim_start_matches('/').to_owned());
        let is_fit = prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)) && !prefix.contains("..");
        let mend = "write letters, digits, `-`, `_`, `.` and `/`, such as \"north/\"";
        is_fit.then_some(prefix).ok_or_else(|| SettingError::value("prefix", "it is no beginning of a name", mend))
    }
}
