//! Streams: connections that break and are made anew, and formats that change.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use forewarn_base::backoff::BackoffLimits;
use forewarn_domain::{StreamId, SystemClock};
use forewarn_pipelines::{LiveStream, RtspTransport, SimCamera, SimConfig, StreamConfig, StreamEvent};

use super::proxy::Proxy;
use crate::process::{Owned, mortal};

/// The longest that an event is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Serves clips, one after another and over and over, until standard input ends. Prints its address.
pub fn serve_camera(clips: Vec<PathBuf>, mut print: impl FnMut(&str)) -> anyhow::Result<()> {
    let camera = SimCamera::start(&SimConfig { clips, ..SimConfig::new("") })?;
    print(camera.url());
    // Nothing is ever written there: the camera ends by being killed.
    let (_keep, ended) = sync_channel::<()>(0);
    let _ = ended.recv();
    Ok(())
}

/// A camera in a process of its own, so that what it uses is not counted.
struct Camera {
    _process: Owned,
    port: u16,
}

impl Camera {
    fn start(clips: &[PathBuf]) -> anyhow::Result<Self> {
        let mut command = mortal(&std::env::current_exe()?);
        command.arg("camera").args(clips).stdout(Stdio::piped());
        let mut process = Owned::spawn("the camera", &mut command)?;
        let mut line = String::new();
        BufReader::new(process.take_stdout().context("the camera's output is closed")?).read_line(&mut line)?;
        let port = line.trim().strip_prefix("rtsp://127.0.0.1:").and_then(|rest| rest.split('/').next());
        let port = port.and_then(|port| port.parse().ok()).ok_or_else(|| anyhow!("no camera: it said {line:?}"))?;
        Ok(Self { _process: process, port })
    }
}

/// Makes a clip of a moving ball.
fn clip(dir: &Path, name: &str, encoder: &str, size: (u32, u32), frames: u32) -> anyhow::Result<PathBuf> {
    let path = dir.join(name);
    let parser = if encoder.contains("x265") { "h265parse" } else { "h264parse" };
    let line = format!(
        "videotestsrc num-buffers={frames} pattern=ball ! video/x-raw,format=I420,width={},height={},framerate=25/1 ! \
         {encoder} ! {parser} ! mp4mux ! filesink location={}",
        size.0,
        size.1,
        path.display()
    );
    let done =
        Command::new("gst-launch-1.0").arg("--quiet").args(line.split_whitespace()).stdout(Stdio::null()).status();
    let done = done.context("failed to run gst-launch-1.0; install gstreamer1.0-tools")?;
    anyhow::ensure!(done.success(), "gst-launch-1.0 ended with {done}");
    Ok(path)
}

const X264: &str = "x264enc threads=1 bframes=0 key-int-max=10 speed-preset=ultrafast";
const X265: &str = "x265enc speed-preset=ultrafast key-int-max=10 \
                    option-string=pools=1:frame-threads=1:bframes=0:log-level=0";

/// How a stream is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// H.264 over TCP is cut.
    CutH264Tcp,
    /// H.264 over UDP is cut.
    CutH264Udp,
    /// H.265 over TCP is cut.
    CutH265Tcp,
    /// H.265 over UDP is cut.
    CutH265Udp,
    /// The size of the picture changes.
    Format,
}

impl Disturbance {
    fn transport(self) -> RtspTransport {
        match self {
            Self::CutH264Udp | Self::CutH265Udp => RtspTransport::Udp,
            Self::CutH264Tcp | Self::CutH265Tcp | Self::Format => RtspTransport::Tcp,
        }
    }

    fn clips(self, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
        Ok(match self {
            Self::CutH264Tcp | Self::CutH264Udp => vec![clip(dir, "h264.mp4", X264, (320, 240), 100)?],
            Self::CutH265Tcp | Self::CutH265Udp => vec![clip(dir, "h265.mp4", X265, (320, 240), 100)?],
            Self::Format => {
                vec![clip(dir, "small.mp4", X264, (320, 240), 10)?, clip(dir, "large.mp4", X264, (480, 360), 10)?]
            }
        })
    }
}

/// A stream that is disturbed round by round.
pub(super) struct Disturbed {
    kind: Disturbance,
    live: LiveStream,
    events: Receiver<StreamEvent>,
    proxy: Proxy,
    _camera: Camera,
}

impl Disturbed {
    /// Starts camera and stream, with files in `dir`, and waits for the first picture.
    pub(super) fn start(kind: Disturbance, dir: &Path) -> anyhow::Result<Self> {
        forewarn_pipelines::init()?;
        let camera = Camera::start(&kind.clips(dir)?)?;
        let proxy = Proxy::before(camera.port)?;
        let source = format!("rtsp://127.0.0.1:{}/stream", proxy.port()).parse()?;
        let at_once = Duration::from_millis(10);
        let config = StreamConfig {
            transport: kind.transport(),
            backoff: BackoffLimits { first: at_once, longest: at_once, ..BackoffLimits::USUAL },
            // Over UDP nothing tells of the end but silence.
            stall_after: Duration::from_secs(1),
            ..StreamConfig::new(StreamId::new("soak")?, source)
        };
        let (sender, events) = sync_channel(1000);
        let sink = Arc::new(move |event| drop(sender.try_send(event)));
        let live = LiveStream::start(config, Arc::new(SystemClock), sink)?;
        let disturbed = Self { kind, live, events, proxy, _camera: camera };
        disturbed.wait_for(|event| matches!(event, StreamEvent::Connected { .. }))?;
        Ok(disturbed)
    }

    /// Disturbs it once, and waits until it shows a picture again.
    pub(super) fn round(&mut self) -> anyhow::Result<()> {
        if self.kind == Disturbance::Format {
            return self.wait_for(|event| matches!(event, StreamEvent::FormatChanged { .. }));
        }
        self.proxy.cut();
        self.wait_for(|event| matches!(event, StreamEvent::Connected { .. }))?;
        // Whatever was in the slot before the cut.
        self.live.slot().take();
        self.live.slot().wait(PATIENCE).map(drop).context("no picture comes")
    }

    fn wait_for(&self, is_it: impl Fn(&StreamEvent) -> bool) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        while seen.len() < 100 {
            let event =
                self.events.recv_timeout(PATIENCE).with_context(|| format!("nothing happens after {seen:?}"))?;
            if is_it(&event) {
                return Ok(());
            }
            seen.push(event);
        }
        bail!("something else happens: {seen:?}")
    }
}
