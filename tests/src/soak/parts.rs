//! Loudspeakers that fail, models that are exchanged, and clients of the console.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_console::{
    Bilingual, Called, CameraNow, Cameras, Choices, Desk, DraftNow, Health, HealthBook, HealthReport, Hosts, Incidents,
    Listener, Metrics, NoCall, Offer, Onlookers, Passing, PlacesNow, Ports, Refused, Server, SiteEditor, StatsAsked,
    words,
};
use forewarn_domain::found_camera::{AskedCamera, FoundCamera, FoundStream};
use forewarn_domain::site_change::{NewCamera, NewSpeaker, SiteChange};
use forewarn_domain::violation::Language;
use forewarn_domain::{
    Announcement, AnnouncementId, CaseCommand, Clock as _, ColourMatrix, Cut, Detector as _, Frame, FrameMeta,
    IncidentId, IncidentRecord, Loudspeaker, MapGround, PixelFormat, Prepared, SpeakerId, SpokenText, StreamId,
    SystemClock, Timestamp, Viewing, Wake, WallTime,
};
use forewarn_hw::{SpeakerConfig, SpeakerContext};
use forewarn_models::cards::builtin;
use forewarn_models::swap::SwappableDetector;
use forewarn_models::{Card, OnnxDetector, Runtime, Store};
use forewarn_wire::WireIncident;

/// Loudspeakers none of whose announcements sounds.
pub(super) struct Failing {
    speakers: Vec<Box<dyn Loudspeaker>>,
    n: u64,
}

impl Failing {
    /// One whose speech program fails, one whose program leaves a child behind that holds its output, and a horn that
    /// refuses.
    pub(super) fn start(dir: &Path) -> anyhow::Result<Self> {
        let program = |name: &str, body: &str| -> anyhow::Result<PathBuf> {
            let path = dir.join(name);
            fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && {{ echo fake 1.0; exit 0; }}\n{body}\n"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            Ok(path)
        };
        let failing = program("fail", "exit 1")?;
        let leaving = program("leave", "sleep 30 & exit 1")?;
        let refusing = format!("127.0.0.1:{}", crate::process::free_port()?);
        let by = |program: &Path| {
            let (wavs, program) = (dir.join("wavs"), program.display());
            format!(
                "kind = \"local\"\nsink = \"wav\"\nwav_dir = \"{}\"\nspeech = {{ program = \"{program}\" }}",
                wavs.display()
            )
        };
        let configs = [by(&failing), by(&leaving), format!("kind = \"rtp\"\naddress = \"{refusing}\"")];
        let context = SpeakerContext::new(Arc::new(SystemClock), dir, dir);
        let speaker = |text: &String| {
            let config: SpeakerConfig = toml::from_str(text)?;
            Ok(forewarn_hw::build(&SpeakerId::new("horn")?, &config, &context)?)
        };
        Ok(Self { speakers: configs.iter().map(speaker).collect::<anyhow::Result<_>>()?, n: 0 })
    }

    /// Lets one of them fail.
    pub(super) fn round(&mut self) -> anyhow::Result<()> {
        let which = self.n as usize % self.speakers.len();
        self.n += 1;
        let announcement = Announcement {
            id: AnnouncementId(self.n),
            incident: IncidentId::from_stored("soak"),
            speaker: SpeakerId::new("horn")?,
            // Another text each time, so that no spoken one is taken again.
            text: SpokenText { language: Language::En, text: format!("Warning {}", self.n) },
            audio: None,
            attempt: 1,
            deadline: SystemClock.now() + Duration::from_secs(20),
            urgency: 0,
        };
        let played = self.speakers[which].play(&announcement, &Cut::default());
        anyhow::ensure!(played.is_err(), "loudspeaker {which} played: {played:?}");
        Ok(())
    }
}

/// A detector that is exchanged again and again.
pub(super) struct Reloads {
    runtime: Runtime,
    card: Card,
    weights: PathBuf,
    detector: Box<SwappableDetector>,
    handle: forewarn_models::swap::SwapHandle,
    frame: Frame,
}

impl Reloads {
    /// Opens the first.
    pub(super) fn start() -> anyhow::Result<Self> {
        let store = Store::locate();
        let runtime = Runtime::load(&store)?;
        let card = builtin("nanodet-g-416")?;
        let weights = store.weights(&card)?;
        let (detector, handle) = SwappableDetector::new(Box::new(OnnxDetector::open(&card, &weights, &runtime, 1)?));
        let meta = FrameMeta {
            stream: StreamId::new("soak")?,
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (416, 416), vec![99; 416 * 416 * 3])?;
        Ok(Self { runtime, card, weights, detector: Box::new(detector), handle, frame })
    }

    /// Exchanges it once.
    pub(super) fn round(&mut self) -> anyhow::Result<()> {
        let next = Box::new(OnnxDetector::open(&self.card, &self.weights, &self.runtime, 1)?);
        let handle = self.handle.clone();
        let switch = move || handle.switch_to(next, Duration::from_mins(1)).map(drop);
        let switching = std::thread::Builder::new().name("model-swap".to_owned()).spawn(switch)?;
        let before = self.handle.n_switched();
        while self.handle.n_switched() == before {
            self.detector.detect(&[&self.frame])?;
        }
        switching.join().map_err(|_| anyhow::anyhow!("the exchange panicked"))?.context("the exchange failed")
    }
}

/// The console, with nothing to show.
pub(super) struct Clients {
    server: Server,
}

struct Nothing;

impl Metrics for Nothing {
    fn text(&self) -> String {
        "# nothing\n".repeat(500)
    }
    fn turned_away(&self, _listener: Listener) {}
    fn given_up(&self, _pictures: u64) {}
    fn calls(&self, _n: usize) {}
}

impl Health for Nothing {
    fn report(&self) -> HealthReport {
        HealthBook::default().report(|at| WallTime::from_micros(at.as_micros()))
    }
    fn certificate(&self, _trouble: Option<String>) {}
}

impl Incidents for Nothing {
    fn stats(&self, _asked: StatsAsked) -> Result<serde_json::Value, String> {
        Ok(serde_json::Value::Null)
    }

    fn places(
        &self,
        _cameras: &[CameraNow],
        _days: (jiff::civil::Date, jiff::civil::Date),
    ) -> Result<PlacesNow, String> {
        Ok(PlacesNow::default())
    }

    fn open(&self) -> Vec<WireIncident> {
        Vec::new()
    }
}

impl Cameras for Nothing {
    fn all(&self) -> Vec<CameraNow> {
        Vec::new()
    }
    fn classes(&self) -> Vec<forewarn_domain::Class> {
        Vec::new()
    }
    fn ground(&self) -> MapGround {
        MapGround::default()
    }
    fn still(&self, _camera: &str) -> Option<Frame> {
        None
    }
    fn view(&self, _camera: &str, _is_small: bool, _wake: Wake) -> Option<Box<dyn Viewing>> {
        None
    }
    fn call(&self, _camera: &str, _offer: &Offer) -> Option<Result<Called, NoCall>> {
        None
    }
}

impl SiteEditor for Nothing {
    fn look(&self, _camera: &NewCamera) -> Result<Frame, Refused> {
        Err(Refused::Stale)
    }
    fn find(&self) -> Result<Vec<FoundCamera>, Refused> {
        Ok(Vec::new())
    }
    fn streams(&self, _camera: &AskedCamera) -> Result<Vec<FoundStream>, Refused> {
        Ok(Vec::new())
    }
    fn hear(&self, _speaker: &NewSpeaker, _text: &SpokenText) -> Result<String, Refused> {
        Err(Refused::Stale)
    }
    fn choices(&self) -> Result<Choices, Refused> {
        Ok(Choices::default())
    }
    fn change(&self, _changes: &[SiteChange], _base: Option<&str>) -> Result<DraftNow, Refused> {
        Ok(DraftNow::default())
    }
    fn undo(&self) -> Result<DraftNow, Refused> {
        Ok(DraftNow::default())
    }
}

impl Desk for Nothing {
    fn speakers(&self) -> Vec<SpeakerId> {
        Vec::new()
    }
    fn say(&self, _speaker: &SpeakerId, _text: &SpokenText) -> Result<String, Bilingual> {
        Err(words::NO_SPEAKER)
    }
    fn prepared(&self) -> Vec<Prepared> {
        Vec::new()
    }
    fn play(&self, _speaker: &SpeakerId, _prepared: &Prepared, _language: Language) -> Result<String, Bilingual> {
        Err(words::NO_SPEAKER)
    }
    fn talk(&self, _speaker: &SpeakerId, _wav: &[u8]) -> Result<String, Bilingual> {
        Err(words::NO_SPEAKER)
    }
    fn wav(&self, _: &SpeakerId, _: SpokenText, _: Option<String>) -> Result<Vec<u8>, Bilingual> {
        Err(words::NO_SPEAKER)
    }
    fn case(&self, _: CaseCommand) -> Result<(), String> {
        Ok(())
    }
    fn suppress(&self, _incident: &IncidentRecord, _asked: &Passing) -> Result<u32, String> {
        Err("nothing".to_owned())
    }
    fn command(&self, _message: Vec<u8>) -> Result<serde_json::Value, Bilingual> {
        Err(words::NO_COMMANDS)
    }
    fn report(&self, _bundle: &Path, _language: Language) -> Result<String, String> {
        Err("nothing".to_owned())
    }
}

impl Clients {
    /// Starts it.
    pub(super) fn start() -> anyhow::Result<Self> {
        let nothing = Arc::new(Nothing);
        let (health, incidents, cameras) = (nothing.clone(), nothing.clone(), nothing.clone());
        let ports = Ports {
            metrics: nothing.clone(),
            health,
            incidents,
            cameras,
            site: nothing.clone(),
            desk: nothing,
            onlookers: Onlookers::default(),
        };
        let address: SocketAddr = "127.0.0.1:0".parse()?;
        Ok(Self { server: Server::of_metrics(address, &ports, Hosts::default())? })
    }

    /// Asks ten times, once without waiting for the answer.
    pub(super) fn round(&mut self) -> anyhow::Result<()> {
        for n in 0..10 {
            let mut client = TcpStream::connect(self.server.address())?;
            client.set_read_timeout(Some(Duration::from_secs(30)))?;
            let path = ["/metrics", "/healthz", "/nothing"][n % 3];
            client
                .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
            if n == 9 {
                continue;
            }
            let mut answer = String::new();
            client.read_to_string(&mut answer)?;
            anyhow::ensure!(answer.starts_with("HTTP/1.1 "), "{path}: {answer:?}");
        }
        Ok(())
    }
}
