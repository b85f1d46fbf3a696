//! What a site adds to a violation: where it holds and when.

use std::collections::BTreeMap;

use forewarn_domain::{AttributeId, AttributeNeed, Class, RuleKey, Schedule, SensorId, Zone, ZoneId};

/// A violation bound to one zone of one camera.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleBinding {
    /// Stream, violation and zone.
    pub key: RuleKey,
    /// All zones and lines of the camera, the rule's own among them.
    pub zones: Vec<Zone>,
    /// The site's values for the violation's parameters.
    pub parameters: BTreeMap<String, f64>,
    /// When the rule holds; always if none.
    pub schedule: Option<Schedule>,
    /// The classes that the camera's model reports; not checked if empty.
    pub classes: Vec<Class>,
    /// The attributes that the site's models can tell; not checked if none.
    pub attributes: Option<Vec<AttributeId>>,
    /// What looks at attributes need; the usual for one that is not named.
    pub needs: BTreeMap<AttributeId, AttributeNeed>,
    /// The rule's own sensor.
    pub sensor: Option<SensorId>,
    /// The sensors that the site has; not checked if none.
    pub sensors: Option<Vec<SensorId>>,
    /// What the values of sensors are measured in, for the findings.
    pub sensor_units: BTreeMap<SensorId, String>,
    /// The area on the ground of the zones whose area is known, in square metres.
    pub areas_m2: BTreeMap<ZoneId, f64>,
}

impl RuleBinding {
    /// A binding without overrides, schedule and class check.
    pub fn new(key: RuleKey, zones: Vec<Zone>) -> Self {
        Self {
            key,
            zones,
            parameters: BTreeMap::new(),
            schedule: None,
            classes: Vec::new(),
            attributes: None,
            needs: BTreeMap::new(),
            sensor: None,
            sensors: None,
            sensor_units: BTreeMap::new(),
            areas_m2: BTreeMap::new(),
        }
    }
}
