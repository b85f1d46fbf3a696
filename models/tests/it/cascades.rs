//! The built-in chains on real photos with the real weights, where both are there.
//!
//! The photos lie in `../shared/data` beside the checkout, the weights in the model store (`forewarn models fetch --all`);
//! a test that misses either says that it skips.

use std::path::{Path, PathBuf};

use forewarn_domain::{Answer, BBox, Class, Frame, Look, Reader as _, Reading, TrackId};
use forewarn_models::reader::{Attribute, AttributeReader, ReaderError};
use forewarn_models::{Card, CardError, Runtime, Store, cards, crop, image_frame};

/// The photos of a folder of the shared data, in the order of their names; none if it is not there.
fn photos(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    let Ok(entries) = std::fs::read_dir(&dir) else {
        println!("skipped: there is no {}", dir.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A reader of one attribute; `None`, said, where weights are missing.
fn open(attribute: Attribute, card_of: &dyn Fn(&str) -> Result<Card, CardError>) -> Option<AttributeReader> {
    let store = Store::locate();
    let runtime = Runtime::load(&store).unwrap_or_else(|error| panic!("{error}"));
    match AttributeReader::open(&[attribute], card_of, &store, (&runtime, 1)) {
        Ok(reader) => Some(reader),
        Err(error @ (ReaderError::Weights { .. } | ReaderError::Card { .. })) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What is read of a photo that shows one subject from edge to edge.
fn read_whole(reader: &mut AttributeReader, photo: &Path, class: &str) -> Reading {
    let frame: Frame = image_frame(photo).unwrap();
    read_at(reader, &frame, class, BBox::new(0.0, 0.0, frame.width as f32, frame.height as f32))
}

fn read_at(reader: &mut AttributeReader, frame: &Frame, class: &str, bbox: BBox) -> Reading {
    let attribute = reader.attributes()[0].clone();
    let look = Look { track: TrackId(1), class: Class::new(class), bbox, attribute, of: None, head: None };
    reader.read(&[(frame, &look)]).unwrap().remove(0)
}

fn text(reading: &Reading) -> Option<&str> {
    match &reading.answer {
        Answer::Text { text, .. } => Some(text),
        _ => None,
    }
}

#[test]
fn plate_crops_are_read_as_the_python_reference_reads_them() {
    let photos = photos("plates/crops");
    // The crop is the plate: the reader alone, without a detector.
    let alone = "attribute = 'plate'\ntitle = 't'\nsubjects = ['car']\nmodel = 'clp-reader'\n\
         part = { of = 'box', min-side-px = 8 }\nlimits = { sharpness = 0.0, contrast = 0.0 }";
    let Some(mut reader) = open(Attribute::from_toml(alone).unwrap(), &cards::builtin) else { return };
    let right = |photo: &&PathBuf| {
        let reading = read_whole(&mut reader, photo, "car");
        text(&reading) == photo.file_stem().unwrap().to_str()
    };
    let count = photos.iter().filter(right).count();
    println!("{count} of {} plate crops read rightly", photos.len());
    // ONNX Runtime from Python, fed by OpenCV, reads 199 of the 200.
    assert!(photos.is_empty() || count >= 198, "{count} of {}", photos.len());
}

#[test]
fn plates_of_whole_cars_are_found_straightened_and_read() {
    let photos = photos("plates/cars");
    let Some(mut reader) = open(Attribute::builtin("plate").unwrap(), &cards::builtin) else { return };
    for photo in &photos {
        let name = photo.file_stem().unwrap().to_str().unwrap();
        let reading = match name {
            // The one photo of a whole street.
            "hyper_test_img" => {
                let car = BBox::new(589.8, 327.8, 1908.3, 998.7);
                read_at(&mut reader, &image_frame(photo).unwrap(), "car", car)
            }
            _ => read_whole(&mut reader, photo, "car"),
        };
        println!("{}: {:?}", photo.file_name().unwrap().display(), reading.answer);
        match name {
            // A tilted plate of a province that the model does not know.
            "hyper_2" => assert_eq!(text(&reading).unwrap().chars().skip(1).collect::<String>(), "DT5022"),
            "police" => assert_eq!(text(&reading), Some("鄂F8888警")),
            "double_yellow" => assert_eq!(text(&reading), Some("京EA5331")),
            "hyper_test_img" => assert_eq!(text(&reading), Some("苏ED51712")),
            _ => {}
        }
    }
}

#[test]
fn blue_plates_at_the_kerb_are_read_to_the_last_letter() {
    let photos = photos("plates-ccpd/images");
    let Some(mut reader) = open(Attribute::builtin("plate").unwrap(), &cards::builtin) else { return };
    for photo in &photos {
        let plate = match photo.file_stem().unwrap().to_str().unwrap() {
            "ccpd_0" => "皖A195K9",
            "ccpd_2" => "皖AT022C",
            "ccpd_3" => "皖AMK620",
            other => panic!("{other}"),
        };
        assert_eq!(text(&read_whole(&mut reader, photo, "car")), Some(plate));
    }
}

#[test]
fn plates_of_vehicles_that_are_far_away_are_found() {
    // Each photo brought to the size at which its plate is so many pixels wide.
    for (folder, name, width, text_after_province) in [
        ("plates/cars", "hyper_2", 201, "DT5022"),
        ("plates-ccpd/images", "ccpd_0", 160, "A195K9"),
        ("plates-ccpd/images", "ccpd_3", 160, "AMK620"),
    ] {
        let Some(photo) = photos(folder).into_iter().find(|photo| photo.file_stem().is_some_and(|stem| stem == name))
        else {
            continue;
        };
        let Some(mut reader) = open(Attribute::builtin("plate").unwrap(), &cards::builtin) else { return };
        let frame = image_frame(&photo).unwrap();
        let far = crop::shrink(&frame, (width, width * frame.height / frame.width)).unwrap();
        let whole = BBox::new(0.0, 0.0, far.width as f32, far.height as f32);
        let reading = read_at(&mut reader, &far, "car", whole);
        println!("{name}: {:?}", reading.answer);
        let plate = text(&reading).unwrap_or_else(|| panic!("{name}: {:?}", reading.answer));
        assert_eq!(plate.chars().skip(1).collect::<String>(), text_after_province, "{name}");
    }
}

#[test]
fn masked_faces_are_never_called_bare_and_hardly_any_bare_one_masked() {
    for (folder, is_masked) in [("train/face-mask/with_mask", true), ("train/face-mask/without_mask", false)] {
        let photos = photos(folder);
        let Some(mut reader) = open(Attribute::builtin("dust_mask").unwrap(), &cards::builtin) else { return };
        let (mut right, mut wrong, mut unclear) = (0, 0, 0);
        for photo in photos.iter().step_by(40) {
            match read_whole(&mut reader, photo, "person").answer {
                Answer::Probability(p) if (p >= 0.5) == is_masked => right += 1,
                Answer::Probability(_) => wrong += 1,
                _ => unclear += 1,
            }
        }
        println!("{folder}: {right} right, {wrong} wrong, {unclear} cannot tell");
        assert!(photos.is_empty() || (wrong <= 1 && right >= 25), "{right} {wrong} {unclear}");
    }
}

#[test]
fn the_cards_that_built_in_attributes_name_cut_the_same_part() {
    for (name, _) in forewarn_models::reader::builtins() {
        let attribute = Attribute::builtin(name).unwrap();
        for finder in attribute.models().into_iter().skip(1) {
            assert!(cards::builtin(finder).is_ok(), "{name} names {finder}");
        }
        // A judge without a built-in card is the user's own.
        let judge = cards::builtin(&attribute.model).ok().and_then(|card| card.crop);
        let (Some(judge), Some(part)) = (judge, attribute.part) else { continue };
        assert_eq!(judge, part, "the part of {name} and the crop of {}", attribute.model);
    }
}
