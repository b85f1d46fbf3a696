//! `url`, `user`, `password_file` and `password_env` of a camera: where its video comes from.

use std::path::PathBuf;

use forewarn_base::secret::{Credentials, PasswordSource, Secret};
use forewarn_pipelines::{SourceKind, SourceUrl};
use toml::Spanned;

use crate::check::Check;

/// What a camera says of its video, as it is written.
pub(crate) struct RawVideo<'a> {
    pub(crate) url: &'a Spanned<String>,
    pub(crate) user: Option<&'a str>,
    pub(crate) password_file: Option<&'a Spanned<PathBuf>>,
    pub(crate) password_env: Option<&'a Spanned<String>>,
}

impl RawVideo<'_> {
    pub(crate) fn check(&self, check: &mut Check<'_>) -> Option<SourceUrl> {
        let source = match self.url.get_ref().parse::<SourceUrl>() {
            Ok(source) if source.kind() == SourceKind::File => SourceUrl::file(check.path(&source.path())),
            Ok(source) => source,
            Err(error) => {
                return check.fail(self.url.span(), error.to_string(), "see docs/configuration.md, \"Cameras\"");
            }
        };
        let Some(password) = self.password(check) else {
            return Some(match self.user {
                Some(user) => source.with_credentials(Credentials::new(user, "")),
                None => source,
            });
        };
        match self.user.or(source.user()).map(str::to_owned) {
            Some(user) => Some(source.with_credentials(Credentials { user, password })),
            None => check.fail(self.url.span(), "there is a password and no user", "add `user = \"…\"`"),
        }
    }

    /// The camera's password; none if it has none, and after a mistake.
    fn password(&self, check: &mut Check<'_>) -> Option<Secret> {
        let (file, name) = (self.password_file, self.password_env);
        let source = PasswordSource::of(file.map(|f| f.get_ref().as_path()), name.map(|n| n.get_ref().as_str()));
        let read = |source: PasswordSource| source.read(check.directory(), &|name| std::env::var(name).ok());
        match source.and_then(|source| source.map(read).transpose()) {
            Ok(password) => password,
            Err(error) => {
                let of_file = file.filter(|_| error.key() == "password_file").map(Spanned::span);
                let place = of_file.or(name.map(Spanned::span)).unwrap_or(self.url.span());
                check.fail(place, error.to_string(), error.mend())
            }
        }
    }
}
