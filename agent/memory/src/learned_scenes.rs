//! Keeps over a restart the empty scenes that were learned, with what stands in them, one file a camera.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use forewarn_analytics::luma::{LearnedScene, StaticObjectConfig, StaticObjectDetector};
use forewarn_base::private;
use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::Engine;

use crate::keeper::{Due, Keeper, Kept};
use crate::shelf::Shelf;

/// How often they are written; so much of what was learned may be lost with the power.
const EVERY: Duration = Duration::from_mins(2);

/// What follows from a file that cannot be used.
const ANEW: &str = "the scene is learned anew";

/// The scenes of a site, in a folder of their own.
#[derive(Debug)]
pub struct SceneKeeper {
    dir: PathBuf,
    files: BTreeMap<StreamId, Kept<LearnedScene>>,
    due: Due,
    trouble: Option<String>,
    shelf: Shelf,
}

impl SceneKeeper {
    /// Reads what was kept in `dir` of the streams in which things are looked for, for `engine` to go on with. A file that is not there or
    /// cannot be used is told, and its scene is learned anew.
    pub fn open<'a>(dir: PathBuf, streams: impl IntoIterator<Item = &'a StreamId>, engine: &mut Engine) -> Self {
        let open = |id: &StreamId| Kept::open(dir.join(format!("{id}.json")), ANEW);
        let files: BTreeMap<_, Kept<LearnedScene>> =
            streams.into_iter().map(|stream| (stream.clone(), open(stream))).collect();
        let mut trouble = first_trouble(&files);
        for (stream, file) in &files {
            let Some(scene) = file.value() else { continue };
            match StaticObjectDetector::restore(StaticObjectConfig::default(), scene) {
                Ok(_) => engine.recall_scene(stream, scene.clone()),
                Err(error) => {
                    trouble =
                        Some(format!("the kept scene of camera {stream} cannot be used: {error}; it is learned anew"));
                }
            }
        }
        Self { dir, files, due: Due::every(EVERY), trouble, shelf: Shelf::at_once() }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.shelf = shelf.clone();
        self.files = self.files.into_iter().map(|(stream, file)| (stream, file.on(shelf))).collect();
        self
    }

    fn write(&mut self, scenes: &[(StreamId, LearnedScene)]) {
        if scenes.is_empty() {
            return;
        }
        let dir = self.dir.clone();
        let make =
            move || private::create_dirs(&dir).map_err(|error| format!("failed to make {}: {error}", dir.display()));
        self.trouble = self.shelf.put(&self.dir, make).err();
        if self.trouble.is_some() {
            return;
        }
        for (stream, scene) in scenes {
            // A camera that has come since the start is kept as the others are.
            let open = || Kept::open(self.dir.join(format!("{stream}.json")), ANEW).on(&self.shelf);
            self.files.entry(stream.clone()).or_insert_with(open).keep(scene);
        }
    }
}

fn first_trouble(files: &BTreeMap<StreamId, Kept<LearnedScene>>) -> Option<String> {
    files.values().find_map(Kept::trouble)
}

impl Keeper for SceneKeeper {
    fn name(&self) -> &'static str {
        "learned scenes"
    }

    fn turn(&mut self, engine: &mut Engine, now: Timestamp) {
        if self.due.take(now) {
            self.write(&engine.scenes(now));
        }
    }

    fn finish(&mut self, engine: &mut Engine, now: Timestamp) {
        self.write(&engine.scenes(now));
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone().or_else(|| first_trouble(&self.files)).or_else(|| self.shelf.trouble(&self.dir))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use forewarn_analytics::luma::LumaPlane;
    use forewarn_domain::clock::UnknownCivilTime;
    use forewarn_engine::{EngineSetup, StreamSetup};

    use super::*;

    #[test]
    fn a_scene_is_found_again_and_a_damaged_one_is_told_and_learned_anew() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("scenes");
        let gate = StreamId::new("gate").unwrap();
        let open = || {
            let stream = StreamSetup { static_objects: Some(StaticObjectConfig::default()), ..StreamSetup::default() };
            let streams = BTreeMap::from([(gate.clone(), stream)]);
            let mut engine = Engine::new(EngineSetup { streams, ..EngineSetup::default() }, Arc::new(UnknownCivilTime));
            SceneKeeper::open(dir.clone(), [&gate], &mut engine)
        };
        assert_eq!(open().trouble(), None, "nothing was kept yet");

        let mut detector = StaticObjectDetector::new(StaticObjectConfig::default());
        let plane = LumaPlane::from_samples(32, 16, vec![90; 32 * 16]).unwrap();
        detector.observe(Timestamp::ZERO, &plane, &[]);
        let now = Timestamp::from_secs_f64(1.0);
        let scene = detector.save(now);
        let mut keeper = open();
        keeper.write(&[(gate.clone(), scene.clone())]);
        assert_eq!(keeper.trouble(), None);
        assert_eq!(open().files[&gate].value(), Some(&scene));

        fs::write(dir.join("gate.json"), "{").unwrap();
        assert!(open().trouble().unwrap().ends_with("the scene is learned anew"));
    }
}
