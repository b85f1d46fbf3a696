//! Where the evidence of a site lies, and what its keeper knows of the site.

use std::path::Path;
use std::sync::Arc;

use forewarn_domain::clock::AgentClock;
use forewarn_engine::civil_time::SiteTime;
use forewarn_evidence::{
    ClockState, ClockStep, ClockTeller, EvidenceError, EvidenceKeeper, EvidenceStore, KeeperSetup, Limits, ModelUse,
    RuleScene, RuleScenes, Setting, Signing, StoreOptions, TimeLine, Unkept,
};

use forewarn_hw::clock_sync::synchronised;

use crate::config::{Site, StorageDir};
use crate::exit::{CommandError, ExitCode};

/// Opens the evidence in a directory of storage or results.
pub fn open_store(dir: &StorageDir, limits: Limits, time_line: TimeLine) -> Result<EvidenceStore, EvidenceError> {
    let store = unready_store(dir, limits, time_line);
    store.prepare()?;
    Ok(store)
}

/// Fails where the disk of `dir` has not taken all that a keeper, if there is one, was to keep.
pub fn has_all_of(keeper: Option<&EvidenceKeeper>, dir: &Path) -> Result<(), CommandError> {
    let Unkept { waiting, lost } = keeper.map(EvidenceKeeper::unkept).unwrap_or_default();
    match waiting as u64 + lost {
        0 => Ok(()),
        n => {
            let dir = dir.display();
            let error =
                anyhow::anyhow!("the disk has not taken {n} snapshots and clips of {dir}: make room and replay again");
            Err(CommandError { code: ExitCode::Failed, error })
        }
    }
}

/// The evidence in a directory whose disk may be away.
fn unready_store(dir: &StorageDir, limits: Limits, time_line: TimeLine) -> EvidenceStore {
    let agent_version = env!("CARGO_PKG_VERSION").to_owned();
    EvidenceStore::new(dir.evidence(), StoreOptions { limits, time_line, agent_version })
}

/// The evidence of a site, sealed by the key of the device.
pub fn signed_store(site: &Site, limits: Limits) -> EvidenceStore {
    let store = unready_store(&site.storage.dir, limits, TimeLine::WallClock).signed_by(signing(site));
    store.with_credentials(site.evidence.has_credentials).sealed_to(site.evidence.sealed_to.clone())
}

/// How the clock of the box stands, and how `clock` remembers that it was set.
pub fn clock_teller(clock: impl Into<Option<Arc<AgentClock>>>) -> ClockTeller {
    let clock = clock.into();
    ClockTeller::new(move || {
        let last_set = clock.as_ref().and_then(|clock| clock.last_set());
        let last_step = last_set.map(|leap| ClockStep::new(leap.wall, leap.by_us));
        ClockState { synchronised: synchronised().into(), last_step }
    })
}

/// Where the key of the device lies.
pub fn signing(site: &Site) -> Signing {
    let token = site.evidence.token.clone();
    Signing { keys: site.storage.dir.keys(), site: site.header.id.to_string(), token }
}

/// What the keeper of the evidence in `dir` knows of the site.
pub fn keeper_setup(dir: &StorageDir, site: &Site, civil: SiteTime) -> KeeperSetup {
    let scenes = scenes(site);
    KeeperSetup { scratch: dir.scratch(), scenes, clock_face: Box::new(move |at| civil.display(at)) }
}

/// What is drawn for each rule of a site.
pub fn scenes(site: &Site) -> RuleScenes {
    let card = &site.model.card;
    let tracking = serde_json::to_value(&site.tracker).ok();
    let scenes = site.cameras.iter().flat_map(|camera| {
        camera.rules.iter().map(|rule| {
            let title = rule.violation.title.in_language(site.header.language).map_or_else(String::new, |t| t.text);
            let zone = camera.zones.iter().find(|zone| zone.id == rule.key.zone).cloned();
            let setting = Setting {
                schema: Setting::SCHEMA.to_owned(),
                agent_version: env!("CARGO_PKG_VERSION").to_owned(),
                site: site.header.id.to_string(),
                time_zone: site.header.time_zone.iana_name().unwrap_or("UTC").to_owned(),
                language: site.header.language,
                place: camera.place.clone(),
                zone: zone.clone(),
                models: vec![ModelUse {
                    what: "detector".to_owned(),
                    card: card.name.clone(),
                    sha256: card.weights.sha256.clone(),
                }],
                analysis_interval_s: camera.analysis_interval.as_secs_f64(),
                violation: rule.violation.clone(),
                tracking: tracking.clone(),
            };
            (rule.key.clone(), RuleScene { title, zone, setting: Some(Arc::new(setting)) })
        })
    });
    scenes.collect()
}
