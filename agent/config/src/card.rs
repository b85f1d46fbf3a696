//! Finding a model card by its name or path.

use std::path::Path;

use forewarn_models::{Card, cards};
use toml::Spanned;

use crate::check::Check;
use crate::nearest::meant;
use crate::source::{ConfigError, Source};

/// A card cannot be used.
#[derive(Debug)]
pub enum CardError {
    /// Neither a built-in name nor a path of a file.
    Unknown {
        /// What is wrong.
        problem: String,
        /// What to do.
        mend: String,
    },
    /// The file has a mistake.
    Bad(ConfigError),
}

impl From<CardError> for ConfigError {
    fn from(error: CardError) -> Self {
        match error {
            CardError::Unknown { problem, mend } => {
                Self { file: "model card".to_owned(), line: None, key: None, problem, mend }
            }
            CardError::Bad(error) => error,
        }
    }
}

/// The card of a built-in `name`, or of the file at that path (relative to `directory`).
pub fn find(name: &str, directory: &Path) -> Result<Card, CardError> {
    if let Some((_, text)) = cards::BUILTIN.iter().find(|(known, _)| *known == name) {
        return read(&Source::new(format!("models/cards/{name}.toml"), *text)).map_err(CardError::Bad);
    }
    let path = directory.join(name);
    if Path::new(name).extension().is_some_and(|e| e == "toml") || path.is_file() {
        return Source::read(&path).and_then(|source| read(&source)).map_err(CardError::Bad);
    }
    let names: Vec<&str> = cards::BUILTIN.iter().map(|(name, _)| *name).collect();
    Err(CardError::Unknown {
        problem: format!("there is no model card `{name}`"),
        mend: meant(name, names.iter().copied(), || {
            format!("there are: {}; or give the path of your own", names.join(", "))
        }),
    })
}

/// The card of a built-in name, or of a file beside the site file.
pub(crate) fn named_card(check: &mut Check<'_>, name: &Spanned<String>) -> Option<Card> {
    match find(name.get_ref(), check.directory()) {
        Ok(card) => Some(card),
        Err(CardError::Unknown { problem, mend }) => check.fail(name.span(), problem, mend),
        Err(CardError::Bad(error)) => check.take(Err(error)),
    }
}

fn read(source: &Source) -> Result<Card, ConfigError> {
    let card: Card = source.parse()?;
    card.validate().map_err(|error| source.error_of_file(error.to_string(), "correct the card"))?;
    Ok(card)
}
