//! One look by one way, measured.

use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use super::Way;
use crate::card::Card;
use crate::detector::OnnxDetector;
use crate::runtime::Runtime;
use crate::store::Store;

/// The picture that is looked at, as most cameras send it.
const SIZE_PX: (u32, u32) = (1920, 1080);

/// A detector that is open by one way, with a made-up picture.
pub struct OpenWay {
    detector: OnnxDetector,
    frame: Frame,
    way: Way,
}

/// What one look took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// From the frame to the boxes.
    pub look: Duration,
    /// Processor time of the whole process meanwhile.
    pub processor: Duration,
}

impl OpenWay {
    /// Opens `card` by a way, or says why that cannot be done. What would quietly go on on the CPU is not that way.
    pub fn open(way: &Way, card: &Card, store: &Store) -> Result<Self, String> {
        let weights = store.weights(card).map_err(|error| error.to_string())?;
        let runtime = Runtime::load_for(store, way.request()).map_err(|error| error.to_string())?;
        let chosen = runtime.execution().chosen();
        if (chosen.provider, chosen.precision) != (way.provider, way.precision) {
            return Err(chosen.reason.clone());
        }
        let detector = OnnxDetector::open(card, &weights, &runtime, way.threads).map_err(|error| error.to_string())?;
        let open = Self { detector, frame: made_up()?, way: way.clone() };
        open.still_on_its_provider()?;
        Ok(open)
    }

    /// Looks once.
    pub fn look(&mut self) -> Result<Took, String> {
        let (watch, before) = (Stopwatch::start(), processor_time());
        self.detector.detect_frame(&self.frame).map_err(|error| error.to_string())?;
        let took = Took { look: watch.elapsed(), processor: processor_time().saturating_sub(before) };
        self.still_on_its_provider()?;
        Ok(took)
    }

    fn still_on_its_provider(&self) -> Result<(), String> {
        let provider = self.way.provider;
        if self.detector.provider() == provider {
            return Ok(());
        }
        Err(format!("{provider} did not take the model, or failed in the middle of its work"))
    }
}

/// Processor time of all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// A picture of values that vary; what a network of convolutions takes does not depend on what is in it.
fn made_up() -> Result<Frame, String> {
    let stream = StreamId::new("tuning").map_err(|error| error.to_string())?;
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let format = PixelFormat::I420;
    let n: usize = format.plane_shapes(SIZE_PX.0, SIZE_PX.1).iter().map(|(rows, bytes)| rows * bytes).sum();
    let bytes = (0..n).map(|i| (i.wrapping_mul(7919) % 251) as u8).collect();
    Frame::packed(meta, format, ColourMatrix::BT601, SIZE_PX, bytes).map_err(|error| error.to_string())
}
