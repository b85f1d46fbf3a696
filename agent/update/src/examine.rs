//! Whether what an update brings works on this box: its program says its version, and knows the site as it will be.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use forewarn_base::child::{self, Limits};
use forewarn_config::edit::{Change, KeyPath, NewValue, apply};
use forewarn_config::source::Source;
use tempfile::{Builder, NamedTempFile, TempDir};

use crate::error::UpdateError;
use crate::folder::Places;
use crate::placing::Brought;
use crate::version::Version;

/// What a program may take to say that it knows a site file.
const EXAMINE: Limits = Limits { time: Duration::from_mins(2), output_bytes: 1 << 20 };

/// Has the program that will run look at itself and at the site as it will be.
pub(crate) fn examine(brought: &Brought, version: &Version, places: &Places) -> Result<(), UpdateError> {
    let own = env::current_exe().map_err(UpdateError::io("find", "/proc/self/exe"))?;
    let (runner, is_new) = brought.program.as_ref().map_or((&own, false), |(path, is_new)| (path, *is_new));
    if is_new {
        is_of_version(runner, version)?;
    }
    if brought.configuration.is_none() && brought.violations.is_empty() {
        return if is_new { ask(runner, &["check".into(), places.site_file.clone().into()]).map(drop) } else { Ok(()) };
    }
    let (site, _violations) = staged(brought, places)?;
    ask(runner, &["check".into(), site.path().into()]).map(drop)
}

/// Whether a program is of the version that an update names.
pub(crate) fn is_of_version(program: &Path, version: &Version) -> Result<(), UpdateError> {
    let said = ask(program, &["--version".into()])?;
    let first = said.lines().next().unwrap_or_default();
    let its = first.split_whitespace().nth(1).unwrap_or_default();
    if its.parse::<Version>().is_ok_and(|its| its == *version) {
        return Ok(());
    }
    let why = format!(
        "its program says of itself \"{first}\", and the update is to {version}; an update with a program has its version"
    );
    Err(UpdateError::Bad(why))
}

/// The site as it will be: its file beside the one that there is, against whose folder its paths are meant, and the folder of
/// violations with the new ones in it. Both go when they are dropped.
fn staged(brought: &Brought, places: &Places) -> Result<(NamedTempFile, Option<TempDir>), UpdateError> {
    let from = brought.configuration.as_ref().unwrap_or(&places.site_file);
    let mut text = fs::read_to_string(from).map_err(UpdateError::io("read", from))?;
    let overlay =
        (!brought.violations.is_empty()).then(|| overlay(&brought.violations, &places.violations)).transpose()?;
    if let Some(overlay) = &overlay {
        let bad = |why: String| UpdateError::Bad(why);
        let key: KeyPath = "violations.dir".parse().map_err(|error| bad(format!("{error}")))?;
        let dir = NewValue::typed(&overlay.path().display().to_string()).map_err(|error| bad(error.to_string()))?;
        let source = Source::new(from.display().to_string(), text);
        text = apply(&source, &Change::Set(key, dir)).map_err(|error| bad(error.to_string()))?;
    }
    let folder = forewarn_base::private::folder_of(&places.site_file);
    let mut made = Builder::new();
    made.prefix(".update-site-").suffix(".toml");
    let mut site = made.tempfile_in(folder).map_err(UpdateError::io("write beside", &places.site_file))?;
    site.write_all(text.as_bytes()).map_err(UpdateError::io("write beside", &places.site_file))?;
    Ok((site, overlay))
}

/// A folder in which all of `former` can be found, with the new files in place of those of the same name.
fn overlay(new: &[(String, PathBuf)], former: &Path) -> Result<TempDir, UpdateError> {
    let dir = tempfile::tempdir().map_err(UpdateError::io("write in", env::temp_dir()))?;
    let put = || -> std::io::Result<()> {
        for entry in former.is_dir().then(|| fs::read_dir(former)).transpose()?.into_iter().flatten() {
            let entry = entry?;
            if new.iter().all(|(name, _)| entry.file_name() != **name) {
                symlink(fs::canonicalize(entry.path())?, dir.path().join(entry.file_name()))?;
            }
        }
        new.iter().try_for_each(|(name, path)| fs::copy(path, dir.path().join(name)).map(drop))
    };
    put().map_err(UpdateError::io("lay out the violations of", former))?;
    Ok(dir)
}

/// What a program says.
fn ask(program: &Path, arguments: &[OsString]) -> Result<String, UpdateError> {
    let mut command = Command::new(program);
    command.args(arguments);
    let asked = arguments.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let bad = |why: String| UpdateError::Bad(format!("`{} {asked}` failed: {why}", program.display()));
    let ended = child::run(command, &[], EXAMINE).map_err(|error| bad(error.to_string()))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.output).into_owned());
    }
    Err(bad(ended.complaint.unwrap_or_else(|| ended.status.to_string())))
}
