//! `url`, `user`, `password_file` and `password_env` of a camera: where its video comes from.

use forewarn_base::secret::{Credentials, PasswordSource, Secret};
use forewarn_pipelines::{SourceKind, SourceUrl};
use toml::Spanned;

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
    let Some(password) = password(check, raw)? else {
        return Some(match &raw.user {
            Some(user) => source.with_credentials(Credentials::new(user, "")),
            None => source,
        });
    };
    match raw.user.as_deref().or(source.user()).map(str::to_owned) {
        Some(user) => Some(source.with_credentials(Credentials { user, password })),
        None => check.fail(raw.url.span(), "there is a password and no user", "add `user = \"…\"`"),
    }
}

/// The camera's password, where it has one; none after a mistake.
fn password(check: &mut Check<'_>, raw: &RawCamera) -> Option<Option<Secret>> {
    let (file, name) = (raw.password_file.as_ref(), raw.password_env.as_ref());
    let source = PasswordSource::of(file.map(|f| f.get_ref().as_path()), name.map(|n| n.get_ref().as_str()));
    let read = |source: PasswordSource| source.read(check.directory(), &|name| std::env::var(name).ok());
    match source.and_then(|source| source.map(read).transpose()) {
        Ok(password) => Some(password),
        Err(error) => {
            let of_file = file.filter(|_| error.key() == "password_file").map(Spanned::span);
            let place = of_file.or(name.map(Spanned::span)).unwrap_or(raw.url.span());
            check.fail(place, error.to_string(), error.mend())
        }
    }
}
