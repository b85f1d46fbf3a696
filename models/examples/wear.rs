//! What the agent sees of people's wear, or of vehicles' plates, on a folder of photos.
//!
//! ```sh
//! cargo run --release -p forewarn-models --example wear -- PHOTOS --attribute hard_hat [--attribute my.toml=my-card] \
//!     [--detector yolox-nano] [--cards FOLDER] [--whole person] [--draw FOLDER]
//! ```
//!
//! Prints one row a photo: subjects, and for each attribute how many have it, have it not, and cannot be told. With
//! `--whole CLASS` the photo itself is the subject. `--cards` names a folder of cards that go before the built-in ones.

#![expect(clippy::print_stdout, reason = "the table is what the example is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Answer, BBox, Class, Detection, Detector, Frame, Look, Reader, Reading, TrackId};
use forewarn_models::reader::{Attribute, AttributeReader};
use forewarn_models::{Card, CardError, OnnxDetector, Runtime, Store, cards, image_frame, save_drawing};

#[derive(Default)]
struct Options {
    photos: PathBuf,
    attributes: Vec<Attribute>,
    detector: Option<String>,
    cards: Option<PathBuf>,
    whole: Option<Class>,
    draw: Option<PathBuf>,
    is_brief: bool,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--attribute" => {
                let value = value()?;
                let (name, model) = value.split_once('=').unwrap_or((&value, ""));
                let is_file = Path::new(name).extension().is_some_and(|extension| extension == "toml");
                let attribute = if is_file {
                    Attribute::from_toml(&std::fs::read_to_string(name)?)?
                } else {
                    Attribute::builtin(name)?
                };
                options.attributes.push(if model.is_empty() { attribute } else { attribute.judged_by(model) });
            }
            "--detector" => options.detector = Some(value()?),
            "--cards" => options.cards = Some(value()?.into()),
            "--whole" => options.whole = Some(Class::new(&value()?)),
            "--draw" => options.draw = Some(value()?.into()),
            "--brief" => options.is_brief = true,
            _ => options.photos = arg.into(),
        }
    }
    Ok(options)
}

fn card_of(folder: Option<&Path>, name: &str) -> Result<Card, CardError> {
    let own = folder.and_then(|folder| std::fs::read_to_string(folder.join(format!("{name}.toml"))).ok());
    own.map_or_else(|| cards::builtin(name), |text| Card::from_toml(&text))
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

fn words(reading: &Reading) -> String {
    match &reading.answer {
        Answer::Probability(p) if *p >= 0.5 => format!("yes {p:.2}"),
        Answer::Probability(p) => format!("no {p:.2}"),
        Answer::Text { text, confidence } => format!("{text} {confidence:.2}"),
        Answer::CannotTell(unclear) => unclear.to_string(),
    }
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
    let mut reader = AttributeReader::open(&options.attributes, &|name| card_of(folder, name), &store, (&runtime, 1))?;
    let mut photos: Vec<PathBuf> = std::fs::read_dir(&options.photos)?.flatten().map(|e| e.path()).collect();
    photos.sort();
    let mut totals: BTreeMap<String, usize> = BTreeMap::new();
    let mut spent = std::time::Duration::ZERO;
    let mut n_looks = 0_u32;
    for photo in &photos {
        let Ok(frame) = image_frame(photo) else { continue };
        let subjects = subjects(&frame, detector.as_mut(), &options)?;
        let looks: Vec<Look> = (subjects.iter().enumerate())
            .flat_map(|(i, d)| options.attributes.iter().map(move |a| (i, d, a)))
            .filter(|(_, d, a)| a.is_of(&d.class))
            .map(|(i, d, a)| Look {
                track: TrackId(i as u64),
                class: d.class.clone(),
                bbox: d.bbox,
                attribute: a.attribute.clone(),
            })
            .collect();
        let watch = Stopwatch::start();
        let readings = reader.read(&looks.iter().map(|look| (&frame, look)).collect::<Vec<_>>())?;
        spent += watch.elapsed();
        n_looks += looks.len() as u32;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for reading in &readings {
            let said = words(reading);
            let kind = match reading.answer {
                Answer::Text { .. } => "text",
                _ => said.split(' ').next().unwrap_or_default(),
            };
            let key = format!("{} {kind}", reading.attribute);
            *counts.entry(key.clone()).or_default() += 1;
            *totals.entry(key).or_default() += 1;
        }
        let name = photo.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !options.is_brief {
            println!("{name}: {} subjects, {counts:?}", subjects.len());
            for reading in readings.iter().filter(|r| matches!(r.answer, Answer::Text { .. })) {
                println!("    {}", words(reading));
            }
        }
        if let Some(folder) = &options.draw {
            std::fs::create_dir_all(folder)?;
            let part = |r: &Reading| Detection {
                class: Class::new(&format!("{} {}", r.attribute, words(r))),
                score: r.quality,
                bbox: r.bbox,
            };
            let drawn: Vec<Detection> = readings.iter().map(part).chain(subjects.iter().cloned()).collect();
            save_drawing(&frame, &drawn, &folder.join(name).with_extension("png"))?;
        }
    }
    println!("in all {totals:?}");
    println!("{n_looks} looks, {:.2} ms each", spent.as_secs_f64() * 1e3 / f64::from(n_looks.max(1)));
    for id in reader.attributes() {
        println!("{id}: {:.2} ms a look", reader.cost(id).unwrap_or_default().as_secs_f64() * 1e3);
    }
    Ok(())
}
