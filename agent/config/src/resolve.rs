//! From the raw site file to the checked [`Site`]: every name is looked up and every mistake is collected, so that one
//! run of `forewarn check` shows them all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_analytics::{CompiledRule, RuleBinding, TrackerConfig};
use forewarn_domain::schedule::Schedule;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Class, Place, Point, Polygon, RuleKey, SensorId, SpeakerId, StreamId, Zone, ZoneId};
use forewarn_hw::{Sensor, SensorConfig, SpeakerConfig};
use forewarn_models::Card;
use forewarn_models::providers::Request;
use forewarn_pipelines::{Credentials, RtspTransport, SourceKind, SourceUrl};
use forewarn_report::{MqttConfig, ResolvedMqtt};
use jiff::tz::TimeZone;
use toml::Spanned;

use super::area;
use super::civil_time::HolidayList;
use super::raw::{
    RawCamera, RawHeatMap, RawRule, RawSensor, RawShadow, RawSite, RawSpeaker, RawStorage, RawTransport, RawUnit,
    RawZone,
};
use super::site::{Attributes, Camera, HeatMap, Rule, Shadow, Site, Storage};
use super::source::{ConfigError, ConfigErrors, Source, nearest};
use super::violations::Library;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// More than any disk of a gateway holds.
const DISK_GIB: f64 = 1e6;

/// Reads and checks a site file.
pub fn load(path: &Path) -> Result<Site, ConfigErrors> {
    let source = Source::read(path)?;
    resolve(&source)
}

/// Reads and checks a site file with another model card in place of its own: a built-in name, or a path relative to
/// the working directory.
pub fn load_with_model(path: &Path, card: Option<&str>) -> Result<Site, ConfigErrors> {
    let source = Source::read(path)?;
    let mut raw: RawSite = source.parse()?;
    if let Some(card) = card {
        let path = std::path::absolute(card).ok().filter(|path| path.is_file());
        let card = path.map_or_else(|| card.to_owned(), |path| path.to_string_lossy().into_owned());
        *raw.model.card.get_mut() = card;
    }
    resolve_raw(&source, raw)
}

/// Checks the text of a site file.
pub fn resolve(source: &Source) -> Result<Site, ConfigErrors> {
    resolve_raw(source, source.parse()?)
}

fn resolve_raw(source: &Source, raw: RawSite) -> Result<Site, ConfigErrors> {
    let mut resolver = Resolver { source, errors: Vec::new() };
    let site = resolver.site(raw);
    resolver.errors.sort_by_key(|error| error.line);
    match site {
        Some(site) if resolver.errors.is_empty() => Ok(site),
        _ => Err(ConfigErrors(resolver.errors)),
    }
}

/// Collects mistakes while it looks things up.
pub(super) struct Resolver<'a> {
    source: &'a Source,
    errors: Vec<ConfigError>,
}

/// A camera's password.
enum Password {
    NotConfigured,
    Given(String),
}

/// What the parts of a camera are looked up in.
struct Lookup<'a> {
    library: &'a Library,
    speakers: &'a [(SpeakerId, SpeakerConfig)],
    sensor_units: &'a BTreeMap<SensorId, String>,
    classes: &'a [Class],
    place: &'a Place,
}

impl Resolver<'_> {
    pub(super) fn fail<T>(
        &mut self,
        place: std::ops::Range<usize>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(self.source.error(place, problem, mend));
        None
    }

    fn site(&mut self, raw: RawSite) -> Option<Site> {
        let directory = self.source.directory();
        let time_zone = self.time_zone(&raw.site.time_zone);
        for hours in &raw.site.quiet_hours {
            self.named_time_zone(hours, raw.site.time_zone.span());
        }
        let holidays = self.holidays(&raw.site.holidays);
        let card = self.card(&raw.model.card, &directory);
        let classes = card.as_ref().map(|card| card.classes.to_vec()).unwrap_or_default();
        let library = self.library(raw.violations.dir.as_ref(), &directory);
        let tracker = raw.tracking.map_or_else(TrackerConfig::default, |tracking| self.tracker(tracking));
        let speakers = self.speakers(raw.speaker);
        let sensors = self.sensors(raw.sensor, raw.site.id.as_str(), &directory);
        let metrics_listen = raw.metrics.listen.as_ref().and_then(|listen| self.listen(listen));
        let mqtt = raw.upstream.mqtt.and_then(|mqtt| self.mqtt(mqtt, raw.site.id.as_str(), &directory));
        let storage = self.storage(&raw.storage, &directory);
        let threads = self.number(&raw.model.threads, 1.0, 64.0, "threads");
        let inference = self.inference(&raw.inference);
        let execution = Request { provider: raw.model.provider, precision: raw.model.precision };
        let shadow = raw.model.shadow.and_then(|shadow| self.shadow(&shadow.into_inner(), &directory));
        if raw.camera.is_empty() {
            self.errors.push(self.source.error_of_file("there is no camera", "add a `[[camera]]` with `id` and `url`"));
        }
        let heat_map = raw.heat_map.and_then(|heat| self.heat_map(heat, &classes));
        let library = library?;
        let unit = |sensor: &Sensor| Some((sensor.id().clone(), sensor.unit()?.to_owned()));
        let lookup = Lookup {
            library: &library,
            speakers: &speakers,
            sensor_units: &sensors.iter().filter_map(unit).collect(),
            classes: &classes,
            place: &raw.site.place,
        };
        let mut cameras = Vec::new();
        let mut ids = BTreeSet::new();
        for raw in raw.camera {
            let id = raw.get_ref().id.clone();
            if !ids.insert(id.get_ref().clone()) {
                self.fail::<()>(
                    id.span(),
                    format!("there is a camera `{}` already", id.get_ref()),
                    "give each camera its own id",
                );
            }
            cameras.extend(self.camera(raw.into_inner(), &lookup, &directory));
        }
        let violations_dir =
            raw.violations.dir.map_or_else(|| directory.clone(), |dir| directory.join(dir.into_inner()));
        Some(Site {
            id: raw.site.id,
            time_zone: time_zone?,
            language: raw.site.language,
            quiet_hours: raw.site.quiet_hours,
            holidays,
            card: card?,
            threads: threads? as usize,
            inference: inference?,
            execution,
            shadow,
            tracker,
            storage: storage?,
            mqtt,
            metrics_listen,
            attributes: Attributes { identify: raw.attributes.identify, cards: raw.attributes.cards },
            heat_map,
            speakers,
            sensors,
            cameras,
            directory,
            violations_dir,
        })
    }

    fn storage(&mut self, raw: &RawStorage, directory: &Path) -> Option<Storage> {
        let max_gib = self.number(&raw.max_gib, 0.01, DISK_GIB, "GiB");
        let min_free_gib = self.number(&raw.min_free_gib, 0.0, DISK_GIB, "GiB");
        let outbox_mib = self.number(&raw.outbox_mib, 1.0, 1e6, "MiB");
        Some(Storage {
            dir: directory.join(&raw.dir).components().collect(),
            max_days: raw.max_days,
            max_bytes: (max_gib? * GIB) as u64,
            min_free_bytes: (min_free_gib? * GIB) as u64,
            outbox_bytes: (outbox_mib? * 1024.0 * 1024.0) as u64,
        })
    }

    fn heat_map(&mut self, raw: RawHeatMap, known: &[Class]) -> Option<HeatMap> {
        let place = raw.classes.span();
        let classes = raw.classes.into_inner();
        if classes.is_empty() {
            return self.fail(place, "no class is named", "write classes of the model, such as [\"person\"]");
        }
        if let Some(class) = classes.iter().find(|class| !known.is_empty() && !known.contains(class)) {
            let names = known.iter().map(Class::as_str);
            let mend = suggestion(class.as_str(), names, "write a class of the model's card");
            return self.fail(place, format!("the model has no class `{class}`"), mend);
        }
        Some(HeatMap { classes })
    }

    fn tracker(&mut self, raw: Spanned<TrackerConfig>) -> TrackerConfig {
        let place = raw.span();
        let config = raw.into_inner();
        if let Err(error) = config.check() {
            self.fail::<()>(place, error.to_string(), "see docs/configuration.md, \"Tracking\"");
        }
        config
    }

    fn time_zone(&mut self, name: &Spanned<String>) -> Option<TimeZone> {
        TimeZone::get(name.get_ref()).ok().or_else(|| {
            let problem = format!("there is no time zone \"{}\"", name.get_ref());
            self.fail(name.span(), problem, "write an IANA name such as \"Asia/Shanghai\" or \"UTC\"")
        })
    }

    fn holidays(&mut self, days: &[Spanned<String>]) -> HolidayList {
        let mut list = HolidayList::default();
        for day in days {
            if !list.add(day.get_ref()) {
                let problem = format!("\"{}\" is no day and no span of days", day.get_ref());
                self.fail::<()>(day.span(), problem, "write \"2026-01-01\" or \"2026-02-15..2026-02-23\"");
            }
        }
        list
    }

    fn named_time_zone(&mut self, schedule: &Schedule, place: std::ops::Range<usize>) {
        if let Some(name) = &schedule.time_zone {
            self.time_zone(&Spanned::new(place, name.clone()));
        }
    }

    /// Checks the broker's keys and reads its secrets, whose paths are relative to the site file.
    fn mqtt(&mut self, raw: Spanned<MqttConfig>, site: &str, directory: &Path) -> Option<ResolvedMqtt> {
        let place = raw.span();
        let mut config = raw.into_inner();
        let files = [&mut config.password_file, &mut config.ca_file, &mut config.client_cert, &mut config.client_key];
        for file in files.into_iter().flatten() {
            *file = directory.join(&*file);
        }
        match config.resolve(site, &|name| std::env::var(name).ok()) {
            Ok(resolved) => Some(resolved),
            Err(error) => self.fail(place, error.to_string(), "see docs/mqtt.md for every key"),
        }
    }

    fn listen(&mut self, listen: &Spanned<String>) -> Option<std::net::SocketAddr> {
        match listen.get_ref().parse::<std::net::SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(address),
            Ok(_) => self.fail(
                listen.span(),
                "only loopback is allowed, because metrics are served without asking who is there",
                "write 127.0.0.1 and a port, and put an authenticating proxy before it",
            ),
            Err(_) => self.fail(listen.span(), "this is no address with a port", "write it like \"127.0.0.1:9464\""),
        }
    }

    fn card(&mut self, name: &Spanned<String>, directory: &Path) -> Option<Card> {
        match super::card::find(name.get_ref(), directory) {
            Ok(card) => Some(card),
            Err(super::card::CardError::Unknown { problem, mend }) => self.fail(name.span(), problem, mend),
            Err(super::card::CardError::Bad(error)) => {
                self.errors.push(error);
                None
            }
        }
    }

    fn shadow(&mut self, raw: &RawShadow, directory: &Path) -> Option<Shadow> {
        let card = self.card(&raw.card, directory);
        let sample = self.number(&raw.sample, 0.0, 1.0, "as part of the frames");
        let max_mib = self.number(&raw.max_mib, 0.1, 1e6, "MiB");
        Some(Shadow { card: card?, sample: sample?, max_bytes: (max_mib? * 1024.0 * 1024.0) as u64 })
    }

    fn library(&mut self, dir: Option<&Spanned<PathBuf>>, directory: &Path) -> Option<Library> {
        let mut library = match Library::built_in() {
            Ok(library) => library,
            Err(errors) => {
                self.errors.extend(errors.0);
                return None;
            }
        };
        if let Some(dir) = dir
            && let Err(errors) = library.add_directory(&directory.join(dir.get_ref()))
        {
            self.errors.extend(errors.0);
        }
        Some(library)
    }

    fn speakers(&mut self, raw: Vec<Spanned<RawSpeaker>>) -> Vec<(SpeakerId, SpeakerConfig)> {
        let mut speakers: Vec<(SpeakerId, SpeakerConfig)> = Vec::new();
        for speaker in raw {
            let place = speaker.span();
            let RawSpeaker { id, adapter } = speaker.into_inner();
            if speakers.iter().any(|(known, _)| known == id.get_ref()) {
                self.fail::<()>(
                    id.span(),
                    format!("there is a speaker `{}` already", id.get_ref()),
                    "give each its own id",
                );
            }
            match adapter.try_into::<SpeakerConfig>() {
                Ok(config) => match config.check(id.get_ref()) {
                    Ok(()) => speakers.push((id.into_inner(), config)),
                    Err(error) => {
                        self.fail::<()>(id.span(), error.to_string(), "see docs/configuration.md, \"Loudspeakers\"");
                    }
                },
                Err(error) => self.errors.push(self.source.explain_at(place, error.message())),
            }
        }
        speakers
    }

    /// Checks the sensors and reads their secrets, whose paths are relative to the site file.
    fn sensors(&mut self, raw: Vec<Spanned<RawSensor>>, site: &str, directory: &Path) -> Vec<Sensor> {
        let mut sensors: Vec<Sensor> = Vec::new();
        for sensor in raw {
            let place = sensor.span();
            let RawSensor { id, adapter } = sensor.into_inner();
            if sensors.iter().any(|known| known.id() == id.get_ref()) {
                let problem = format!("there is a sensor `{}` already", id.get_ref());
                self.fail::<()>(id.span(), problem, "give each its own id");
            }
            match adapter.try_into::<SensorConfig>() {
                Ok(config) => match config.resolve(id.get_ref(), site, directory, &|name| std::env::var(name).ok()) {
                    Ok(sensor) => sensors.push(sensor),
                    Err(error) => {
                        let told = self.source.error_of_key(place, error.key(), error.to_string(), error.mend());
                        self.errors.push(told);
                    }
                },
                Err(error) => self.errors.push(self.source.explain_at(place, error.message())),
            }
        }
        sensors
    }

    fn camera(&mut self, raw: RawCamera, lookup: &Lookup<'_>, directory: &Path) -> Option<Camera> {
        let source = self.video_source(&raw, directory);
        let zones = self.zones(&raw.zone);
        let areas_m2 = self.areas(&raw.zone, &zones);
        for speaker in &raw.speakers {
            if !lookup.speakers.iter().any(|(known, _)| known == speaker.get_ref()) {
                let names = lookup.speakers.iter().map(|(id, _)| id.as_str());
                let mend = suggestion(speaker.get_ref().as_str(), names, "add a `[[speaker]]` of that id");
                self.fail::<()>(speaker.span(), format!("there is no speaker `{}`", speaker.get_ref()), mend);
            }
        }
        let fps = self.number(&raw.analysis_fps, 0.1, 60.0, "frames a second");
        let stall_s = self.number(&raw.stall_s, 0.5, 3600.0, "seconds");
        let tiles = self.tiles(raw.tiles.as_ref());
        let mut rules: Vec<Rule> = Vec::new();
        for rule in &raw.rule {
            let Some(rule) = self.rule(rule, raw.id.get_ref(), (&zones, &areas_m2), lookup) else { continue };
            if rules.iter().any(|known| known.key == rule.key) {
                let problem = format!("`{}` is bound to zone `{}` already", rule.key.violation, rule.key.zone);
                self.fail::<()>(raw.id.span(), problem, "bind a violation once to each zone");
            }
            rules.push(rule);
        }
        let static_objects = self.static_objects(raw.static_objects.as_ref(), &rules);
        let falls = self.falling_objects(raw.falling_objects.as_ref(), &rules, &zones);
        Some(Camera {
            id: raw.id.into_inner(),
            place: raw.place.within(lookup.place),
            source: source?,
            transport: match raw.transport {
                RawTransport::Tcp => RtspTransport::Tcp,
                RawTransport::Udp => RtspTransport::Udp,
            },
            decoder: raw.decoder.parse().unwrap_or_default(),
            stall: Duration::from_secs_f64(stall_s?),
            analysis_interval: Duration::from_secs_f64(1.0 / fps?),
            is_gated: raw.motion_gate,
            tiles: tiles?.tiles(),
            static_objects,
            falls,
            speakers: raw.speakers.into_iter().map(Spanned::into_inner).collect(),
            zones,
            rules,
        })
    }

    fn video_source(&mut self, raw: &RawCamera, directory: &Path) -> Option<SourceUrl> {
        let source = match raw.url.get_ref().parse::<SourceUrl>() {
            Ok(source) if source.kind() == SourceKind::File => SourceUrl::file(directory.join(source.path())),
            Ok(source) => source,
            Err(error) => {
                return self.fail(raw.url.span(), error.to_string(), "see docs/configuration.md, \"Cameras\"");
            }
        };
        let Password::Given(password) = self.password(raw, directory)? else {
            return Some(match &raw.user {
                Some(user) => source.with_credentials(Credentials::new(user.clone(), String::new())),
                None => source,
            });
        };
        match raw.user.as_deref().or(source.user()).map(str::to_owned) {
            Some(user) => Some(source.with_credentials(Credentials::new(user, password))),
            None => self.fail(raw.url.span(), "there is a password and no user", "add `user = \"…\"`"),
        }
    }

    /// The camera's password; none after a mistake.
    fn password(&mut self, raw: &RawCamera, directory: &Path) -> Option<Password> {
        match (&raw.password_file, &raw.password_env) {
            (Some(file), Some(_)) => {
                self.fail(file.span(), "both `password_file` and `password_env` are given", "keep one of them")
            }
            (Some(file), None) => {
                let path = directory.join(file.get_ref());
                match std::fs::read_to_string(&path) {
                    Ok(text) => Some(Password::Given(text.lines().next().unwrap_or_default().to_owned())),
                    Err(error) => {
                        let problem = format!("failed to read {}: {error}", path.display());
                        self.fail(file.span(), problem, "make a readable file whose first line is the password")
                    }
                }
            }
            (None, Some(name)) => {
                let Ok(password) = std::env::var(name.get_ref()) else {
                    let problem = format!("the environment has no variable {}", name.get_ref());
                    return self.fail(name.span(), problem, "set it, or use `password_file`");
                };
                Some(Password::Given(password))
            }
            (None, None) => Some(Password::NotConfigured),
        }
    }

    /// A number within its range; a mistake otherwise, also for what is no number.
    pub(super) fn number(&mut self, value: &Spanned<f64>, least: f64, most: f64, unit: &str) -> Option<f64> {
        let number = *value.get_ref();
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.fail(value.span(), format!("{number} is out of range"), format!("write {least} to {most} {unit}"))
    }

    fn zones(&mut self, raw: &[RawZone]) -> Vec<Zone> {
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(Point::from).to_vec();
        let mut zones = Vec::new();
        if let Ok(id) = ZoneId::new("whole") {
            zones.push(Zone { id, shape: ZoneShape::Polygon(Polygon::new(corners)), unit: ZoneUnit::Normalised });
        }
        for zone in raw {
            if zones.iter().any(|known: &Zone| known.id == *zone.id.get_ref()) {
                let problem = format!("there is a zone `{}` already", zone.id.get_ref());
                self.fail::<()>(zone.id.span(), problem, "give each zone of a camera its own id");
            }
            zones.extend(self.zone(zone));
        }
        zones
    }

    fn zone(&mut self, raw: &RawZone) -> Option<Zone> {
        let (points, least) = match (&raw.polygon, &raw.line) {
            (Some(points), None) => (points, 3),
            (None, Some(points)) => (points, 2),
            _ => {
                let problem = "a zone is either a `polygon` or a `line`";
                return self.fail(raw.id.span(), problem, "give `polygon = [[x, y], …]` or `line = [[x, y], …]`");
            }
        };
        let place = points.span();
        if points.get_ref().len() < least {
            let problem = format!("{} points are too few", points.get_ref().len());
            return self.fail(place, problem, format!("give {least} or more"));
        }
        if !points.get_ref().iter().all(|p| p.x.is_finite() && p.y.is_finite() && p.x >= 0.0 && p.y >= 0.0) {
            return self.fail(
                place,
                "a coordinate is negative or no number",
                "coordinates count from the top left corner",
            );
        }
        let is_normalised = points.get_ref().iter().all(|p| p.x <= 1.0 && p.y <= 1.0);
        let unit = match raw.unit {
            Some(RawUnit::Normalised) if !is_normalised => {
                return self.fail(
                    place,
                    "a normalised coordinate is above 1",
                    "divide by the picture's size, or set `unit = \"pixel\"`",
                );
            }
            Some(RawUnit::Pixel) => ZoneUnit::Pixel,
            None if !is_normalised => ZoneUnit::Pixel,
            Some(RawUnit::Normalised) | None => ZoneUnit::Normalised,
        };
        let points = points.get_ref().clone();
        let shape = if least == 3 { ZoneShape::Polygon(Polygon::new(points)) } else { ZoneShape::Line(points) };
        Some(Zone { id: raw.id.get_ref().clone(), shape, unit })
    }

    /// The area on the ground of each zone that states it.
    fn areas(&mut self, raw: &[RawZone], zones: &[Zone]) -> BTreeMap<ZoneId, f64> {
        let mut areas = BTreeMap::new();
        for raw in raw {
            let Some(zone) = zones.iter().find(|zone| zone.id == *raw.id.get_ref()) else { continue };
            match area::area_m2(raw, zone) {
                Ok(Some(area_m2)) => {
                    areas.insert(zone.id.clone(), area_m2);
                }
                Ok(None) => {}
                Err(area::AreaError { place, problem, mend }) => {
                    self.fail::<()>(place, problem, mend);
                }
            }
        }
        areas
    }

    fn rule(
        &mut self,
        raw: &RawRule,
        stream: &StreamId,
        (zones, areas_m2): (&[Zone], &BTreeMap<ZoneId, f64>),
        lookup: &Lookup<'_>,
    ) -> Option<Rule> {
        let zone = raw.zone.get_ref();
        if !zones.iter().any(|known| known.id == *zone) {
            let mend =
                suggestion(zone.as_str(), zones.iter().map(|z| z.id.as_str()), "add a `[[camera.zone]]` of that id");
            return self.fail(raw.zone.span(), format!("the camera has no zone `{zone}`"), mend);
        }
        let with = raw.with.as_ref();
        let place = with.map_or_else(|| raw.violation.span(), Spanned::span);
        let violation = match lookup.library.violation(raw.violation.get_ref(), with.map(Spanned::get_ref)) {
            Ok(violation) => violation,
            Err((problem, mend)) => {
                let is_unknown = lookup.library.text(raw.violation.get_ref()).is_none();
                return self.fail(if is_unknown { raw.violation.span() } else { place }, problem, mend);
            }
        };
        if let Some(schedule) = &raw.schedule {
            self.named_time_zone(schedule.get_ref(), schedule.span());
        }
        let key = RuleKey { stream: stream.clone(), violation: violation.id.clone(), zone: zone.clone() };
        let binding = RuleBinding {
            key: key.clone(),
            zones: zones.to_vec(),
            parameters: BTreeMap::new(),
            schedule: raw.schedule.as_ref().map(|s| s.get_ref().clone()),
            classes: lookup.classes.to_vec(),
            attributes: None,
            sensor: raw.sensor.clone(),
            // A replay plays the values of sensors that the site need not have; `forewarn check` tells of them.
            sensors: None,
            sensor_units: lookup.sensor_units.clone(),
            areas_m2: areas_m2.clone(),
        };
        match CompiledRule::compile(&violation, &binding) {
            Ok(compiled) => Some(Rule { key, violation, has_schedule: raw.schedule.is_some(), compiled }),
            Err(error) => {
                let mend = format!("`forewarn config violation {}` prints the violation's file", violation.id);
                self.fail(place, format!("{}: {}", error.place, error.problem), mend)
            }
        }
    }
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(name, known).map_or_else(|| otherwise.to_owned(), |best| format!("did you mean `{best}`?"))
}
