//! Notes what cameras that fly see while a mission is on, as one of the agent's keepers.
//!
//! Whether one is on is read by a thread of its own, so that a disk that has stalled holds up nobody who decides. After a
//! restart in the air the notes go on by themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_analytics::Appearance;
use forewarn_base::durable;
use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{
    About, BBox, Class, Finding, Frame, StreamId, Timestamp, Track, TrackId, TrackState, Verdict, WallTime,
};
use forewarn_engine::civil_time::SiteTime;
use forewarn_engine::{Above, Engine};
use forewarn_ground::{Terrain as _, footprint};
use forewarn_memory::{Due, Keeper, Shelf};

use crate::log::{Blind, Line, Person, Shot, parts};
use crate::paper::{Mission, Missions};

/// How often it is looked whether a mission is on.
const EVERY: Duration = Duration::from_secs(2);
/// How often a camera's view is noted.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// How often what was noted goes to the disk.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// How long a piece of the notes is.
const PIECE_US: i64 = 30_000_000;
/// Who was not seen for so long is not the same track any more.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// People who are followed at once, at most; beyond that whoever was not seen for longest is written down and let go.
const MOST_PEOPLE: usize = 1_024;
/// All missions take no more room on the disk, nor does one alone: some two hundred hours in the air.
const MOST_BYTES: u64 = 256 << 20;
/// It is looked for room each so many times that it is looked whether a mission is on: while one goes on for days, too.
const ROOM_EACH: u32 = 150;
/// So often it is told at most that a camera should fly closer.
const HINT_EVERY: Duration = Duration::from_mins(1);
/// Whom the notes are about.
const PERSON: &str = "person";

/// The mission that is on as it was last found, or why that cannot be read; none if it was taken already.
type Found = Arc<Mutex<Option<Result<Option<Mission>, String>>>>;

/// Keeps the notes.
pub struct MissionKeeper {
    missions: Missions,
    civil: SiteTime,
    shelf: Shelf,
    found: Found,
    /// Whether the mission that is on takes all the room that there is.
    is_full: Arc<AtomicBool>,
    on: Option<OnFlight>,
    seen: BTreeMap<StreamId, Seen>,
    due: BTreeMap<StreamId, Due>,
    trouble: Option<String>,
    /// The thread that looks whether a mission is on ends when this is dropped. Nobody waits for it.
    _is_watched: Option<SyncSender<()>>,
}

/// People in a frame, until it is known where they are.
struct Seen {
    at: Timestamp,
    people: Vec<(TrackId, BBox, Option<Appearance>)>,
}

/// The mission that is on.
struct OnFlight {
    mission: Mission,
    dir: PathBuf,
    /// With what the keys of this run of the agent begin, for tracks are counted anew in each.
    run: Option<i64>,
    people: BTreeMap<(StreamId, TrackId), (Timestamp, Person)>,
    /// When it is told again that a camera is too far away to tell something.
    hints: BTreeMap<(StreamId, String), Due>,
    piece: Piece,
    write: Due,
}

/// The piece of the notes that is not over.
#[derive(Default)]
struct Piece {
    from: Option<WallTime>,
    lines: Vec<String>,
}

impl MissionKeeper {
    /// Notes whatever mission is on; `civil` tells times.
    pub fn watch(missions: Missions, civil: SiteTime) -> Result<Self, ThreadError> {
        let (is_watched, end) = sync_channel(1);
        let found = Found::default();
        let (shelf, of_thread, is_full) = (Arc::clone(&found), missions.clone(), Arc::<AtomicBool>::default());
        let full = Arc::clone(&is_full);
        let _thread = Thread::spawn("missions", move || {
            let mut last = None;
            for turn in 0u32.. {
                let now = of_thread.current().map_err(|error| error.to_string());
                let is_other = last.as_ref() != Some(&now);
                if is_other || turn % ROOM_EACH == 0 {
                    full.store(make_room(&of_thread, MOST_BYTES), Ordering::Relaxed);
                }
                if is_other {
                    *lock(&shelf) = Some(now.clone());
                    last = Some(now);
                }
                if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { found, is_full, _is_watched: Some(is_watched), ..Self::of(missions, civil) })
    }

    /// Notes one mission, as of a clip that is replayed.
    pub fn given(missions: Missions, mission: Mission, civil: SiteTime) -> Self {
        let found = Arc::new(Mutex::new(Some(Ok(Some(mission)))));
        Self { found, ..Self::of(missions, civil) }
    }

    fn of(missions: Missions, civil: SiteTime) -> Self {
        Self {
            missions,
            civil,
            shelf: Shelf::at_once(),
            found: Found::default(),
            is_full: Arc::default(),
            on: None,
            seen: BTreeMap::new(),
            due: BTreeMap::new(),
            trouble: None,
            _is_watched: None,
        }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.shelf = shelf.clone();
        self
    }

    fn take_orders(&mut self) {
        let Some(found) = lock(&self.found).take() else { return };
        let is_same = |on: &OnFlight, mission: &Mission| on.mission.id == mission.id;
        match found {
            Err(error) => self.trouble = Some(format!("{error}; until then nothing is noted of another mission")),
            Ok(Some(mission)) if self.on.as_ref().is_some_and(|on| is_same(on, &mission)) => self.trouble = None,
            Ok(mission) => {
                self.trouble = None;
                self.write();
                if let Some(on) = &self.on {
                    tracing::info!(mission = on.mission.id, "the mission is over");
                }
                self.on = mission.map(|mission| {
                    tracing::info!(mission = mission.id, "a mission is on");
                    OnFlight {
                        dir: self.missions.notes(&mission),
                        mission,
                        run: None,
                        people: BTreeMap::new(),
                        hints: BTreeMap::new(),
                        piece: Piece::default(),
                        write: Due::every(WRITE_EVERY),
                    }
                });
            }
        }
    }

    fn note(&mut self, engine: &Engine, stream: &StreamId, seen: &Seen) {
        let Some(on) = &mut self.on else { return };
        let at = self
            .civil
            .instant(seen.at)
            .map_or(WallTime::from_micros(seen.at.as_micros()), |at| WallTime::from_micros(at.as_microsecond()));
        if on.is_page_over(at) {
            self.write();
        }
        let Some(on) = &mut self.on else { return };
        on.turn_page(at);
        // Of another frame by now: what was seen cannot be placed any more.
        let above = engine.above(stream).filter(|above| above.at == seen.at);
        let Some(above) = above else {
            return on.put(&Line::Blind(Blind { at, camera: stream.clone() }));
        };
        on.put(&Line::Shot(shot(at, stream, &above)));
        let run = *on.run.get_or_insert(at.as_micros());
        for (track, bbox, look) in &seen.people {
            let fix = engine.fix(stream, bbox);
            let (noted, person) = on.people.entry((stream.clone(), *track)).or_insert_with(|| {
                let key = format!("{run}-{stream}-{track}");
                let person = Person {
                    key,
                    camera: stream.clone(),
                    class: Class::new(PERSON),
                    first: at,
                    last: at,
                    times: 0,
                    from: fix,
                    to: fix,
                    tallest_px: 0.0,
                    look: Vec::new(),
                    told: BTreeMap::new(),
                    fly_within_m: BTreeMap::new(),
                };
                (seen.at, person)
            });
            (*noted, person.last, person.to) = (seen.at, at, fix.or(person.to));
            person.times += 1;
            person.tallest_px = person.tallest_px.max(bbox.height());
            if let Some(look) = look {
                let blended = person.appearance().map_or_else(
                    || look.clone(),
                    |mut before| {
                        before.blend(look);
                        before
                    },
                );
                person.look = parts(&blended);
            }
            let told = engine.told(stream, *track, seen.at);
            person.tell(&told);
            for (attribute, within_m) in too_far(engine, stream, bbox, &told) {
                let hint = on.hints.entry((stream.clone(), attribute.clone()));
                if hint.or_insert_with(|| Due::every(HINT_EVERY)).take(seen.at) {
                    tracing::info!(%stream, attribute, "fly closer: it can be told within {:.0} m of a person", within_m.floor());
                }
                let noted = person.fly_within_m.entry(attribute).or_default();
                *noted = noted.max(within_m);
            }
        }
        on.let_go(seen.at);
    }

    /// Hands what was noted to the disk.
    fn write(&mut self) {
        let Some(on) = &mut self.on else { return };
        let Some((path, text)) = on.page() else { return };
        let dir = on.dir.clone();
        let root = self.missions.clone();
        let failed =
            move |error: std::io::Error, path: &std::path::Path| format!("failed to write {}: {error}", path.display());
        let put = self.shelf.put(&path.clone(), move || {
            durable::create_dirs(&dir, root.path()).map_err(|error| failed(error, &dir))?;
            durable::replace(&path, text.as_bytes()).map_err(|error| failed(error, &path))
        });
        self.trouble = put.err();
    }
}

/// The ground that a camera sees.
fn shot(at: WallTime, camera: &StreamId, above: &Above) -> Shot {
    let (shot, ground) = (&above.shot, &above.ground);
    let below = shot.pose.position;
    Shot {
        at,
        camera: camera.clone(),
        lat_deg: rounded(below.lat_deg, 1e7),
        lon_deg: rounded(below.lon_deg, 1e7),
        height_m: rounded(below.height_m, 100.0),
        // Beyond the edge of what is known it is as high as the camera is low.
        ground_m: ground.height_m(below.lat_deg, below.lon_deg).unwrap_or(below.height_m),
        focal_px: rounded(shot.lens.focal_px(), 10.0),
        ring: footprint(shot, ground, above.limits.max_range_m)
            .map(|ring| ring.into_iter().map(|place| place.map(|degrees| rounded(degrees, 1e7))).collect()),
    }
}

/// Of which attributes somebody is too small, and within how many metres that would be otherwise.
fn too_far<'a>(
    engine: &'a Engine,
    stream: &'a StreamId,
    bbox: &'a BBox,
    told: &'a [Finding],
) -> impl Iterator<Item = (String, f32)> + 'a {
    let unclear = told.iter().filter(|finding| finding.verdict == Verdict::CannotTell);
    unclear.filter_map(move |finding| {
        let About::Attribute(attribute) = &finding.about else { return None };
        let within_m = engine.fly_within_m(stream, attribute, bbox)? as f32;
        Some((attribute.as_str().to_owned(), (within_m * 10.0).floor() / 10.0))
    })
}

/// Deletes the oldest missions where there are too many. Whether the one that is on takes all the room by itself.
fn make_room(missions: &Missions, most_bytes: u64) -> bool {
    match missions.make_room(most_bytes) {
        Ok(gone) if gone.is_empty() => {}
        Ok(gone) => {
            tracing::info!("missions take no more than {} MiB; the oldest went: {}", most_bytes >> 20, gone.join(", "));
        }
        Err(error) => tracing::warn!("{error}; it is tried again in some minutes"),
    }
    missions.taken().is_ok_and(|bytes| bytes >= most_bytes)
}

impl OnFlight {
    fn put(&mut self, line: &Line) {
        // Plain data, of which no line can fail.
        if let Ok(line) = serde_json::to_string(line) {
            self.piece.lines.push(line);
        }
    }

    fn is_page_over(&self, at: WallTime) -> bool {
        self.piece.from.is_some_and(|from| at.micros_after(from).abs() >= PIECE_US)
    }

    /// Begins the next piece where the present one is long enough. Whoever is followed is told again in it.
    fn turn_page(&mut self, at: WallTime) {
        if self.piece.from.is_none() || self.is_page_over(at) {
            self.piece = Piece { from: Some(at), lines: Vec::new() };
        }
    }

    /// Writes down who has not been seen for a while.
    fn let_go(&mut self, now: Timestamp) {
        let gone = |noted: &Timestamp| now.since(*noted) >= GONE_AFTER;
        let mut over: Vec<(StreamId, TrackId)> =
            self.people.iter().filter(|(_, (noted, _))| gone(noted)).map(|(key, _)| key.clone()).collect();
        if self.people.len() - over.len() > MOST_PEOPLE {
            let oldest = self.people.iter().min_by_key(|(_, (noted, _))| *noted).map(|(key, _)| key.clone());
            over.extend(oldest);
        }
        for key in over {
            if let Some((_, person)) = self.people.remove(&key) {
                self.put(&Line::Person(Box::new(person)));
            }
        }
    }

    /// The file of the present piece, and what stands in it.
    fn page(&self) -> Option<(PathBuf, String)> {
        let from = self.piece.from?;
        let people = self.people.values().map(|(_, person)| Line::Person(Box::new(person.clone())));
        let people = people.filter_map(|line| serde_json::to_string(&line).ok());
        let lines: Vec<String> = self.piece.lines.iter().cloned().chain(people).collect();
        Some((self.dir.join(format!("{:020}.jsonl", from.as_micros().max(0))), lines.join("\n") + "\n"))
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

impl Keeper for MissionKeeper {
    fn name(&self) -> &'static str {
        "missions"
    }

    fn observe(&mut self, frame: &Frame, tracks: &[Track]) {
        let (stream, at) = (&frame.meta.stream, frame.meta.captured_at);
        if self.on.is_none() || !self.due.entry(stream.clone()).or_insert_with(|| Due::every(NOTE_EVERY)).take(at) {
            return;
        }
        let is_here = |track: &&Track| track.state == TrackState::Seen && track.class.as_str() == PERSON;
        let person = |track: &Track| (track.id, track.bbox, Appearance::of_colours(frame, &track.bbox));
        let people = tracks.iter().filter(is_here).map(person).collect();
        self.seen.insert(stream.clone(), Seen { at, people });
    }

    fn turn(&mut self, engine: &mut Engine, now: Timestamp) {
        self.take_orders();
        let is_full = self.is_full.load(Ordering::Relaxed);
        for (stream, seen) in std::mem::take(&mut self.seen) {
            if engine.flies(&stream) && !is_full {
                self.note(engine, &stream, &seen);
            }
        }
        if self.on.as_mut().is_some_and(|on| on.write.take(now)) {
            self.write();
        }
    }

    fn finish(&mut self, engine: &mut Engine, now: Timestamp) {
        self.turn(engine, now);
        self.write();
    }

    fn trouble(&self) -> Option<String> {
        if self.on.is_some() && self.is_full.load(Ordering::Relaxed) {
            let mib = MOST_BYTES >> 20;
            return Some(format!(
                "the mission that is on takes {mib} MiB, and no more of it is noted: stop it, and start another"
            ));
        }
        let of_disk = self.on.as_ref().and_then(|on| self.shelf.trouble(&on.dir));
        self.trouble.clone().or(of_disk)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::paper::Order;

    #[test]
    fn a_mission_that_takes_all_the_room_is_told_and_noted_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let missions = Missions::at(dir.path());
        let order = Order { route: "hill".to_owned(), pilot: "Li".to_owned(), note: None };
        let started_at = WallTime::from_secs_f64(10.0);
        let (id, site, time_zone) = ("m1".to_owned(), "hill".to_owned(), "UTC".to_owned());
        let mission = Mission { id, order, site, time_zone, started_at, ended_at: None, is_clip: false };
        missions.start(&mission).unwrap();
        assert!(!make_room(&missions, 10_000));
        let notes = missions.notes(&mission);
        std::fs::create_dir_all(&notes).unwrap();
        std::fs::write(notes.join("1.jsonl"), vec![b'x'; 10_000]).unwrap();
        assert!(make_room(&missions, 10_000));
        let mut keeper = MissionKeeper::given(missions, mission, SiteTime::live(TimeZone::UTC));
        keeper.take_orders();
        assert_eq!(keeper.trouble(), None);
        keeper.is_full.store(true, Ordering::Relaxed);
        assert!(keeper.trouble().unwrap().contains("stop it, and start another"));
    }
}
