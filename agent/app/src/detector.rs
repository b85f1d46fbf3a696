//! Opening the detector that a card describes, with the help that a missing part calls for.

use std::path::Path;

use forewarn_models::{Card, OnnxDetector, Runtime, Store};

use crate::config::card;
use crate::config::{ConfigError, ConfigErrors};
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Opens the detector of `card`, whose least score is `score` if one is given.
pub fn open(card: &Card, threads: usize, score: Option<f32>) -> Result<OnnxDetector, CommandError> {
    let store = Store::locate();
    let runtime = Runtime::load(&store).or_exit(ExitCode::Missing)?;
    let weights = store.weights(card).or_exit(ExitCode::Missing)?;
    let mut card = card.clone();
    if let Some(score) = score {
        card.thresholds.score = score;
    }
    OnnxDetector::open(&card, &weights, &runtime, threads).or_exit(ExitCode::Failed)
}

/// The card of a name or path as it was typed.
pub fn card(name: &str) -> Result<Card, CommandError> {
    card::find(name, Path::new(""))
        .map_err(|error| ConfigErrors(vec![ConfigError::from(error)]))
        .or_exit(ExitCode::BadConfig)
}
