//! `url`, `user`, `password_file` and `password_env` of a camera: where its video comes from.

use forewarn_pipelines::{Credentials, SourceKind, SourceUrl};

use crate::camera::RawCamera;
use crate::check::Check;

pub(crate) fn source(check: &mut Check<'_>, raw: &RawCamera) -> Option<SourceUrl> {
    let source = match raw.url.get_ref().parse::<SourceUrl>() {
        Ok(source) if source.kind() == SourceKind::File => SourceUrl::file(check.path(&source.path())),
        Ok(source) => source,
        Err(error) => {
            return check.fail(raw.url.span(), error.to_string(), "see docs/configuration.md, \"Cameras\"");
        }
    };
    let Some(password) = password(check, raw) else {
        return Some(match &raw.user {
            Some(user) => source.with_credentials(Credentials::new(user.clone(), String::new())),
            None => source,
        });
    };
    match raw.user.as_deref().or(source.user()).map(str::to_owned) {
        Some(user) => Some(source.with_credentials(Credentials::new(user, password))),
        None => check.fail(raw.url.span(), "there is a password and no user", "add `user = \"…\"`"),
    }
}

/// The camera's password; none if it has none, and after a mistake.
fn password(check: &mut Check<'_>, raw: &RawCamera) -> Option<String> {
    match (&raw.password_file, &raw.password_env) {
        (Some(file), Some(_)) => {
            check.fail(file.span(), "both `password_file` and `password_env` are given", "keep one of them")
        }
        (Some(file), None) => {
            let path = check.path(file.get_ref());
            match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.lines().next().unwrap_or_default().to_owned()),
                Err(error) => {
                    let problem = format!("failed to read {}: {error}", path.display());
                    check.fail(file.span(), problem, "make a readable file whose first line is the password")
                }
            }
        }
        (None, Some(name)) => {
            let password = std::env::var(name.get_ref()).ok();
            password.or_else(|| {
                let problem = format!("the environment has no variable {}", name.get_ref());
                check.fail(name.span(), problem, "set it, or use `password_file`")
            })
        }
        (None, None) => None,
    }
}
