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

/// Does it at `now`, and says on `out` what came of it, and on `warned` what is hardly meant.
pub fn run(typed: &Typed, now: WallTime, (out, warned): (&mut dyn Write, &mut dyn Write)) -> Result<(), MissionError> {
    let said = match typed {
        Typed::Start { config, route, pilot, note } => {
            let site = forewarn_config::load(config)?;
            if site.cameras.iter().all(|camera| camera.ground.is_none()) {
                return Err(MissionError::NoFlyer);
            }
            let order = Order { route: route.clone(), pilot: pilot.clone(), note: note.clone() };
            let mission = Mission::begun(order, &site, now);
            missions(&site.storage.dir).start(&mission)?;
            if !forewarn_config::is_taken(&site.storage.dir) {
                let told = nobody_runs(config, site.header.language);
                // That nobody reads it changes nothing of what was begun.
                let _ = writeln!(warned, "{told}");
            }
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

/// Said of a mission that nobody notes.
fn nobody_runs(config: &Path, language: Language) -> String {
    let config = config.display();
    match language {
        Language::En => format!(
            "warning: no agent of this site runs now, so nothing is noted until one does: forewarn run --config {config}"
        ),
        Language::Zh => {
            format!("警告：该站点目前没有程序在运行，启动之前不会有任何记录：forewarn run --config {config}")
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mission_that_nobody_notes_is_begun_and_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("site.toml");
        let table = "at_s,lat_deg,lon_deg,height_m,yaw_deg,pitch_deg\n0,30,120,40,0,-90\n";
        std::fs::write(folder.path().join("flight.csv"), table).unwrap();
        let text = "[site]\nid = \"s\"\n[storage]\ndir = \"data\"\n[[camera]]\nid = \"drone\"\nurl = \"file:a.mp4\"\n\
                    [camera.telemetry]\nsource = \"csv\"\nfile = \"flight.csv\"\nview_deg = 70\n";
        std::fs::write(&config, text).unwrap();
        let start = |hour: i64| {
            let now = |minute| WallTime::from_micros(1_780_000_000_000_000 + (hour * 60 + minute) * 60_000_000);
            let typed = Typed::Start { config: config.clone(), route: String::new(), pilot: String::new(), note: None };
            let (mut out, mut warned) = (Vec::new(), Vec::new());
            run(&typed, now(0), (&mut out, &mut warned)).unwrap();
            run(&Typed::Stop { config: config.clone() }, now(1), (&mut Vec::new(), &mut Vec::new())).unwrap();
            (String::from_utf8(out).unwrap(), String::from_utf8(warned).unwrap())
        };
        let (said, warned) = start(0);
        assert!(said.contains("begun") && warned.contains("no agent of this site runs now"), "{said}{warned}");
        let claimed = forewarn_config::claim(&forewarn_config::load(&config).unwrap().storage.dir).unwrap();
        assert_eq!((claimed.is_locked(), start(1).1.as_str()), (true, ""));
    }
}
