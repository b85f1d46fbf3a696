//! The loudspeaker of a camera by ONVIF Profile T: the audio backchannel of its RTSP stream (Streaming Specification, 5.3).
//!
//! The connection is one of its own beside that of the picture. On the latter the mere question would cost the picture of
//! every camera without a loudspeaker, because such a one refuses it with 551 and `rtspsrc` does not ask again.

mod coding;
mod connection;
mod error;
mod place;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::secret::{Credentials, PasswordSource};
use forewarn_base::setting::SettingError;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Announcement, Playback, Proof, SpeakerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Adapter, Mistake, Settings};
use crate::speaker::error::PlayError;
use crate::speaker::programme::Programme;
use crate::speaker::run::Limits;
use connection::Talk;
use place::Place;

/// The loudspeaker of a camera, by ONVIF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnvifConfig {
    /// The camera's stream: `rtsp://192.168.1.20/stream1`. No user or password in it.
    #[serde(default)]
    pub url: Option<String>,
    /// The camera's address, `192.168.1.20` or with the port of its ONVIF service behind it: the camera is asked where its
    /// stream is.
    #[serde(default)]
    pub device: Option<String>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// What the agent calls itself; some cameras talk to known programs alone.
    #[serde(default = "own_name")]
    pub user_agent: String,
    /// Seconds in which the camera must be ready to play.
    #[serde(default = "ten_seconds")]
    pub answer_s: f64,
}

fn own_name() -> String {
    concat!("forewarn/", env!("CARGO_PKG_VERSION")).to_owned()
}

fn ten_seconds() -> f64 {
    10.0
}

impl Settings for OnvifConfig {
    fn check(&self, base_dir: &Path) -> Result<(), Mistake> {
        self.resolve(base_dir).map(drop).map_err(Mistake::from)
    }

    fn adapter(&self, _id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(self.resolve(base_dir)?))
    }
}

impl OnvifConfig {
    fn resolve(&self, base_dir: &Path) -> Result<Onvif, SettingError> {
        let place = Place::of(self.url.as_deref(), self.device.as_deref())?;
        if !(0.1..=60.0).contains(&self.answer_s) {
            let why = format!("{} is not within 0.1 to 60 seconds", self.answer_s);
            return Err(SettingError::value("answer_s", why, "write 10.0"));
        }
        if self.user_agent.chars().any(char::is_control) {
            let why = "it holds a line break or another control character";
            return Err(SettingError::value("user_agent", why, "write it in one line"));
        }
        let password = PasswordSource::of(self.password_file.as_deref(), self.password_env.as_deref())?;
        let environment = |name: &str| std::env::var(name).ok();
        let login = Credentials::read(self.user.as_deref(), password.as_ref(), base_dir, &environment)?;
        let (user_agent, patience) = (self.user_agent.clone(), Duration::from_secs_f64(self.answer_s));
        Ok(Onvif { place, login, user_agent, patience })
    }
}

/// One camera.
struct Onvif {
    place: Place,
    login: Option<Credentials>,
    user_agent: String,
    patience: Duration,
}

/// A camera as it is called.
struct Called<'a> {
    url: Url,
    login: Option<&'a Credentials>,
    user_agent: &'a str,
}

impl Called<'_> {
    /// By which the camera is told of.
    fn peer(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.url.port().unwrap_or(554))
    }
}

impl Onvif {
    /// Calls the camera and waits until it plays.
    fn talk(&self, within: Duration) -> Result<(Talk, String), PlayError> {
        let watch = Stopwatch::start();
        let login = self.login.as_ref();
        let called = Called { url: self.place.find(login)?, login, user_agent: &self.user_agent };
        let talk = Talk::open(&called, within.saturating_sub(watch.elapsed()));
        if talk.is_err() {
            self.place.forget();
        }
        Ok((talk?, called.peer()))
    }
}

impl Adapter for Onvif {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        _: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        programme.wait_for_the_device();
        // The sound is made while nobody waits for it at the other end; which coding is wanted is known only there.
        programme.pcm()?;
        let (talk, peer) = self.talk(self.patience.min(limits.left()))?;
        let sound = talk.coding().sound(programme)?;
        limits.check(sound.lasts)?;
        talk.say(&sound, limits)?;
        // Nobody answers for the far end: what is pushed before the camera plays is thrown away, and called good.
        let sent = format!("{} bytes of {} over the backchannel of {peer}", sound.bytes, talk.encoding());
        Ok(Playback::new(sound.lasts, Proof::Sent, sent).answered("PLAY: 200"))
    }

    fn probe(&self) -> Result<String, PlayError> {
        let (talk, peer) = self.talk(self.patience.min(Duration::from_secs(4)))?;
        Ok(format!("{} over the ONVIF backchannel of {peer}", talk.encoding()))
    }
}
