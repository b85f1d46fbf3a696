//! What the attributes of the house need of a subject before a look is worth it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use forewarn_domain::{AttributeId, AttributeNeed};
use forewarn_models::reader::{Attribute, builtins};

static BUILT_IN: LazyLock<BTreeMap<AttributeId, AttributeNeed>> =
    LazyLock::new(|| of(builtins().filter_map(|(_, text)| Attribute::from_toml(text).ok())));

/// What looks at the built-in attributes need.
pub(crate) fn built_in() -> &'static BTreeMap<AttributeId, AttributeNeed> {
    &BUILT_IN
}

fn of(attributes: impl Iterator<Item = Attribute>) -> BTreeMap<AttributeId, AttributeNeed> {
    attributes.map(|attribute| (attribute.attribute.clone(), attribute.need())).collect()
}

#[cfg(test)]
mod tests {
    use forewarn_analytics::{CompiledRule, RuleBinding, Rules, View};
    use forewarn_domain::clock::UnknownCivilTime;
    use forewarn_domain::{
        Answer, BBox, Class, Reading, RuleKey, StreamId, Timestamp, Track, TrackId, TrackState, Violation, ViolationId,
        ZoneId,
    };

    use super::*;

    /// An attribute that no code knows.
    const CONTAINER: &str = r#"
        attribute = "container_number"
        title = "Number of a container"
        subjects = ["truck"]
        model = "container-reader"
        text = "any"
        [need]
        height-px = 150
        part = [0.0, 0.5]
    "#;

    const VIOLATION: &str = r#"
        id = "unread_container"
        title = { en = "A container" }
        subject = ["truck"]
        condition = { class = ["truck"] }
        [evidence]
        attributes = ["container_number"]
    "#;

    fn rules(needs: BTreeMap<AttributeId, AttributeNeed>) -> Rules {
        let key = RuleKey {
            stream: StreamId::new("gate").unwrap(),
            violation: ViolationId::new("unread_container").unwrap(),
            zone: ZoneId::new("whole").unwrap(),
        };
        let violation: Violation = toml::from_str(VIOLATION).unwrap();
        let binding = RuleBinding { needs, ..RuleBinding::new(key, Vec::new()) };
        Rules::new(vec![CompiledRule::compile(&violation, &binding).unwrap()])
    }

    /// Shows a truck of this height, `cut` pixels of it below the picture.
    fn show(rules: &mut Rules, at_s: f64, (height, cut): (f32, f32)) -> Vec<forewarn_domain::RuleHit> {
        let (at, lower) = (Timestamp::from_secs_f64(at_s), 480.0 + cut);
        let track = Track {
            id: TrackId(1),
            class: Class::new("truck"),
            score: 0.9,
            bbox: BBox::new(100.0, lower - height, 300.0, lower.min(480.0)),
            state: TrackState::Seen,
            first_seen: Timestamp::ZERO,
            last_seen: at,
        };
        rules.evaluate(&View { at, size: (640, 480), zones: &[], tracks: &[track], civil: &UnknownCivilTime })
    }

    #[test]
    fn an_attribute_is_one_file_from_the_first_look_to_the_finding() {
        let attribute = Attribute::from_toml(CONTAINER).unwrap();
        let mut rules = rules(of(std::iter::once(attribute)));
        show(&mut rules, 0.0, (140.0, 0.0));
        assert!(rules.take_looks().is_empty(), "it is too small for the file's height");
        for n in 1..=20 {
            show(&mut rules, f64::from(n), (200.0, 20.0));
            for look in rules.take_looks() {
                let answer = Answer::Text { text: "MSKU 123456 7".to_owned(), confidence: 0.95 };
                let (track, attribute, at) = (look.track, look.attribute, Timestamp::from_secs_f64(f64::from(n)));
                rules.read(&[Reading { track, attribute, at, bbox: look.bbox, quality: 0.9, answer }]);
            }
        }
        let hits = show(&mut rules, 21.0, (200.0, 20.0));
        let finding = &hits[0].findings[0];
        assert_eq!((finding.about.as_str(), finding.text.as_deref()), ("container_number", Some("MSKU 123456 7")));
        assert!(
            finding.confidence > 0.8,
            "its lower half may be cut off, and no form of plates is asked of it: {finding:?}"
        );
    }

    #[test]
    fn every_built_in_attribute_says_what_it_needs() {
        assert_eq!(built_in().len(), builtins().count());
        let plate = built_in()[&AttributeId::new("plate").unwrap()];
        assert_eq!((plate.least_height_px, plate.part), (90.0, (0.4, 1.0)));
    }
}
