//! Doubts about what the site file names and is not there, or can never be used.

use std::path::Path;

use forewarn_pipelines::SourceKind;

use super::{About, Doubt};
use crate::nearest::meant;
use crate::{Camera, Rule, Site};

/// How much of a camera's past is kept for clips, at most.
const LONGEST_PRE_ROLL_S: f64 = 600.0;

/// A camera whose address is a path, which leads to nothing that can be played.
pub(super) fn missing_file(camera: &Camera) -> Option<Doubt> {
    let path = (camera.source.kind() == SourceKind::File).then(|| camera.source.path())?;
    let problem = if path.starts_with("/dev") {
        format!("{} is a device and not a recording", path.display())
    } else if path.is_dir() {
        format!("{} is a directory", path.display())
    } else if !path.exists() {
        format!("there is no file {}", path.display())
    } else {
        return None;
    };
    let mend = if path.starts_with("/dev") {
        format!("write `url = \"v4l2:{}\"`", path.display())
    } else {
        "name a recording; the address of a camera begins with its scheme: `rtsp://HOST/PATH`".to_owned()
    };
    Some(Doubt { about: About::camera(&camera.id).key("url"), problem, mend })
}

/// What stands where the storage directory should be made.
pub(super) fn storage(site: &Site) -> Option<Doubt> {
    let dir = site.storage.dir.path();
    let blocked = dir.ancestors().find(|part| !part.as_os_str().is_empty() && part.exists() && !part.is_dir())?;
    Some(Doubt {
        about: About::section("storage").key("dir"),
        problem: format!("{} is a file, so nothing can be kept in {}", blocked.display(), dir.display()),
        mend: "name a directory, or take the file away".to_owned(),
    })
}

/// Evidence that nobody has a day's time to look at.
pub(super) fn kept_for_no_day(site: &Site) -> Option<Doubt> {
    (site.storage.max_days == 0).then(|| Doubt {
        about: About::section("storage").key("max_days"),
        problem: "0 days: evidence is deleted as soon as its incident is closed and upstream has the report".to_owned(),
        mend: "write the days for which it is to be kept; `max_gib` bounds it as well".to_owned(),
    })
}

/// A directory whose name only a shell would read as another.
pub(super) fn signs_of_shells(site: &Site) -> Option<Doubt> {
    let mut names = site.storage.dir.path().iter().map(|name| name.to_string_lossy());
    let name = names.find(|name| name == "~" || name.starts_with('$') || name.starts_with('%'))?;
    Some(Doubt {
        about: About::section("storage").key("dir"),
        problem: format!("nothing is put in the place of `{name}`, so a directory of that name is made"),
        mend: "write the whole path, such as \"/var/lib/forewarn\"".to_owned(),
    })
}

/// Classes that the tracker is to hold together and the model does not know.
pub(super) fn classes(site: &Site) -> Vec<Doubt> {
    let known = site.model.card.classes.to_vec();
    let named = site.tracker.class_groups.iter().flatten().flatten();
    let unknown = named.filter(|class| !known.contains(class));
    let doubt = |name: &str| Doubt {
        about: About::section("tracking").key("class_groups"),
        problem: format!("the model does not report the class {name}"),
        mend: meant(name, known.iter().map(forewarn_domain::Class::as_str), || "leave it out".to_owned()),
    };
    unknown.map(|class| doubt(class.as_str())).collect()
}

/// Cards of the site's own models that are not there.
pub(super) fn cards(site: &Site) -> Vec<Doubt> {
    let missing = site.attributes.cards.iter().filter(|(_, card)| {
        let is_path = Path::new(card.as_str()).extension().is_some_and(|extension| extension == "toml");
        is_path && !site.directory.join(card).is_file()
    });
    let doubt = |(attribute, card): (&forewarn_domain::AttributeId, &String)| Doubt {
        about: About::section("attributes").key(&format!("cards.{attribute}")),
        problem: format!("there is no file {}", site.directory.join(card).display()),
        mend: "name the model card, as a path relative to the site file".to_owned(),
    };
    missing.map(doubt).collect()
}

/// A sensor that a rule names and its violation does not ask, and clips that begin too early.
pub(super) fn of_rule(rule: &Rule) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut doubt = |problem: String, mend: &str| {
        doubts.push(Doubt { about: About::rule(rule), problem, mend: mend.to_owned() });
    };
    if let Some(sensor) = rule.binding.sensor.as_ref().filter(|_| rule.compiled.sensors().next().is_none()) {
        doubt(format!("it names the sensor `{sensor}` and its violation asks none"), "leave `sensor` out");
    }
    let evidence = &rule.violation.evidence;
    if evidence.pre_roll_s > LONGEST_PRE_ROLL_S {
        doubt(
            format!(
                "its clips are to begin {} s before, and at most {LONGEST_PRE_ROLL_S} s are kept",
                evidence.pre_roll_s
            ),
            "lower `evidence.pre_roll_s`",
        );
    }
    doubts
}
