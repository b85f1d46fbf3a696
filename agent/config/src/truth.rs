//! Truth files: what truly happens in clips, read and checked against what a site has.

use std::path::Path;

use forewarn_evaluate::reading::{self, Mend, Mistake, TruthFile};
use forewarn_evaluate::truth::{ClipTruth, Known};

use crate::nearest::meant;
use crate::source::Source;
use crate::violations::Library;
use crate::{ConfigError, ConfigErrors, Site};

/// The built-in violations.
pub fn built_in() -> Result<Known, ConfigErrors> {
    let library = Library::built_in()?;
    Ok(Known { violations: library.names().cloned().collect(), ..Known::default() })
}

/// Adds what a site has.
pub fn add(known: &mut Known, site: &Site) {
    for camera in &site.cameras {
        let zones = known.cameras.entry(camera.id.clone()).or_default();
        zones.extend(camera.zones.iter().map(|zone| zone.id.clone()));
        known.violations.extend(camera.rules.iter().map(|rule| rule.key.violation.clone()));
    }
}

/// Reads a truth file, whose text comes along for further mistakes; all that it names must be `known`.
pub fn load(path: &Path, known: &Known) -> Result<(Source, Vec<ClipTruth>), ConfigErrors> {
    let source = Source::read(path)?;
    let clips = check(&source, known)?;
    Ok((source, clips))
}

fn check(source: &Source, known: &Known) -> Result<Vec<ClipTruth>, ConfigErrors> {
    let file: TruthFile = source.parse().map_err(with_help)?;
    reading::check(file, known).map_err(|mistakes| {
        let mut errors: Vec<ConfigError> = mistakes.into_iter().map(|mistake| error(source, mistake)).collect();
        errors.sort_by_key(|error| error.line);
        ConfigErrors(errors)
    })
}

/// Points a mistake of spelling to the page of truth files where it would point to that of site files.
fn with_help(mut error: ConfigError) -> ConfigError {
    error.mend = error.mend.replace("`forewarn config example` shows", "docs/evaluation.md, \"Truth files\", shows");
    error
}

fn error(source: &Source, mistake: Mistake) -> ConfigError {
    let mend = match mistake.mend {
        Mend::Do(text) => text,
        Mend::Name { written, known, lead } => {
            meant(&written, known.iter().map(String::as_str), || format!("{lead}: {}", known.join(", ")))
        }
    };
    match mistake.place {
        Some(place) => source.error(place, mistake.problem, mend),
        None => source.error_of_file(mistake.problem, mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;

    const SITE: &str = r#"
[site]
id = "north"
[[camera]]
id = "gate"
url = "file:gate.mp4"
[[camera.zone]]
id = "kerb"
polygon = [[0, 0], [100, 0], [100, 100]]
[[camera]]
id = "yard"
url = "file:yard.mp4"
"#;

    fn mistakes(text: &str) -> String {
        let mut known = built_in().unwrap();
        add(&mut known, &resolve(&Source::new("site.toml", SITE)).unwrap());
        check(&Source::new("truth.toml", text), &known).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_file_line_key_and_the_mend() {
        let head = "[[clip]]\nfile = \"a.mp4\"\ncamera = \"gate\"\n";
        for (entry, expected) in [
            (
                "[[clip.truth]]\nviolation = \"ilegal_parking\"\nfrom_s = 1\nto_s = 2\n",
                "truth.toml:5: violation: there is no violation `ilegal_parking`\n  fix: did you mean `illegal_parking`?",
            ),
            (
                "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 5\nto_s = 2\n",
                "truth.toml:7: to_s: it ends at 2 s, before it begins at 5 s\n  fix: exchange the two",
            ),
            (
                "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = -1\nto_s = 2\n",
                "truth.toml:6: from_s: -1 is out of range",
            ),
            (
                "[[clip.truth]]\nviolation = \"loitering\"\nzone = \"kreb\"\nfrom_s = 1\nto_s = 2\n",
                "truth.toml:6: zone: camera `gate` has no zone `kreb`\n  fix: did you mean `kerb`?",
            ),
            (
                "[[clip.truth]]\nviolation = \"loitering\"\nform_s = 1\nto_s = 2\n",
                "truth.toml:6: form_s: unknown field `form_s`",
            ),
            (
                "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\nbox = [5, 5, 1, 9]\n",
                "truth.toml:8: box: the box is empty or inside out",
            ),
            (
                "nothing = true\n[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\n",
                "truth.toml:4: nothing: `nothing` happens, and yet 1 entries say what does",
            ),
            (
                "judged = [\"crowding\"]\n[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\n",
                "`judged` leaves out `loitering`",
            ),
            ("start = \"noon\"\nnothing = true\n", "truth.toml:4: start: this is no time"),
            ("", "the clip has no entry that says what happens"),
        ] {
            let text = mistakes(&format!("{head}{entry}"));
            assert!(text.contains(expected), "{entry}\n{text}");
        }
        let several = mistakes("[[clip]]\nfile = \"a.mp4\"\nnothing = true\n");
        assert!(several.contains("the site has several cameras (gate, yard), and none is named"), "{several}");
        let other = mistakes("[[clip]]\nfile = \"a.mp4\"\ncamera = \"gat\"\nnothing = true\n");
        assert!(other.contains("truth.toml:3: camera: ") && other.contains("did you mean `gate`?"), "{other}");
        assert!(mistakes("").contains("names no clip"));
    }
}
