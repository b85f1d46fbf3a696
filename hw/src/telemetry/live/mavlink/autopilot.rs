//! What an autopilot says, without any I/O: messages and their times in, samples out, and what it is to be asked.

use std::collections::BTreeMap;

use forewarn_domain::Timestamp;
use forewarn_ground::{Aim, Position, Sample, attitude};
use glam::DQuat;
use mavlink_core::MavHeader;

use super::super::align::{Aligner, Gimbal};
use super::super::clock_map::ClockMap;
use super::super::{LiveGiven, Vehicle};
use super::leaps::{Leaps, Step, Told};
use super::words::{Heard, Said};
use crate::telemetry::{Height, zoom_of};

/// What is wanted, how often in microseconds, and what it is called.
pub(super) const WANTED: [(u32, u32, &str); 7] = [
    (33, 200_000, "GLOBAL_POSITION_INT"),
    (30, 100_000, "ATTITUDE"),
    (285, 100_000, "GIMBAL_DEVICE_ATTITUDE_STATUS"),
    (271, 1_000_000, "CAMERA_FOV_STATUS"),
    (2, 1_000_000, "SYSTEM_TIME"),
    (1, 1_000_000, "SYS_STATUS"),
    (245, 1_000_000, "EXTENDED_SYS_STATE"),
];
/// What was not heard for so long is asked for, and told by whichever other part of the vehicle tells it.
const SILENT_US: i64 = 5_000_000;
/// So often a message is asked for before it is taken that nobody has it.
const MOST_ASKED: u32 = 12;
const BEAT_US: i64 = 1_000_000;
/// Whoever is there beats once a second; one of whom nothing was heard for so long is not heard any more.
const QUIET_US: i64 = 3_000_000;
/// 2020; a clock before has no fix yet.
const EARLIEST_UNIX_US: u64 = 1_577_836_800_000_000;
/// Parts of a vehicle whose clocks are followed; a vehicle has a handful.
const MOST_CLOCKS: usize = 16;
const ON_GROUND: u8 = 1;
/// The place of a vehicle that tells none.
const NOWHERE: Position = Position { lat_deg: 0.0, lon_deg: 0.0, height_m: 0.0 };
/// Systems that are told of as heard.
const MOST_SYSTEMS: usize = 16;

const YAW_LOCK: u16 = 16;
const YAW_IN_VEHICLE_FRAME: u16 = 32;
const YAW_IN_EARTH_FRAME: u16 = 64;

/// What is known of one kind of message.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    /// Which part of the vehicle tells it.
    component: u8,
    heard_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    n_asked: u32,
    n_heard: u64,
}

/// One vehicle's autopilot as it is heard.
#[derive(Debug)]
pub(super) struct Autopilot {
    system: u8,
    given: LiveGiven,
    aligner: Aligner,
    clocks: BTreeMap<u8, ClockMap>,
    kinds: BTreeMap<u32, Kind>,
    others: BTreeMap<u32, Timestamp>,
    beaten_at: Option<Timestamp>,
    heard_at: Option<Timestamp>,
    vehicle: Vehicle,
    is_vehicle_news: bool,
    leaps: Leaps,
}

/// Whether the box's own clock is right, and what it shows at the origin of the time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct OwnClock {
    /// Unix time less the time line's, in microseconds; none where nothing keeps the clock right.
    pub(super) unix_less_line_us: Option<i64>,
}

impl Autopilot {
    pub(super) fn new(system: u8, given: LiveGiven) -> Self {
        Self {
            system,
            given,
            aligner: Aligner::new(given.aim),
            clocks: BTreeMap::new(),
            kinds: BTreeMap::new(),
            others: BTreeMap::new(),
            beaten_at: None,
            heard_at: None,
            vehicle: Vehicle::default(),
            is_vehicle_news: false,
            leaps: Leaps::default(),
        }
    }

    /// Whether a frame is of the vehicle that is followed.
    pub(super) fn is_of(&self, header: MavHeader) -> bool {
        header.system_id == u32::from(self.system)
    }

    /// Takes in a message.
    pub(super) fn hear(&mut self, header: MavHeader, heard: Heard, now: Timestamp, own: OwnClock) -> Vec<Sample> {
        if !self.is_of(header) {
            if self.others.len() < MOST_SYSTEMS || self.others.contains_key(&header.system_id) {
                self.others.insert(header.system_id, now);
            }
            return Vec::new();
        }
        self.heard_at = Some(now);
        if !heard.id().is_some_and(|id| self.is_from(id, header.component_id, now)) {
            return Vec::new();
        }
        let samples = self.take_in(header, heard, now, own);
        if self.leaps.are_two(now) {
            // What was joined is of two; once one is alone, it begins anew.
            self.aligner.begin_anew();
            return Vec::new();
        }
        samples
    }

    /// What is new of the vehicle itself.
    pub(super) fn vehicle_news(&mut self) -> Option<Vehicle> {
        std::mem::take(&mut self.is_vehicle_news).then_some(self.vehicle)
    }

    fn take_in(&mut self, header: MavHeader, heard: Heard, now: Timestamp, own: OwnClock) -> Vec<Sample> {
        match heard {
            Heard::Status { left_percent } => {
                self.vehicle.left_percent = u8::try_from(left_percent).ok().filter(|percent| *percent <= 100);
                self.is_vehicle_news = true;
                Vec::new()
            }
            Heard::Landed { state } => {
                self.vehicle.is_landed = (state != 0).then_some(state == ON_GROUND);
                self.is_vehicle_news = true;
                Vec::new()
            }
            Heard::SystemTime { unix_us, boot_ms } => {
                if let (Some(less), true) = (own.unix_less_line_us, unix_us > EARLIEST_UNIX_US) {
                    let at = i64::try_from(unix_us).unwrap_or(i64::MAX).saturating_sub(less);
                    self.clock(header.component_id).told(micros(boot_ms), Timestamp::from_micros(at));
                }
                Vec::new()
            }
            Heard::Attitude { boot_ms, angles: [roll, pitch, yaw] } => {
                let degrees = [yaw, pitch, roll].map(|angle| f64::from(angle).to_degrees());
                let at = self.at(header.component_id, boot_ms, now);
                if !degrees.iter().all(|angle| angle.is_finite()) {
                    return vec![cannot_be(at, NOWHERE, DQuat::NAN)];
                }
                self.aligner.vehicle(at, attitude(degrees[0], degrees[1], degrees[2]))
            }
            Heard::Position { boot_ms, lat_e7, lon_e7, sea_mm, start_mm } => {
                let at = self.at(header.component_id, boot_ms, now);
                let height = if self.given.height == Height::Sea { sea_mm } else { start_mm };
                let place = Position {
                    lat_deg: f64::from(lat_e7) / 1e7,
                    lon_deg: f64::from(lon_e7) / 1e7,
                    height_m: f64::from(height) / 1e3,
                };
                if lat_e7 == i32::MAX || !place.is_known() {
                    let is_told = lat_e7 != i32::MAX && place.impossible().is_some();
                    return is_told.then(|| cannot_be(at, place, DQuat::IDENTITY)).into_iter().collect();
                }
                let told = Told { device_us: micros(boot_ms), came: now, place };
                match self.leaps.step(header.component_id, told) {
                    Step::Away => return Vec::new(),
                    Step::Anew => self.aligner.begin_anew(),
                    Step::On => {}
                }
                self.aligner.place(at, place)
            }
            Heard::Gimbal { boot_ms, q, flags } => {
                let Some(gimbal) = gimbal(q, flags) else { return Vec::new() };
                let at = self.at(header.component_id, boot_ms, now);
                self.aligner.gimbal(at, gimbal)
            }
            Heard::View { across_deg } => {
                if let Some(zoom) = zoom_of(self.given.view_deg, f64::from(across_deg)) {
                    self.aligner.zoom(zoom);
                }
                Vec::new()
            }
            Heard::Heartbeat | Heard::Other => Vec::new(),
        }
    }

    /// What is to be said at `now`.
    pub(super) fn say(&mut self, now: Timestamp) -> Vec<Said> {
        let mut said = Vec::new();
        if self.beaten_at.is_none_or(|at| now.micros_since(at) >= BEAT_US) {
            self.beaten_at = Some(now);
            said.push(Said::Heartbeat);
        }
        if self.heard_at.is_none() {
            return said;
        }
        for (message, every_us, _) in WANTED {
            let kind = self.kinds.entry(message).or_default();
            let is_silent = |at: Option<Timestamp>| at.is_none_or(|at| now.micros_since(at) >= SILENT_US);
            if is_silent(kind.heard_at) && is_silent(kind.asked_at) && kind.n_asked < MOST_ASKED {
                (kind.asked_at, kind.n_asked) = (Some(now), kind.n_asked + 1);
                said.push(Said::Interval { system: self.system, message, every_us });
            }
        }
        said
    }

    /// Why there are no samples, as far as what was heard says it.
    pub(super) fn why_silent(&mut self, now: Timestamp) -> String {
        let system = self.system;
        if self.leaps.are_two(now) {
            return format!(
                "two vehicles call themselves system {system} there, or a log is played beside one, so that neither can be \
                 followed; let each have its own system id (SYSID_THISMAV, MAV_SYS_ID), or its own port"
            );
        }
        if let Some(heard_at) = self.heard_at {
            let silent_us = now.micros_since(heard_at);
            if silent_us >= QUIET_US {
                let seconds = silent_us / 1_000_000;
                return format!(
                    "nothing has been heard of system {system} for {seconds} s and more; is it out of reach, off, or its link cut?"
                );
            }
            let what = self.aligner.wants().unwrap_or("newer messages of all that it told before");
            return format!("system {system} is heard, but not {what}");
        }
        if self.others.is_empty() {
            return format!(
                "nothing is heard there; is the vehicle on, and does its link or router send to this address? \
                            (system {system} is waited for)"
            );
        }
        let others: Vec<String> = self.others.keys().map(u32::to_string).collect();
        format!("system {} is heard there, and not {system}; set `system`", others.join(", "))
    }

    /// How many of each message were heard, by name.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        WANTED.iter().map(|(id, _, name)| (*name, self.kinds.get(id).map_or(0, |kind| kind.n_heard)))
    }

    /// Whether this part of the vehicle is the one that tells this message: the first to do so, until it falls silent.
    fn is_from(&mut self, id: u32, component: u8, now: Timestamp) -> bool {
        let kind = self.kinds.entry(id).or_default();
        let is_free = kind.heard_at.is_none_or(|at| now.micros_since(at) >= SILENT_US);
        if kind.component != component && !is_free {
            return false;
        }
        (kind.component, kind.heard_at, kind.n_asked) = (component, Some(now), 0);
        kind.n_heard += 1;
        true
    }

    fn clock(&mut self, component: u8) -> &mut ClockMap {
        if self.clocks.len() >= MOST_CLOCKS && !self.clocks.contains_key(&component) {
            self.clocks.pop_first();
        }
        self.clocks.entry(component).or_default()
    }

    /// When on the time line a part of the vehicle said something.
    fn at(&mut self, component: u8, boot_ms: u32, now: Timestamp) -> Timestamp {
        let mapped = self.clock(component).map(micros(boot_ms), now);
        if mapped.is_anew {
            self.leaps.leapt(component, now);
            self.aligner.begin_anew();
        }
        mapped.at
    }
}

/// What was told cannot be: a sample that nobody is given, so that it is counted and told like any other of its kind.
fn cannot_be(at: Timestamp, position: Position, vehicle: DQuat) -> Sample {
    Sample { at, position, vehicle: Some(vehicle), aim: Aim::Earth(DQuat::IDENTITY), zoom: 1.0 }
}

fn micros(ms: u32) -> i64 {
    i64::from(ms) * 1_000
}

/// A gimbal's attitude. Its roll and pitch count from the horizon; only what its yaw counts from is told by the flags.
fn gimbal([w, x, y, z]: [f32; 4], flags: u16) -> Option<Gimbal> {
    let q = DQuat::from_xyzw(f64::from(x), f64::from(y), f64::from(z), f64::from(w));
    if !q.is_finite() || (q.length() - 1.0).abs() > 0.05 {
        return None;
    }
    let is_by_north = if flags & (YAW_IN_VEHICLE_FRAME | YAW_IN_EARTH_FRAME) == 0 {
        flags & YAW_LOCK != 0
    } else {
        flags & YAW_IN_EARTH_FRAME != 0
    };
    Some(Gimbal { q: q.normalize(), is_by_nose: !is_by_north })
}
