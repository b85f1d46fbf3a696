//! What the agent sees of people's wear, or of vehicles' plates, on a folder of photos.
//!
//! ```sh
//! cargo run --release -p forewarn-models --example wear -- PHOTOS --attribute hard_hat [--attribute my.toml=my-card] \
//!     [--detector yolox-nano] [--cards FOLDER] [--whole person] [--draw FOLDER] [--truth FILE]
//! ```
//!
//! Prints one row a photo: subjects, and for each attribute how many have it, have it not, and cannot be told. With
//! `--whole CLASS` the photo itself is the subject. `--cards` names a folder of cards that go before the built-in ones.
//! `--truth` names a file of what is there, such as `ppe.toml` beside this, and prints both side by side.

#![expect(clippy::print_stdout, reason = "the table is what the example is for")]

mod options;
mod table;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Answer, BBox, Class, Detection, Detector, Frame, Look, Reader, Reading, TrackId};
use forewarn_models::reader::AttributeReader;
use forewarn_models::{Card, CardError, OnnxDetector, Runtime, Store, cards, image_frame, save_drawing};

use options::{Options, options};
use table::Table;

fn card_of(folder: Option<&Path>, name: &str) -> Result<Card, CardError> {
    let own = folder.and_then(|folder| std::fs::read_to_string(folder.join(format!("{name}.toml"))).ok());
    own.map_or_else(|| cards::builtin(name), |text| Card::from_toml(&text))
}

/// The same card with a band of nothing in which it cannot tell.
fn at_even_odds(mut card: Card) -> Card {
    if let Some(answer) = &mut card.answer {
        (answer.yes_at_least, answer.no_at_most) = (0.5, 0.5_f32.next_down());
    }
    card
}

fn subjects(
    frame: &Frame,
    detector: Option<&mut OnnxDetector>,
    options: &Options,
) -> Result<Vec<Detection>, Box<dyn Error>> {
    let Some(detector) = detector else {
        let class = options.whole.clone().unwrap_or_else(|| Class::new("person"));
        let bbox = BBox::new(0.0, 0.0, frame.width as f32, frame.height as f32);
        return Ok(vec![Detection { class, score: 1.0, bbox }]);
    };
    let found = detector.detect(&[frame])?.into_iter().flatten();
    Ok(found.filter(|d| options.attributes.iter().any(|a| a.is_of(&d.class))).collect())
}

/// One look at each attribute of each subject.
fn looks(subjects: &[Detection], options: &Options) -> Vec<Look> {
    (subjects.iter().enumerate())
        .flat_map(|(i, d)| options.attributes.iter().map(move |a| (i, d, a)))
        .filter(|(_, d, a)| a.is_of(&d.class))
        .map(|(i, d, a)| Look {
            track: TrackId(i as u64),
            class: d.class.clone(),
            bbox: d.bbox,
            attribute: a.attribute.clone(),
            of: None,
            head: None,
        })
        .collect()
}

fn words(reading: &Reading) -> String {
    match &reading.answer {
        Answer::Probability(p) if *p >= 0.5 => format!("yes {p:.2}"),
        Answer::Probability(p) => format!("no {p:.2}"),
        Answer::Text { text, confidence } => format!("{text} {confidence:.2}"),
        Answer::CannotTell(unclear) => unclear.to_string(),
    }
}

/// How many readings of an attribute are of each kind.
fn counts(readings: &[Reading]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for reading in readings {
        let said = words(reading);
        let kind = match reading.answer {
            Answer::Text { .. } => "text",
            _ => said.split(' ').next().unwrap_or_default(),
        };
        *counts.entry(format!("{} {kind}", reading.attribute)).or_default() += 1;
    }
    counts
}

fn draw(frame: &Frame, subjects: &[Detection], readings: &[Reading], target: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(target.parent().unwrap_or_else(|| Path::new("")))?;
    let part = |r: &Reading| Detection {
        class: Class::new(&format!("{} {}", r.attribute, words(r))),
        score: r.quality,
        bbox: r.bbox,
    };
    let drawn: Vec<Detection> = readings.iter().map(part).chain(subjects.iter().cloned()).collect();
    Ok(save_drawing(frame, &drawn, target)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let store = Store::locate();
    let runtime = Runtime::load(&store)?;
    let folder = options.cards.as_deref();
    let mut detector = None;
    if options.whole.is_none() {
        let card = card_of(folder, options.detector.as_deref().unwrap_or(cards::DEFAULT_DETECTOR))?;
        detector = Some(OnnxDetector::open(&card, &store.weights(&card)?, &runtime, 1)?);
    }
    let with = (&runtime, 1);
    let mut reader = AttributeReader::open(&options.attributes, &|name| card_of(folder, name), &store, with)?;
    let even = |name: &str| card_of(folder, name).map(at_even_odds);
    let mut even_reader = AttributeReader::open(&options.attributes, &even, &store, with)?;
    let table = options.truth.as_deref().map(|file| Table::open(file, reader.attributes())).transpose()?;
    let mut photos: Vec<PathBuf> = std::fs::read_dir(&options.photos)?.flatten().map(|e| e.path()).collect();
    photos.sort();
    if let Some(table) = &table {
        println!("{}", table.heading());
    }
    let mut totals: BTreeMap<String, usize> = BTreeMap::new();
    let mut spent = std::time::Duration::ZERO;
    let mut n_looks = 0_u32;
    for photo in &photos {
        let Ok(frame) = image_frame(photo) else { continue };
        let subjects = subjects(&frame, detector.as_mut(), &options)?;
        let looks = looks(&subjects, &options);
        let asked: Vec<(&Frame, &Look)> = looks.iter().map(|look| (&frame, look)).collect();
        let watch = Stopwatch::start();
        let readings = reader.read(&asked)?;
        spent += watch.elapsed();
        n_looks += looks.len() as u32;
        let counts = counts(&readings);
        for (key, n) in &counts {
            *totals.entry(key.clone()).or_default() += n;
        }
        let name = photo.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(table) = &table {
            println!("{}", table.row(&name, subjects.len(), &readings, &even_reader.read(&asked)?));
        } else if !options.is_brief {
            println!("{name}: {} subjects, {counts:?}", subjects.len());
            for reading in readings.iter().filter(|r| matches!(r.answer, Answer::Text { .. })) {
                println!("    {}", words(reading));
            }
        }
        if let Some(folder) = &options.draw {
            draw(&frame, &subjects, &readings, &folder.join(name).with_extension("png"))?;
        }
    }
    println!("in all {totals:?}");
    println!("{n_looks} looks, {:.2} ms each", spent.as_secs_f64() * 1e3 / f64::from(n_looks.max(1)));
    for id in reader.attributes() {
        println!("{id}: {:.2} ms a look", reader.cost(id).unwrap_or_default().as_secs_f64() * 1e3);
    }
    Ok(())
}
