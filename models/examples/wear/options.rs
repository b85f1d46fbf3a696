//! The command line.

use std::error::Error;
use std::path::{Path, PathBuf};

use forewarn_domain::Class;
use forewarn_models::reader::Attribute;

/// What is asked for.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) photos: PathBuf,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) detector: Option<String>,
    pub(crate) cards: Option<PathBuf>,
    pub(crate) whole: Option<Class>,
    pub(crate) draw: Option<PathBuf>,
    pub(crate) truth: Option<PathBuf>,
    pub(crate) is_brief: bool,
}

/// Reads the command line.
pub(crate) fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--attribute" => {
                let value = value()?;
                let (name, model) = value.split_once('=').unwrap_or((&value, ""));
                let is_file = Path::new(name).extension().is_some_and(|extension| extension == "toml");
                let attribute = if is_file {
                    Attribute::from_toml(&std::fs::read_to_string(name)?)?
                } else {
                    Attribute::builtin(name)?
                };
                options.attributes.push(if model.is_empty() { attribute } else { attribute.judged_by(model) });
            }
            "--detector" => options.detector = Some(value()?),
            "--cards" => options.cards = Some(value()?.into()),
            "--whole" => options.whole = Some(Class::new(&value()?)),
            "--draw" => options.draw = Some(value()?.into()),
            "--truth" => options.truth = Some(value()?.into()),
            "--brief" => options.is_brief = true,
            _ => options.photos = arg.into(),
        }
    }
    Ok(options)
}
