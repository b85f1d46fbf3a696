//! `forewarn mission`: what is typed, done.

use std::io::Write;
use std::path::Path;

use forewarn_base::durable;
use forewarn_cli::{Mission as Typed, MissionReport};
use forewarn_config::StorageDir;
use forewarn_domain::WallTime;
use forewarn_domain::violation::Language;

use crate::MissionError;
use crate::found;
use crate::log::Notes;
use crate::paper::{Mission, Missions, Order};
use crate::report::Told;

/// Does it at `now`, and says on `out` what came of it.
pub fn run(typed: &Typed, now: WallTime, out: &mut dyn Write) -> Result<(), MissionError> {
    let said = match typed {
        Typed::Start { config, route, pilot, note } => {
            let site = forewarn_config::load(config)?;
            if site.cameras.iter().all(|camera| camera.ground.is_none()) {
                return Err(MissionError::NoFlyer);
            }
            let order = Order { route: route.clone(), pilot: pilot.clone(), note: note.clone() };
            let mission = Mission::begun(order, &site, now);
            missions(&site.storage.dir).start(&mission)?;
            let (en, zh) =
                ("begun; a running agent notes what is seen within 2 s", "已开始；运行中的程序将在 2 秒内开始记录");
            told_of(site.header.language, &mission.id, (en, zh))
        }
        Typed::Stop { config } => {
            let site = forewarn_config::load(config)?;
            let ended = missions(&site.storage.dir).stop(now)?;
            let next = format!("forewarn mission report --config {} --out flight.html", config.display());
            let (en, zh) = (format!("ended; next: {next}"), format!("已结束；下一步：{next}"));
            told_of(site.header.language, &ended.id, (&en, &zh))
        }
        Typed::Report(MissionReport { id, config, out, geojson, lang }) => {
            let site = forewarn_config::load(config)?;
            let language = lang.map_or(site.header.language, Language::from);
            report(&site.storage.dir, id.as_deref(), (out, language), geojson.as_deref())?
        }
    };
    writeln!(out, "{said}").map_err(MissionError::file("write to", Path::new("standard output")))
}

fn missions(storage: &StorageDir) -> Missions {
    Missions::at(storage.missions())
}

fn told(storage: &StorageDir, id: Option<&str>) -> Result<Told, MissionError> {
    let missions = missions(storage);
    let mission = missions.find(id)?;
    let notes = Notes::read(&missions.notes(&mission))?;
    let mut cameras: Vec<_> = notes.shots.iter().map(|shot| shot.camera.clone()).collect();
    cameras.extend(notes.blind.iter().map(|blind| blind.camera.clone()));
    let found = found::in_evidence(&storage.evidence(), &mission, &cameras)?;
    Ok(Told::of(mission, notes, found))
}

/// Writes the report of a mission, the latest where none is named, and says what is in it.
pub(crate) fn report(
    storage: &StorageDir,
    id: Option<&str>,
    (out, language): (&Path, Language),
    geojson: Option<&Path>,
) -> Result<String, MissionError> {
    let told = told(storage, id)?;
    write(out, &told.page(language))?;
    if let Some(path) = geojson {
        write(path, &told.geojson())?;
    }
    Ok(said(&told, out, language))
}

/// What became of a mission, by its id.
fn told_of(language: Language, id: &str, (en, zh): (&str, &str)) -> String {
    match language {
        Language::En => format!("{id}: {en}"),
        Language::Zh => format!("{id}：{zh}"),
    }
}

/// Shows people and places: for its owner alone.
fn write(path: &Path, text: &str) -> Result<(), MissionError> {
    durable::replace(path, text.as_bytes()).map_err(MissionError::file("write", path))
}

fn said(told: &Told, out: &Path, language: Language) -> String {
    let (count, flown, incidents, out) = (&told.count, &told.flown, told.found.len(), out.display());
    let ground: f64 = flown.coverage.as_ref().map_or(0.0, |coverage| coverage.area_m2(0.0, f64::INFINITY));
    let (people, least, most, way) = (count.people.len(), count.least, count.most, flown.way_m);
    match language {
        Language::En => format!(
            "{out}: {people} people ({least} to {most}), {incidents} incidents, {ground:.0} m² of ground, {way:.0} m of way"
        ),
        Language::Zh => format!(
            "{out}：{people} 人（{least} 至 {most} 人），事件 {incidents} 起，已观察地面 {ground:.0} 平方米，航程 {way:.0} 米"
        ),
    }
}
