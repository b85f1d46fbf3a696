//! The whole site file: its sections, read, checked in turn and joined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forewarn_analytics::TrackerConfig;
use forewarn_base::secret::Secret;
use forewarn_command::{CommandsConfig, ResolvedCommands};
use forewarn_domain::violation::Text;
use forewarn_domain::{Class, Clock, MapGround, Prepared, SpeakerId, StreamId, ViolationId};
use forewarn_hw::{Sensor, SpeakerConfig, SpeakerContext};
use forewarn_models::{PiperVoices, Store};
use forewarn_pipelines::footage::FootageLimits;
use forewarn_report::People;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::attributes::Attributes;
use crate::camera::{Camera, RawCamera};
use crate::case::{RawCase, RawShift};
use crate::check::Check;
use crate::evidence::{Evidence, RawEvidence};
use crate::header::{Header, RawHeader};
use crate::heat_map::{HeatMap, RawHeatMap};
use crate::inference::{Inference, RawInference};
use crate::listen::{Listeners, RawConsole, RawListener};
use crate::map::RawMap;
use crate::model::{Model, RawModel};
use crate::nearest::meant;
use crate::power::{PowerPlan, RawPower};
use crate::rule::Lookup;
use crate::sensor::RawSensor;
use crate::source::{ConfigError, ConfigErrors, Source};
use crate::speaker::RawSpeaker;
use crate::storage::footage::{self, RawFootage};
use crate::storage::{RawStorage, Storage};
use crate::update::{RawUpdate, Update};
use crate::upstream::RawUpstream;
use crate::violations::{Library, RawViolations};
use crate::{
    attributes, beside, camera, case, client_ids, commands, evidence, exclusion, header, inference, listen, map, mask,
    model,
};
use crate::{
    plain_texts, power, rule, sensor, speaker, storage, telemetry, tracking, update, upstream, version, violations,
    zone,
};

/// The site file as it is written. Nothing is checked yet but spelling and types.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSite {
    /// The version of this file's keys; 1 if absent, and the only one there is.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1))]
    pub version: Option<u32>,
    /// Name, time zone and language of the site.
    pub site: RawHeader,
    /// The detector that all cameras share.
    #[serde(default)]
    pub model: RawModel,
    /// What decoding and the models may spend, and how seldom a still scene is looked at.
    #[serde(default)]
    pub inference: RawInference,
    /// Where the box is careful with heat and a battery; nowhere without it.
    #[serde(default)]
    pub power: Option<RawPower>,
    /// How detections become tracks.
    #[serde(default)]
    #[schemars(with = "Option<TrackerConfig>")]
    pub tracking: Option<Spanned<TrackerConfig>>,
    /// Where evidence and the outbox are kept, and how much of it.
    #[serde(default)]
    pub storage: RawStorage,
    /// How much is kept of the video of cameras with `footage = true`.
    #[serde(default)]
    #[schemars(with = "Option<RawFootage>")]
    pub footage: Option<Spanned<RawFootage>>,
    /// Who says beside this box when evidence was sealed.
    #[serde(default)]
    pub evidence: RawEvidence,
    /// Where incidents are reported to.
    #[serde(default)]
    #[schemars(schema_with = "upstream::schema")]
    pub upstream: BTreeMap<String, Spanned<RawUpstream>>,
    /// How long people may take from an escalation on; without it and a rota nobody follows that.
    #[serde(default)]
    pub case: Option<RawCase>,
    /// Who has cases, and when: the first on duty first.
    #[serde(default)]
    pub rota: Vec<RawShift>,
    /// Whose commands are taken; nobody's without it.
    #[serde(default)]
    #[schemars(with = "Option<CommandsConfig>")]
    pub commands: Option<Spanned<CommandsConfig>>,
    /// Where Prometheus finds metrics, health and open incidents.
    #[serde(default)]
    pub metrics: RawListener,
    /// Where people find the console.
    #[serde(default)]
    pub console: RawConsole,
    /// Whose updates are taken, and of what; none without it.
    #[serde(default)]
    pub update: Option<RawUpdate>,
    /// What is read of subjects: what they wear, what their plates say.
    #[serde(default)]
    pub attributes: Attributes,
    /// Keeps where people stay, for `forewarn heatmap`; nothing is kept without it.
    #[serde(default)]
    pub heat_map: Option<RawHeatMap>,
    /// What the console's map lies on.
    #[serde(default)]
    pub map: RawMap,
    /// Where this site's own violation files are.
    #[serde(default)]
    pub violations: RawViolations,
    /// The loudspeakers.
    #[serde(default)]
    #[schemars(schema_with = "speaker::list_schema")]
    pub speaker: Vec<Spanned<RawSpeaker>>,
    /// The sensors.
    #[serde(default)]
    #[schemars(schema_with = "sensor::list_schema")]
    pub sensor: Vec<Spanned<RawSensor>>,
    /// The cameras. None may be named where there is a console, in which they are added.
    #[serde(default)]
    #[schemars(with = "Vec<RawCamera>")]
    pub camera: Vec<Spanned<RawCamera>>,
}

/// The parts of the annotated example, in the order of the file.
const EXAMPLES: [&str; 24] = [
    "# A site of one gateway: what it sees, where it warns, to whom it reports.\n\
     # Check it with `forewarn check site.toml`, try it on a recording with `forewarn replay`, run it with `forewarn run`.\n\
     # Paths are relative to this file.\n",
    header::EXAMPLE,
    model::EXAMPLE,
    inference::EXAMPLE,
    power::EXAMPLE,
    storage::EXAMPLE,
    footage::EXAMPLE,
    evidence::EXAMPLE,
    upstream::EXAMPLE,
    case::EXAMPLE,
    commands::EXAMPLE,
    listen::EXAMPLE,
    map::EXAMPLE,
    update::EXAMPLE,
    attributes::EXAMPLE,
    violations::EXAMPLE,
    speaker::EXAMPLE,
    sensor::EXAMPLE,
    camera::EXAMPLE,
    mask::EXAMPLE,
    exclusion::EXAMPLE,
    zone::EXAMPLE,
    rule::EXAMPLE,
    telemetry::EXAMPLE,
];

/// The JSON Schema of the site file, for editors.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(RawSite)
}

/// An annotated site file to start from.
pub fn example() -> String {
    EXAMPLES.join("\n")
}

/// A checked site: every name looked up, every number checked.
#[derive(Debug, Clone)]
pub struct Site {
    /// Name, time and language.
    pub header: Header,
    /// The detector that all cameras share, and what runs it.
    pub model: Model,
    /// What the models may spend and how closely they look.
    pub inference: Inference,
    /// Where the box is careful with heat and a battery; nowhere if absent.
    pub power: Option<PowerPlan>,
    /// Settings of every camera's tracker.
    pub tracker: TrackerConfig,
    /// Where and how much is kept.
    pub storage: Storage,
    /// How much footage is kept.
    pub footage: FootageLimits,
    /// Who stamps the times of seals.
    pub evidence: Evidence,
    /// Where incidents are reported to.
    pub upstreams: Vec<forewarn_report::ResolvedUpstream>,
    /// How cases are followed; none where nobody does.
    pub case: Option<forewarn_incident::CasePolicy>,
    /// Whose commands are taken, and by which broker; nobody's if absent.
    pub commands: Option<ResolvedCommands>,
    /// Where it is listened over HTTP.
    pub listen: Listeners,
    /// Which updates are taken; none if absent.
    pub update: Option<Update>,
    /// What is read of subjects, and by which models.
    pub attributes: Attributes,
    /// What heat maps count; none are kept if absent.
    pub heat_map: Option<HeatMap>,
    /// What the console's map lies on.
    pub map: MapGround,
    /// The loudspeakers.
    pub speakers: Vec<(SpeakerId, SpeakerConfig)>,
    /// The sensors, in the order of the file.
    pub sensors: Vec<Sensor>,
    /// The cameras, in the order of the file.
    pub cameras: Vec<Camera>,
    /// The file it was read from, where the running agent reads it again; none where there is no such file.
    pub file: Option<PathBuf>,
    /// The directory of the site file, against which its relative paths are resolved.
    pub directory: PathBuf,
    /// The directory of the site's own violation files and of their sounds.
    pub violations_dir: PathBuf,
    /// What can be looked for, and what people call it.
    pub violations: Vec<(ViolationId, Text)>,
    /// Every violation that can be named.
    pub(crate) library: Arc<Library>,
    /// What the files hold that upstreams and sensors name: passwords, certificates, keys; to notice a change.
    pub(crate) beside: BTreeMap<String, Secret>,
    /// The text that all this is from.
    pub(crate) source: Source,
    /// What works and is hardly meant, in the order of the file; [`crate::doubts`] tells it with what else may be doubted.
    pub doubts: Vec<ConfigError>,
}

/// The site has no such loudspeaker.
#[derive(Debug, thiserror::Error)]
#[error("there is no speaker `{asked}`; {mend}")]
pub struct UnknownSpeaker {
    asked: SpeakerId,
    mend: String,
}

impl UnknownSpeaker {
    /// With the one that was probably meant, else with all that are there.
    pub fn among<'a>(asked: &SpeakerId, there: impl Iterator<Item = &'a SpeakerId>) -> Self {
        let names: Vec<&str> = there.map(SpeakerId::as_str).collect();
        let all = || {
            if names.is_empty() { "the site has none".to_owned() } else { format!("there is: {}", names.join(", ")) }
        };
        Self { asked: asked.clone(), mend: meant(asked.as_str(), names.iter().copied(), all) }
    }
}

impl Site {
    /// What footage is kept, where and how much; none if no camera has any.
    pub fn footage_in_words(&self) -> Option<String> {
        let ids: Vec<&str> = self.cameras.iter().filter(|one| one.has_footage).map(|one| one.id.as_str()).collect();
        footage::in_words(&ids, &self.footage, &self.storage.dir.footage())
    }

    /// The classes that an exclusion may name.
    pub fn excludable(&self) -> Vec<Class> {
        exclusion::excludable(&self.model.card.classes.to_vec())
    }

    /// What its loudspeakers share.
    pub fn speaker_context(&self, clock: Arc<dyn Clock>) -> SpeakerContext {
        let civil = Arc::new(self.header.civil_by(clock.clone()));
        let voices = Arc::new(PiperVoices::by(Store::locate()));
        SpeakerContext { civil, voices, ..SpeakerContext::new(clock, &self.violations_dir, &self.directory) }
    }

    /// One of its loudspeakers.
    pub fn speaker(&self, asked: &SpeakerId) -> Result<&SpeakerConfig, UnknownSpeaker> {
        let found = self.speakers.iter().find(|(id, _)| id == asked).map(|(_, config)| config);
        found.ok_or_else(|| UnknownSpeaker::among(asked, self.speakers.iter().map(|(id, _)| id)))
    }
}

/// Reads and checks a site file.
pub fn load(path: &Path) -> Result<Site, ConfigErrors> {
    Ok(Site { file: Some(path.to_owned()), ..resolve(&Source::read(path)?)? })
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

/// Whether a file has the keys of a site file, each with a value of its kind; where its paths lead is not looked at.
pub fn check_spelling(path: &Path) -> Result<(), ConfigErrors> {
    let _: RawSite = Source::read(path)?.parse()?;
    Ok(())
}

/// Checks the text of a site file.
pub fn resolve(source: &Source) -> Result<Site, ConfigErrors> {
    version::check(source)?;
    resolve_raw(source, source.parse()?)
}

fn resolve_raw(source: &Source, raw: RawSite) -> Result<Site, ConfigErrors> {
    let mut check = Check::new(source);
    let site = raw.check(&mut check);
    check.finish(site)
}

/// A site without a camera is one that is set up in the console.
fn check_watched(cameras: &[Spanned<RawCamera>], listen: &Listeners, check: &mut Check<'_>) {
    if cameras.is_empty() && listen.console.is_none() {
        let mend =
            "add a `[[camera]]` with `id` and `url`, or `[console] listen = \"127.0.0.1:9465\"` to add cameras there";
        check.fail_file("there is no `[[camera]]`", mend);
    }
}

/// What upstreams are told of cameras and loudspeakers.
struct Told {
    rules: Vec<(StreamId, ViolationId)>,
    hears_of_landing: bool,
    loudspeakers: BTreeMap<SpeakerId, Vec<Prepared>>,
}

impl Told {
    fn of(cameras: &[Spanned<RawCamera>]) -> Self {
        let hears_of_landing = cameras.iter().any(|camera| camera.get_ref().hears_of_landing());
        Self { rules: upstream::rules(cameras), hears_of_landing, loudspeakers: BTreeMap::new() }
    }

    fn with_loudspeakers(self, cameras: &[Camera], speakers: &[SpeakerId]) -> Self {
        let ready = |speaker: &SpeakerId| (speaker.clone(), plain_texts::at_speaker(cameras, speaker));
        Self { loudspeakers: speakers.iter().map(ready).collect(), ..self }
    }
}

/// Whom messages in words are for, and what is known of the site.
fn people(header: Option<&Header>, library: Option<&Library>, storage: Option<&Storage>, told: Told) -> People {
    let language = header.map(|header| header.language).unwrap_or_default();
    People {
        language,
        titles: library.map(|library| library.titles(language)).unwrap_or_default(),
        rules: told.rules,
        loudspeakers: told.loudspeakers,
        civil: header.map(Header::civil),
        evidence: storage.map(|storage| storage.dir.evidence()).unwrap_or_default(),
        spent: storage.map(|storage| storage.dir.spent()).unwrap_or_default(),
        uploads: storage.map(|storage| storage.dir.uploads()).unwrap_or_default(),
        answer_links: storage.map(|storage| storage.dir.answer_links()).unwrap_or_default(),
        web_push: storage.map(|storage| storage.dir.web_push()).unwrap_or_default(),
        hears_of_landing: told.hears_of_landing,
    }
}

impl RawSite {
    fn check(self, check: &mut Check<'_>) -> Option<Site> {
        let (id, place) = (self.site.id.clone(), self.site.place.clone());
        let header = self.site.check(check);
        let model = self.model.check(check);
        let classes = model.as_ref().map(|model| model.card.classes.to_vec()).unwrap_or_default();
        let inference = self.inference.check(check);
        let power = self.power.and_then(|power| power.check(check));
        let tracker = tracking::check(self.tracking, check);
        let storage = self.storage.check(check);
        let has_footage = self.camera.iter().any(|camera| camera.get_ref().footage);
        let footage = footage::check(self.footage.as_ref(), has_footage, storage.as_ref(), check);
        let evidence = self.evidence.check(check);
        client_ids::check(check, self.commands.as_ref(), &self.upstream, &self.sensor, &self.speaker);
        let beside = beside::read(check, &self.upstream, &self.sensor, &self.speaker);
        let listen = listen::check(&self.metrics, &self.console, check);
        check_watched(&self.camera, &listen, check);
        let update = self.update.and_then(|update| update.check(listen.metrics.is_some(), check));
        let heat_map = self.heat_map.and_then(|heat_map| heat_map.check(check, &classes));
        let map = self.map.check(&self.camera, check);
        let (library, violations_dir) = self.violations.check(check);
        let (speakers, speaker_names) = speaker::check(self.speaker, check);
        let sensors = sensor::check(self.sensor, check, id.as_str());
        let units =
            sensors.iter().filter_map(|sensor| Some((sensor.id().clone(), sensor.unit()?.to_owned()))).collect();
        let told = Told::of(&self.camera);
        let names = self.camera.iter().map(|camera| camera.get_ref().id.get_ref().to_string()).collect();
        let cameras = library.as_ref().map(|library| {
            let lookup = Lookup { site: id.as_str(), library, classes: &classes, sensor_units: &units };
            camera::check(self.camera, check, &place, &speaker_names, &lookup)
        });
        let told = told.with_loudspeakers(cameras.as_deref().unwrap_or_default(), &speaker_names);
        let people = Arc::new(people(header.as_ref(), library.as_ref(), storage.as_ref(), told));
        let known = upstream::Known {
            violations: library.iter().flat_map(Library::names).map(ViolationId::as_str).collect(),
            cameras: names,
            console: listen.console.map(|_| listen.console_hosts.as_slice()),
            people: &people,
        };
        let mut upstreams = upstream::check(self.upstream, check, id.as_str(), &known);
        let case = case::check(self.case, self.rota, &mut upstreams, check);
        let commands = self.commands.and_then(|table| commands::check(&table, check, id.as_str()));
        let library = library?;
        Some(Site {
            header: header?,
            model: model?,
            inference: inference?,
            power,
            tracker,
            storage: storage?,
            footage: footage?,
            evidence,
            upstreams,
            case,
            commands,
            listen,
            update,
            attributes: self.attributes,
            heat_map,
            map,
            speakers,
            sensors,
            cameras: cameras?,
            file: None,
            directory: check.directory().to_owned(),
            violations_dir,
            violations: library.names_for_people(),
            library: Arc::new(library),
            beside,
            source: check.source().clone(),
            doubts: check.take_doubts(),
        })
    }
}
