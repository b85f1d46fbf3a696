//! How a site file describes a loudspeaker.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use forewarn_domain::SpeakerId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ConfigError;

/// One loudspeaker of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SpeakerConfig {
    /// The box's own sound card, or a WAV file where there is none.
    Local(LocalConfig),
    /// An IP horn that takes G.711 µ-law over RTP.
    Rtp(RtpConfig),
}

/// Where a local speaker's sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalSink {
    /// The first of PulseAudio and ALSA that opens, else WAV files if `wav_dir` is given.
    #[default]
    Auto,
    /// PulseAudio, or PipeWire in its place.
    Pulse,
    /// ALSA.
    Alsa,
    /// One WAV file for each announcement in `wav_dir`.
    Wav,
}

/// A speaker at the box's sound card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// Where the sound goes.
    pub sink: LocalSink,
    /// The sound server's or ALSA's name of the device, such as `hw:1,0`; the default device if absent.
    pub device: Option<String>,
    /// Directory of the WAV files, relative to the site file.
    pub wav_dir: Option<PathBuf>,
    /// How many WAV files are kept; the oldest go first.
    pub wav_keep: usize,
    /// Whether a WAV file takes as long to write as it sounds, so that it stands in for a real speaker.
    pub wav_real_time: bool,
    /// Whether a two-tone chime comes first.
    pub chime: bool,
    /// How text is spoken.
    pub speech: SpeechConfig,
    /// Seconds without progress after which playing has failed.
    pub stall_s: f64,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            sink: LocalSink::Auto,
            device: None,
            wav_dir: None,
            wav_keep: 200,
            wav_real_time: true,
            chime: true,
            speech: SpeechConfig::default(),
            stall_s: 3.0,
        }
    }
}

/// An IP horn that takes PCMU (RFC 3551, payload type 0) over RTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpConfig {
    /// Address and UDP port of the horn, or the multicast group that horns listen to: `239.1.2.3:5004`.
    pub address: SocketAddr,
    /// Hops that a packet may take (64 to one horn, 1 to a multicast group if absent).
    #[serde(default)]
    pub ttl: Option<u8>,
    /// IPv4 address of the network interface for multicast; the operating system's choice if absent.
    #[serde(default)]
    pub interface: Option<Ipv4Addr>,
    /// Whether a two-tone chime comes first.
    #[serde(default = "yes")]
    pub chime: bool,
    /// How text is spoken.
    #[serde(default)]
    pub speech: SpeechConfig,
    /// Seconds without progress after which playing has failed.
    #[serde(default = "three")]
    pub stall_s: f64,
}

fn yes() -> bool {
    true
}

fn three() -> f64 {
    3.0
}

/// How espeak-ng speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechConfig {
    /// The program: a name that is looked for in `PATH`, or a path.
    pub program: PathBuf,
    /// Words a minute, 80 to 450.
    pub rate_wpm: u16,
    /// Loudness, 0 to 200; above 100 it may clip.
    pub volume: u16,
    /// espeak-ng's voice for English.
    pub voice_en: String,
    /// espeak-ng's voice for Chinese.
    pub voice_zh: String,
    /// Seconds that making the speech may take.
    pub time_limit_s: f64,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            program: "espeak-ng".into(),
            rate_wpm: 150,
            volume: 100,
            voice_en: "en-gb".to_owned(),
            voice_zh: "cmn".to_owned(),
            time_limit_s: 10.0,
        }
    }
}

impl SpeakerConfig {
    /// Judges what the types cannot: ranges, and settings that contradict each other.
    pub fn check(&self, id: &SpeakerId) -> Result<(), ConfigError> {
        let (speech, stall_s) = match self {
            Self::Local(c) => (&c.speech, c.stall_s),
            Self::Rtp(c) => (&c.speech, c.stall_s),
        };
        let wrong = |key: &'static str, reason: String| ConfigError::Value { speaker: id.clone(), key, reason };
        let seconds = |key, value: f64| {
            let sane = (0.1..=3600.0).contains(&value);
            if sane { Ok(()) } else { Err(wrong(key, format!("{value} is not within 0.1 to 3600 seconds"))) }
        };
        seconds("stall_s", stall_s)?;
        seconds("speech.time_limit_s", speech.time_limit_s)?;
        if !(80..=450).contains(&speech.rate_wpm) {
            return Err(wrong("speech.rate_wpm", format!("{} is not within 80 to 450", speech.rate_wpm)));
        }
        if speech.volume > 200 {
            return Err(wrong("speech.volume", format!("{} is not within 0 to 200", speech.volume)));
        }
        for (key, voice) in [("speech.voice_en", &speech.voice_en), ("speech.voice_zh", &speech.voice_zh)] {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_+/".contains(c);
            if voice.is_empty() || voice.starts_with('-') || !voice.chars().all(fits) {
                return Err(wrong(key, format!("\"{voice}\" is no voice: `espeak-ng --voices` lists them")));
            }
        }
        match self {
            Self::Local(c) => c.check().map_err(|(key, reason)| wrong(key, reason)),
            Self::Rtp(c) => c.check().map_err(|(key, reason)| wrong(key, reason)),
        }
    }
}

impl LocalConfig {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.sink == LocalSink::Wav && self.wav_dir.is_none() {
            return Err(("wav_dir", "sink = \"wav\" needs the directory of the files".to_owned()));
        }
        if self.sink == LocalSink::Wav && self.device.is_some() {
            return Err(("device", "sink = \"wav\" has no device".to_owned()));
        }
        if self.wav_keep == 0 {
            return Err(("wav_keep", "at least 1 file is kept".to_owned()));
        }
        Ok(())
    }
}

impl RtpConfig {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let ip = self.address.ip();
        if self.address.port() == 0 || ip.is_unspecified() {
            return Err(("address", format!("{} is no place to send to", self.address)));
        }
        if self.ttl == Some(0) {
            return Err(("ttl", "packets of 0 hops never leave the box".to_owned()));
        }
        let multicast_v4 = matches!(ip, IpAddr::V4(v4) if v4.is_multicast());
        if self.interface.is_some() && !multicast_v4 {
            return Err(("interface", format!("{ip} is no IPv4 multicast group, so the routing table decides")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SpeakerConfig, String> {
        let config: SpeakerConfig = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        config.check(&SpeakerId::new("gate").unwrap()).map_err(|e| e.to_string())?;
        Ok(config)
    }

    #[test]
    fn short_descriptions_get_the_defaults() {
        assert_eq!(parse("kind = \"local\"").unwrap(), SpeakerConfig::Local(LocalConfig::default()));
        let SpeakerConfig::Rtp(horn) = parse("kind = \"rtp\"\naddress = \"239.1.2.3:5004\"").unwrap() else {
            panic!("a local speaker came out");
        };
        assert!(horn.chime && horn.stall_s == 3.0 && horn.speech == SpeechConfig::default());
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("kind = \"horn\"", "unknown variant `horn`"),
            ("kind = \"local\"\nvolume = 3", "unknown field `volume`"),
            ("kind = \"rtp\"\naddress = \"10.0.0.5\"", "socket address"),
            ("kind = \"rtp\"\naddress = \"0.0.0.0:5004\"", "no place to send to"),
            ("kind = \"rtp\"\naddress = \"10.0.0.5:5004\"\nttl = 0", "never leave the box"),
            ("kind = \"rtp\"\naddress = \"10.0.0.5:5004\"\ninterface = \"10.0.0.1\"", "routing table"),
            ("kind = \"local\"\nsink = \"wav\"", "needs the directory"),
            ("kind = \"local\"\nstall_s = 0.0", "stall_s"),
            ("kind = \"local\"\nspeech = { rate_wpm = 20 }", "80 to 450"),
            ("kind = \"local\"\nspeech = { volume = 300 }", "0 to 200"),
            ("kind = \"local\"\nspeech = { voice_en = \"--path=x\" }", "is no voice"),
        ];
        for (text, part) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
