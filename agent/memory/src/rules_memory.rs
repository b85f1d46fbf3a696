//! Keeps over a restart what the rules remember beside open incidents: since when somebody is missed.

use std::path::PathBuf;
use std::time::Duration;

use forewarn_domain::Timestamp;
use forewarn_engine::{Engine, EngineMemory};

use crate::keeper::{Due, Keeper, Kept};
use crate::shelf::Shelf;

/// How often it is written; so much of an absence may be lost with the power.
const EVERY: Duration = Duration::from_secs(30);

/// The memory of the rules in a file.
#[derive(Debug)]
pub struct MemoryKeeper {
    file: Kept<EngineMemory>,
    due: Due,
}

impl MemoryKeeper {
    /// Reads what was kept, for `engine` to go on with. A file that is not there, or that cannot be read, is an empty
    /// memory: nobody is missed yet.
    pub fn open(path: PathBuf, engine: &mut Engine) -> Self {
        let file = Kept::<EngineMemory>::open(path, "times of absence begin anew");
        engine.remember(file.value().cloned().unwrap_or_default());
        Self { file, due: Due::every(EVERY) }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.file = self.file.on(shelf);
        self
    }
}

impl Keeper for MemoryKeeper {
    fn name(&self) -> &'static str {
        "what the rules remember"
    }

    fn turn(&mut self, engine: &mut Engine, now: Timestamp) {
        if self.due.take(now) {
            self.file.keep(&engine.memory());
        }
    }

    fn finish(&mut self, engine: &mut Engine, _now: Timestamp) {
        self.file.keep(&engine.memory());
    }

    fn trouble(&self) -> Option<String> {
        self.file.trouble()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::sync::Arc;

    use forewarn_analytics::{CompiledRule, RuleBinding};
    use forewarn_domain::clock::UnknownCivilTime;
    use forewarn_domain::zone::{ZoneShape, ZoneUnit};
    use forewarn_domain::{Point, Polygon, RuleKey, StreamId, Violation, Zone, ZoneId};
    use forewarn_engine::{EngineSetup, StreamSetup};

    use super::*;

    /// An engine that watches a guard's post in the whole picture.
    fn engine() -> Engine {
        let text = include_str!("../../../pipelines/violations/guard_post_empty.toml");
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
        let shape = ZoneShape::Polygon(Polygon { points: corners.to_vec() });
        let whole = Zone { id: ZoneId::new("whole").unwrap(), shape, unit: ZoneUnit::Normalised };
        let violation: Violation = toml::from_str(text).unwrap();
        let gate = StreamId::new("gate").unwrap();
        let key = RuleKey { stream: gate.clone(), violation: violation.id.clone(), zone: whole.id.clone() };
        let rule = CompiledRule::compile(&violation, &RuleBinding::new(key, vec![whole.clone()])).unwrap();
        let stream = StreamSetup { zones: vec![whole], rules: vec![rule], ..StreamSetup::default() };
        let setup = EngineSetup { streams: BTreeMap::from([(gate, stream)]), ..EngineSetup::default() };
        Engine::new(setup, Arc::new(UnknownCivilTime))
    }

    #[test]
    fn what_the_rules_remember_is_found_again_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |s: f64| Timestamp::from_secs_f64(s);
        let absence = r#"{"rule":{"stream":"gate","violation":"guard_post_empty","zone":"whole"},"term":0,"absence":{"absent_us":7}}"#;
        let file = folder.path().join("rules-memory.json");
        fs::write(&file, format!("{{\"gate\":{{\"absences\":[{absence}]}}}}")).unwrap();
        let mut first = engine();
        let mut keeper = MemoryKeeper::open(file.clone(), &mut first);
        assert_eq!(keeper.trouble(), None);
        let remembered = first.memory();
        keeper.turn(&mut first, at(0.0));
        let mut second = engine();
        assert_ne!(second.memory(), remembered);
        MemoryKeeper::open(file.clone(), &mut second);
        assert_eq!(second.memory(), remembered);

        fs::write(&file, "{\"gate\"").unwrap();
        let mut third = engine();
        let mut keeper = MemoryKeeper::open(file.clone(), &mut third);
        assert!(keeper.trouble().unwrap().ends_with("times of absence begin anew"));
        keeper.turn(&mut third, at(60.0));
        assert_eq!(keeper.trouble(), None, "it is written anew");
    }
}
