//! Clips through a site's rules in media time: as fast as the machine can, always with the same result.
//!
//! Frames of all clips are taken in the order of their times (cameras of one time in the order of the site file).
//! Before a frame is looked at, everything that falls due before its time is done: timeouts of incidents, and the ends
//! of announcements, which a replay counts as played after the estimated length of their text.

mod folder;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use forewarn_analytics::ReadingCounts;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{
    AnnounceOutcome, Announcement, BBox, Class, Detector, Frame, IncidentId, IncidentRecord, IncidentState, Look,
    Proof, Reader, Reading, Receipt, StreamId, Timestamp,
};
use forewarn_engine::civil_time::SiteTime;
use forewarn_engine::eye::Eye;
use forewarn_engine::scheduler::{Scene, StreamRest, StreamSettings};
use forewarn_engine::{Analysed, Engine, FallDetector, GroundDoubt};
use forewarn_evidence::{Closeups, EvidenceKeeper, Limits, TimeLine};
use forewarn_hw::sensor::SensorLog;
use forewarn_incident::Output;
use forewarn_memory::Keeper;
use forewarn_memory::heat::HeatKeeper;
use forewarn_memory::heat::store::HeatStore;
use forewarn_pipelines::{FileReplay, ReplayConfig, ReplayError};
use forewarn_wire::IncidentLine;
use forewarn_wire::story::{Happening, Narrator};

use crate::config::{Camera, Site, StorageDir};
use crate::detector;
use crate::evidence_folder;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::tracks_file::TracksFile;

/// What a replay is asked to do.
pub struct Replay<'a> {
    /// The site.
    pub site: &'a Site,
    /// The detector.
    pub detector: Box<dyn Detector>,
    /// Looks closer at tracks; without it nothing is told that needs a closer look.
    pub reader: Option<Box<dyn Reader>>,
    /// What sensors measured.
    pub sensors: SensorLog,
    /// The clip of each camera; the camera's own source if none is named.
    pub clips: BTreeMap<StreamId, PathBuf>,
    /// What follows the clip of the only camera, each with the time of its first frame.
    pub following: VecDeque<(Timestamp, PathBuf)>,
    /// Where results go.
    pub out: &'a Path,
    /// Of which classes tracks are written, all where none is named; nothing writes none.
    pub tracks: Option<Vec<Class>>,
    /// Whether evidence is kept.
    pub with_evidence: bool,
    /// When the clips began.
    pub start: Option<jiff::Timestamp>,
    /// Keep something of what is seen.
    pub keepers: Vec<Box<dyn Keeper>>,
    /// Who is told what happens.
    pub narrator: Option<Box<dyn Narrator>>,
}

/// What a replay did.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Whether frames of a clip are fields of interlaced video.
    pub has_fields: bool,
    /// Frames decoded.
    pub frames: u64,
    /// Frames analysed.
    pub analysed: u64,
    /// Frames analysed that no rule judged, because nobody says where their camera was.
    pub unjudged: u64,
    /// What is hardly meant of where cameras flew, by camera.
    pub ground_doubts: Vec<(StreamId, GroundDoubt)>,
    /// Closer looks at tracks.
    pub looks: u64,
    /// Seconds of the longest clip.
    pub media_s: f64,
    /// Seconds that it took.
    pub wall_s: f64,
    /// Confirmed incidents by what became of them.
    pub outcomes: BTreeMap<IncidentState, u64>,
}

/// One camera's clip.
struct Lane {
    camera: StreamId,
    replay: FileReplay,
    next: Option<Frame>,
    interval_us: i64,
    eye: Eye,
    falls: Option<FallDetector>,
    rest: StreamRest,
    /// Where the tracks were after the last look.
    boxes: Vec<BBox>,
    due: Option<Timestamp>,
    tracks: Option<TracksFile>,
    latest: Option<Frame>,
}

impl<'a> Replay<'a> {
    /// Of these clips, looked at as the site says; nothing is kept but the incidents.
    pub fn over(
        site: &'a Site,
        clips: impl IntoIterator<Item = (StreamId, PathBuf)>,
        out: &'a Path,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            site,
            detector: Box::new(detector::of_site(&site.model, &site.tracker)?),
            reader: detector::reader_of_site(site)?,
            sensors: SensorLog::default(),
            clips: clips.into_iter().collect(),
            following: VecDeque::new(),
            out,
            tracks: None,
            with_evidence: false,
            start: None,
            keepers: Vec::new(),
            narrator: None,
        })
    }

    /// Runs all clips to their ends and writes the results.
    pub fn run(self) -> Result<Summary, CommandError> {
        std::fs::create_dir_all(self.out)
            .with_context(|| format!("failed to make the directory {}", self.out.display()))?;
        let stopwatch = Stopwatch::start();
        let civil = SiteTime::replay(self.site.header.time_zone.clone(), self.start)
            .with_holidays(self.site.header.holidays.clone());
        let closeups = Closeups::default();
        let reader = match self.reader {
            Some(reader) if self.with_evidence => Some(closeups.watching(reader)),
            reader => reader,
        };
        let mut player = Player {
            engine: Engine::new(self.site.engine_setup(), Arc::new(civil.clone())),
            detector: self.detector,
            reader,
            sensors: self.sensors,
            keeper: None,
            playing: BTreeMap::new(),
            records: BTreeMap::new(),
            narrator: self.narrator,
            summary: Summary::default(),
            damage: None,
            keepers: self.keepers,
        };
        let open = |camera: &Camera| {
            let clip = (self.clips.get(&camera.id), self.following.clone());
            open_lane(self.site, camera, clip)
        };
        let mut lanes = self.site.cameras.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        // Only now, so that a clip that cannot be opened costs nobody what an earlier replay found.
        folder::clear_earlier(self.out, self.with_evidence)?;
        if let Some(classes) = self.tracks {
            write_tracks(&mut lanes, self.out, &classes)?;
        }
        player.keepers.extend(heat(self.site, self.out, &civil));
        if self.with_evidence {
            player.keeper = Some(keeper(self.site, self.out, civil, &lanes)?.with_closeups(closeups));
        }
        player.play(&mut lanes)?;
        for keeper in &mut player.keepers {
            keeper.finish(&mut player.engine, Timestamp::from_secs_f64(player.summary.media_s));
            if let Some(trouble) = keeper.trouble() {
                tracing::error!("{trouble}");
            }
        }
        for lane in lanes {
            if let Some(tracks) = lane.tracks {
                tracks.finish().context("failed to write the tracks")?;
            }
        }
        player.write_incidents(self.out)?;
        for (stream, counts) in player.engine.reading_counts().filter(|(_, counts)| *counts != ReadingCounts::default())
        {
            let ReadingCounts { taken, unknown_track, unasked } = counts;
            tracing::info!(%stream, taken, unknown_track, unasked, "closer looks");
        }
        player.summary.wall_s = stopwatch.elapsed().as_secs_f64();
        // What was found before the damage, or without room for its evidence, is written all the same.
        player.damage.map_or(Ok(()), |error| Err(error).or_exit(ExitCode::BadInput))?;
        evidence_folder::has_all_of(player.keeper.as_ref(), self.out).map(|()| player.summary)
    }
}

/// Presence is kept where the start of the clips is known.
fn heat(site: &Site, out: &Path, civil: &SiteTime) -> Option<Box<dyn Keeper>> {
    let heat = site.heat_map.as_ref().filter(|_| civil.instant(Timestamp::ZERO).is_some())?;
    let store = HeatStore::new(StorageDir::new(out).heat(), civil.clone());
    Some(Box::new(HeatKeeper::new(&heat.classes, site.storage.max_days, store)))
}

fn open_lane(
    site: &Site,
    camera: &Camera,
    (clip, following): (Option<&PathBuf>, VecDeque<(Timestamp, PathBuf)>),
) -> Result<Lane, CommandError> {
    let path = match clip {
        Some(clip) => clip.clone(),
        None if camera.source.kind() == forewarn_pipelines::SourceKind::File => camera.source.path(),
        None => {
            let error = anyhow::anyhow!(
                "camera {} is live ({}); name its clip with --camera {}=CLIP",
                camera.id,
                camera.source,
                camera.id
            );
            return Err(CommandError { code: ExitCode::BadInput, error });
        }
    };
    let config = ReplayConfig { ring: camera.ring_limits(), following, ..camera.replay_config() };
    let mut replay = FileReplay::open(&path, config).or_exit(ExitCode::BadInput)?;
    let next = replay.next_frame().or_exit(ExitCode::BadInput)?;
    let interval_us = i64::try_from(camera.analysis_interval.as_micros()).unwrap_or(i64::MAX);
    let is_gated = camera.is_gated && site.inference.is_gated_in_replay;
    let input = &site.model.card.input;
    Ok(Lane {
        camera: camera.id.clone(),
        replay,
        next,
        interval_us,
        eye: Eye::new(camera.tiles, (input.width, input.height), is_gated).excluding(camera.exclusions.clone()),
        falls: camera.falls.clone().map(FallDetector::new),
        rest: StreamRest::new(StreamSettings { is_gated, ..site.stream_settings(camera) }),
        boxes: Vec::new(),
        due: None,
        tracks: None,
        latest: None,
    })
}

fn keeper(site: &Site, out: &Path, civil: SiteTime, lanes: &[Lane]) -> Result<EvidenceKeeper, CommandError> {
    let dir = StorageDir::new(out);
    let root = dir.evidence();
    let store = evidence_folder::open_store(&dir, Limits::default(), TimeLine::Clip).or_exit(ExitCode::Failed)?;
    let store = store.sealed_to(site.evidence.sealed_to.clone());
    let mut keeper = EvidenceKeeper::new(store, evidence_folder::keeper_setup(&dir, site, civil))
        .with_context(|| format!("failed to prepare {}", root.display()))?;
    for lane in lanes {
        keeper.add_source(lane.camera.clone(), lane.replay.ring());
    }
    Ok(keeper)
}

/// Has the tracks of each clip written, in the file of its camera where there are several.
fn write_tracks(lanes: &mut [Lane], out: &Path, classes: &[Class]) -> anyhow::Result<()> {
    let is_alone = lanes.len() == 1;
    for lane in lanes {
        let name = if is_alone { "tracks.txt".to_owned() } else { format!("tracks-{}.txt", lane.camera) };
        let file = TracksFile::create(&out.join(name), classes.to_vec()).context("failed to create the tracks file")?;
        lane.tracks = Some(file);
    }
    Ok(())
}

/// The state of a running replay.
struct Player {
    engine: Engine,
    detector: Box<dyn Detector>,
    reader: Option<Box<dyn Reader>>,
    sensors: SensorLog,
    keeper: Option<EvidenceKeeper>,
    /// Announcements by the time of their end.
    playing: BTreeMap<(Timestamp, forewarn_domain::AnnouncementId), Announcement>,
    records: BTreeMap<IncidentId, IncidentRecord>,
    narrator: Option<Box<dyn Narrator>>,
    summary: Summary,
    /// The first clip that turned out to be damaged; the others are played to their ends.
    damage: Option<ReplayError>,
    keepers: Vec<Box<dyn Keeper>>,
}

impl Player {
    fn play(&mut self, lanes: &mut [Lane]) -> Result<(), CommandError> {
        while let Some(index) = earliest(lanes) {
            let lane = &mut lanes[index];
            let Some(frame) = lane.next.take() else { break };
            let now = frame.meta.captured_at;
            self.run_until(now, lanes)?;
            let lane = &mut lanes[index];
            match lane.replay.next_frame() {
                Ok(next) => lane.next = next,
                Err(error) => self.damage = self.damage.take().or(Some(error)),
            }
            self.take_frame(&frame, lane)?;
            self.drain(now, lanes)?;
            if let Some(keeper) = &mut self.keeper {
                keeper.advance(now);
            }
            self.tell_kept()?;
            let lane = &lanes[index];
            if lane.next.is_none()
                && let Some(keeper) = &mut self.keeper
            {
                keeper.finish_stream(&lane.camera, now);
            }
            self.summary.frames += 1;
            self.summary.has_fields |= lane.replay.has_fields();
            self.summary.media_s = self.summary.media_s.max(now.as_secs_f64());
        }
        for Lane { camera, .. } in &*lanes {
            let doubts = self.engine.ground_doubts(camera).into_iter().map(|doubt| (camera.clone(), doubt));
            self.summary.ground_doubts.extend(doubts);
        }
        let end = Timestamp::from_secs_f64(self.summary.media_s);
        if let Some(keeper) = &mut self.keeper {
            let open = self.records.values().filter(|record| record.state != IncidentState::Closed).cloned();
            keeper.finish(open.collect::<Vec<_>>(), end);
        }
        self.tell_kept()?;
        Ok(())
    }

    /// Does everything that falls due before `now`, in the order of time.
    fn run_until(&mut self, now: Timestamp, lanes: &[Lane]) -> Result<(), CommandError> {
        loop {
            let played = self.playing.keys().next().map(|(at, _)| *at);
            let timeout = self.engine.poll_timeout();
            let measured = self.sensors.next_at();
            let due = [played, timeout.as_ref().map(|(at, _)| *at), measured].into_iter().flatten().min();
            let Some(at) = due.filter(|at| *at < now) else { return Ok(()) };
            if measured == Some(at)
                && let Some((sensor, value)) = self.sensors.pop()
            {
                self.engine.sensor(&sensor, value, at, at);
            } else if played == Some(at)
                && let Some(((_, id), announcement)) = self.playing.pop_first()
            {
                let duration = announcement.text.estimated_duration();
                let outcome = AnnounceOutcome::Played { duration, proof: Proof::Assumed, receipt: Receipt::default() };
                let speaker = announcement.speaker;
                self.tell(&Happening::Announced { speaker, outcome: outcome.clone(), at })?;
                self.engine.announced(id, outcome, at);
            } else {
                tracing::debug!(?at, reason = ?timeout.map(|(_, reason)| reason), "time is out");
                self.engine.timeout(at);
            }
            self.drain(at, lanes)?;
        }
    }

    fn take_frame(&mut self, frame: &Frame, lane: &mut Lane) -> Result<(), CommandError> {
        let now = frame.meta.captured_at;
        lane.latest = Some(frame.clone());
        // What fell counts with the next frame that is looked at, so that the last one always is.
        let is_last_of_falls = lane.falls.is_some() && lane.next.is_none();
        if let Some(falls) = &mut lane.falls {
            let mut fallen = falls.look(frame);
            if is_last_of_falls {
                fallen.extend(falls.finish());
            }
            for fall in fallen {
                self.engine.fell(&lane.camera, fall);
                lane.rest.moved(now);
            }
        }
        if lane.due.is_some_and(|due| now < due) && !is_last_of_falls {
            return Ok(());
        }
        // The next turn counts from the turn that was due, not from this frame, so that the mean rate is kept.
        let turn = lane.due.filter(|due| now.as_micros() - due.as_micros() < lane.interval_us).unwrap_or(now);
        lane.due = Some(Timestamp::from_micros(turn.as_micros() + lane.interval_us));
        let glance = lane.eye.glance(frame);
        if glance.is_moving {
            lane.rest.moved(now);
        }
        let is_open = |r: &&IncidentRecord| r.rule.stream == lane.camera && r.state != IncidentState::Closed;
        let open_incidents = self.records.values().filter(is_open).count();
        lane.rest.set_scene(Scene { tracks: lane.boxes.len(), open_incidents });
        if lane.rest.may_rest(now) && !is_last_of_falls {
            return Ok(());
        }
        lane.rest.looked(now);
        lane.eye.analysed();
        // A replay has no budget: whatever is worth a look is looked at, so that the result is always the same.
        let parts = lane.eye.parts(frame, now, &lane.boxes, &glance.regions, usize::MAX);
        let grid = self.detector.input_grid((frame.width, frame.height));
        let parts = lane.eye.narrowed(parts, frame, &glance, grid);
        let found = parts.look(&mut *self.detector, frame);
        let detections = lane.eye.told(&parts, frame, glance.plane.as_ref(), found)?;
        self.summary.analysed += 1;
        let analysed = Analysed::new(frame.clone(), glance.plane, detections, parts.coverage);
        let tracks = self.engine.analysed(&analysed, now);
        lane.boxes = tracks.iter().map(|track| track.bbox).collect();
        self.keepers.iter_mut().for_each(|keeper| keeper.observe(frame, tracks));
        if let Some(file) = &mut lane.tracks {
            file.write(frame.meta.sequence, tracks).context("failed to write the tracks")?;
        }
        self.keepers.iter_mut().for_each(|keeper| keeper.turn(&mut self.engine, now));
        self.summary.unjudged += u64::from(self.engine.is_blind(&lane.camera));
        self.look_closer(frame)
    }

    /// Answers the looks that the rules wish for, all of them and at once, so that a replay always tells the same.
    fn look_closer(&mut self, frame: &Frame) -> Result<(), CommandError> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let looks = self.engine.take_looks(&frame.meta.stream);
        let looks: Vec<(&Frame, &Look)> = looks
            .iter()
            .filter(|look| reader.attributes().contains(&look.attribute))
            .map(|look| (frame, look))
            .collect();
        if !looks.is_empty() {
            let readings = reader.read(&looks)?;
            trace_looks(&looks, &readings);
            self.engine.read(&frame.meta.stream, &readings);
            self.summary.looks += looks.len() as u64;
        }
        Ok(())
    }

    fn drain(&mut self, now: Timestamp, lanes: &[Lane]) -> Result<(), CommandError> {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Report(report) => {
                    self.tell(&Happening::Moved { record: report.incident.clone(), at: report.at })?;
                    if report.incident.state == IncidentState::Closed
                        && let Some(keeper) = &mut self.keeper
                    {
                        keeper.seal_soon(report.incident.clone(), now);
                    }
                    self.records.insert(report.incident.id.clone(), report.incident);
                }
                Output::Capture(request) => {
                    let lane = lanes.iter().find(|lane| lane.camera == request.incident.rule.stream);
                    if let Some(keeper) = &mut self.keeper {
                        keeper.capture(&request, lane.and_then(|lane| lane.latest.as_ref()));
                    }
                }
                Output::Announce(announcement) => {
                    self.tell(&Happening::Announcing { announcement: announcement.clone(), at: now })?;
                    let end = now + announcement.text.estimated_duration();
                    self.playing.insert((end, announcement.id), announcement);
                }
                Output::Dismissed(_) => {}
            }
        }
        self.tell_kept()
    }

    fn tell_kept(&mut self) -> Result<(), CommandError> {
        let told = self.keeper.as_mut().map(EvidenceKeeper::take_news).unwrap_or_default();
        for happening in told.into_iter().map(crate::happening::of_keeper) {
            if let Happening::Trouble { what, .. } = &happening {
                tracing::error!("{what}");
            }
            self.tell(&happening)?;
        }
        Ok(())
    }

    fn tell(&mut self, happening: &Happening) -> Result<(), CommandError> {
        if let Some(narrator) = &mut self.narrator {
            narrator.tell(happening).context("failed to print")?;
        }
        Ok(())
    }

    /// Writes `incidents.jsonl`, ordered by the time of confirmation and then by id.
    fn write_incidents(&mut self, out: &Path) -> Result<(), CommandError> {
        let mut records: Vec<&IncidentRecord> = self.records.values().collect();
        records.sort_by_key(|record| (record.first_entered(IncidentState::Confirmed), record.id.clone()));
        let mut text = String::new();
        for record in records {
            let evidence = self.keeper.as_ref().and_then(|keeper| keeper.relative_path(record, out));
            let line = IncidentLine::new(record, evidence);
            *self.summary.outcomes.entry(line.outcome).or_default() += 1;
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        let path = out.join("incidents.jsonl");
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(())
    }
}

/// The lane whose next frame is the earliest; of equals the first.
fn earliest(lanes: &[Lane]) -> Option<usize> {
    let times = lanes.iter().enumerate().filter_map(|(i, lane)| Some((lane.next.as_ref()?.meta.captured_at, i)));
    times.min().map(|(_, i)| i)
}

/// Says of each look what it was at and what was read, for those who ask why something was not told: `--log error,looks=trace`.
fn trace_looks(looks: &[(&Frame, &Look)], readings: &[Reading]) {
    if !tracing::enabled!(target: "looks", tracing::Level::TRACE) {
        return;
    }
    for ((frame, look), reading) in looks.iter().zip(readings) {
        let said = [serde_json::to_string(look), serde_json::to_string(reading)].map(Result::unwrap_or_default);
        tracing::trace!(target: "looks", camera = %frame.meta.stream, look = said[0], reading = said[1]);
    }
}
