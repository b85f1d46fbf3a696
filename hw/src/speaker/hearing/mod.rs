//! Whether a microphone heard what was said: a camera beside the loudspeaker gives its sound meanwhile, and that is compared with
//! what was sent.

mod likeness;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::secret::{Credentials, PasswordSource};
use forewarn_base::setting::SettingError;
use forewarn_base::sync::lock;
use forewarn_domain::{Playback, Proof};
use gst::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::camera_url::{NoStream, camera_url};
use super::error::PlayError;
use super::run::{Limits, element, keeping_sink, mono_caps, pause};
pub(super) use likeness::RATE_HZ;
use likeness::likeness;

/// From this likeness on it is what was said. Of 9 texts in two languages, laid into a room with noise as loud as they, the least
/// was 0.82, and of two different texts the most 0.53.
const LEAST: f64 = 0.65;
/// A camera's sound comes so much later than what it hears, at most.
const LATE: Duration = Duration::from_millis(1500);
/// The longest that is kept: five minutes.
const MOST_BYTES: usize = 5 * 60 * 2 * RATE_HZ as usize;
const URL_MEND: &str = "write it like \"rtsp://192.168.1.20/stream1\"";

/// The microphone that hears a loudspeaker: that of a camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HearingConfig {
    /// The camera's stream with sound: `rtsp://192.168.1.20/stream1`. No user or password in it.
    pub url: String,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
}

impl HearingConfig {
    /// Checks the keys and reads the password, whose path is relative to a directory.
    pub(super) fn resolve(&self, base_dir: &Path) -> Result<Hearing, SettingError> {
        let wrong = |why: &str| SettingError::value("heard_by", why, URL_MEND);
        let url = camera_url(&self.url).map_err(|why| match why {
            NoStream::NoUrl(_) => wrong("its `url` is no URL"),
            NoStream::Scheme(_) | NoStream::Host | NoStream::PortZero => wrong("its `url` is no stream of a camera"),
            NoStream::Login => {
                let mend = "use `user` and `password_file` or `password_env` in it";
                SettingError::value("heard_by", "a user or password stands in its `url`", mend)
            }
        })?;
        let password = PasswordSource::of(self.password_file.as_deref(), self.password_env.as_deref())?;
        let environment = |name: &str| std::env::var(name).ok();
        let login = Credentials::read(self.user.as_deref(), password.as_ref(), base_dir, &environment)?;
        Ok(Hearing { url, login })
    }
}

/// A microphone.
pub(super) struct Hearing {
    url: Url,
    login: Option<Credentials>,
}

impl Hearing {
    /// Begins to listen; nothing waits for the connection.
    pub(super) fn begin(&self) -> Result<Listening, PlayError> {
        let broken = |error: gst::glib::BoolError| PlayError::Broken { reason: error.to_string() };
        let source = element("rtspsrc", "gstreamer1.0-plugins-good")?;
        source.set_property("location", self.url.as_str());
        source.set_property_from_str("protocols", "tcp");
        source.set_property("latency", 100_u32);
        if let Some(login) = &self.login {
            source.set_property("user-id", login.user.as_str());
            source.set_property("user-pw", login.password.expose());
        }
        let (sink, heard) = keeping_sink(&mono_caps(RATE_HZ), MOST_BYTES);
        let decoder = element("decodebin", "gstreamer1.0-plugins-base")?;
        let convert = element("audioconvert", "gstreamer1.0-plugins-base")?;
        let resample = element("audioresample", "gstreamer1.0-plugins-base")?;
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([&source, &decoder, &convert, &resample, sink.upcast_ref()]).map_err(broken)?;
        gst::Element::link_many([&convert, &resample, sink.upcast_ref()]).map_err(broken)?;
        source.connect("select-stream", false, |values| {
            let caps = values.get(2)?.get::<gst::Caps>().ok()?;
            let structure = caps.structure(0)?;
            let is_sound = structure.get::<String>("media").is_ok_and(|media| media == "audio");
            // What goes to the camera is not heard by it.
            Some((is_sound && !structure.has_field("a-sendonly")).to_value())
        });
        link_when_there(&source, &decoder);
        link_when_there(&decoder, &convert);
        let _ = pipeline.set_state(gst::State::Playing);
        Ok(Listening { pipeline, heard })
    }
}

/// Links the first pad that appears, as soon as it does.
fn link_when_there(from: &gst::Element, to: &gst::Element) {
    let to = to.clone();
    from.connect_pad_added(move |_, pad| {
        if let Some(sink) = to.static_pad("sink").filter(|sink| !sink.is_linked()) {
            let _ = pad.link(&sink);
        }
    });
}

/// What is being heard. It ends when this is dropped.
pub(super) struct Listening {
    pipeline: gst::Pipeline,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Listening {
    /// What was played is proven as heard where that is so; otherwise what the loudspeaker itself proved stays, and it is told
    /// how alike the two were. `said` are its samples.
    pub(super) fn judge(self, said: &[i16], mut playback: Playback, limits: &Limits) -> Playback {
        pause(LATE.min(limits.left()));
        let bytes = std::mem::take(&mut *lock(&self.heard));
        let heard: Vec<i16> = bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        let told = match likeness(said, &heard) {
            None => "the microphone gave too little sound".to_owned(),
            Some(alike) if alike >= LEAST => {
                playback.proof = playback.proof.max(Proof::Heard);
                format!("the microphone heard it, likeness {alike:.2}")
            }
            Some(alike) => format!("the microphone did not hear it, likeness {alike:.2}"),
        };
        let answer = playback.receipt.answer.take();
        playback.receipt.answer = Some(answer.map_or(told.clone(), |answer| format!("{answer}; {told}")));
        playback
    }
}
