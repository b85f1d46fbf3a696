//! Keeps over a restart what the rules remember beside open incidents: since when somebody is missed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::durable;
use forewarn_domain::Timestamp;
use forewarn_engine::EngineMemory;

/// How often it is written; so much of an absence may be lost with the power.
const EVERY: Duration = Duration::from_secs(30);

/// Writes the memory of the rules to a file of the storage directory.
#[derive(Debug)]
pub struct MemoryKeeper {
    path: PathBuf,
    written: EngineMemory,
    written_at: Option<Timestamp>,
    trouble: Option<String>,
}

impl MemoryKeeper {
    /// Reads what was kept. A file that is not there, or that cannot be read, is an empty memory: nobody is missed yet.
    pub fn open(dir: &Path) -> (Self, EngineMemory) {
        let path = dir.join("rules-memory.json");
        let memory = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!("{} is damaged ({error}); times of absence begin anew", path.display());
                EngineMemory::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => EngineMemory::default(),
            Err(error) => {
                tracing::error!("failed to read {}: {error}; times of absence begin anew", path.display());
                EngineMemory::default()
            }
        };
        (Self { path, written: memory.clone(), written_at: None, trouble: None }, memory)
    }

    /// Whether it is time to write again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.written_at.is_none_or(|at| now.since(at) >= EVERY)
    }

    /// Writes the memory if it has changed. A disk that fails is told once; it holds nothing else back.
    pub fn keep(&mut self, memory: EngineMemory, now: Timestamp) {
        self.written_at = Some(now);
        if memory == self.written {
            return;
        }
        let written =
            serde_json::to_vec(&memory).map_err(io::Error::from).and_then(|json| durable::replace(&self.path, &json));
        let trouble = written.err().map(|error| format!("failed to write {}: {error}", self.path.display()));
        if let Some(text) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            tracing::error!("{text}");
        }
        if trouble.is_none() {
            self.written = memory;
        }
        self.trouble = trouble;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_and_damage_is_an_empty_memory() {
        let dir = tempfile::tempdir().unwrap();
        let (mut keeper, empty) = MemoryKeeper::open(dir.path());
        assert_eq!(empty, EngineMemory::default());
        let absence = r#"{"rule":{"stream":"a","violation":"v","zone":"z"},"term":0,"absence":{"absent_us":7}}"#;
        let memory: EngineMemory = serde_json::from_str(&format!("{{\"a\":{{\"absences\":[{absence}]}}}}")).unwrap();
        let at = |s: f64| Timestamp::from_secs_f64(s);
        assert!(keeper.is_due(at(0.0)));
        keeper.keep(memory.clone(), at(0.0));
        assert!(!keeper.is_due(at(29.0)) && keeper.is_due(at(30.0)));
        assert_eq!(MemoryKeeper::open(dir.path()).1, memory);
        fs::write(dir.path().join("rules-memory.json"), b"{\"a\"").unwrap();
        assert_eq!(MemoryKeeper::open(dir.path()).1, EngineMemory::default());
    }
}
