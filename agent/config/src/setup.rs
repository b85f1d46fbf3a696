//! What the engine needs to know of a site.

use std::time::Duration;

use forewarn_domain::{RuleKey, SpeakerId};
use forewarn_engine::scheduler::StreamSettings;
use forewarn_engine::{EngineSetup, Payload, StreamSetup};
use forewarn_hw::SpeakerConfig;
use forewarn_incident::RulePolicy;

use crate::{Camera, Rule, Site, case};

/// What is in view for less than this is nothing to any of the rules.
fn briefest(rules: &[Rule]) -> Duration {
    let of_rule = |rule: &Rule| {
        let confirmed = Duration::try_from_secs_f64(rule.violation.confirm.for_s).unwrap_or_default();
        rule.compiled.least_seen().saturating_add(confirmed)
    };
    rules.iter().map(of_rule).min().unwrap_or(Duration::MAX)
}

impl Site {
    /// The setup of the site's engine.
    pub fn engine_setup(&self) -> EngineSetup {
        let stream = |camera: &Camera| StreamSetup {
            zones: camera.zones.clone(),
            rules: camera.rules.iter().map(|rule| rule.compiled.clone()).collect(),
            static_objects: camera.static_objects.clone(),
            exclusions: camera.exclusions.clone(),
            ground: camera.ground.clone(),
        };
        EngineSetup {
            streams: self.cameras.iter().map(|camera| (camera.id.clone(), stream(camera))).collect(),
            policies: self.cameras.iter().flat_map(|camera| self.policies_of(camera)).collect(),
            tracker: self.tracker.clone(),
            payloads: self.payloads().collect(),
        }
    }

    fn payloads(&self) -> impl Iterator<Item = (SpeakerId, Payload)> {
        let of =
            |(id, config): &(SpeakerId, SpeakerConfig)| Some((id.clone(), Payload { range_m: config.common.range_m? }));
        self.speakers.iter().filter_map(of)
    }

    /// How often the stream of a camera is looked at.
    pub fn stream_settings(&self, camera: &Camera) -> StreamSettings {
        StreamSettings {
            interval: camera.analysis_interval,
            idle: camera.longest_rest(self.inference.idle),
            empty: camera.longest_rest(self.inference.empty),
            is_gated: camera.is_gated,
            brief: briefest(&camera.rules),
        }
    }

    fn policies_of<'a>(&'a self, camera: &'a Camera) -> impl Iterator<Item = (RuleKey, RulePolicy)> + 'a {
        camera.rules.iter().map(|rule| {
            let place = camera.place.level().and_then(|level| camera.place.at(level));
            let policy = RulePolicy {
                violation: rule.violation.clone(),
                speakers: camera.speakers.of(&rule.key.zone).to_vec(),
                place: place.map(|id| id.as_str().to_owned()),
                language: self.header.language,
                quiet_hours: self.header.quiet_hours.clone(),
                case: case::of_violation(self.case.as_ref(), &rule.violation.case),
            };
            (rule.key.clone(), policy)
        })
    }
}
