//! Passwords of cameras that somebody adds in the console. Each lies in a file of its own beside the site file, for the
//! agent's user alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::private;
use forewarn_domain::StreamId;
use forewarn_domain::site_change::SiteChange;

use super::file::{place, undo_path};
use super::site_change::secret_of;
use super::{EditError, KeyPath};

/// The files of the passwords that some changes bring. They are taken away again, unless the changes were saved.
#[derive(Debug)]
pub struct Secrets(Vec<PathBuf>);

impl Secrets {
    /// Writes them beside the site file. A file that is there already is nobody's to overwrite.
    pub fn of(site_file: &Path, changes: &[SiteChange]) -> Result<Self, EditError> {
        let file = place(site_file)?;
        let beside = file.parent().unwrap_or(Path::new("."));
        let mut written = Self(Vec::new());
        for change in changes {
            let SiteChange::AddCamera(camera) = change else { continue };
            if camera.password.is_empty() {
                continue;
            }
            let path = beside.join(secret_of(&camera.id));
            if let Err(error) = write(&path, &camera.password) {
                let path = path.display().to_string();
                if error.kind() != io::ErrorKind::AlreadyExists {
                    return Err(EditError::Write { path, error });
                }
                let key: KeyPath = format!("camera.{}", camera.id).parse()?;
                let mend = "remove that file if no camera uses it, as after a camera that was taken back, or take another name";
                return Err(key.error(format!("{path} is there already, and its password is kept"), mend));
            }
            written.0.push(path);
        }
        Ok(written)
    }

    /// They stay.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

/// Takes away what a change left that was taken back: the passwords of cameras that were added, unless the site file names
/// them, and the undo, which would bring back what was refused.
pub fn forget(site_file: &Path, cameras: &[StreamId]) {
    let Ok(file) = place(site_file) else { return };
    let Ok(text) = fs::read_to_string(&file) else { return };
    let beside = file.parent().unwrap_or(Path::new("."));
    for secret in cameras.iter().map(secret_of).filter(|secret| !text.contains(secret.as_str())) {
        // What cannot be taken away is for the agent's user alone.
        let _ = fs::remove_file(beside.join(secret));
    }
    // Where it stays, `forewarn check` tells what is wrong with what it brings back.
    let _ = fs::remove_file(undo_path(&file));
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for path in &self.0 {
            // What cannot be taken away is for the agent's user alone.
            let _ = fs::remove_file(path);
        }
    }
}

fn write(path: &Path, password: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(private::FILE_MODE).open(path)?;
    writeln!(file, "{password}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_password_lies_beside_the_site_file_while_it_is_needed_and_overwrites_none() {
        let dir = tempfile::tempdir().unwrap();
        let (site, secret) = (dir.path().join("site.toml"), dir.path().join("yard.secret"));
        fs::write(&site, "").unwrap();
        let json =
            serde_json::json!({ "add_camera": { "id": "yard", "url": "rtsp://c", "user": "u", "password": "s3" } });
        let change: SiteChange = serde_json::from_value(json).unwrap();
        assert!(!format!("{change:?}").contains("s3"), "no log shows it");
        let changes = [change];
        drop(Secrets::of(&site, &changes).unwrap());
        assert!(!secret.exists(), "it was only tried");
        Secrets::of(&site, &changes).unwrap().keep();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "s3\n");
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Secrets::of(&site, &changes).unwrap_err();
        assert!(matches!(again, EditError::Path { .. }) && again.to_string().contains("yard.secret is there already"));
        assert!(secret.exists(), "it is of a camera that is there");
        let yard = [StreamId::new("yard").unwrap()];
        fs::write(&site, "password_file = \"yard.secret\"").unwrap();
        forget(&site, &yard);
        assert!(secret.exists(), "the site file names it");
        fs::write(&site, "").unwrap();
        fs::write(undo_path(&site), "password_file = \"yard.secret\"").unwrap();
        forget(&site, &yard);
        assert!(!secret.exists(), "its camera was taken back");
        assert!(!undo_path(&site).exists(), "nobody takes it up by mistake");
    }
}
