//! A scene's folder: `clip.mp4`, `truth.toml` and `site.toml`, which is what `forewarn evaluate` reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use forewarn_domain::BBox;

use super::encode::Encoder;
use super::photos::Photos;
use super::render::Renderer;
use super::script::{Actor, Script, Truth};

/// What was made of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The folder.
    pub folder: PathBuf,
    /// Violations of the scene that no file describes, and that are therefore in neither its truth nor its rules.
    pub unknown: BTreeSet<&'static str>,
}

/// Makes a scene's folder below `out`.
pub fn write(script: &Script, photos: &Photos, seed: u64, out: &Path) -> anyhow::Result<Made> {
    let folder = out.join(&script.name);
    std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    // Each scene has chances of its own, so that a scene is the same with others and alone.
    let seed = script.name.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut renderer = Renderer::new(script, photos, seed)?;
    let known = known_violations()?;
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    };
    file("truth.toml", truth(script, &renderer, &known))?;
    file("site.toml", site(script, &known))?;
    let mut encoder = Encoder::coarse(&folder.join("clip.mp4"), renderer.size(), script.fps, script.quantizer)?;
    for n in 0..(script.seconds * script.fps as f32) as u32 {
        encoder.add(&renderer.frame(n as f32 / script.fps as f32))?;
    }
    encoder.finish()?;
    let named = script.rules.iter().map(|rule| rule.violation).chain(script.truths.iter().map(|truth| truth.violation));
    Ok(Made { folder, unknown: named.filter(|violation| !known.contains(*violation)).collect() })
}

/// The violations that ship with the agent.
fn known_violations() -> anyhow::Result<BTreeSet<String>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/violations");
    let entries = std::fs::read_dir(&dir).with_context(|| format!("failed to list {}", dir.display()))?;
    let mut known = BTreeSet::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            known.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(known)
}

fn truth(script: &Script, renderer: &Renderer<'_>, known: &BTreeSet<String>) -> String {
    let mut text = format!("# {}\n[[clip]]\nfile = \"clip.mp4\"\n", script.about);
    let truths: Vec<&Truth> = script.truths.iter().filter(|truth| known.contains(truth.violation)).collect();
    if truths.is_empty() {
        text.push_str("nothing = true\n");
    }
    for truth in truths {
        let Truth { violation, zone, from_s, to_s, actor } = truth;
        let _ = write!(
            text,
            "[[clip.truth]]\nviolation = \"{violation}\"\nzone = \"{zone}\"\nfrom_s = {from_s:.1}\nto_s = {to_s:.1}\n"
        );
        let actor = script.actors.iter().find(|known| Some(known.name) == *actor);
        if let Some(bbox) = actor.and_then(|actor| way(actor, (*from_s, *to_s), renderer.aspect(actor.name))) {
            let (width, height) = renderer.size();
            let [x0, y0, x1, y1] = <[f32; 4]>::from(bbox.clamped(width, height)).map(f32::round);
            let _ = writeln!(text, "box = [{x0}, {y0}, {x1}, {y1}]");
        }
    }
    text
}

/// All that an actor takes up from one second to another: who moves is somewhere else when the alarm comes.
fn way(actor: &Actor, (from_s, to_s): (f32, f32), aspect: f32) -> Option<BBox> {
    let times = (0..).map(|n| from_s + 0.1 * n as f32).take_while(|at_s| *at_s <= to_s);
    times.filter_map(|at_s| actor.bbox(at_s, aspect)).reduce(|way, bbox| way.union(&bbox))
}

fn site(script: &Script, known: &BTreeSet<String>) -> String {
    let mut text = format!("[site]\nid = \"{}\"\nlanguage = \"en\"\n\n[storage]\nmin_free_gib = 0.0\n\n", script.name);
    text.push_str("[[camera]]\nid = \"camera\"\nurl = \"file:clip.mp4\"\nanalysis_fps = 5.0\n\n");
    for zone in &script.zones {
        let kind = if zone.points.len() == 2 { "line" } else { "polygon" };
        let _ = writeln!(text, "[[camera.zone]]\nid = \"{}\"\nunit = \"pixel\"\n{kind} = {:?}\n", zone.id, zone.points);
    }
    for rule in script.rules.iter().filter(|rule| known.contains(rule.violation)) {
        let _ = writeln!(text, "[[camera.rule]]\nviolation = \"{}\"\nzone = \"{}\"", rule.violation, rule.zone);
        let _ = writeln!(text, "with = {{ {} }}\n", rule.with);
    }
    text
}
