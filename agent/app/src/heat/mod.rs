//! Heat maps: where people stay, kept on disk by minute and drawn over the scene.

pub mod draw;
pub mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_analytics::heat::{HeatGrid, HeatMeter};
use forewarn_domain::{Frame, StreamId, Timestamp, Track};

use self::store::{HeatStore, HeatStoreError};
use crate::config::Site;

/// Meters of all cameras, and the store that their minutes go to.
pub struct HeatKeeper {
    meters: BTreeMap<StreamId, HeatMeter>,
    store: HeatStore,
    keep: Duration,
    /// Days older than those that are kept were last deleted then.
    tidied_at: Option<Timestamp>,
    trouble: Option<String>,
}

/// How often old days are looked for.
const TIDY_EVERY: Duration = Duration::from_hours(6);

impl HeatKeeper {
    /// A keeper for a site; none if the site asks for no heat maps.
    pub fn new(site: &Site, store: HeatStore) -> Option<Self> {
        let heat = site.heat_map.as_ref()?;
        let meter = |id: &StreamId| (id.clone(), HeatMeter::new(HeatGrid::default(), heat.classes.clone()));
        Some(Self {
            meters: site.cameras.iter().map(|c| meter(&c.id)).collect(),
            store,
            keep: Duration::from_hours(24 * u64::from(site.storage.max_days)),
            tidied_at: None,
            trouble: None,
        })
    }

    /// Takes the tracks of a frame. Writes a minute when it is over; a disk that fails is told once, and its minutes
    /// are lost: a heat map is a statistic and holds no incident back.
    pub fn observe(&mut self, frame: &Frame, tracks: &[Track]) {
        let (stream, at) = (&frame.meta.stream, frame.meta.captured_at);
        let Some(meter) = self.meters.get_mut(stream) else { return };
        let finished = meter.observe(at, (frame.width, frame.height), tracks);
        let written = match finished {
            Some(minute) => {
                let written = self.store.append(stream, &minute).and_then(|()| self.store.keep_scene(frame));
                written.and_then(|()| self.tidy(at))
            }
            None => return,
        };
        self.tell(written.err().map(|error| error.to_string()));
    }

    /// Writes the minutes that are not over.
    pub fn finish(&mut self) {
        for (stream, meter) in &mut self.meters {
            if let Some(minute) = meter.finish()
                && let Err(error) = self.store.append(stream, &minute)
            {
                tracing::error!("{error}");
            }
        }
    }

    /// Deletes days that are older than the site keeps.
    fn tidy(&mut self, at: Timestamp) -> Result<(), HeatStoreError> {
        if self.tidied_at.is_some_and(|before| at.since(before) < TIDY_EVERY) {
            return Ok(());
        }
        self.tidied_at = Some(at);
        self.store.forget_before(at - self.keep)
    }

    fn tell(&mut self, trouble: Option<String>) {
        if let Some(text) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            tracing::error!("{text}");
        }
        self.trouble = trouble;
    }
}
