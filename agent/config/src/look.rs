//! What one look at a camera seeks: rules as the site binds them, violations that it binds nowhere, classes of the detector.

use std::collections::BTreeSet;
use std::time::Duration;

use forewarn_analytics::{CompiledRule, RuleBinding};
use forewarn_command::LookFor;
use forewarn_domain::detection::BUILT_IN_CLASSES;
use forewarn_domain::{AttributeId, Class, RuleKey, Violation, ViolationId, ZoneId};
use forewarn_engine::{Sought, SoughtRule};

use crate::nearest::meant;
use crate::{Camera, Site, needs};

impl Site {
    /// What is sought at one of its cameras; in words why that cannot be.
    pub fn sought(&self, wanted: &LookFor) -> Result<Sought, String> {
        let ids = || self.cameras.iter().map(|camera| camera.id.as_str());
        let camera = self.cameras.iter().find(|camera| camera.id.as_str() == wanted.camera);
        let camera = camera.ok_or_else(|| {
            let mend = meant(&wanted.camera, ids(), || format!("there are: {}", ids().collect::<Vec<_>>().join(", ")));
            format!("there is no camera {}: {mend}", wanted.camera)
        })?;
        let rules = match (&wanted.violation, &wanted.zone) {
            (Some(violation), zone) => self.rules_for_look(camera, violation, zone.as_deref())?,
            (None, Some(_)) => return Err("`zone` goes with a `violation`, which is not named".to_owned()),
            (None, None) => Vec::new(),
        };
        Ok(Sought { zones: camera.zones.clone(), rules, classes: self.classes_for_look(&wanted.classes)? })
    }

    fn classes_for_look(&self, asked: &[String]) -> Result<Vec<Class>, String> {
        let known = self.model.card.classes.to_vec();
        let class = |name: &String| {
            known.iter().find(|class| class.as_str() == name).cloned().ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(Class::as_str).collect();
                let mend = meant(name, names.iter().copied(), || format!("it finds: {}", names.join(", ")));
                let card = &self.model.card.name;
                if BUILT_IN_CLASSES.contains(&name.as_str()) {
                    return format!("`{name}` is found over time by its own detector: look for a violation about it");
                }
                format!("the detector {card} knows no class `{name}`: {mend}")
            })
        };
        asked.iter().map(class).collect()
    }

    /// Each rule of the camera with this violation, in this zone if one is named; where there is none, the violation as its file
    /// states it.
    fn rules_for_look(&self, camera: &Camera, violation: &str, zone: Option<&str>) -> Result<Vec<SoughtRule>, String> {
        let is_meant =
            |key: &RuleKey| key.violation.as_str() == violation && zone.is_none_or(|zone| key.zone.as_str() == zone);
        let bound: Vec<_> = camera.rules.iter().filter(|rule| is_meant(&rule.key)).collect();
        if !bound.is_empty() {
            let sought = |rule: &&crate::Rule| self.sought_rule(&rule.violation, &rule.binding, true);
            return bound.iter().map(sought).collect();
        }
        let id = ViolationId::new(violation).map_err(|error| error.to_string())?;
        let file = self.library.violation(&id, None).map_err(|(problem, mend)| format!("{problem}: {mend}"))?;
        let names = || camera.zones.iter().map(|zone| zone.id.as_str());
        let zone = ZoneId::new(zone.unwrap_or("whole")).map_err(|error| error.to_string())?;
        if !names().any(|name| name == zone.as_str()) {
            let mend = meant(zone.as_str(), names(), || format!("it has: {}", names().collect::<Vec<_>>().join(", ")));
            return Err(format!("camera {} has no zone `{zone}`: {mend}", camera.id));
        }
        let key = RuleKey { stream: camera.id.clone(), violation: id, zone };
        let others = camera.rules.first().map(|rule| rule.binding.clone());
        let binding = RuleBinding {
            areas_m2: others.map(|other| other.areas_m2).unwrap_or_default(),
            classes: self.model.card.classes.to_vec(),
            needs: needs::built_in().clone(),
            ..RuleBinding::new(key, camera.zones.clone())
        };
        let sought = self.sought_rule(&file, &binding, false)?;
        self.check_means(camera, &sought.rule)?;
        Ok(vec![sought])
    }

    fn sought_rule(
        &self,
        violation: &Violation,
        binding: &RuleBinding,
        is_watched: bool,
    ) -> Result<SoughtRule, String> {
        let schedule = binding.schedule.clone();
        let binding = RuleBinding { schedule: None, classes: self.model.card.classes.to_vec(), ..binding.clone() };
        let rule = CompiledRule::compile(violation, &binding);
        let rule = rule.map_err(|error| format!("{}: {}", error.place, error.problem))?;
        let least = Some(rule.least_seen()).filter(|least| *least != Duration::MAX).unwrap_or_default();
        // What happened in a moment has happened: it is confirmed by being looked at, and need not go on.
        let confirmed = if rule.is_of_a_moment() { 0.0 } else { violation.confirm.for_s.max(0.0) };
        Ok(SoughtRule {
            needs: least + Duration::from_secs_f64(confirmed),
            hits: violation.confirm.hits,
            hangs_on_before: rule.hangs_on_before(),
            rule: rule.at_once(),
            is_watched,
            schedule,
        })
    }

    /// What the camera's own rules do not have done for them cannot be told from one look.
    fn check_means(&self, camera: &Camera, rule: &CompiledRule) -> Result<(), String> {
        let missing = |what: &str| {
            let key = rule.key();
            Err(format!("{what} only where a rule asks for it: add a rule `{}` to camera {}", key.violation, camera.id))
        };
        if rule.is_about_static_objects() && camera.static_objects.is_none() {
            return missing("things that stay are told from the empty place, which is learned");
        }
        if rule.is_about_falls() && camera.falls.is_none() {
            return missing("things that fall are looked for");
        }
        let rules = self.cameras.iter().flat_map(|camera| &camera.rules);
        let judged: BTreeSet<&AttributeId> = rules.flat_map(|rule| rule.compiled.worn()).collect();
        match rule.worn().find(|item| !judged.contains(item)) {
            Some(item) => missing(&format!("a model for `{item}` is opened")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    fn site() -> Site {
        let text = "[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n\
             [[camera.zone]]\nid = \"kerb\"\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n\
             [[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\nwith = { dwell_s = 20 }\n\
             schedule = { from = \"07:00\", to = \"20:00\" }\n";
        resolve(&Source::new("site.toml", text.to_owned())).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn look(violation: &str, zone: Option<&str>) -> LookFor {
        let (violation, zone) = (Some(violation.to_owned()), zone.map(str::to_owned));
        LookFor { camera: "gate".to_owned(), violation, zone, classes: Vec::new() }
    }

    #[test]
    fn a_rule_is_sought_as_the_site_binds_it_and_a_violation_without_one_as_its_file_states_it() {
        let bound = site().sought(&look("loitering", None)).unwrap();
        let told: Vec<_> = bound.rules.iter().map(|rule| (rule.is_watched, rule.needs.as_secs_f64())).collect();
        assert_eq!(told, [(true, 20.5)]);
        assert!(bound.rules[0].schedule.is_some());
        let elsewhere = site().sought(&look("loitering", Some("whole"))).unwrap();
        let told: Vec<_> = elsewhere.rules.iter().map(|rule| (rule.is_watched, rule.needs.as_secs_f64())).collect();
        assert_eq!(told, [(false, 60.5)]);
        assert_eq!(elsewhere.rules[0].rule.least_seen(), Duration::ZERO, "one look does not wait a minute");
    }

    #[test]
    fn every_violation_can_be_looked_for_or_says_what_is_missing() {
        let site = site();
        let (mut sought, mut refused) = (0, Vec::new());
        for (violation, _) in &site.violations {
            match site.sought(&look(violation.as_str(), Some("kerb"))) {
                Ok(_) => sought += 1,
                Err(why) => refused.push(why),
            }
        }
        assert!(sought >= 6, "{sought}: {refused:#?}");
        assert!(refused.iter().any(|why| why.contains("a model for `hard_hat` is opened only where")), "{refused:#?}");
    }

    #[test]
    fn what_is_misspelt_is_told_with_what_may_be_meant() {
        let why = |wanted: &LookFor| site().sought(wanted).unwrap_err();
        assert_eq!(why(&look("loitring", None)), "there is no violation `loitring`: did you mean `loitering`?");
        assert!(why(&look("loitering", Some("kerbs"))).ends_with("did you mean `kerb`?"));
        let nobody = LookFor { camera: "gates".to_owned(), ..LookFor::default() };
        assert_eq!(why(&nobody), "there is no camera gates: did you mean `gate`?");
        let zeppelin = LookFor { camera: "gate".to_owned(), classes: vec!["persn".to_owned()], ..LookFor::default() };
        assert!(why(&zeppelin).ends_with("knows no class `persn`: did you mean `person`?"), "{}", why(&zeppelin));
    }
}
