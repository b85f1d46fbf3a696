//! Where an update comes from: a file, a stick, or the one address that the site names.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::file;
use forewarn_base::http::Http;
use forewarn_config::Update;

use crate::error::UpdateError;

/// How a bundle's name ends.
const ENDING: &str = "update";
/// The longest that a bundle is fetched.
const FETCH_TIME: Duration = Duration::from_hours(1);

/// A bundle to be read, with its name.
pub(crate) fn open(asked: Option<&Path>, update: &Update) -> Result<(String, Box<dyn Read>), UpdateError> {
    match asked {
        None => fetch(update),
        Some(path) if path.to_string_lossy().contains("://") => Err(UpdateError::NotAllowed(format!(
            "updates are fetched from the address alone that the site names: write `url = \"{}\"` under [update], and type the \
             command without it",
            path.display()
        ))),
        Some(path) => {
            let path = if path.is_dir() { only_one_in(path)? } else { path.to_owned() };
            let opened = file::open(&path).map_err(UpdateError::io("read", &path))?;
            Ok((path.display().to_string(), Box::new(opened)))
        }
    }
}

fn only_one_in(dir: &Path) -> Result<PathBuf, UpdateError> {
    let listed = fs::read_dir(dir).map_err(UpdateError::io("list", dir))?;
    let is_one = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|ending| ending == ENDING);
    let mut found: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).filter(is_one).collect();
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (None, _) => {
            let why = format!("no file in it ends with .{ENDING}");
            Err(UpdateError::NoBundle(dir.display().to_string(), why))
        }
        (Some(_), false) => {
            let why = format!("{} files in it end with .{ENDING}; name the one that is meant", found.len() + 1);
            Err(UpdateError::NoBundle(dir.display().to_string(), why))
        }
    }
}

fn fetch(update: &Update) -> Result<(String, Box<dyn Read>), UpdateError> {
    let Some((url, tls)) = &update.from else {
        let why = "the site names no address for updates: name a file or a folder, or add `url` to [update]";
        return Err(UpdateError::NotAllowed(why.to_owned()));
    };
    let name = url.to_string();
    let away = |why: String| UpdateError::NoBundle(name.clone(), why);
    let answer = Http::new(tls.clone(), FETCH_TIME).agent().get(url.as_str()).call();
    let answer = answer.map_err(|error| away(format!("it cannot be fetched: {error}")))?;
    if answer.status() != 200 {
        return Err(away(format!("the server answered with {}", answer.status())));
    }
    Ok((name.clone(), Box::new(answer.into_body().into_reader())))
}
