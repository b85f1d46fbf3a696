//! `[[camera.rule]]`: which violations hold where and when.

use std::collections::BTreeMap;

use forewarn_analytics::{CompileError, CompiledRule, RuleBinding};
use forewarn_domain::schedule::Schedule;
use forewarn_domain::{Class, RuleKey, SensorId, StreamId, Violation, ViolationId, ZoneId};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};
use crate::header::check_schedule;
use crate::violations::Library;
use crate::zone::Zones;
use crate::{needs, schema};

pub(crate) const EXAMPLE: &str = r#"# A rule says: this violation holds in this zone, at these times, with these changes.
[[camera.rule]]
violation = "illegal_parking"
zone = "kerb"
with = { stationary_s = 120, warning.times = 1 }
schedule = { days = ["mon", "tue", "wed", "thu", "fri"], from = "07:00", to = "20:00" }

[[camera.rule]]
violation = "crowding"
zone = "square"
with = { people = 12 }

# [[camera.rule]]
# violation = "sensor_over_threshold"
# sensor = "fume"
# with = { limit = 2.0, hysteresis = 0.2, over_s = 60, silent_s = 300 }
"#;

/// One `[[camera.rule]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// The violation.
    #[schemars(with = "String")]
    pub violation: Spanned<ViolationId>,
    /// The zone; the whole picture if absent.
    #[serde(default = "default_zone")]
    #[schemars(with = "String")]
    pub zone: Spanned<ZoneId>,
    /// What differs from the violation's file here: a parameter by its name (`stationary_s = 10`), or a key of its
    /// tables with a dot (`observe.for_s = 5`).
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub with: Option<Spanned<toml::Table>>,
    /// When the rule holds; always if absent.
    #[serde(default)]
    #[schemars(schema_with = "schema::schedule")]
    pub schedule: Option<Spanned<Schedule>>,
    /// The `[[sensor]]` that the violation's condition hangs on.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub sensor: Option<SensorId>,
}

fn default_zone() -> Spanned<ZoneId> {
    unwritten(ZoneId::new("whole").unwrap_or_else(|_| unreachable!("a literal slug")))
}

/// A violation bound to a zone, with what the site changes in it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Camera, violation and zone.
    pub key: RuleKey,
    /// The violation with the site's changes.
    pub violation: Violation,
    /// What the site adds to it: zones, schedule, sensor, areas.
    pub binding: RuleBinding,
    /// What the tracker's rules need of it.
    pub compiled: CompiledRule,
}

impl Rule {
    /// The rule for a model of other classes, bound as it is; an error where it asks for one that the model lacks.
    pub fn compile_for(&self, classes: &[Class]) -> Result<CompiledRule, CompileError> {
        let binding = RuleBinding { classes: classes.to_vec(), ..self.binding.clone() };
        CompiledRule::compile(&self.violation, &binding)
    }
}

/// What the names in a camera's rules are looked up in.
pub(crate) struct Lookup<'a> {
    pub(crate) site: &'a str,
    pub(crate) library: &'a Library,
    pub(crate) classes: &'a [Class],
    pub(crate) sensor_units: &'a BTreeMap<SensorId, String>,
}

/// Checks the rules of one camera, whose id stands at `id`.
pub(crate) fn check(
    raw: &[RawRule],
    check: &mut Check<'_>,
    id: &Spanned<StreamId>,
    zones: &Zones,
    lookup: &Lookup<'_>,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for raw in raw {
        let Some(rule) = raw.check(check, id.get_ref(), zones, lookup) else { continue };
        if rules.iter().any(|known| known.key == rule.key) {
            let problem = format!("`{}` is bound to zone `{}` already", rule.key.violation, rule.key.zone);
            check.fail::<()>(raw.violation.span(), problem, "bind a violation once to each zone");
        }
        rules.push(rule);
    }
    rules
}

impl RawRule {
    fn check(&self, check: &mut Check<'_>, stream: &StreamId, zones: &Zones, lookup: &Lookup<'_>) -> Option<Rule> {
        let zone = self.zone.get_ref();
        if zones.spoilt.contains(zone) {
            return None;
        }
        let names = zones.list.iter().map(|known| &known.id).chain(&zones.spoilt).map(ZoneId::as_str);
        let problem = format!("the camera has no zone `{zone}`");
        check.named(self.zone.span(), zone.as_str(), names, problem, "add a `[[camera.zone]]` of that id")?;
        let with = self.with.as_ref();
        let place = with.map_or_else(|| self.violation.span(), Spanned::span);
        let violation = match lookup.library.violation(self.violation.get_ref(), with.map(Spanned::get_ref)) {
            Ok(violation) => violation,
            Err((problem, mend)) => {
                let is_unknown = lookup.library.text(self.violation.get_ref()).is_none();
                return check.fail(if is_unknown { self.violation.span() } else { place }, problem, mend);
            }
        };
        if let Some(schedule) = &self.schedule {
            check_schedule(check, schedule);
        }
        for name in directions(&violation).filter(|name| !with.is_some_and(|with| with.get_ref().contains_key(name))) {
            let problem = format!("`{name}` is not set, so the direction is that of the violation's file");
            let mend = format!("add `with = {{ {name} = … }}`: 0 is up in the picture, 90 right, 180 down, 270 left");
            check.doubt(self.violation.span(), problem, mend);
        }
        let key = RuleKey { stream: stream.clone(), violation: violation.id.clone(), zone: zone.clone() };
        let binding = RuleBinding {
            schedule: self.schedule.as_ref().map(|schedule| schedule.get_ref().clone()),
            classes: lookup.classes.to_vec(),
            // Which sensors there are is not checked: a replay plays the values of sensors that the site need not
            // have. `forewarn check` tells of them.
            sensor: self.sensor.clone(),
            sensor_units: lookup.sensor_units.clone(),
            areas_m2: zones.areas_m2.clone(),
            needs: needs::built_in().clone(),
            ..RuleBinding::new(key.clone(), zones.list.clone())
        };
        match CompiledRule::compile(&violation, &binding) {
            Ok(compiled) => Some(Rule { key, violation, binding, compiled }),
            Err(error) => {
                let mend = format!("`forewarn config violation {}` prints the violation's file", violation.id);
                check.fail(place, format!("{}: {}", error.place, error.problem), mend)
            }
        }
    }
}

/// The parameters of a violation that say which way something moves, and so differ from camera to camera.
fn directions(violation: &Violation) -> impl Iterator<Item = String> {
    let tree = serde_json::to_value(&violation.condition).unwrap_or_default();
    let mut found = Vec::new();
    collect_directions(&tree, &mut found);
    found.into_iter()
}

fn collect_directions(tree: &serde_json::Value, found: &mut Vec<String>) {
    match tree {
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| collect_directions(part, found)),
        serde_json::Value::Object(entries) => {
            for (key, entry) in entries {
                let name = entry.as_str().and_then(|text| text.strip_prefix('$'));
                let is_direction = ["toward_deg", "against_deg"].contains(&key.as_str());
                found.extend(name.filter(|_| is_direction).map(str::to_owned));
                collect_directions(entry, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Site, resolve};
    use crate::source::Source;

    /// A site with one rule, which has all that a violation may hang on: an area, a line, a sensor.
    fn bound(violation: &ViolationId, zone: &str) -> Option<Site> {
        let text = format!(
            "[site]\nid = \"s\"\n\
             [[sensor]]\nid = \"fume\"\nkind = \"modbus_tcp\"\naddress = \"a:502\"\nregister = 1\nunit = \"mg/m3\"\n\
             [[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n\
             [[camera.zone]]\nid = \"area\"\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\narea_m2 = 40\n\
             [[camera.zone]]\nid = \"line\"\nline = [[0.1, 0.5], [0.9, 0.5]]\n\
             [[camera.rule]]\nviolation = \"{violation}\"\nzone = \"{zone}\"\nsensor = \"fume\"\n\
             schedule = {{ from = \"07:00\", to = \"20:00\" }}\n"
        );
        resolve(&Source::new("site.toml", text)).ok()
    }

    #[test]
    fn every_built_in_violation_compiles_again_for_another_model() {
        let library = Library::built_in().unwrap();
        let mut n_asking_for_classes = 0;
        for violation in library.names() {
            let site = bound(violation, "area").or_else(|| bound(violation, "line"));
            let site = site.unwrap_or_else(|| panic!("{violation} can be bound to no zone"));
            let rule = &site.cameras[0].rules[0];
            let again = rule.compile_for(&site.model.card.classes.to_vec());
            assert_eq!(again.as_ref(), Ok(&rule.compiled), "{violation}");
            n_asking_for_classes += usize::from(rule.compile_for(&[Class::new("zeppelin")]).is_err());
        }
        assert!(n_asking_for_classes > 10, "only {n_asking_for_classes} violations need classes of the model");
    }
}
