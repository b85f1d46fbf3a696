//! Keeps over a restart the empty scenes that were learned, with what stands in them, one file a camera.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_analytics::luma::{LearnedScene, StaticObjectConfig, StaticObjectDetector};
use forewarn_base::durable;
use forewarn_domain::{StreamId, Timestamp};

use crate::config::Site;

/// How often they are written; so much of what was learned may be lost with the power.
const EVERY: Duration = Duration::from_mins(2);

/// The scenes of a site, in the folder `scenes` of its storage directory.
#[derive(Debug)]
pub struct SceneKeeper {
    dir: PathBuf,
    written_at: Option<Timestamp>,
    trouble: Option<String>,
}

impl SceneKeeper {
    /// Reads what was kept of the cameras that look for things. A file that is not there or cannot be used is told, and
    /// its scene is learned anew.
    pub fn open(storage: &Path, site: &Site) -> (Self, BTreeMap<StreamId, LearnedScene>) {
        let dir = storage.join("scenes");
        let cameras = site.cameras.iter().filter(|camera| camera.static_objects.is_some());
        let scenes = cameras.filter_map(|camera| Some((camera.id.clone(), read(&file(&dir, &camera.id))?))).collect();
        (Self { dir, written_at: None, trouble: None }, scenes)
    }

    /// Whether it is time to write again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.written_at.is_none_or(|at| now.since(at) >= EVERY)
    }

    /// Writes the scenes. A disk that fails is told once; it holds nothing else back.
    pub fn keep(&mut self, scenes: &[(StreamId, LearnedScene)], now: Timestamp) {
        self.written_at = Some(now);
        let trouble = scenes.iter().find_map(|(stream, scene)| self.write(stream, scene).err());
        let trouble = trouble.map(|error| format!("failed to keep learned scenes in {}: {error}", self.dir.display()));
        if let Some(text) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            tracing::error!("{text}");
        }
        self.trouble = trouble;
    }

    fn write(&self, stream: &StreamId, scene: &LearnedScene) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        durable::replace(&file(&self.dir, stream), &serde_json::to_vec(scene)?)
    }
}

fn file(dir: &Path, stream: &StreamId) -> PathBuf {
    dir.join(format!("{stream}.json"))
}

fn read(path: &Path) -> Option<LearnedScene> {
    let reason = match fs::read(path) {
        Ok(bytes) => match serde_json::from_slice::<LearnedScene>(&bytes) {
            Ok(scene) => match StaticObjectDetector::restore(StaticObjectConfig::default(), &scene) {
                Ok(_) => return Some(scene),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    tracing::error!("{} cannot be used: {reason}; the scene is learned anew", path.display());
    None
}

#[cfg(test)]
mod tests {
    use forewarn_analytics::luma::LumaPlane;

    use super::*;
    use crate::config::resolve;
    use crate::config::source::Source;

    #[test]
    fn a_scene_is_found_again_and_a_damaged_one_is_learned_anew() {
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n[[camera.rule]]\nviolation = \"dumping\"\n";
        let site = resolve(&Source::new("site.toml", format!("[site]\nid = \"s\"\n{camera}"))).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (mut keeper, none) = SceneKeeper::open(dir.path(), &site);
        assert!(none.is_empty());
        let mut detector = StaticObjectDetector::new(StaticObjectConfig::default());
        let plane = LumaPlane::from_samples(32, 16, vec![90; 32 * 16]).unwrap();
        detector.observe(Timestamp::ZERO, &plane, &[]);
        let (gate, now) = (StreamId::new("gate").unwrap(), Timestamp::from_secs_f64(1.0));
        let scene = detector.save(now);
        keeper.keep(&[(gate.clone(), scene.clone())], now);
        assert!(!keeper.is_due(now) && keeper.is_due(now + EVERY));
        assert_eq!(SceneKeeper::open(dir.path(), &site).1.get(&gate), Some(&scene));
        fs::write(dir.path().join("scenes/gate.json"), "{").unwrap();
        assert!(SceneKeeper::open(dir.path(), &site).1.is_empty());
    }
}
