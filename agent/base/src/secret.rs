//! Passwords: where they come from, and that they are never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::file;
use crate::private;
use crate::setting::SettingError;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user and a password, which is empty where only a user is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Credentials {
    /// Takes a user and a password as they are.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: Secret::new(password) }
    }
}

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a password stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// In the first line of a file, `password_file`.
    File(PathBuf),
    /// In an environment variable, `password_env`.
    Env(String),
}

impl PasswordSource {
    /// The one that is given; both are too many.
    pub fn of(file: Option<&Path>, env: Option<&str>) -> Result<Option<Self>, SettingError> {
        match (file, env) {
            (Some(_), Some(_)) => {
                Err(SettingError::value("password_env", "`password_file` is given, too", "keep one of them"))
            }
            (Some(file), None) => Ok(Some(Self::File(file.to_owned()))),
            (None, Some(name)) => Ok(Some(Self::Env(name.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// The key that names it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::File(_) => "password_file",
            Self::Env(_) => "password_env",
        }
    }

    /// Reads the password. An empty one is refused wherever it stands: it is a file or a variable that nobody has filled.
    pub fn read(&self, directory: &Path, environment: Environment<'_>) -> Result<Secret, SettingError> {
        self.read_for(self.key(), directory, environment)
    }

    /// The same of a secret that another key names.
    pub fn read_for(
        &self,
        key: &'static str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<Secret, SettingError> {
        let text = match self {
            Self::File(file) => {
                let path = at_hand(&directory.join(file));
                let wrong = |why: String| {
                    let mend = if path.starts_with(FOR_ROOT) {
                        "run this as root, who may read the service's passwords; they are written there, one a file"
                    } else {
                        "make a readable file whose first line is the password"
                    };
                    SettingError::file(key, &path, why, mend)
                };
                let bytes = file::read(&path).map_err(|error| wrong(error.to_string()))?;
                let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
                warn_if_open(key, &path);
                // Some editors begin each file with a mark that nobody sees.
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                let first = text.lines().next().filter(|line| !line.is_empty());
                first.ok_or_else(|| wrong("its first line is empty".to_owned()))?.to_owned()
            }
            Self::Env(name) => {
                let wrong = |why: String| SettingError::value(key, why, "set it, or use `password_file`");
                let text = environment(name).ok_or_else(|| wrong(format!("the environment has no variable {name}")))?;
                if text.is_empty() {
                    return Err(wrong(format!("the environment variable {name} is empty")));
                }
                text
            }
        };
        Ok(Secret(text))
    }
}

/// Where systemd shows the service its passwords, and nobody else, as the package has it.
const FOR_SERVICE: &str = "/run/credentials/forewarn.service/site_";
/// Where they lie, for root alone.
const FOR_ROOT: &str = "/etc/forewarn/credentials";

/// Where a password is for whoever asks: a command that is typed beside the service reads the same file where it lies.
fn at_hand(path: &Path) -> PathBuf {
    let name = path.to_str().and_then(|path| path.strip_prefix(FOR_SERVICE));
    match name {
        Some(name) if file::read(Path::new(path)).is_err() => Path::new(FOR_ROOT).join(name),
        _ => path.to_owned(),
    }
}

/// Tells of a file with a secret that others than its owner may read. It is used all the same: to stop would help nobody.
pub fn warn_if_open(key: &str, path: &Path) {
    if let Ok(Some(mode)) = private::open_mode(path) {
        tracing::warn!(
            "{key}: {} may be read by others than its owner (mode {mode:o}); run: chmod 600 {}",
            path.display(),
            path.display()
        );
    }
}

impl Credentials {
    /// Who logs in, where anybody does: the user with the password of `source`. A password without a user is an error.
    pub fn read(
        user: Option<&str>,
        source: Option<&PasswordSource>,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<Option<Self>, SettingError> {
        let password = source.map(|source| source.read(directory, environment)).transpose()?;
        match (user, source) {
            (Some(user), _) => Ok(Some(Self { user: user.to_owned(), password: password.unwrap_or_default() })),
            (None, Some(source)) => {
                Err(SettingError::value(source.key(), "a password is given, but no user", "add `user = \"…\"`"))
            }
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_the_service_is_looked_for_where_root_finds_it() {
        let file = Path::new("/run/credentials/forewarn.service/site_gate-of-no-site");
        assert_eq!(at_hand(file), Path::new("/etc/forewarn/credentials/gate-of-no-site"));
        assert_eq!(at_hand(Path::new("/srv/gate.txt")), Path::new("/srv/gate.txt"));
        let source = PasswordSource::File(file.to_owned());
        let told = source.read(Path::new("/"), &environment).unwrap_err();
        assert!(format!("{told} {}", told.mend()).contains("run this as root"), "{told}");
    }

    fn environment(name: &str) -> Option<String> {
        match name {
            "SET" => Some("s3cret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn read(
        file: Option<&str>,
        env: Option<&str>,
        user: Option<&str>,
        content: &[u8],
    ) -> Result<Option<Credentials>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("password"), content).unwrap();
        let source = PasswordSource::of(file.map(Path::new), env).map_err(|error| error.line())?;
        Credentials::read(user, source.as_ref(), dir.path(), &environment).map_err(|error| error.line())
    }

    #[test]
    fn the_first_line_of_a_file_or_a_variable_is_the_password() {
        for content in ["s3cret", "s3cret\n", "s3cret\r\nand more\n", "\u{feff}s3cret\r\n"] {
            let found = read(Some("password"), None, Some("u"), content.as_bytes()).unwrap().unwrap();
            assert_eq!((found.user.as_str(), found.password.expose()), ("u", "s3cret"), "{content:?}");
        }
        assert_eq!(read(None, Some("SET"), Some("u"), b"").unwrap().unwrap().password, Secret::new("s3cret"));
        assert_eq!(read(None, None, Some("u"), b"").unwrap().unwrap().password.expose(), "");
        assert_eq!(read(None, None, None, b""), Ok(None));
    }

    #[test]
    fn what_cannot_be_a_password_is_refused_by_key_and_with_a_mend() {
        for (file, env, user, content, says) in [
            (
                Some("password"),
                Some("SET"),
                Some("u"),
                &b"x"[..],
                "password_env: `password_file` is given, too; keep one",
            ),
            (Some("password"), None, Some("u"), b"", "its first line is empty; make a readable file"),
            (Some("password"), None, Some("u"), b"\nsecond\n", "its first line is empty"),
            (Some("password"), None, Some("u"), b"\xff\xfe", "password_file: failed to read "),
            (Some("elsewhere"), None, Some("u"), b"", "elsewhere: No such file"),
            (Some("password"), None, None, b"x", "password_file: a password is given, but no user; add `user"),
            (None, Some("UNSET"), Some("u"), b"", "password_env: the environment has no variable UNSET; set it"),
            (None, Some("EMPTY"), Some("u"), b"", "password_env: the environment variable EMPTY is empty; set it"),
            (None, Some("SET"), None, b"", "password_env: a password is given, but no user"),
        ] {
            let refusal = read(file, env, user, content).unwrap_err();
            assert!(refusal.contains(says), "{refusal}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let credentials = Credentials::new("u", "s3cret");
        assert_eq!(format!("{credentials:?}"), "Credentials { user: \"u\", password: *** }");
    }
}
