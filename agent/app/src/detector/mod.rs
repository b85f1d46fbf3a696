//! Opening the detector that a card describes, with the help that a missing part calls for.

mod live;
mod metered;
mod reader;
mod reload;
pub mod tuned;

use std::path::Path;

use forewarn_analytics::TrackerConfig;
use forewarn_models::providers::Request;
use forewarn_models::{Card, OnnxDetector, Runtime, Store};

use crate::config::card;
use crate::config::{ConfigError, ConfigErrors, Model};
use crate::exit::{CommandError, ExitCode, OrExit as _};

pub use live::{LiveModel, start as start_live};
pub use reader::of_site as reader_of_site;
pub use reader::unreadable as unreadable_attributes;
pub use reload::in_short;

/// Opens the detector of `card` on the CPU; its least score is `score` if one is given.
pub fn open(card: &Card, threads: usize, score: Option<f32>) -> Result<OnnxDetector, CommandError> {
    open_on(&runtime(Request::CPU)?, card, threads, score)
}

/// Opens the detector of a site on the provider that the site asks for, with the scores that its `tracker` wants.
pub fn of_site(model: &Model, tracker: &TrackerConfig) -> Result<OnnxDetector, CommandError> {
    open_on(&runtime(model.execution)?, &model.card, model.threads, Some(tracker.low_score))
}

/// The ONNX Runtime library with the provider asked for, or with the CPU and a warning.
pub fn runtime(request: Request) -> Result<Runtime, CommandError> {
    Runtime::load_for(&Store::locate(), request).or_exit(ExitCode::Missing)
}

/// Opens the detector of `card` on the provider of a runtime.
pub fn open_on(
    runtime: &Runtime,
    card: &Card,
    threads: usize,
    score: Option<f32>,
) -> Result<OnnxDetector, CommandError> {
    let weights = Store::locate().weights(card).or_exit(ExitCode::Missing)?;
    let mut card = card.clone();
    if let Some(score) = score {
        card.thresholds.score = score;
    }
    OnnxDetector::open(&card, &weights, runtime, threads).or_exit(ExitCode::Failed)
}

/// The card of a name or path as it was typed.
pub fn card(name: &str) -> Result<Card, CommandError> {
    card::find(name, Path::new(""))
        .map_err(|error| ConfigErrors(vec![ConfigError::from(error)]))
        .or_exit(ExitCode::BadConfig)
}

/// Prints what every provider says when it is tried out, and which was chosen.
pub fn print_providers(runtime: &Runtime, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let chosen = runtime.execution().chosen();
    for candidate in runtime.survey(chosen.precision) {
        let verdict = if candidate.works { "works" } else { "-" };
        writeln!(out, "  {:<10} {verdict:<6} {}", candidate.provider, candidate.reason)?;
    }
    writeln!(out, "provider: {} in {}: {}", chosen.provider, chosen.precision, chosen.reason)
}
