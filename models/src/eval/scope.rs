//! Which labelled photos a detector is judged on, and which of their classes.

use std::fs;
use std::path::{Path, PathBuf};

use super::{EvalError, Labelled, labels};
use crate::Card;

/// File beside the labels that names their classes, one a line, as programs for labelling write it.
const CLASSES_FILE: &str = "classes.txt";

/// Where photos and labels lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source<'a> {
    /// Folder of photos, or one with `images/` and `labels/`.
    pub folder: &'a Path,
    /// Folder of YOLO rows or a COCO file, in place of `labels/`.
    pub labels: Option<&'a Path>,
    /// File with the class names of YOLO rows.
    pub names: Option<&'a Path>,
    /// Only these classes; all if empty.
    pub classes: &'a [String],
}

/// Labelled photos with the classes that are scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The photos.
    pub labelled: Labelled,
    /// Numbers of the classes that are scored.
    pub scored: Vec<usize>,
    /// Classes of the labels that the model does not have; leaving them out is said, since it flatters the model.
    pub unknown: Vec<String>,
}

impl Scope {
    /// Reads the labels and chooses the classes that the model has.
    pub fn read(card: &Card, source: &Source<'_>) -> Result<Self, EvalError> {
        let labelled = read_labels(card, source)?;
        let known = class_names(card);
        if let Some(name) = source.classes.iter().find(|name| !labelled.classes.contains(name)) {
            return Err(EvalError::NoSuchClass { name: name.clone(), known: labelled.classes.join(", ") });
        }
        let is_wanted = |name: &String| source.classes.is_empty() || source.classes.contains(name);
        let wanted = labelled.classes.iter().enumerate().filter(|(_, name)| is_wanted(name));
        let (scored, unknown): (Vec<_>, Vec<_>) = wanted.partition(|(_, name)| known.contains(name));
        if scored.is_empty() {
            let labelled = labelled.classes.join(", ");
            return Err(EvalError::NothingInCommon { model: card.name.clone(), labelled });
        }
        let scored = scored.into_iter().map(|(index, _)| index).collect();
        let unknown = unknown.into_iter().map(|(_, name)| name.clone()).collect();
        Ok(Self { labelled, scored, unknown })
    }
}

fn class_names(card: &Card) -> Vec<String> {
    card.classes.to_vec().iter().map(ToString::to_string).collect()
}

fn read_labels(card: &Card, source: &Source<'_>) -> Result<Labelled, EvalError> {
    let inner = |name: &str| Some(source.folder.join(name)).filter(|path| path.is_dir());
    let photos = inner("images").unwrap_or_else(|| source.folder.to_owned());
    // Labels lie beside the photos where there is no folder of them.
    let usual = || inner("labels").unwrap_or_else(|| photos.clone());
    let labels_at = source.labels.map_or_else(usual, Path::to_owned);
    if labels_at.is_file() {
        return Ok(labels::read_coco(&labels_at, &photos)?);
    }
    let own = [source.folder.join(CLASSES_FILE), labels_at.join(CLASSES_FILE)];
    let named: Option<PathBuf> =
        source.names.map(Path::to_owned).or_else(|| own.into_iter().find(|path| path.is_file()));
    let names = named.map_or_else(|| Ok(class_names(card)), |path| read_names(&path))?;
    Ok(labels::read_yolo(&photos, &labels_at, &names)?)
}

fn read_names(path: &Path) -> Result<Vec<String>, EvalError> {
    let text = fs::read_to_string(path).map_err(|source| EvalError::Names { path: path.to_owned(), source })?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards;

    /// What comes of a folder with these files.
    fn scope(files: &[(&str, &str)], classes: &[&str]) -> Result<Scope, EvalError> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
        let source = Source { folder: dir.path(), labels: None, names: None, classes: &classes };
        Scope::read(&cards::builtin("nanodet-g-416").unwrap(), &source)
    }

    const ROW: &str = "0 0.5 0.5 0.2 0.4";

    #[test]
    fn labels_lie_beside_the_photos_or_in_a_folder_of_their_own() {
        let beside = scope(&[("a.jpg", ""), ("a.txt", ROW)], &[]).unwrap();
        let apart = scope(&[("images/a.jpg", ""), ("labels/a.txt", ROW)], &[]).unwrap();
        assert_eq!(beside.labelled.photos[0].truth(10, 10), apart.labelled.photos[0].truth(10, 10));
        assert_eq!(beside.scored.len(), 80);
    }

    #[test]
    fn classes_are_named_by_a_file_and_those_that_the_model_lacks_are_told() {
        let files = [("a.jpg", ""), ("a.txt", "1 0.5 0.5 0.2 0.4"), ("classes.txt", "helmet\nperson\n")];
        let both = scope(&files, &[]).unwrap();
        assert_eq!((both.scored, both.unknown), (vec![1], vec!["helmet".to_owned()]));
        let none = scope(&files, &["helmet"]).unwrap_err();
        assert!(none.is_of_input() && none.to_string().contains("none of the labels' classes"), "{none}");
        let wrong = scope(&files, &["dog"]).unwrap_err();
        assert!(wrong.is_usage() && wrong.to_string().contains("they have helmet, person"), "{wrong}");
    }
}
