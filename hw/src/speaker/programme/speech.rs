//! Speech by espeak-ng, run as a child process: the text goes in by stdin, a WAV comes out by stdout. Where the site adds a
//! voice of its own, espeak-ng spells the sounds, and the voice speaks them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::child::{self, ChildError};
use forewarn_domain::SpokenText;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::violation::Language;
use forewarn_domain::voice::{Voice, Voices};

use crate::speaker::SpeakerContext;
use crate::speaker::common::{SpeechConfig, is_file};
use crate::speaker::error::SpeechError;
use crate::speaker::pcm::Pcm;

use super::cache::{SpeechCache, SpeechKey};
use super::loudness;
use super::sentences::{Clause, sentences, sounds};

/// Longest text in bytes.
const TEXT_LIMIT: usize = 4000;
/// Most bytes that are read of the program's output: six minutes of speech.
const OUTPUT_LIMIT: u64 = 16 << 20;

/// Makes speech, and makes none twice.
pub(super) struct Speech {
    config: SpeechConfig,
    cache: SpeechCache,
    voices: Arc<dyn Voices>,
    base_dir: PathBuf,
}

impl Speech {
    pub(super) fn new(config: SpeechConfig, context: &SpeakerContext) -> Self {
        let SpeakerContext { speech, voices, base_dir, .. } = context;
        Self { config, cache: speech.clone(), voices: Arc::clone(voices), base_dir: base_dir.clone() }
    }

    /// The spoken text, made within `limit`. It is as loud as `lufs` says, but for the `volume` of the site file.
    pub(super) fn speak(&self, text: &SpokenText, lufs: f64, limit: Duration) -> Result<Arc<Pcm>, SpeechError> {
        let lufs = lufs + 20.0 * (f64::from(self.config.volume) / 100.0).log10();
        let key = SpeechKey {
            text: text.clone(),
            program: self.config.program.clone(),
            voice: self.config.voice(text.language).to_owned(),
            rate_wpm: self.config.rate_wpm,
            centi_lufs: (lufs * 100.0).round() as i64,
        };
        if let Some(known) = self.cache.get(&key) {
            return Ok(known);
        }
        let watch = Stopwatch::start();
        let own = self.file(text.language).map(|file| self.by_voice(&file, text, limit));
        if let Some(Err(error)) = &own {
            // A voice that is broken must not cost the warning; what is made without it is not kept in its name.
            tracing::warn!("{error}; espeak-ng speaks in its place");
        }
        let is_own = own.is_none() || own.as_ref().is_some_and(Result::is_ok);
        let made = match own {
            Some(Ok(pcm)) => pcm,
            _ => self.synthesise(text, limit.saturating_sub(watch.elapsed()))?,
        };
        let pcm = Arc::new(loudness::at(&made, lufs));
        if is_own {
            self.cache.keep(key, pcm.clone());
        }
        Ok(pcm)
    }

    /// The file of the site's own voice for a language, where it has one.
    fn file(&self, language: Language) -> Option<PathBuf> {
        let voice = self.config.voice(language);
        is_file(voice).then(|| self.base_dir.join(voice))
    }

    /// espeak-ng's voice for a language.
    fn voice(&self, language: Language) -> String {
        let usual = SpeechConfig::default();
        let voice = self.config.voice(language);
        if is_file(voice) { usual.voice(language) } else { voice }.to_owned()
    }

    /// The voice in a file, and what espeak-ng calls the language whose sounds it knows.
    fn open(&self, file: &Path, language: Language) -> Result<(Arc<dyn Voice>, String), SpeechError> {
        let voice = self.voices.open(file).map_err(|why| SpeechError::Voice { file: file.to_owned(), why })?;
        let speller = match voice.speller() {
            // By these espeak-ng reads Chinese characters as English spellings of their sounds.
            "cmn" | "zh" => self.voice(language),
            speller => speller.to_owned(),
        };
        Ok((voice, speller))
    }

    /// Speech by a voice of the site's own, sentence by sentence.
    fn by_voice(&self, file: &Path, text: &SpokenText, limit: Duration) -> Result<Pcm, SpeechError> {
        let wrong = |why: String| SpeechError::Voice { file: file.to_owned(), why };
        if text.text.len() > TEXT_LIMIT {
            return Err(SpeechError::TooLong { bytes: text.text.len(), limit: TEXT_LIMIT });
        }
        let limit = limit.min(Duration::from_secs_f64(self.config.time_limit_s));
        let (voice, speller) = self.open(file, text.language)?;
        let tempo = f64::from(self.config.rate_wpm) / f64::from(SpeechConfig::default().rate_wpm);
        let (watch, mut whole) = (Stopwatch::start(), Pcm { rate_hz: 0, samples: Vec::new() });
        for sentence in sentences(&text.text) {
            let spelt = self.spell(&sentence, &speller, limit.saturating_sub(watch.elapsed()))?;
            if spelt.is_empty() {
                continue;
            }
            let said = voice.speak(&spelt, tempo).map_err(wrong)?;
            if watch.elapsed() > limit {
                return Err(wrong(format!("it is not done in {:.1} s", limit.as_secs_f64())));
            }
            whole.rate_hz = said.rate_hz;
            let full = f32::from(i16::MAX);
            whole.samples.extend(said.samples.iter().map(|sample| (sample.clamp(-1.0, 1.0) * full) as i16));
        }
        if whole.is_audible() { Ok(whole) } else { Err(wrong("it gave silence".to_owned())) }
    }

    /// The sounds of a sentence, with its marks between, as voices are taught them.
    fn spell(&self, sentence: &[Clause], speller: &str, limit: Duration) -> Result<String, SpeechError> {
        let mut spelt = String::new();
        for clause in sentence {
            let mut command = Command::new(&self.config.program);
            command.args(["-q", "--ipa", "-v", speller, "-b", "1", "--stdin"]);
            let out = self.run(command, clause.words.as_bytes(), limit)?;
            let sounds = sounds(&String::from_utf8_lossy(&out));
            if sounds.is_empty() {
                continue;
            }
            if !spelt.is_empty() {
                spelt.push(' ');
            }
            spelt.push_str(&sounds);
            spelt.extend(clause.mark);
        }
        Ok(spelt)
    }

    /// Runs the program without a text and returns what it calls itself.
    pub(super) fn probe(&self) -> Result<String, SpeechError> {
        let mut command = Command::new(&self.config.program);
        command.arg("--version");
        let out = self.run(command, b"", Duration::from_secs_f64(self.config.time_limit_s))?;
        let program = String::from_utf8_lossy(&out).lines().next().unwrap_or_default().trim().to_owned();
        let mut said = vec![program];
        for language in [Language::En, Language::Zh] {
            if let Some(file) = self.file(language) {
                let (_, speller) = self.open(&file, language)?;
                said.push(format!("voice {} for {speller}", file.display()));
            }
        }
        Ok(said.join(", "))
    }

    fn synthesise(&self, text: &SpokenText, limit: Duration) -> Result<Pcm, SpeechError> {
        if text.text.len() > TEXT_LIMIT {
            return Err(SpeechError::TooLong { bytes: text.text.len(), limit: TEXT_LIMIT });
        }
        let mut command = Command::new(&self.config.program);
        command.args(["-v", &self.voice(text.language), "-b", "1", "--stdin", "--stdout"]);
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
    use std::sync::Mutex;

    use forewarn_domain::voice::Voiced;

    use super::*;
    use crate::speaker::programme::loudness::USUAL_LUFS;

    const LIMIT: Duration = Duration::from_secs(20);

    fn of(config: SpeechConfig) -> Speech {
        Speech::new(config, &context())
    }

    fn context() -> SpeakerContext {
        SpeakerContext::new(Arc::new(forewarn_domain::SystemClock), "audio", ".")
    }

    /// Voices that keep what they are to say, and hum it: a tenth of a second a sound.
    #[derive(Debug, Default, Clone)]
    struct Hum(Arc<Mutex<Vec<String>>>, &'static str);

    impl Voices for Hum {
        fn open(&self, file: &Path) -> Result<Arc<dyn Voice>, String> {
            if file.ends_with("broken.onnx") { Err("it is broken".to_owned()) } else { Ok(Arc::new(self.clone())) }
        }
    }

    impl Voice for Hum {
        fn speller(&self) -> &str {
            self.1
        }

        fn speak(&self, sounds: &str, tempo: f64) -> Result<Voiced, String> {
            self.0.lock().unwrap().push(sounds.to_owned());
            let samples = (sounds.chars().count() as f64 * 1600.0 / tempo) as usize;
            Ok(Voiced { rate_hz: 16_000, samples: (0..samples).map(|i| (i as f32 * 0.2).sin() * 0.5).collect() })
        }
    }

    fn humming(config: SpeechConfig, speller: &'static str) -> (Speech, Hum) {
        let hum = Hum(Arc::default(), speller);
        let context = SpeakerContext { voices: Arc::new(hum.clone()), ..context() };
        (Speech::new(config, &context), hum)
    }

    #[test]
    fn a_voice_of_the_sites_own_is_told_the_sounds_sentence_by_sentence() {
        let own = SpeechConfig { voice_en: "own.onnx".to_owned(), rate_wpm: 300, ..SpeechConfig::default() };
        let (speech, hum) = humming(own, "en-us");
        let text = say(Language::En, "Attention please. You are here; leave now!");
        let pcm = speech.speak(&text, USUAL_LUFS, LIMIT).unwrap();
        let said = hum.0.lock().unwrap().clone();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], "ɐtˈɛnʃən plˈiːz.");
        assert!(said[1].contains("; ") && said[1].ends_with("nˈaʊ!"), "{said:?}");
        let sounds: usize = said.iter().map(|one| one.chars().count()).sum();
        assert_eq!((pcm.rate_hz, pcm.samples.len()), (16_000, sounds * 800), "twice as fast");
        speech.speak(&text, USUAL_LUFS, LIMIT).unwrap();
        assert_eq!(hum.0.lock().unwrap().len(), 2, "what was spoken is kept");
        assert!(speech.probe().unwrap().contains("voice ./own.onnx for en-us"), "{}", speech.probe().unwrap());
    }

    #[test]
    fn english_is_spelt_as_piper_spells_it() {
        let own = SpeechConfig { voice_en: "own.onnx".to_owned(), ..SpeechConfig::default() };
        let (speech, hum) = humming(own, "en-us");
        let text = "You have entered a restricted area; leave now! The gate is closed, drive on: bay 3.5 is full? \
                    You have 30 seconds left";
        speech.speak(&say(Language::En, text), USUAL_LUFS, LIMIT).unwrap();
        // `PiperVoice.phonemize` of piper-tts 1.8.0 for a voice of `en-us`.
        let by_piper = [
            "juː hæv ˈɛntɚd ɐ ɹᵻstɹˈɪktᵻd ˈɛɹiə; lˈiːv nˈaʊ!",
            "ðə ɡˈeɪt ɪz klˈoʊzd, dɹˈaɪv ˈɔn: bˈeɪ θɹˈiː pɔɪnt fˈaɪv ɪz fˈʊl?",
            "juː hæv θˈɜːɾi sˈɛkəndz lˈɛft",
        ];
        assert_eq!(*hum.0.lock().unwrap(), by_piper);
    }

    #[test]
    fn a_chinese_voice_is_told_chinese_sounds() {
        let own = SpeechConfig { voice_zh: "zh.onnx".to_owned(), ..SpeechConfig::default() };
        let (speech, hum) = humming(own, "cmn");
        speech.speak(&say(Language::Zh, "您好，请离开。"), USUAL_LUFS, LIMIT).unwrap();
        let said = hum.0.lock().unwrap().concat();
        // As piper-tts 1.8.0 spells the words for its Chinese voices; read as English they would begin with "nin-two".
        assert_eq!(said, "nˈiɜn χˈɑu2, tɕhˈi2ŋ lˈiɜ khˈai5.");
    }

    #[test]
    fn a_voice_that_is_broken_costs_no_warning() {
        let own = SpeechConfig { voice_en: "broken.onnx".to_owned(), ..SpeechConfig::default() };
        let (speech, hum) = humming(own, "en-us");
        let text = say(Language::En, "Please leave this area now.");
        let pcm = speech.speak(&text, USUAL_LUFS, LIMIT).unwrap();
        assert_eq!(pcm.samples, of(SpeechConfig::default()).speak(&text, USUAL_LUFS, LIMIT).unwrap().samples);
        assert!(hum.0.lock().unwrap().is_empty());
        let told = speech.probe().unwrap_err().to_string();
        assert_eq!(told, "the voice ./broken.onnx does not speak: it is broken");
        // As soon as it is mended, it speaks: what espeak-ng said was not kept in its name.
        let mended = SpeechConfig { voice_en: "broken.onnx".to_owned(), ..SpeechConfig::default() };
        let context = SpeakerContext { speech: speech.cache.clone(), ..context() };
        assert!(Speech::new(mended, &context).cache.get(&key_of(&text)).is_none());
    }

    fn key_of(text: &SpokenText) -> SpeechKey {
        let SpeechConfig { program, rate_wpm, .. } = SpeechConfig::default();
        let centi_lufs = (USUAL_LUFS * 100.0).round() as i64;
        SpeechKey { text: text.clone(), program, voice: "broken.onnx".to_owned(), rate_wpm, centi_lufs }
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
