//! The site of one bundle of evidence, made from the setting that lies in it, so that its clip can be decided again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use forewarn_analytics::TrackerConfig;
use forewarn_domain::violation::Language;
use forewarn_domain::{StreamId, Violation, Zone};
use serde_json::Value;

use crate::site::{Site, resolve};
use crate::source::Source;

/// What a bundle says of the site under which it was made.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The site's id.
    pub site: &'a str,
    /// Its time zone by its IANA name.
    pub time_zone: &'a str,
    /// Its language.
    pub language: Language,
    /// The camera.
    pub camera: &'a StreamId,
    /// The card of the detector.
    pub card: &'a str,
    /// Seconds between two frames that are looked at.
    pub analysis_interval_s: f64,
    /// The zone; the whole picture if absent.
    pub zone: Option<&'a Zone>,
    /// The violation with the site's changes.
    pub violation: &'a Violation,
    /// The tracker's settings; those that are usual where a former version did not keep them.
    pub tracking: Option<&'a Value>,
}

/// The setting of a bundle is not enough to make a site of it.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a site of the bundle's setting: {0}; name a site file by --config")]
pub struct NotEnough(String);

impl Kept<'_> {
    /// The site whose one camera plays `clip`; its files are made in `dir`.
    pub fn site(&self, clip: &Path, dir: &Path) -> Result<Site, NotEnough> {
        let wrong = |error: &dyn std::fmt::Display| NotEnough(error.to_string());
        let violation = toml::to_string(self.violation).map_err(|error| wrong(&error))?;
        fs::write(dir.join(format!("{}.toml", self.violation.id)), violation).map_err(|error| wrong(&error))?;
        let text = self.text(clip).map_err(|error| wrong(&error))?;
        let name = dir.join("site.toml").display().to_string();
        let mut site = resolve(&Source::new(name, text)).map_err(|errors| wrong(&errors))?;
        if let Some(tracking) = self.tracking {
            site.tracker = serde_json::from_value::<TrackerConfig>(tracking.clone()).map_err(|error| wrong(&error))?;
            site.tracker.check().map_err(|error| wrong(&error))?;
        }
        for camera in &mut site.cameras {
            camera.analysis_interval = Duration::try_from_secs_f64(self.analysis_interval_s).map_err(|e| wrong(&e))?;
        }
        Ok(site)
    }

    fn text(&self, clip: &Path) -> Result<String, toml::ser::Error> {
        let language = toml::Value::try_from(self.language)?;
        let mut camera = toml::Table::new();
        camera.insert("id".into(), self.camera.to_string().into());
        camera.insert("url".into(), format!("file:{}", clip.display()).into());
        camera.insert("analysis_fps".into(), (1.0 / self.analysis_interval_s.clamp(0.02, 10.0)).into());
        let mut rule = toml::Table::new();
        rule.insert("violation".into(), self.violation.id.to_string().into());
        if let Some(zone) = self.zone.filter(|zone| zone.id.as_str() != "whole") {
            let mut table = toml::Table::try_from(&zone.shape)?;
            table.insert("id".into(), zone.id.to_string().into());
            table.insert("unit".into(), toml::Value::try_from(zone.unit)?);
            camera.insert("zone".into(), vec![toml::Value::Table(table)].into());
            rule.insert("zone".into(), zone.id.to_string().into());
        }
        camera.insert("rule".into(), vec![toml::Value::Table(rule)].into());
        let mut site = toml::Table::new();
        site.insert("id".into(), self.site.into());
        site.insert("time_zone".into(), self.time_zone.into());
        site.insert("language".into(), language);
        let one = |key: &str, value: &str| toml::Table::from_iter([(key.to_owned(), toml::Value::from(value))]);
        let mut all = toml::Table::new();
        all.insert("site".into(), site.into());
        all.insert("model".into(), one("card", self.card).into());
        all.insert("violations".into(), one("dir", ".").into());
        all.insert("camera".into(), vec![toml::Value::Table(camera)].into());
        toml::to_string(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = r#"
[site]
id = "north"
time_zone = "Asia/Shanghai"
[tracking]
lost_after_s = 2.5
[[camera]]
id = "gate"
url = "file:gate.mp4"
analysis_fps = 3
[[camera.zone]]
id = "kerb"
polygon = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75]]
[[camera.zone]]
id = "gap"
line = [[10, 20], [300, 40]]
"#;

    #[test]
    fn the_site_that_is_made_decides_as_the_one_that_was() {
        let rules = [("illegal_parking", "kerb", "{ stationary_s = 7 }"), ("loitering", "whole", "{ dwell_s = 3 }")];
        for (violation, zone, with) in rules {
            let rule = format!("[[camera.rule]]\nviolation = \"{violation}\"\nzone = \"{zone}\"\nwith = {with}\n");
            let was = resolve(&Source::new("site.toml", format!("{SITE}{rule}"))).unwrap();
            let camera = &was.cameras[0];
            let tracking = serde_json::to_value(&was.tracker).unwrap();
            let kept = Kept {
                site: "north",
                time_zone: "Asia/Shanghai",
                language: was.header.language,
                camera: &camera.id,
                card: &was.model.card.name,
                analysis_interval_s: camera.analysis_interval.as_secs_f64(),
                zone: camera.zones.iter().find(|known| known.id.as_str() == zone),
                violation: &camera.rules[0].violation,
                tracking: Some(&tracking),
            };
            let dir = tempfile::tempdir().unwrap();
            let made = kept.site(Path::new("/clips/confirmed.mp4"), dir.path()).unwrap();
            let (again, rule) = (&made.cameras[0], &made.cameras[0].rules[0]);
            assert_eq!((&made.tracker, again.analysis_interval), (&was.tracker, camera.analysis_interval));
            assert_eq!((&rule.violation, &rule.key), (&camera.rules[0].violation, &camera.rules[0].key));
            assert_eq!(again.zones.iter().find(|known| known.id.as_str() == zone), kept.zone);
            let told = Kept { card: "nobody's", ..kept }.site(Path::new("a.mp4"), dir.path()).unwrap_err().to_string();
            assert!(told.contains("nobody's") && told.contains("name a site file by --config"), "{told}");
        }
    }
}
