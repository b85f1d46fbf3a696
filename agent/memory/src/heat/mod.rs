//! Heat maps: where people stay, kept on disk by minute and drawn over the scene.

pub mod draw;
pub mod store;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_analytics::heat::{HeatGrid, HeatMeter, HeatMinute};
use forewarn_domain::{Class, Frame, StreamId, Timestamp, Track};
use forewarn_engine::Engine;
use forewarn_engine::civil_time::SiteTime;
use image::RgbImage;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::store::{HeatStore, HeatStoreError};
use crate::keeper::{Due, Keeper};
use crate::shelf::Shelf;

/// How often old days are looked for.
const TIDY_EVERY: Duration = Duration::from_hours(6);

/// Where people stayed at a camera on some days, in one hour of the day where one is named, over its scene; none where nothing was
/// watched then. Days and hours are those of a time zone.
pub fn over_scene(
    dir: PathBuf,
    zone: &str,
    camera: &StreamId,
    days: (Option<Date>, Option<Date>),
    hour: Option<i8>,
) -> Result<Option<RgbImage>, HeatStoreError> {
    let store = HeatStore::new(dir, SiteTime::live(TimeZone::get(zone).unwrap_or(TimeZone::UTC)));
    let heat = store.sum(camera, days, hour)?;
    let scene = image::open(store.scene(camera)).ok().map(|picture| picture.to_rgb8());
    Ok((heat.watched_s > 0.0).then(|| draw::draw(&heat, scene.as_ref())))
}

/// Meters of all cameras, and the store that their minutes go to.
///
/// A minute is written when it is over. Where the disk fails, minutes wait for it as far as there is room.
pub struct HeatKeeper {
    meters: BTreeMap<StreamId, HeatMeter>,
    classes: Vec<Class>,
    store: Arc<HeatStore>,
    keep: Duration,
    tidy: Due,
    trouble: Option<String>,
    shelf: Shelf,
}

impl HeatKeeper {
    /// A keeper of the presence of some classes in all streams, for so many days.
    pub fn new(classes: &[Class], max_days: u32, store: HeatStore) -> Self {
        Self {
            meters: BTreeMap::new(),
            classes: classes.to_vec(),
            store: Arc::new(store),
            keep: Duration::from_hours(24 * u64::from(max_days)),
            tidy: Due::every(TIDY_EVERY),
            trouble: None,
            shelf: Shelf::at_once(),
        }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.shelf = shelf.clone();
        self
    }

    /// Has something written, as `what` of a stream.
    fn put(
        &self,
        stream: &StreamId,
        what: &str,
        write: impl Fn(&HeatStore) -> Result<(), HeatStoreError> + Send + 'static,
    ) -> Result<(), String> {
        let store = Arc::clone(&self.store);
        let path = self.store.dir().join(stream.as_str()).join(what);
        self.shelf.put(&path, move || write(&store).map_err(|error| error.to_string()))
    }

    fn put_minute(&self, stream: &StreamId, minute: HeatMinute) -> Result<(), String> {
        // Each minute is written for itself; none takes another's place.
        let (of, from) = (stream.clone(), minute.from.as_micros());
        self.put(stream, &from.to_string(), move |store| store.append(&of, &minute))
    }

    /// Writes the minutes that are not over.
    pub fn write_rest(&mut self) {
        let rest = self.meters.iter_mut().filter_map(|(stream, meter)| Some((stream.clone(), meter.finish()?)));
        for (stream, minute) in rest.collect::<Vec<_>>() {
            if let Err(error) = self.put_minute(&stream, minute) {
                self.trouble = Some(error);
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
        let begin = || HeatMeter::new(HeatGrid::default(), self.classes.clone());
        let meter = self.meters.entry(stream.clone()).or_insert_with(begin);
        let Some(minute) = meter.observe(at, (frame.width, frame.height), tracks) else { return };
        let scene = frame.clone();
        let mut put = self
            .put_minute(stream, minute)
            .and_then(|()| self.put(stream, "scene.jpg", move |store| store.keep_scene(&scene)));
        if put.is_ok() && self.tidy.take(at) {
            let keep = self.keep;
            put = self.put(stream, "old days", move |store| store.forget(keep, at));
        }
        self.trouble = put.err();
    }

    fn turn(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    fn finish(&mut self, _engine: &mut Engine, _now: Timestamp) {
        self.write_rest();
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone().or_else(|| self.shelf.trouble(self.store.dir()))
    }
}
