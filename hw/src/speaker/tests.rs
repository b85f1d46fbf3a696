//! Loudspeakers from their configuration to the proof of playback.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Mutex;

use forewarn_domain::violation::Language;
use forewarn_domain::{AnnouncementId, IncidentId, Proof, SpokenText, SystemClock, Timestamp};

use super::programme::Pcm;
use super::*;

/// Lets an adapter play samples, which a sound file holds.
pub(super) fn announce(adapter: &mut dyn Adapter, pcm: Pcm) -> Result<Playback, PlayError> {
    let announcement = announcement("", None);
    run(&announcement, |programme, limits| adapter.announce(&mut programme.holding(pcm), &announcement, limits))
}

/// Lets an adapter say a text.
pub(super) fn say(adapter: &mut dyn Adapter, text: &str) -> Result<Playback, PlayError> {
    let announcement = announcement(text, None);
    run(&announcement, |mut programme, limits| adapter.announce(&mut programme, &announcement, limits))
}

/// Does something with the programme of a text.
pub(super) fn with_programme<R>(text: &str, work: impl FnOnce(&mut Programme<'_>) -> R) -> R {
    run(&announcement(text, None), |mut programme, _| work(&mut programme))
}

fn run<R>(announcement: &Announcement, work: impl FnOnce(Programme<'_>, &Limits) -> R) -> R {
    let limits = Limits::new(Duration::from_secs(30), Duration::from_secs(10));
    let context = SpeakerContext::new(Arc::new(SystemClock), "audio", ".");
    let mut studio = Studio::new(&ProgrammeConfig::default(), &context);
    guard::tests::patient(|patience| work(Programme::new(&mut studio, announcement, &limits, patience), &limits))
}

/// An announcement with a minute left on [`Still`]'s clock.
pub(super) fn announcement(text: &str, audio: Option<&str>) -> Announcement {
    Announcement {
        id: AnnouncementId(7),
        incident: IncidentId::from_stored("inc-1"),
        speaker: SpeakerId::new("gate").unwrap(),
        text: SpokenText { language: Language::En, text: text.to_owned() },
        audio: audio.map(str::to_owned),
        attempt: 2,
        deadline: Timestamp::from_secs_f64(60.0),
        urgency: 0,
    }
}

/// A clock that stands, and moves on by hand.
#[derive(Default)]
struct Still(Mutex<f64>);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs_f64(*self.0.lock().unwrap())
    }
}

fn speaker(config: &str, dir: &Path, now_s: f64) -> Box<dyn Loudspeaker> {
    let config: SpeakerConfig = toml::from_str(config).unwrap();
    let clock = Arc::new(Still(Mutex::new(now_s)));
    let context = SpeakerContext::new(clock, dir.join("audio"), dir);
    build(&SpeakerId::new("gate").unwrap(), &config, &context).unwrap()
}

const WAV: &str = "kind = \"local\"\nsink = \"wav\"\nwav_dir = \"said\"\nwav_real_time = false\n";

#[test]
fn a_wav_file_holds_chime_and_speech_and_its_length_is_the_proof() {
    let dir = tempfile::tempdir().unwrap();
    let played =
        speaker(WAV, dir.path(), 0.0).play(&announcement("Please leave this area.", None), &Cut::default()).unwrap();
    let bytes = std::fs::read(dir.path().join("said/inc-1-2-7.wav")).unwrap();
    let pcm = Pcm::from_wav(&bytes).unwrap();
    assert_eq!((played.duration, played.proof), (pcm.duration(), Proof::Written));
    assert_eq!(played.receipt.kind, "local");
    assert!(played.receipt.sent.ends_with("said/inc-1-2-7.wav"), "{:?}", played.receipt);
    let played = played.duration;
    let without_chime = format!("{WAV}chime = false");
    let shorter = speaker(&without_chime, dir.path(), 0.0)
        .play(&announcement("Please leave this area.", None), &Cut::default())
        .unwrap()
        .duration;
    let difference_s = played.as_secs_f64() - shorter.as_secs_f64();
    assert!((difference_s - 0.85).abs() < 0.01 && shorter.as_secs_f64() > 1.0, "{played:?} {shorter:?}");
    let files: Vec<_> = std::fs::read_dir(dir.path().join("said")).unwrap().collect();
    assert_eq!(files.len(), 1, "no part of a file is left");
}

#[test]
fn a_wav_file_stands_in_for_a_speaker_in_real_time() {
    let dir = tempfile::tempdir().unwrap();
    let watch = forewarn_domain::clock::Stopwatch::start();
    let config = WAV.replace("false", "true");
    let played =
        speaker(&config, dir.path(), 0.0).play(&announcement("Stop.", None), &Cut::default()).unwrap().duration;
    assert!(watch.elapsed() + Duration::from_millis(40) >= played, "{played:?} in {:?}", watch.elapsed());
}

#[test]
fn a_horn_is_spoken_to_in_chinese() {
    let dir = tempfile::tempdir().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = format!("kind = \"rtp\"\naddress = \"{}\"\nchime = false", socket.local_addr().unwrap());
    let mut warning = announcement("请离开", None);
    warning.text.language = Language::Zh;
    let played = speaker(&config, dir.path(), 0.0).play(&warning, &Cut::default()).unwrap();
    let Playback { duration: played, proof: Proof::Sent, .. } = played else { panic!("{played:?}") };
    socket.set_nonblocking(true).unwrap();
    let (mut samples, mut buffer) = (0, [0; 2000]);
    while let Ok(length) = socket.recv(&mut buffer) {
        samples += length - 12;
    }
    assert_eq!(Duration::from_micros(samples as u64 * 125), played);
    assert!((0.4..5.0).contains(&played.as_secs_f64()), "{played:?}");
}

#[test]
fn a_sound_file_that_fails_gives_way_to_the_text_and_is_an_error_without_one() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("audio")).unwrap();
    std::fs::write(dir.path().join("audio/bad.ogg"), "no sound").unwrap();
    let mut speaker = speaker(WAV, dir.path(), 0.0);
    assert!(speaker.play(&announcement("Stop.", Some("bad.ogg")), &Cut::default()).is_ok());
    let broken = speaker.play(&announcement("", Some("bad.ogg")), &Cut::default()).unwrap_err();
    assert!(broken.message.contains("failed to decode the sound file"), "{broken}");
    let missing = speaker.play(&announcement(" ", Some("gone.ogg")), &Cut::default()).unwrap_err();
    assert!(missing.message.contains("gone.ogg: No such file"), "{missing}");
    let nothing = speaker.play(&announcement("", None), &Cut::default()).unwrap_err();
    let kinds = [broken.kind, missing.kind, nothing.kind];
    assert_eq!(kinds, [FailureKind::SoundFile, FailureKind::SoundFile, FailureKind::Misconfigured]);
    assert!(nothing.message.contains("neither a text nor a sound file"), "{nothing}");
}

#[test]
fn a_sound_file_plays_in_place_of_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = speaker(&format!("{WAV}chime = false"), dir.path(), 0.0);
    let spoken = speaker.play(&announcement("Please leave this area.", None), &Cut::default()).unwrap();
    std::fs::create_dir(dir.path().join("audio")).unwrap();
    std::fs::rename(dir.path().join("said/inc-1-2-7.wav"), dir.path().join("audio/leave.wav")).unwrap();
    let played = speaker.play(&announcement("", Some("leave.wav")), &Cut::default()).unwrap();
    let (played, spoken) = (played.duration, spoken.duration);
    assert!((played.as_secs_f64() - spoken.as_secs_f64()).abs() < 0.01, "{played:?} {spoken:?}");
}

#[test]
fn deadlines_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let passed = speaker(WAV, dir.path(), 60.0).play(&announcement("Stop.", None), &Cut::default()).unwrap_err();
    assert!(passed.message.contains("deadline has passed"), "{passed}");
    let close = speaker(WAV, dir.path(), 59.0)
        .play(&announcement("Please leave this area now.", None), &Cut::default())
        .unwrap_err();
    assert!(close.message.contains("say less, or raise the `timeout_s`"), "{close}");
    assert_eq!([passed.kind, close.kind], [FailureKind::TimedOut; 2]);
    assert!(!dir.path().join("said").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("said"), "a file in its place").unwrap();
    let error = speaker(WAV, dir.path(), 0.0).play(&announcement("Stop.", None), &Cut::default()).unwrap_err();
    assert!(error.message.contains("failed to write") && error.message.contains("said"), "{error}");
}

#[test]
fn probing_says_what_would_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let context = SpeakerContext::new(Arc::new(SystemClock), "audio", dir.path());
    let id = || SpeakerId::new("gate").unwrap();
    let found = probe(&id(), &toml::from_str(WAV).unwrap(), &context).unwrap();
    assert!(found.contains("WAV files in") && found.contains("eSpeak NG"), "{found}");
    let config = format!("{WAV}speech = {{ program = \"/nonexistent/espeak-ng\" }}");
    let missing = probe(&id(), &toml::from_str(&config).unwrap(), &context).unwrap_err();
    assert!(missing.message.contains("install the package espeak-ng"), "{missing}");
    let horn =
        probe(&id(), &toml::from_str("kind = \"rtp\"\naddress = \"127.0.0.1:5004\"").unwrap(), &context).unwrap();
    assert!(horn.contains("from 127.0.0.1 to 127.0.0.1:5004, TTL 64"), "{horn}");
}

/// What ffmpeg says of a sound: its integrated loudness in LUFS and its true peak in dB of full scale.
fn measured(file: &Path, format: &[&str]) -> (f64, f64) {
    let out = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-nostats"])
        .args(format)
        .arg("-i")
        .arg(file)
        .args(["-af", "ebur128=peak=true", "-f", "null", "-"])
        .output()
        .expect("`cargo xtask setup` installs ffmpeg");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    let summary = told.rsplit("Summary:").next().unwrap_or_default();
    let after = |word: &str| summary.split(word).nth(1)?.split_whitespace().next()?.parse().ok();
    after("I:").zip(after("Peak:")).unwrap_or_else(|| panic!("{told}"))
}

/// Plays something on a loudspeaker of WAV files, and has ffmpeg measure it.
fn loudness_of(keys: &str, dir: &Path, now_s: f64, announcement: &Announcement) -> (f64, f64) {
    speaker(&format!("{WAV}{keys}"), dir, now_s).play(announcement, &Cut::default()).unwrap();
    measured(&dir.join("said/inc-1-2-7.wav"), &[])
}

#[test]
fn by_ffmpeg_every_text_voice_and_file_is_at_minus_16_lufs_and_clips_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let mandarin = |text: &str| Announcement {
        text: SpokenText { language: Language::Zh, text: text.to_owned() },
        ..announcement("", None)
    };
    let soft: Vec<i16> = (0..66_150).map(|i| (900.0 * (f64::from(i) * 0.09).sin()) as i16).collect();
    std::fs::create_dir_all(dir.path().join("audio")).unwrap();
    std::fs::write(dir.path().join("audio/soft.wav"), Pcm { rate_hz: 22_050, samples: soft }.to_wav()).unwrap();
    for (keys, announcement) in [
        ("", announcement("Attention. You are parked in a fire lane. Please move your vehicle now.", None)),
        (
            "chime = false",
            announcement("Attention. You are parked in a fire lane. Please move your vehicle now.", None),
        ),
        ("chime = false", announcement("Stop.", None)),
        ("speech = { voice_en = \"en-us\", rate_wpm = 260 }", announcement("Please leave this area.", None)),
        ("", mandarin("您好，此处禁止停车，请立即驶离。")),
        ("chime = false", mandarin("请戴好安全帽。")),
        ("", announcement("", Some("soft.wav"))),
    ] {
        let (lufs, peak_db) = loudness_of(keys, dir.path(), 0.0, &announcement);
        eprintln!("{lufs:.1} LUFS, {peak_db:.1} dBTP: {keys:?} {:?}", announcement.text.text);
        assert!((lufs + 16.0).abs() <= 1.0, "{lufs} LUFS: {keys:?} {announcement:?}");
        assert!(peak_db <= -1.0, "{peak_db} dBTP: {keys:?} {announcement:?}");
    }
}

#[test]
fn it_is_softer_at_the_hours_that_the_site_names() {
    /// It is always this minute.
    struct At(u16);
    impl CivilTime for At {
        fn local(&self, _: Option<&str>, _: Timestamp) -> Option<forewarn_domain::LocalTime> {
            Some(forewarn_domain::LocalTime { weekday: forewarn_domain::Weekday::Mon, minute: self.0 })
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let volume = "volume = [{ hours = { from = \"22:00\", to = \"07:00\" }, db = -12 }]";
    let config: SpeakerConfig = toml::from_str(&format!("{WAV}{volume}")).unwrap();
    let context = SpeakerContext::new(Arc::new(Still::default()), "audio", dir.path());
    let play = |civil: Arc<dyn CivilTime>| {
        let context = SpeakerContext { civil, ..context.clone() };
        let mut speaker = build(&SpeakerId::new("gate").unwrap(), &config, &context).unwrap();
        let sent =
            speaker.play(&announcement("Please leave this area now.", None), &Cut::default()).unwrap().receipt.sent;
        (measured(&dir.path().join("said/inc-1-2-7.wav"), &[]).0, sent.contains("-12 dB at this hour"))
    };
    let ((day, day_told), (night, night_told)) = (play(Arc::new(At(12 * 60))), play(Arc::new(At(23 * 60))));
    assert!((day - night - 12.0).abs() < 0.6 && !day_told && night_told, "{day} LUFS by day, {night} by night");
    let (unknown, is_told) = play(Arc::new(UnknownCivilTime));
    assert!((unknown - day).abs() < 0.1 && !is_told, "{unknown} LUFS where nobody knows the hour");
}

#[test]
fn a_horn_of_g711_is_as_loud_and_does_not_clip_either() {
    let dir = tempfile::tempdir().unwrap();
    with_programme("Attention. This is a fire lane. Please move your vehicle now.", |programme| {
        let bytes = programme.encoded(programme::Codec::Pcmu).unwrap();
        let file = dir.path().join("horn.ul");
        std::fs::write(&file, &bytes).unwrap();
        let (lufs, peak_db) = measured(&file, &["-f", "mulaw", "-ar", "8000", "-ac", "1"]);
        eprintln!("G.711: {lufs:.1} LUFS, {peak_db:.1} dBTP");
        assert!((lufs + 16.0).abs() <= 1.0 && peak_db < 0.0, "{lufs} LUFS, {peak_db} dBTP");
    });
}
