//! `url`, `user`, `password_file` and `password_env` of a camera: where its video comes from.

use std::path::PathBuf;

use forewarn_base::secret::{Credentials, PasswordSource, Secret};
use forewarn_domain::Zone;
use forewarn_domain::zone::ZoneUnit;
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
        let is_published = source.kind() == SourceKind::Whip;
        let Some(password) = self.password(check) else {
            if is_published && source.credentials().is_none_or(|login| login.password.expose().is_empty()) {
                let mend = "write a token into a file, and name it: `password_file = \"hill3.token\"`";
                return check.fail(self.url.span(), "who publishes by WHIP must name a token, and there is none", mend);
            }
            return Some(match self.user {
                Some(user) => source.with_credentials(Credentials::new(user, "")),
                None => source,
            });
        };
        match self.user.or(source.user()).map(str::to_owned) {
            Some(user) => Some(source.with_credentials(Credentials { user, password })),
            None if is_published => Some(source.with_credentials(Credentials { user: String::new(), password })),
            None => check.fail(self.url.span(), "there is a password and no user", "add `user = \"…\"`"),
        }
    }

    /// The same for a smaller stream of the camera whose video is `main` and whose picture has these zones.
    pub(crate) fn check_beside(
        &self,
        check: &mut Check<'_>,
        main: Option<&SourceUrl>,
        zones: &[Zone],
    ) -> Option<SourceUrl> {
        let source = self.check(check)?;
        let is_of_network = |source: &SourceUrl| !matches!(source.kind(), SourceKind::File | SourceKind::V4l2);
        if !is_of_network(&source) || !main.is_none_or(is_of_network) {
            let problem = "only a camera on the network has a second stream";
            return check.fail(self.url.span(), problem, "leave `detect_url` out");
        }
        if main == Some(&source) {
            let mend = "name the camera's smaller stream, or leave `detect_url` out";
            return check.fail(self.url.span(), "it is the stream of `url`", mend);
        }
        if let Some(zone) = zones.iter().find(|zone| zone.unit == ZoneUnit::Pixel) {
            let problem = format!("zone {} is in pixels, which say nothing where two streams differ in size", zone.id);
            return check.fail(self.url.span(), problem, "write its points from 0 to 1 over width and height");
        }
        Some(source)
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
