//! Keeps over a restart what the rules remember beside open incidents: since when somebody is missed.

use std::time::Duration;

use forewarn_domain::Timestamp;
use forewarn_engine::{Engine, EngineMemory};

use crate::config::StorageDir;
use crate::keeper::{Due, Keeper, Kept};

/// How often it is written; so much of an absence may be lost with the power.
const EVERY: Duration = Duration::from_secs(30);

/// The memory of the rules in a file of the storage directory.
#[derive(Debug)]
pub struct MemoryKeeper {
    file: Kept<EngineMemory>,
    due: Due,
}

impl MemoryKeeper {
    /// Reads what was kept, for `engine` to go on with. A file that is not there, or that cannot be read, is an empty
    /// memory: nobody is missed yet.
    pub fn open(dir: &StorageDir, engine: &mut Engine) -> Self {
        let file = Kept::<EngineMemory>::open(dir.rules_memory(), "times of absence begin anew");
        engine.remember(file.value().cloned().unwrap_or_default());
        Self { file, due: Due::every(EVERY) }
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
        self.file.trouble().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::keeper::tests::engine;

    #[test]
    fn what_the_rules_remember_is_found_again_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StorageDir::new(folder.path());
        let at = |s: f64| Timestamp::from_secs_f64(s);
        let absence = r#"{"rule":{"stream":"gate","violation":"guard_post_empty","zone":"whole"},"term":0,"absence":{"absent_us":7}}"#;
        let file = dir.rules_memory();
        fs::write(&file, format!("{{\"gate\":{{\"absences\":[{absence}]}}}}")).unwrap();
        let mut first = engine("guard_post_empty");
        let mut keeper = MemoryKeeper::open(&dir, &mut first);
        assert_eq!(keeper.trouble(), None);
        let remembered = first.memory();
        keeper.turn(&mut first, at(0.0));
        let mut second = engine("guard_post_empty");
        assert_ne!(second.memory(), remembered);
        MemoryKeeper::open(&dir, &mut second);
        assert_eq!(second.memory(), remembered);

        fs::write(&file, "{\"gate\"").unwrap();
        let mut third = engine("guard_post_empty");
        let mut keeper = MemoryKeeper::open(&dir, &mut third);
        assert!(keeper.trouble().unwrap().ends_with("times of absence begin anew"));
        keeper.turn(&mut third, at(60.0));
        assert_eq!(keeper.trouble(), None, "it is written anew");
    }
}
