//! A platform that speaks GA/T 1400, to which the agent registers as a device. Described for operators in
//! `docs/recipients/gat1400.md`.
//!
//! Written by public implementations: the text of the standard was not seen.

mod objects;
mod picture;
mod session;

use std::sync::{Arc, Mutex};

use forewarn_base::secret::Credentials;
use forewarn_base::setting::SettingError;
use forewarn_domain::{Clock, IncidentState};
use forewarn_wire::EventSource;
use url::Url;

use self::objects::Device;
use self::session::Session;
use super::http::table::{Way, http_table};
use super::http::{Message, Refusals, Reply, open_link};
use super::link::{FromThread, ToThread};
use super::people::People;
use super::purse::Purse;
use super::settings::{AdapterSettings, Seals, Surroundings, Usual};
use super::thin::Budget;
use super::{Adapter, Pace, Start};

http_table! {
    /// A platform of GA/T 1400 as the site file describes it.
    pub struct GaT1400Config {
        /// A file whose first line is the password of the device.
        secret;
        /// The code by which the platform knows the device, 20 digits.
        pub device_id: String,
        /// By which name it logs in; the code if absent.
        #[serde(default)]
        pub user: Option<String>,
        /// Seconds between two signs of life, 1 to 3600.
        #[serde(default = "usual_keep_alive_s")]
        pub keep_alive_s: u16,
        /// The link is slow or metered: objects go first and alone, then a picture of at most 15 kB, within this budget.
        #[serde(default)]
        pub thin: Option<Budget>,
    }
}

fn usual_keep_alive_s() -> u16 {
    60
}

impl AdapterSettings for GaT1400Config {
    fn usual(&self) -> Usual {
        Usual { is_required: true, states: &[IncidentState::Escalated], seals: Seals::Without }
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let http = self.http();
        if self.device_id.len() != 20 || !self.device_id.bytes().all(|byte| byte.is_ascii_digit()) {
            let why = format!("{:?} are no 20 digits", self.device_id);
            return Err(SettingError::value("device_id", why, "write the code that the platform gave the device"));
        }
        if !(1..=3600).contains(&self.keep_alive_s) {
            let why = format!("{} is out of range", self.keep_alive_s);
            return Err(SettingError::value("keep_alive_s", why, "write 1 to 3600 seconds"));
        }
        if !(1..=300).contains(&self.timeout_s) {
            return Err(http.out_of_range("write 1 to 300 seconds"));
        }
        let password = http.secret(around)?.unwrap_or_default();
        let user = self.user.as_ref().unwrap_or(&self.device_id);
        let platform = Platform {
            id: around.id.to_owned(),
            url: http.address()?,
            login: Credentials::new(user, password.expose()),
            device: Device { id: self.device_id.clone() },
            keep_alive_s: self.keep_alive_s,
            way: http.way("platform", around)?,
            people: Arc::clone(around.people),
            refusals: Arc::default(),
            thin: self.thin.map(Budget::check).transpose()?.map(|budget| Purse::of(budget, &around)),
        };
        Ok(Arc::new(platform))
    }
}

/// A platform, with its connections.
#[derive(Debug, Clone)]
pub struct Platform {
    id: String,
    url: Url,
    login: Credentials,
    device: Device,
    keep_alive_s: u16,
    way: Way,
    people: Arc<People>,
    refusals: Arc<Mutex<Refusals>>,
    /// What a thin link has carried, where it is one.
    thin: Option<Purse>,
}

impl Adapter for Platform {
    type Upstream = Session;
    type Outward = ToThread<Message>;
    type Inward = FromThread<Reply>;

    fn peer(&self) -> String {
        self.way.peer.clone()
    }

    fn own_name(&self) -> String {
        format!("the device_id {}", self.device.id)
    }

    fn pace(&self) -> Pace {
        self.way.pace(None)
    }

    fn connect(&self, _: &EventSource, clock: &Arc<dyn Clock>) -> (Session, ToThread<Message>, FromThread<Reply>) {
        if let Some(thin) = &self.thin {
            thin.open();
        }
        let (outward, inward) = open_link(&self.id, &self.way.http);
        (Session::new(self.clone(), Arc::clone(clock)), outward, inward)
    }
}
