//! Site files whose incidents come quickly.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The van that is parked in the demo clip from the first to the last frame, confirmed after about two seconds, warned
/// of once with a short word, and escalated.
pub const QUICK_PARKING: &str = r#"
[[camera.zone]]
id = "no-parking"
polygon = [[630, 40], [728, 40], [728, 116], [630, 112]]

[[camera.rule]]
violation = "illegal_parking"
zone = "no-parking"
with = { stationary_s = 1, confirm.for_s = 0.3, warning.times = 1, warning.timeout_s = 8, warning.cool_down_s = 0.2, warning.text = { en = "Go." }, observe.for_s = 0.5, observe.lost_after_s = 60, evidence.pre_roll_s = 2, evidence.post_roll_s = 1 }
"#;

/// People who stay in the picture for a moment: many short incidents, each closed soon.
pub const QUICK_LOITERING: &str = r#"
[[camera.zone]]
id = "plaza"
polygon = [[60, 60], [700, 60], [700, 520], [60, 520]]

[[camera.rule]]
violation = "loitering"
zone = "plaza"
with = { dwell_s = 0.4, confirm.for_s = 0.1, warning.times = 1, warning.timeout_s = 4, warning.cool_down_s = 0.2, warning.text = { en = "Go." }, observe.for_s = 0.4, observe.complied_after_s = 0.3, observe.gone_after_s = 0.5, observe.lost_after_s = 3, observe.close_after_s = 0.3, evidence.pre_roll_s = 0.5, evidence.post_roll_s = 0.5 }
"#;

/// One camera of a site.
#[derive(Debug, Clone)]
pub struct CameraEntry {
    /// Its id.
    pub id: String,
    /// Its URL.
    pub url: String,
    /// Keys of its table, such as `user = "viewer"`, a line each.
    pub keys: String,
    /// Zones and rules.
    pub rules: String,
}

impl CameraEntry {
    /// A camera with zones and rules.
    pub fn new(id: &str, url: impl Into<String>, rules: impl Into<String>) -> Self {
        Self { id: id.to_owned(), url: url.into(), keys: String::new(), rules: rules.into() }
    }

    /// Adds keys to its table.
    #[must_use]
    pub fn with(mut self, keys: &str) -> Self {
        self.keys.push_str(keys);
        self.keys.push('\n');
        self
    }
}

/// What a site file is made of.
#[derive(Debug, Clone, Default)]
pub struct SiteFile {
    /// Tables before the cameras: upstream, metrics, speakers.
    pub tables: String,
    /// The cameras.
    pub cameras: Vec<CameraEntry>,
}

impl SiteFile {
    /// A site named `north` that speaks English and stores beside its file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports to a broker.
    #[must_use]
    pub fn upstream(mut self, url: &str, keys: &str) -> Self {
        let _ = writeln!(
            self.tables,
            "[upstream.mqtt]\nurl = \"{url}\"\nreconnect_min_ms = 100\nreconnect_max_ms = 500\n{keys}\n"
        );
        self
    }

    /// Reports to one more broker, or once more to the same.
    #[must_use]
    pub fn another_upstream(mut self, name: &str, url: &str, keys: &str) -> Self {
        let _ = writeln!(
            self.tables,
            "[upstream.{name}]\nkind = \"mqtt\"\nurl = \"{url}\"\nreconnect_min_ms = 100\nreconnect_max_ms = 500\n{keys}\n"
        );
        self
    }

    /// Serves metrics.
    #[must_use]
    pub fn metrics(mut self, port: u16) -> Self {
        let _ = writeln!(self.tables, "[metrics]\nlisten = \"127.0.0.1:{port}\"\n");
        self
    }

    /// Serves the console.
    #[must_use]
    pub fn console(mut self, port: u16) -> Self {
        let _ = writeln!(self.tables, "[console]\nlisten = \"127.0.0.1:{port}\"\n");
        self
    }

    /// A loudspeaker that writes WAV files into `announcements`, faster than they sound.
    #[must_use]
    pub fn wav_speaker(mut self, id: &str) -> Self {
        let _ = writeln!(
            self.tables,
            "[[speaker]]\nid = \"{id}\"\nkind = \"local\"\nsink = \"wav\"\nwav_dir = \"announcements\"\n\
             wav_real_time = false\nchime = false\n"
        );
        self
    }

    /// A loudspeaker that takes RTP on a loopback port.
    #[must_use]
    pub fn rtp_speaker(mut self, id: &str, port: u16) -> Self {
        let _ = writeln!(
            self.tables,
            "[[speaker]]\nid = \"{id}\"\nkind = \"rtp\"\naddress = \"127.0.0.1:{port}\"\nchime = false\n"
        );
        self
    }

    /// Adds a camera.
    #[must_use]
    pub fn camera(mut self, camera: CameraEntry) -> Self {
        self.cameras.push(camera);
        self
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!(
            "[site]\nid = \"north\"\nlanguage = \"en\"\n\n[storage]\ndir = \"data\"\nmin_free_gib = 0.0\n\n{}",
            self.tables
        );
        for CameraEntry { id, url, keys, rules } in &self.cameras {
            let _ = writeln!(text, "[[camera]]\nid = \"{id}\"\nurl = \"{url}\"\n{keys}{rules}");
        }
        text
    }

    /// Writes it to `site.toml` in `dir`.
    pub fn write(&self, dir: &Path) -> anyhow::Result<PathBuf> {
        let path = dir.join("site.toml");
        std::fs::write(&path, self.text()).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }
}
