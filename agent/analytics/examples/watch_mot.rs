//! Watches MOT detections for one violation: reads det.txt on standard input and prints what became of each subject.
//!
//! `watch_mot --violation pipelines/violations/crowding.toml --zone '300,150 560,150 560,330 300,330'
//! [--set people=4] [--line] [--fps 10] [--size 768x576] [--every 1] [--config …]`

#[path = "mot/mod.rs"]
mod mot;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use forewarn_analytics::{CompiledRule, RuleBinding, Rules, StillZones, Tracker, View};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Point, Polygon, RuleHit, RuleKey, Sight, StreamId, SubjectId, Violation, Zone, ZoneId};

/// A time in which one thing was seen of a subject.
struct Span {
    sight: Sight,
    from_s: f64,
    to_s: f64,
}

fn points(text: &str) -> Result<Vec<Point>, Box<dyn Error>> {
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',').ok_or("write corners as x,y x,y …")?;
        Ok(Point::new(x.parse()?, y.parse()?))
    };
    text.split_whitespace().map(point).collect()
}

fn print(subjects: &BTreeMap<SubjectId, (Vec<Span>, RuleHit, Vec<u64>)>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (subject, (spans, last, tracks)) in subjects {
        let b = last.bbox;
        let place = format!("{:.0},{:.0} {:.0},{:.0}", b.x0, b.y0, b.x1, b.y1);
        writeln!(out, "subject {subject}: {} last at {place}, tracks {tracks:?}", last.class)?;
        for span in spans.iter().filter(|span| span.to_s > span.from_s || span.sight == Sight::Violating) {
            writeln!(out, "  {:7.1} to {:6.1} s  {:?}", span.from_s, span.to_s, span.sight)?;
        }
    }
    writeln!(out, "{} subjects", subjects.len())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = mot::Options::default();
    let (mut file, mut zone, mut is_line, mut parameters) = (None, Vec::new(), false, BTreeMap::new());
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--line" {
            is_line = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--violation" => file = Some(value),
            "--zone" => zone = points(&value)?,
            "--set" => {
                let (name, value) = value.split_once('=').ok_or("write --set NAME=NUMBER")?;
                parameters.insert(name.to_owned(), value.parse()?);
            }
            _ if options.take(&name, &value)? => {}
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let violation: Violation = toml::from_str(&std::fs::read_to_string(file.ok_or("--violation FILE is needed")?)?)?;
    let id = ZoneId::new("zone")?;
    let key = RuleKey { stream: StreamId::new("clip")?, violation: violation.id.clone(), zone: id.clone() };
    let shape = if is_line { ZoneShape::Line(zone) } else { ZoneShape::Polygon(Polygon::new(zone)) };
    let zones = vec![Zone { id, shape, unit: ZoneUnit::Pixel }];
    let mut laid_out = StillZones::new(zones.clone());
    let binding = RuleBinding { parameters, ..RuleBinding::new(key, zones) };
    let mut tracker = Tracker::new(options.config.clone());
    let mut rules = Rules::new(vec![CompiledRule::compile(&violation, &binding)?]);
    let mut subjects: BTreeMap<SubjectId, (Vec<Span>, RuleHit, Vec<u64>)> = BTreeMap::new();
    for (_, at, detections) in options.frames()? {
        let tracks = tracker.update(at, options.size, &detections);
        let zones = laid_out.laid_out(options.size);
        let view = View { at, size: options.size, zones, tracks, civil: &UnknownCivilTime };
        for hit in rules.evaluate(&view) {
            let entry = subjects.entry(hit.subject).or_insert_with(|| (Vec::new(), hit.clone(), Vec::new()));
            match entry.0.last_mut() {
                Some(span) if span.sight == hit.sight => span.to_s = at.as_secs_f64(),
                _ => entry.0.push(Span { sight: hit.sight, from_s: at.as_secs_f64(), to_s: at.as_secs_f64() }),
            }
            if let Some(track) = hit.track.filter(|track| !entry.2.contains(&track.0)) {
                entry.2.push(track.0);
            }
            entry.1 = hit;
        }
    }
    print(&subjects)?;
    Ok(())
}
