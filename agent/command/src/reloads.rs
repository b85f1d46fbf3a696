//! The site file read anew because a command asks for it, and what came of that.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;
use serde_json::Value;

/// How often it is looked whether it was read.
const LOOK: Duration = Duration::from_millis(50);

/// Joins who asks for the file to be read with who reads it. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Reloads(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    begun: u64,
    ended: u64,
    told: Option<Result<Value, String>>,
}

impl Reloads {
    /// The file is read from now on.
    pub fn begin(&self) {
        lock(&self.0).begun += 1;
    }

    /// It was read, and what is in it was taken up: what that was, or why not.
    pub fn end(&self, told: Result<Value, String>) {
        let mut state = lock(&self.0);
        (state.ended, state.told) = (state.begun, Some(told));
    }

    /// Has it read, and waits for what comes of that. One reading that goes on already may have missed what is asked for.
    pub fn ask(&self, ask: impl FnOnce() -> Result<(), String>, within: Duration) -> Result<Value, String> {
        let before = lock(&self.0).begun;
        ask()?;
        let (asked, (_keep, nothing)) = (Stopwatch::start(), sync_channel::<()>(1));
        loop {
            if let State { ended, told: Some(told), .. } = &*lock(&self.0)
                && *ended > before
            {
                return told.clone();
            }
            if asked.elapsed() >= within {
                let within_s = within.as_secs();
                return Err(format!(
                    "the site file was asked for and not taken up within {within_s} s; the log says how that goes on"
                ));
            }
            // Nothing comes here; it is only waited for another thread.
            let _ = nothing.recv_timeout(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::Ask;

    #[test]
    fn who_asks_is_told_of_a_reading_that_began_afterwards() {
        let reloads = Reloads::default();
        reloads.begin();
        let (go_on, asked) = sync_channel(1);
        let (reads, who) = (reloads.clone(), reloads.clone());
        let reader = std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            asked.recv().unwrap();
            reads.end(Ok(json!("of before")));
            reads.begin();
            reads.end(Err("the model is not exchanged".to_owned()));
        });
        let ask = move || go_on.send(()).map_err(|error| error.to_string());
        assert_eq!(who.ask(ask, Duration::from_secs(30)), Err("the model is not exchanged".to_owned()));
        reader.unwrap().join().unwrap();
    }

    #[test]
    fn who_is_not_heard_or_waits_too_long_is_told_so() {
        let reloads = Reloads::default();
        assert_eq!(
            reloads.ask(|| Err("nobody is there".to_owned()), Duration::ZERO),
            Err("nobody is there".to_owned())
        );
        let why = reloads.ask(|| Ok(()), Duration::ZERO).unwrap_err();
        assert!(why.contains("not taken up within 0 s"), "{why}");
    }

    #[test]
    fn it_is_asked_for_by_a_word() {
        let ask: Ask = serde_json::from_str(r#"{"reload": {}}"#).unwrap();
        assert_eq!((ask.as_str(), ask.about()), ("reload", "site"));
        assert!(serde_json::from_str::<Ask>(r#"{"reload": {"model": "x"}}"#).is_err());
    }
}
