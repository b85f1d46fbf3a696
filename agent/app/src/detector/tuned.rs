//! What a tuning on this box says of a site's model, and its place in the settings of the running agent.
//!
//! Only `forewarn run` and what it reads anew at a reload go by a tuning. A replay, and all that is made of one, does not: its
//! incidents are the same bytes for the same clip, site file and models, whether a tuning was made on the box, and what it said.

use std::fmt;
use std::path::Path;

use forewarn_hw::box_facts::BoxFacts;
use forewarn_models::tune::{Choice, Given, Key, Tuning, Way, choose};
use forewarn_models::{Card, Runtime, Store};

use crate::config::{self, ConfigError, Model, Site};

/// What a tuning says.
pub enum Tuned {
    /// There was none for this card.
    Untried,
    /// It holds.
    Chosen(Choice),
    /// There is one, and it is not used.
    Ignored(String),
}

/// What the tuning of a card says on this box, as far as the site leaves it open. Variants are named relative to `directory`.
pub fn of(card: &Card, given: Given, directory: &Path) -> Tuned {
    let store = Store::locate();
    let tuning = match Tuning::read(&store, card) {
        Ok(None) => return Tuned::Untried,
        Ok(Some(tuning)) => tuning,
        Err(error) => return Tuned::Ignored(error.to_string()),
    };
    if let Some(why) = tuning.key.other_than(&key(&store, card, directory)) {
        return Tuned::Ignored(format!("{why}; `forewarn models tune` makes it anew"));
    }
    let Some(choice) = choose(&tuning.ways, &card.name, given) else {
        let why = "what [model] asks for was not measured; `forewarn models tune --config site.toml` does that";
        return Tuned::Ignored(why.to_owned());
    };
    match usable(&choice.way, &store, card, directory) {
        Ok(()) => Tuned::Chosen(choice),
        Err(why) => Tuned::Ignored(format!("{}: {why}", choice.way)),
    }
}

/// What a tuning of a card holds for here.
pub fn key(store: &Store, card: &Card, directory: &Path) -> Key {
    let facts = BoxFacts::read();
    let variants: Vec<Card> =
        card.variants.iter().filter_map(|offer| config::card::find(offer.card.as_deref()?, directory).ok()).collect();
    Key::here(store, std::iter::once(card).chain(&variants), &facts.cpu_model, facts.cores)
}

/// The card of a variant, or why it cannot stand for `card`.
pub fn variant(name: &str, card: &Card, directory: &Path) -> Result<Card, String> {
    let found = config::card::find(name, directory).map_err(|error| ConfigError::from(error).to_string())?;
    if found.classes.to_vec() != card.classes.to_vec() {
        return Err(format!("it has other classes than {}", card.name));
    }
    let weights = Store::locate().path(&found.weights.file);
    if !weights.is_file() {
        return Err(format!("its weights are not in the store; `forewarn models fetch {name}` fetches them"));
    }
    Ok(found)
}

/// Whether what was there when it was tried is there now.
fn usable(way: &Way, store: &Store, card: &Card, directory: &Path) -> Result<(), String> {
    if way.card != card.name {
        variant(&way.card, card, directory)?;
    }
    let libraries = Runtime::libraries(store).map_err(|error| error.to_string())?;
    let has_it = libraries.iter().any(|(_, providers)| providers.contains(&way.provider));
    has_it.then_some(()).ok_or_else(|| format!("the library that has {} is gone", way.provider))
}

/// Puts what the tuning chose into the settings of the agent, as if the site file said so, and says what the tuning says.
pub fn apply(site: &mut Site) -> Tuned {
    let tuned = of(&site.model.card, site.model.given, &site.directory);
    if let Tuned::Chosen(choice) = &tuned {
        take(&mut site.model, &choice.way, &site.directory);
    }
    tuned
}

/// The same for the running agent, whose log tells it.
pub fn apply_and_log(site: &mut Site) {
    let card = site.model.card.name.clone();
    match apply(site) {
        Tuned::Untried => tracing::debug!(%card, "no tuning says how this box runs the model best"),
        Tuned::Ignored(why) => tracing::warn!(%card, "the tuning of the model is not used: {why}"),
        Tuned::Chosen(choice) => {
            tracing::info!(%card, "the tuning on this box says how the model runs: {}", Told(&choice));
        }
    }
}

/// What is chosen takes the place of what the site leaves open.
fn take(model: &mut Model, way: &Way, directory: &Path) {
    if way.card != model.card.name
        && let Ok(card) = variant(&way.card, &model.card, directory)
    {
        model.card = card;
    }
    if model.given.execution.is_none() {
        model.execution = way.request();
    }
    if model.given.threads.is_none() {
        model.threads = way.threads;
    }
}

/// A choice in a line.
pub struct Told<'a>(pub &'a Choice);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Choice { way, usual, processor_ratio, look_ratio } = self.0;
        if way == usual {
            return write!(f, "{way}, as without a tuning");
        }
        write!(f, "{way}: {processor_ratio:.2} of the processor time and {look_ratio:.2} of the time of {usual}")
    }
}
