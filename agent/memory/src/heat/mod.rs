//! Heat maps: where people stay, kept on disk by minute and drawn over the scene.

pub mod draw;
pub mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_analytics::heat::{HeatGrid, HeatMeter};
use forewarn_domain::{Class, Frame, StreamId, Timestamp, Track};
use forewarn_engine::Engine;

use self::store::HeatStore;
use crate::keeper::{Due, Keeper};

/// How often old days are looked for.
const TIDY_EVERY: Duration = Duration::from_hours(6);

/// Meters of all cameras, and the store that their minutes go to.
///
/// A minute is written when it is over. Where the disk fails its minutes are lost: a heat map is a statistic and holds
/// no incident back.
pub struct HeatKeeper {
    meters: BTreeMap<StreamId, HeatMeter>,
    store: HeatStore,
    keep: Duration,
    tidy: Due,
    trouble: Option<String>,
}

impl HeatKeeper {
    /// A keeper of the presence of some classes in some streams, for so many days.
    pub fn new<'a>(
        streams: impl IntoIterator<Item = &'a StreamId>,
        classes: &[Class],
        max_days: u32,
        store: HeatStore,
    ) -> Self {
        let meter = |id: &StreamId| (id.clone(), HeatMeter::new(HeatGrid::default(), classes.to_vec()));
        Self {
            meters: streams.into_iter().map(meter).collect(),
            store,
            keep: Duration::from_hours(24 * u64::from(max_days)),
            tidy: Due::every(TIDY_EVERY),
            trouble: None,
        }
    }

    /// Writes the minutes that are not over.
    pub fn write_rest(&mut self) {
        for (stream, meter) in &mut self.meters {
            if let Some(minute) = meter.finish()
                && let Err(error) = self.store.append(stream, &minute)
            {
                self.trouble = Some(error.to_string());
            }
        }
    }
}

impl Keeper for HeatKeeper {
    fn name(&self) -> &'static str {
        "heat maps"
    }

    fn observe(&mut self, frame: &Frame, tracks: &[Track]) {
        let (stream, at) = (&frame.meta.stream, frame.meta.captured_at);
        let Some(meter) = self.meters.get_mut(stream) else { return };
        let Some(minute) = meter.observe(at, (frame.width, frame.height), tracks) else { return };
        let mut written = self.store.append(stream, &minute).and_then(|()| self.store.keep_scene(frame));
        if written.is_ok() && self.tidy.take(at) {
            written = self.store.forget(self.keep, at);
        }
        self.trouble = written.err().map(|error| error.to_string());
    }

    fn turn(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    fn finish(&mut self, _engine: &mut Engine, _now: Timestamp) {
        self.write_rest();
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}
