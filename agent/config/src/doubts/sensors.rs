//! Doubts about sensors, and about the rules that hang on them.

use std::collections::BTreeSet;

use forewarn_hw::Sensor;

use super::{About, Doubt};
use crate::Camera;
use crate::nearest::meant;

/// Rules whose sensor is not there or counts as silent between two values, and sensors that no rule asks.
pub(super) fn sensors(sensors: &[Sensor], cameras: &[Camera]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut asked = BTreeSet::new();
    for rule in cameras.iter().flat_map(|camera| &camera.rules) {
        for (id, silent_after) in rule.compiled.sensors() {
            asked.insert(id);
            let Some(sensor) = sensors.iter().find(|sensor| sensor.id() == id) else {
                doubts.push(Doubt {
                    about: About::rule(rule),
                    problem: format!("the site has no sensor `{id}`, so it can never fire"),
                    mend: meant(id.as_str(), sensors.iter().map(|sensor| sensor.id().as_str()), || {
                        format!("add a `[[sensor]]` with `id = \"{id}\"`; a replay takes values by `--sensors`")
                    }),
                });
                continue;
            };
            if let Some(every) = sensor.every().filter(|every| silent_after < *every * 2) {
                let (silent_s, every_s) = (silent_after.as_secs_f64(), every.as_secs_f64());
                doubts.push(Doubt {
                    about: About::rule(rule),
                    problem: format!(
                        "sensor `{id}` has a value every {every_s} s and counts as silent after {silent_s} s, \
                         so one that is missed ends what is known"
                    ),
                    mend: format!("set `silent_after_s` of the condition to {} or more", every_s * 3.0),
                });
            }
        }
    }
    let unasked = sensors.iter().filter(|sensor| !asked.contains(sensor.id()));
    doubts.extend(unasked.map(|sensor| Doubt {
        about: About::sensor(sensor.id()),
        problem: "no rule asks for it, so its values are only a metric".to_owned(),
        mend: format!("add `sensor = \"{}\"` to a `[[camera.rule]]`, or leave the sensor out", sensor.id()),
    }));
    doubts
}
