//! What a person may have said by a button: the texts of the site's warnings, and the sound files beside its violations.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_domain::Prepared;
use forewarn_domain::violation::Text;

use crate::Site;
use crate::plain_texts::of_rules;

/// So many sound files are offered; nobody finds one among more.
const SOUNDS: usize = 200;
const KINDS: [&str; 2] = ["wav", "ogg"];

/// What is ready to be said.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    texts: Vec<Prepared>,
    sounds: PathBuf,
}

impl Ready {
    /// What a site has ready.
    pub fn of(site: &Site) -> Self {
        Self {
            texts: of_rules(site.cameras.iter().flat_map(|camera| &camera.rules)),
            sounds: site.violations_dir.clone(),
        }
    }

    /// All of it, with the sound files that are there now.
    pub fn all(&self) -> Vec<Prepared> {
        self.texts.iter().cloned().chain(sounds(&self.sounds)).collect()
    }
}

fn sounds(folder: &Path) -> Vec<Prepared> {
    let is_sound = |name: &String| {
        let kind = Path::new(name).extension().map(|kind| kind.to_string_lossy().to_lowercase());
        kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_sound).collect();
    names.sort();
    names.truncate(SOUNDS);
    let named = |name: String| Prepared {
        id: format!("file:{name}"),
        title: Text { en: Some(name.clone()), zh: None },
        text: Text::default(),
        sound: Some(name),
    };
    names.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn texts_of_bound_violations_and_sounds_beside_them_are_ready() {
        let folder = tempfile::tempdir().unwrap();
        let own = "id = \"own\"\ntitle = { en = \"Own\" }\nsubject = [\"person\"]\n[condition]\nin_zone = { by = \"foot\" }\n\
                   [warning]\naudio = \"own.wav\"\ntext = [{ name = \"a\", en = \"You, {plate}.\" }, { name = \"b\", en = \"Step back.\" }]\n";
        fs::create_dir(folder.path().join("own")).unwrap();
        for (name, text) in [("own/own.toml", own), ("own/own.wav", ""), ("own/Closing.WAV", ""), ("own/notes.txt", "")]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let text = "[site]\nid = \"s\"\n[violations]\ndir = \"own\"\n[[camera]]\nid = \"a\"\nurl = \"file:a.mp4\"\n\
                    [[camera.rule]]\nviolation = \"own\"\n[[camera.rule]]\nviolation = \"loitering\"\n";
        let source = Source::new(folder.path().join("site.toml").display().to_string(), text);
        let ready = Ready::of(&crate::resolve(&source).unwrap()).all();
        let told: Vec<(&str, Option<&str>, Option<&str>)> =
            ready.iter().map(|one| (one.id.as_str(), one.text.en.as_deref(), one.sound.as_deref())).collect();
        assert_eq!(told[..2], [("own", None, Some("own.wav")), ("own.2", Some("Step back."), None)]);
        assert!(told[2].0 == "loitering" && told[2].1.is_some(), "{told:?}");
        assert_eq!(
            told[3..],
            [("file:Closing.WAV", None, Some("Closing.WAV")), ("file:own.wav", None, Some("own.wav"))]
        );
    }
}
