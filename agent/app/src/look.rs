//! One look at each camera: what it shows, and how its stream is made.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Clock, Frame, SystemClock};
use forewarn_hw::telemetry::live::{KlvEar, KlvProbe, LiveSource};
use forewarn_pipelines::{
    Codec, FileReplay, LiveMetadata, LiveStream, MetadataTap, ReplayError, Rhythm, SourceKind, StreamConfig,
    StreamEvent, coding_in_words,
};

use crate::config::Camera;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// A camera that shows nothing for so long shows nothing at all. Some send a key frame only every 15 s.
const PATIENCE: Duration = Duration::from_secs(25);
/// So long a stream is listened to for its second key frame.
const LISTEN: Duration = Duration::from_secs(8);
/// So much of a file is played for it.
const PLAY: Duration = Duration::from_secs(10);
/// The least time by which pictures a second are told.
const LEAST: Duration = Duration::from_secs(2);
/// How often a stream is asked.
const TURN: Duration = Duration::from_millis(100);
/// Events of a stream that may wait. What comes of a full queue is not missed: a connection says little.
const EVENTS: usize = 64;

/// What a camera shows.
pub struct Look {
    /// Its first picture.
    pub frame: Frame,
    /// The codec; none for a camera that gives raw pictures or Motion JPEG.
    pub codec: Option<Codec>,
    /// The decoder's factory.
    pub decoder: String,
    /// How its pictures follow each other, where that was asked.
    pub rhythm: Option<Rhythm>,
    /// What telemetry came beside the video, or why none did; none where the camera has none there.
    pub flight: Option<Result<String, String>>,
}

/// Looks at all cameras at the same time, and at their `rhythm` where it is asked. For each camera, in their order: what
/// it shows, or why it shows nothing.
pub fn at(cameras: &[&Camera], rhythm: bool) -> Result<Vec<Result<Look, String>>, CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let begun: Vec<Begun> = cameras.iter().map(|camera| Begun::new(camera, &clock)).collect::<Result<_, _>>()?;
    let looks = begun.iter().map(|begun| begun.look(rhythm)).collect();
    for begun in &begun {
        if let Begun::Live { stream, .. } = begun {
            stream.ask_to_stop();
        }
    }
    Ok(looks)
}

/// Hands what comes beside the video to whoever hears it.
pub fn tap_of(ear: Arc<KlvEar>) -> MetadataTap {
    MetadataTap::new(move |told: LiveMetadata| ear.hear(told.at, told.beside, &told.bytes))
}

enum Begun<'a> {
    File(&'a Camera),
    Live { stream: LiveStream, events: Receiver<StreamEvent>, flight: Option<KlvProbe> },
}

impl<'a> Begun<'a> {
    fn new(camera: &'a Camera, clock: &Arc<dyn Clock>) -> Result<Self, CommandError> {
        if camera.source.kind() == SourceKind::File {
            return Ok(Self::File(camera));
        }
        let (entry, events) = sync_channel(EVENTS);
        let sink = Arc::new(move |event| drop(entry.try_send(event)));
        let beside = camera.live.as_ref().filter(|live| live.source == LiveSource::Klv);
        let flight = beside.map(|live| KlvProbe::new(&camera.id, live.given));
        let metadata = flight.as_ref().map(KlvProbe::ear).map(tap_of);
        let config = StreamConfig { watched: None, metadata, ..camera.stream_config() };
        let stream = LiveStream::start(config, Arc::clone(clock), sink).or_exit(ExitCode::Missing)?;
        Ok(Self::Live { stream, events, flight })
    }

    fn look(&self, rhythm: bool) -> Result<Look, String> {
        match self {
            Self::File(camera) => play(camera, rhythm),
            Self::Live { stream, events, flight } => {
                watch(stream, events, rhythm).map(|look| Look { flight: flight.as_ref().map(KlvProbe::told), ..look })
            }
        }
    }
}

fn play(camera: &Camera, rhythm: bool) -> Result<Look, String> {
    let in_words = |error: ReplayError| error.to_string();
    let path = camera.source.path();
    let config = camera.replay_config();
    let mut clip = FileReplay::open(&path, config).map_err(in_words)?;
    let first = clip.next_frame().map_err(in_words)?;
    let frame = first.ok_or_else(|| format!("{} holds no picture", path.display()))?;
    let begin = frame.meta.captured_at;
    let is_early = |frame: &Frame| frame.meta.captured_at.since(begin) < PLAY;
    while rhythm && clip.next_frame().map_err(in_words)?.as_ref().is_some_and(is_early) {}
    let (codec, decoder) = (clip.codec(), clip.decoder());
    Ok(Look { frame, codec, decoder, rhythm: clip.ring().rhythm().filter(|_| rhythm), flight: None })
}

fn watch(stream: &LiveStream, events: &Receiver<StreamEvent>, rhythm: bool) -> Result<Look, String> {
    let (waited, slot) = (Stopwatch::start(), stream.slot());
    let (mut connected, mut first, mut doubt) = (None, None, String::new());
    let (frame, (codec, decoder)) = loop {
        first = first.or(slot.wait(TURN));
        for event in events.try_iter() {
            match event {
                StreamEvent::Connected { codec, decoder, .. } => connected = Some((codec, decoder)),
                StreamEvent::Degraded { reason } => doubt = format!(": {reason}"),
                StreamEvent::Interrupted { reason, .. } | StreamEvent::RetryFailed { reason, .. } => {
                    return Err(reason.to_string());
                }
                StreamEvent::Ended => return Err("the stream ended without a picture".to_owned()),
                _ => {}
            }
        }
        // The picture may be there before it is told of what it was made.
        if let (Some(frame), Some(connected)) = (&first, &connected) {
            break (frame.clone(), connected.clone());
        }
        if waited.elapsed() > PATIENCE {
            return Err(format!("no picture in {} s{doubt}", PATIENCE.as_secs()));
        }
    };
    let (listened, ring) = (Stopwatch::start(), stream.ring());
    let is_enough = |known: &Rhythm| known.key_distance.is_some() && known.span >= LEAST;
    while rhythm && listened.elapsed() < LISTEN && !ring.rhythm().as_ref().is_some_and(is_enough) {
        // The wait for the next picture is a rest, whether one comes or not.
        let _ = slot.wait(TURN);
    }
    Ok(Look { frame, codec, decoder, rhythm: ring.rhythm().filter(|_| rhythm), flight: None })
}

impl Look {
    /// What is to be known of the stream, in one line.
    pub fn in_words(&self) -> String {
        let codec = coding_in_words(self.codec, &self.decoder);
        let range = if self.frame.colour.is_full_range { "full range" } else { "limited range" };
        let mut words = vec![format!("{codec} {}x{}", self.frame.width, self.frame.height)];
        if let Some(rhythm) = &self.rhythm {
            words.push(format!("{:.1} frames a second", rhythm.pictures_per_s));
            words.push(match rhythm.key_distance {
                Some(distance) => format!("a key frame every {:.1} s", distance.as_secs_f64()),
                None => format!("no second key frame in {:.0} s", rhythm.span.as_secs_f64()),
            });
            words.push(match rhythm.pixel_aspect {
                Some((width, height)) if width != height => format!("pixels {width}:{height}"),
                Some(_) | None => "square pixels".to_owned(),
            });
        }
        words.push(range.to_owned());
        words.push(format!("decoder {}", self.decoder));
        words.join(", ")
    }
}
