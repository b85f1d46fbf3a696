//! Ground truth from files: YOLO rows beside photos, COCO's `instances` JSON, and folders named by class.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Rect, TruthBox};

/// Labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// A file or folder cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The JSON is not what COCO writes.
    #[error("failed to read `{path}` as COCO annotations: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Something in the file makes no sense.
    #[error("`{path}`{}: {problem}", line.map(|n| format!(" line {n}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1, where lines count.
        line: Option<usize>,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// There is nothing to evaluate on.
    #[error("there is no photo (.jpg, .jpeg, .png) in `{path}`")]
    NoPhotos {
        /// The folder.
        path: PathBuf,
    },
}

/// Photos with what is in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Names of the classes by number. With YOLO rows that are the names handed in.
    pub classes: Vec<String>,
    /// Ids of the classes in COCO's file; with YOLO rows their numbers.
    pub category_ids: Vec<u64>,
    /// The photos in the order of their ids (COCO) or names.
    pub photos: Vec<LabelledPhoto>,
    /// Photos without a file of labels, which count as photos of nothing.
    pub n_without_labels: usize,
}

/// One photo.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPhoto {
    /// Its id in COCO's file; with YOLO rows its place in the list, from 1.
    pub id: u64,
    /// The file.
    pub path: PathBuf,
    boxes: Boxes,
}

/// Boxes as their file has them.
#[derive(Debug, Clone, PartialEq)]
enum Boxes {
    /// Class, and left, top, width, height as parts of the photo.
    Normalised(Vec<(usize, Rect)>),
    /// In pixels.
    Pixels(Vec<TruthBox>),
}

impl LabelledPhoto {
    /// What is there, for a photo of that size in pixels.
    pub fn truth(&self, width: u32, height: u32) -> Vec<TruthBox> {
        let (width, height) = (f64::from(width), f64::from(height));
        match &self.boxes {
            Boxes::Pixels(boxes) => boxes.clone(),
            Boxes::Normalised(rows) => {
                let scaled = rows.iter().map(|&(class, [x, y, w, h])| {
                    let bbox = [x * width, y * height, w * width, h * height];
                    TruthBox { class, bbox, area: bbox[2] * bbox[3], is_crowd: false }
                });
                scaled.collect()
            }
        }
    }
}

/// Photos of one folder and YOLO rows of another: `NAME.txt` beside `NAME.jpg`, each row `class cx cy w h` or
/// `class x1 y1 x2 y2 x3 y3 …` for an outline, as parts of the photo's size.
pub fn read_yolo(photos: &Path, labels: &Path, classes: &[String]) -> Result<Labelled, LabelError> {
    let category_ids = (0..classes.len() as u64).collect();
    let mut labelled = Labelled { classes: classes.to_vec(), category_ids, photos: Vec::new(), n_without_labels: 0 };
    for (index, path) in photos_in(photos)?.into_iter().enumerate() {
        let file = labels.join(path.file_stem().unwrap_or_default()).with_added_extension("txt");
        let rows = match fs::read_to_string(&file) {
            Ok(text) => yolo_rows(&text, &file, classes.len())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                labelled.n_without_labels += 1;
                Vec::new()
            }
            Err(source) => return Err(LabelError::Read { path: file, source }),
        };
        labelled.photos.push(LabelledPhoto { id: index as u64 + 1, path, boxes: Boxes::Normalised(rows) });
    }
    if labelled.n_without_labels == labelled.photos.len() {
        let problem = format!("no photo of `{}` has its .txt file here; name the folder of labels", photos.display());
        return Err(LabelError::Content { path: labels.to_owned(), line: None, problem });
    }
    Ok(labelled)
}

/// Photos of one folder as COCO's `instances` JSON labels them.
pub fn read_coco(json: &Path, photos: &Path) -> Result<Labelled, LabelError> {
    let text = fs::read(json).map_err(|source| LabelError::Read { path: json.to_owned(), source })?;
    let mut file: CocoFile =
        serde_json::from_slice(&text).map_err(|source| LabelError::Json { path: json.to_owned(), source })?;
    let fail = |problem: String| LabelError::Content { path: json.to_owned(), line: None, problem };
    file.categories.sort_by_key(|category| category.id);
    file.images.sort_by_key(|image| image.id);
    let class_of: BTreeMap<u64, usize> = file.categories.iter().enumerate().map(|(n, c)| (c.id, n)).collect();
    let mut boxes: BTreeMap<u64, Vec<TruthBox>> = file.images.iter().map(|image| (image.id, Vec::new())).collect();
    if boxes.len() != file.images.len() || class_of.len() != file.categories.len() {
        return Err(fail("an image or category id occurs twice".to_owned()));
    }
    for annotation in &file.annotations {
        let CocoAnnotation { image_id, category_id, bbox, area, iscrowd } = annotation;
        if bbox.iter().any(|value| !value.is_finite()) || bbox[2] < 0.0 || bbox[3] < 0.0 {
            return Err(fail(format!("the box {bbox:?} of image {image_id} is not left, top, width, height")));
        }
        let class = class_of.get(category_id).ok_or_else(|| fail(format!("there is no category {category_id}")))?;
        let slot = boxes.get_mut(image_id).ok_or_else(|| fail(format!("there is no image {image_id}")))?;
        let area = area.unwrap_or(bbox[2] * bbox[3]);
        slot.push(TruthBox { class: *class, bbox: *bbox, area, is_crowd: *iscrowd != 0 });
    }
    let photo = |image: &CocoImage| LabelledPhoto {
        id: image.id,
        path: photos.join(&image.file_name),
        boxes: Boxes::Pixels(boxes.remove(&image.id).unwrap_or_default()),
    };
    let photos: Vec<LabelledPhoto> = file.images.iter().map(photo).collect();
    if photos.is_empty() {
        return Err(fail("it lists no images".to_owned()));
    }
    let (category_ids, classes) = file.categories.into_iter().map(|c| (c.id, c.name)).unzip();
    Ok(Labelled { classes, category_ids, photos, n_without_labels: 0 })
}

/// Photos in sub-folders named by class, in the order of their paths: path and number of the class.
///
/// Sub-folders of other names are an error, because a misspelt one would silently leave its photos out.
pub fn read_folders(root: &Path, classes: &[String]) -> Result<Vec<(PathBuf, usize)>, LabelError> {
    let mut found = Vec::new();
    for folder in sorted(root)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(class) = classes.iter().position(|class| *class == name) else {
            let problem = format!("`{name}` is not a class of the model; it has {}", classes.join(", "));
            return Err(LabelError::Content { path: root.to_owned(), line: None, problem });
        };
        found.extend(photos_in(&folder)?.into_iter().map(|path| (path, class)));
    }
    if found.is_empty() {
        return Err(LabelError::NoPhotos { path: root.to_owned() });
    }
    Ok(found)
}

/// The photos of a folder by name.
fn photos_in(dir: &Path) -> Result<Vec<PathBuf>, LabelError> {
    let is_photo = |path: &PathBuf| {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        extension.is_some_and(|e| matches!(e.as_str(), "jpg" | "jpeg" | "png"))
    };
    let photos: Vec<PathBuf> = sorted(dir)?.into_iter().filter(is_photo).collect();
    if photos.is_empty() { Err(LabelError::NoPhotos { path: dir.to_owned() }) } else { Ok(photos) }
}

fn sorted(dir: &Path) -> Result<Vec<PathBuf>, LabelError> {
    let fail = |source| LabelError::Read { path: dir.to_owned(), source };
    let entries = fs::read_dir(dir).map_err(fail)?;
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(fail)?;
    paths.sort();
    Ok(paths)
}

fn yolo_rows(text: &str, file: &Path, n_classes: usize) -> Result<Vec<(usize, Rect)>, LabelError> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = yolo_row(line, n_classes).map_err(|problem| LabelError::Content {
            path: file.to_owned(),
            line: Some(index + 1),
            problem,
        })?;
        rows.push(row);
    }
    Ok(rows)
}

fn yolo_row(line: &str, n_classes: usize) -> Result<(usize, Rect), String> {
    let mut words = line.split_whitespace();
    let class: usize = words.next().and_then(|word| word.parse().ok()).ok_or("the class is not a whole number")?;
    if class >= n_classes {
        return Err(format!(
            "class {class} is not one of the {n_classes} that are known; name the labels' own classes"
        ));
    }
    let values: Vec<f64> =
        words.map(|word| word.parse().map_err(|_| format!("`{word}` is not a number"))).collect::<Result<_, _>>()?;
    if let Some(value) = values.iter().find(|value| !(-0.01..=1.01).contains(*value)) {
        return Err(format!("{value} is not a part of the photo's size, 0 to 1"));
    }
    match values.as_slice() {
        &[cx, cy, w, h] => Ok((class, [cx - w / 2.0, cy - h / 2.0, w, h])),
        outline if outline.len() >= 6 && outline.len() % 2 == 0 => {
            let side = |offset: usize| {
                let each = outline.iter().skip(offset).step_by(2).copied();
                each.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
            };
            let ((x0, x1), (y0, y1)) = (side(0), side(1));
            Ok((class, [x0, y0, x1 - x0, y1 - y0]))
        }
        other => Err(format!("{} numbers follow the class; give cx cy w h, or three or more points", other.len())),
    }
}

#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct CocoAnnotation {
    image_id: u64,
    category_id: u64,
    bbox: Rect,
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["person".to_owned(), "car".to_owned()]
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn yolo_rows_are_boxes_and_outlines_in_parts_of_the_photo() {
        let rows = "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.3 0.1 0.2 0.5\n";
        let dir = folder(&[("i/a.jpg", ""), ("i/b.JPG", ""), ("i/notes.md", ""), ("l/a.txt", rows)]);
        let labelled = read_yolo(&dir.path().join("i"), &dir.path().join("l"), &names()).unwrap();
        assert_eq!((labelled.photos.len(), labelled.n_without_labels), (2, 1));
        let truth = labelled.photos[0].truth(100, 50);
        let close = |a: Rect, b: Rect| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(truth[0].bbox, [40.0, 15.0, 20.0, 20.0]) && truth[0].class == 1, "{truth:?}");
        assert!(close(truth[1].bbox, [10.0, 5.0, 20.0, 20.0]) && truth[1].class == 0, "{truth:?}");
        assert!((truth[1].area - 400.0).abs() < 1e-9);
        assert!(labelled.photos[1].truth(100, 50).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said_with_its_line() {
        for (row, says) in [
            ("2 0.5 0.5 0.2 0.4", "class 2"),
            ("x 0.5 0.5 0.2 0.4", "whole number"),
            ("0 0.5 0.5 0.2", "3 numbers"),
            ("0 0.5 0.5 wide 0.4", "`wide`"),
            ("0 50 50 20 40", "0 to 1"),
            ("0 nan 0.5 0.2 0.4", "0 to 1"),
        ] {
            let dir = folder(&[("i/a.jpg", ""), ("l/a.txt", &format!("0 0.5 0.5 0.1 0.1\n{row}"))]);
            let error = read_yolo(&dir.path().join("i"), &dir.path().join("l"), &names()).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("a.txt` line 2"), "{error}");
        }
        let dir = folder(&[("i/a.jpg", ""), ("l/b.txt", "")]);
        let error = read_yolo(&dir.path().join("i"), &dir.path().join("l"), &names()).unwrap_err().to_string();
        assert!(error.contains("no photo of"), "{error}");
    }

    #[test]
    fn coco_files_keep_their_ids_crowds_and_areas() {
        let json = r#"{"images": [{"id": 9, "file_name": "b.jpg", "width": 1}, {"id": 3, "file_name": "a.jpg"}],
            "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
            "annotations": [
                {"id": 1, "image_id": 9, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 7.5, "iscrowd": 0},
                {"id": 2, "image_id": 9, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1}]}"#;
        let dir = folder(&[("i.json", json)]);
        let labelled = read_coco(&dir.path().join("i.json"), Path::new("photos")).unwrap();
        assert_eq!(labelled.classes, ["person", "dog"]);
        assert_eq!(labelled.photos.iter().map(|photo| photo.id).collect::<Vec<_>>(), [3, 9]);
        let truth = labelled.photos[1].truth(100, 100);
        assert_eq!(truth[0], TruthBox { class: 1, bbox: [1.0, 2.0, 3.0, 4.0], area: 7.5, is_crowd: false });
        assert_eq!((truth[1].area, truth[1].is_crowd), (81.0, true));
        for (from, to, says) in [
            ("\"category_id\": 18", "\"category_id\": 4", "category 4"),
            ("\"image_id\": 9", "\"image_id\": 4", "image 4"),
            ("[1, 2, 3, 4]", "[1, 2, -3, 4]", "left, top"),
            ("\"id\": 3", "\"id\": 9", "twice"),
            ("[1, 2, 3, 4]", "[1, 2, 3]", "COCO annotations"),
        ] {
            let dir = folder(&[("i.json", &json.replacen(from, to, 1))]);
            let error = read_coco(&dir.path().join("i.json"), Path::new("photos")).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn folders_are_classes_and_unknown_ones_are_refused() {
        let dir = folder(&[("car/1.png", ""), ("person/2.jpg", ""), ("person/1.jpg", "")]);
        let found = read_folders(dir.path(), &names()).unwrap();
        assert_eq!(found.iter().map(|(_, class)| *class).collect::<Vec<_>>(), [1, 0, 0]);
        assert!(found[1].0.ends_with("person/1.jpg"));
        let dir = folder(&[("cars/1.png", "")]);
        let error = read_folders(dir.path(), &names()).unwrap_err().to_string();
        assert!(error.contains("`cars`") && error.contains("person, car"), "{error}");
    }
}
