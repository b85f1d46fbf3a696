//! Speech by espeak-ng, run as a child process: the text goes in by stdin, a WAV comes out by stdout.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::child::{self, ChildError};
use forewarn_domain::SpokenText;
use forewarn_domain::violation::Language;

use crate::speaker::common::SpeechConfig;
use crate::speaker::error::SpeechError;
use crate::speaker::pcm::Pcm;

use super::cache::{SpeechCache, SpeechKey};
use super::loudness;

/// Longest text in bytes.
const TEXT_LIMIT: usize = 4000;
/// Most bytes that are read of the program's output: six minutes of speech.
const OUTPUT_LIMIT: u64 = 16 << 20;

/// Makes speech, and makes none twice.
pub(super) struct Speech {
    config: SpeechConfig,
    cache: SpeechCache,
}

impl Speech {
    pub(super) fn new(config: SpeechConfig, cache: SpeechCache) -> Self {
        Self { config, cache }
    }

    /// The spoken text, made within `limit`. It is as loud as `lufs` says, but for the `volume` of the site file.
    pub(super) fn speak(&self, text: &SpokenText, lufs: f64, limit: Duration) -> Result<Arc<Pcm>, SpeechError> {
        let lufs = lufs + 20.0 * (f64::from(self.config.volume) / 100.0).log10();
        let key = SpeechKey {
            text: text.clone(),
            program: self.config.program.clone(),
            voice: self.voice(text.language).to_owned(),
            rate_wpm: self.config.rate_wpm,
            centi_lufs: (lufs * 100.0).round() as i64,
        };
        if let Some(known) = self.cache.get(&key) {
            return Ok(known);
        }
        let pcm = Arc::new(loudness::at(&self.synthesise(text, limit)?, lufs));
        self.cache.keep(key, pcm.clone());
        Ok(pcm)
    }

    fn voice(&self, language: Language) -> &str {
        match language {
            Language::En => &self.config.voice_en,
            Language::Zh => &self.config.voice_zh,
        }
    }

    /// Runs the program without a text and returns what it calls itself.
    pub(super) fn probe(&self) -> Result<String, SpeechError> {
        let mut command = Command::new(&self.config.program);
        command.arg("--version");
        let out = self.run(command, b"", Duration::from_secs_f64(self.config.time_limit_s))?;
        Ok(String::from_utf8_lossy(&out).lines().next().unwrap_or_default().trim().to_owned())
    }

    fn synthesise(&self, text: &SpokenText, limit: Duration) -> Result<Pcm, SpeechError> {
        if text.text.len() > TEXT_LIMIT {
            return Err(SpeechError::TooLong { bytes: text.text.len(), limit: TEXT_LIMIT });
        }
        let mut command = Command::new(&self.config.program);
        command.args(["-v", self.voice(text.language), "-b", "1", "--stdin", "--stdout"]);
        command.args(["-s", &self.config.rate_wpm.to_string()]);
        let limit = limit.min(Duration::from_secs_f64(self.config.time_limit_s));
        let wav = self.run(command, text.text.as_bytes(), limit)?;
        let program = || self.config.program.clone();
        let pcm = Pcm::from_wav(&wav).map_err(|reason| SpeechError::Format { program: program(), reason })?;
        if pcm.samples.is_empty() {
            return Err(SpeechError::Format { program: program(), reason: "it holds no samples" });
        }
        if !pcm.is_audible() {
            let lasts_s = pcm.duration().as_secs_f64();
            return Err(SpeechError::Silent { program: program(), lasts_s, text: text.text.clone() });
        }
        Ok(pcm)
    }

    fn run(&self, command: Command, input: &[u8], time: Duration) -> Result<Vec<u8>, SpeechError> {
        let program = || self.config.program.clone();
        let limits = child::Limits { time, output_bytes: OUTPUT_LIMIT };
        let ended = child::run(command, input, limits).map_err(|error| match error {
            ChildError::Missing { .. } => SpeechError::Missing { program: program() },
            other => SpeechError::Program(other),
        })?;
        if ended.status.success() && !ended.output.is_empty() {
            return Ok(ended.output);
        }
        let message = ended.complaint.unwrap_or_else(|| "no message".to_owned());
        Err(SpeechError::Failed { program: program(), status: ended.status.to_string(), message })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use forewarn_domain::clock::Stopwatch;

    use super::*;
    use crate::speaker::programme::loudness::USUAL_LUFS;

    const LIMIT: Duration = Duration::from_secs(20);

    fn of(config: SpeechConfig) -> Speech {
        Speech::new(config, SpeechCache::default())
    }

    fn say(language: Language, text: &str) -> SpokenText {
        SpokenText { language, text: text.to_owned() }
    }

    /// A program of `hw/fixtures` in place of espeak-ng. They are files of the repository because a script that a
    /// test writes may still be open for writing in another test's child, and then it does not start.
    fn stub(dir: &tempfile::TempDir, name: &str) -> Speech {
        let program = dir.path().join(name);
        std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name), &program)
            .unwrap();
        of(SpeechConfig { program, time_limit_s: 5.0, ..SpeechConfig::default() })
    }

    #[test]
    fn both_languages_are_spoken_for_a_plausible_time() {
        let speech = of(SpeechConfig::default());
        for text in [
            say(Language::En, "Attention. You are parked in a no parking zone. Please move your vehicle now."),
            say(Language::Zh, "您好，此处禁止停车，请立即驶离。"),
        ] {
            let pcm = speech.speak(&text, USUAL_LUFS, LIMIT).unwrap();
            let lasts_s = pcm.duration().as_secs_f64();
            assert!((2.0..12.0).contains(&lasts_s), "{text:?} lasts {lasts_s} s");
            let loud = pcm.samples.iter().filter(|s| s.unsigned_abs() > 500).count();
            assert!(loud * 5 > pcm.samples.len(), "{text:?} is near silence");
        }
    }

    #[test]
    fn rate_and_volume_are_heard() {
        let text = say(Language::En, "Please leave this area now.");
        let speak = |rate_wpm, volume| {
            let config = SpeechConfig { rate_wpm, volume, ..SpeechConfig::default() };
            of(config).speak(&text, USUAL_LUFS, LIMIT).unwrap()
        };
        let (slow, fast, soft) = (speak(100, 100), speak(250, 100), speak(100, 20));
        assert!(fast.duration() * 3 < slow.duration() * 2);
        let peak = |pcm: &Pcm| pcm.samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!(peak(&soft) * 2 < peak(&slow));
    }

    #[test]
    fn the_text_is_never_read_as_an_option_or_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let text = say(Language::En, &format!("--version; touch {0} $(touch {0}) `touch {0}`", mark.display()));
        let pcm = of(SpeechConfig::default()).speak(&text, USUAL_LUFS, LIMIT).unwrap();
        assert!(pcm.duration() > Duration::from_secs(1));
        assert!(!mark.exists());
    }

    #[test]
    fn known_speech_comes_from_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let speech = stub(&dir, "speech-counted");
        let first = speech.speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap();
        let again = speech.speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap();
        let _other = speech.speak(&say(Language::En, "Go."), USUAL_LUFS, LIMIT).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(std::fs::read_to_string(dir.path().join("calls")).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let config = SpeechConfig { program: "/nonexistent/espeak-ng".into(), ..SpeechConfig::default() };
        let error = of(config).speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap_err();
        assert!(matches!(error, SpeechError::Missing { .. }));
        assert!(error.to_string().contains("install the package espeak-ng"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Stopwatch::start();
        let speech = stub(&dir, "speech-hangs");
        let error = speech.speak(&say(Language::En, "Stop."), USUAL_LUFS, Duration::from_millis(200)).unwrap_err();
        assert!(matches!(error, SpeechError::Program(ChildError::Timeout { .. })), "{error}");
        assert!(watch.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn a_program_that_hangs_in_a_child_of_its_own_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let speech = stub(&dir, "speech-hangs-in-a-child");
        assert!(speech.speak(&say(Language::En, "Stop."), USUAL_LUFS, Duration::from_millis(700)).is_err());
        let child = std::fs::read_to_string(dir.path().join("child")).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        // A killed process goes on its own way to its end; one that nobody waits for is a zombie until init does.
        while !stat().is_empty() && !stat().contains(") Z") {
            std::thread::yield_now();
        }
    }

    #[test]
    fn silence_is_no_speech_whatever_the_program_says() {
        let dir = tempfile::tempdir().unwrap();
        let error = stub(&dir, "speech-silent").speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap_err();
        assert!(error.to_string().contains("0.1 s of silence for \"Stop.\""), "{error}");
        for text in ["……", "!?"] {
            let nothing = of(SpeechConfig::default()).speak(&say(Language::Zh, text), USUAL_LUFS, LIMIT);
            assert!(nothing.is_err(), "{text}");
        }
    }

    #[test]
    fn refusals_and_rubbish_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let unknown_voice = SpeechConfig { voice_en: "xx-klingon".to_owned(), ..SpeechConfig::default() };
        let refused = of(unknown_voice).speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap_err();
        assert!(matches!(&refused, SpeechError::Failed { message, .. } if message.contains("voice")), "{refused}");
        let rubbish = stub(&dir, "speech-rubbish").speak(&say(Language::En, "Stop."), USUAL_LUFS, LIMIT).unwrap_err();
        assert!(matches!(rubbish, SpeechError::Format { .. }), "{rubbish}");
        let long = of(SpeechConfig::default()).speak(&say(Language::En, &"a".repeat(5000)), USUAL_LUFS, LIMIT);
        assert!(matches!(long, Err(SpeechError::TooLong { bytes: 5000, .. })));
    }
}
