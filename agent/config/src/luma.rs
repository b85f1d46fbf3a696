//! Settings of the detectors on grey planes: `static_objects` and `falling_objects` of a camera.

use std::sync::Arc;

use forewarn_analytics::CompiledRule;
use forewarn_analytics::luma::{FallingObjectConfig, LumaConfigError, StaticObjectConfig};
use forewarn_domain::{Exclusion, Zone};
use forewarn_engine::{Area, FallWatch};
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::check::Check;
use crate::rule::Rule;

/// Bounds of the time for which a change must stay, where it follows from the rules: in less, people who stand still are
/// not told from things; in more, nothing is gained.
const APPEAR_AFTER_S: std::ops::RangeInclusive<f64> = 5.0..=20.0;

/// What static objects are sought with; none where no rule is about them.
pub(crate) fn static_objects(
    check: &mut Check<'_>,
    raw: Option<&Spanned<toml::Table>>,
    rules: &[Rule],
) -> Option<StaticObjectConfig> {
    let mut config: StaticObjectConfig = settings(check, raw, "static_objects", StaticObjectConfig::check)?;
    let is_timed = raw.is_some_and(|table| table.get_ref().contains_key("appear_after_s"));
    let asked = || rules.iter().map(|rule| &rule.compiled);
    if let Some(shortest_s) = asked().filter_map(CompiledRule::shortest_appearance_s).min_by(f64::total_cmp)
        && !is_timed
    {
        config.appear_after_s = shortest_s.clamp(*APPEAR_AFTER_S.start(), *APPEAR_AFTER_S.end());
    }
    if !asked().any(CompiledRule::is_about_static_objects) {
        without_rule(check, raw, "stay");
        return None;
    }
    let shortest_s = asked().filter_map(CompiledRule::shortest_appearance_s).min_by(f64::total_cmp);
    let needed_s = shortest_s.unwrap_or(config.appear_after_s).max(config.appear_after_s);
    if let Some(raw) = raw
        && config.absorb_after_s <= needed_s
    {
        let absorbed_s = config.absorb_after_s;
        let problem = format!(
            "a thing belongs to the scene after {absorbed_s} s, and a rule asks for {needed_s} s: none is ever told"
        );
        check.doubt_key(raw.span(), "absorb_after_s", problem, format!("write more than {needed_s}, or leave it out"));
    }
    Some(config)
}

/// What falls are sought with, and where; none where no rule is about them.
pub(crate) fn falling_objects(
    check: &mut Check<'_>,
    raw: Option<&Spanned<toml::Table>>,
    rules: &[Rule],
    (zones, exclusions): (&[Zone], &Arc<[Exclusion]>),
) -> Option<FallWatch> {
    let config = settings(check, raw, "falling_objects", FallingObjectConfig::check)?;
    let of_falls = || rules.iter().filter(|rule| rule.compiled.is_about_falls());
    let Some(least) = of_falls().map(|rule| rule.violation.min_confidence).min_by(f32::total_cmp) else {
        without_rule(check, raw, "fall");
        return None;
    };
    if let Some(raw) = raw.filter(|raw| raw.get_ref().contains_key("min_confidence"))
        && config.min_confidence < least
    {
        let problem = format!(
            "{} has no effect: the rules about falls ask for a confidence of {least} themselves",
            config.min_confidence
        );
        let mend = format!("write more than {least}, or lower `min_confidence` in a copy of the violation");
        check.doubt_key(raw.span(), "min_confidence", problem, mend);
    }
    let areas = of_falls().filter_map(|rule| zones.iter().find(|zone| zone.id == rule.key.zone)).map(Area::of);
    areas.reduce(Area::joined).map(|area| FallWatch { config, area, exclusions: Arc::clone(exclusions) })
}

/// Settings of a detector that no rule asks for.
fn without_rule(check: &mut Check<'_>, raw: Option<&Spanned<toml::Table>>, what: &str) {
    if let Some(raw) = raw {
        let problem = format!("no rule of this camera is about things that {what}, so it has no effect");
        check.doubt(raw.span(), problem, "add such a rule, or take it out");
    }
}

fn settings<T: DeserializeOwned + Default>(
    check: &mut Check<'_>,
    raw: Option<&Spanned<toml::Table>>,
    key: &str,
    check_values: fn(&T) -> Result<(), LumaConfigError>,
) -> Option<T> {
    let Some(raw) = raw else { return Some(T::default()) };
    let mend = || format!("see docs/configuration.md, \"Things\", for the keys of `{key}`");
    match raw.get_ref().clone().try_into::<T>() {
        Ok(config) => match check_values(&config) {
            Ok(()) => Some(config),
            Err(error) => check.fail(raw.span(), error.to_string(), mend()),
        },
        Err(error) if error.message().contains("untagged enum Floors") => {
            let mend = "write `floors = { ground_y_px = 950, floor_height_px = 95 }`, or `floors = { floor_lines_y_px = [950, 860] }`";
            check.fail(raw.span(), "`floors` does not say where the floors are", mend)
        }
        Err(_) => check.table::<T>(raw.span(), raw.get_ref()),
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::BBox;

    use crate::site::{Site, resolve};
    use crate::source::Source;

    fn site(camera: &str) -> Result<Site, String> {
        let text = format!("[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n{camera}");
        resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn only_cameras_whose_rules_are_about_things_look_for_them() {
        let plain = site("[[camera.rule]]\nviolation = \"loitering\"").unwrap();
        assert_eq!((plain.cameras[0].static_objects.clone(), plain.cameras[0].falls.clone()), (None, None));
        let dumping = site("[[camera.rule]]\nviolation = \"dumping\"\nwith = { stays_s = 12 }").unwrap();
        assert_eq!(dumping.cameras[0].static_objects.as_ref().map(|config| config.appear_after_s), Some(12.0));
        let set = site("static_objects = { appear_after_s = 33 }\n[[camera.rule]]\nviolation = \"dumping\"").unwrap();
        assert_eq!(set.cameras[0].static_objects.as_ref().map(|config| config.appear_after_s), Some(33.0));
        let counted = site("[[camera.rule]]\nviolation = \"dirty_shopfront\"").unwrap();
        assert_eq!(counted.cameras[0].static_objects.as_ref().map(|config| config.appear_after_s), Some(20.0));
    }

    #[test]
    fn falls_are_sought_around_the_zones_of_their_rules() {
        let zones = "[[camera.zone]]\nid = \"left\"\npolygon = [[0.1, 0.2], [0.3, 0.2], [0.3, 0.9]]\n\
                     [[camera.zone]]\nid = \"right\"\npolygon = [[0.6, 0.1], [0.8, 0.2], [0.7, 0.5]]\n";
        let rules = ["left", "right"]
            .map(|zone| format!("[[camera.rule]]\nviolation = \"thrown_object\"\nzone = \"{zone}\"\n"))
            .concat();
        let camera = &site(&format!("{zones}{rules}")).unwrap().cameras[0];
        let area = camera.falls.as_ref().unwrap().area.in_px((1000, 100));
        let expected = BBox::new(100.0, 10.0, 800.0, 90.0);
        assert!((area.x0 - expected.x0).abs() < 0.01 && (area.y1 - expected.y1).abs() < 0.01, "{area:?}");
    }

    #[test]
    fn what_can_have_no_effect_is_told_with_its_line() {
        let told =
            |camera: &str| -> Vec<String> { site(camera).unwrap().doubts.iter().map(ToString::to_string).collect() };
        let falls = "[[camera.rule]]\nviolation = \"thrown_object\"\n";
        let dumping = "[[camera.rule]]\nviolation = \"dumping\"\nwith = { stays_s = 60 }\n";
        for (camera, key, says) in [
            (format!("falling_objects = {{ sensitivity = 70 }}\n{dumping}"), "falling_objects", "that fall"),
            (format!("static_objects = {{ sensitivity = 70 }}\n{falls}"), "static_objects", "that stay"),
            (format!("falling_objects = {{ min_confidence = 0.4 }}\n{falls}"), "min_confidence", "0.4 has no effect"),
            (format!("static_objects = {{ absorb_after_s = 50 }}\n{dumping}"), "absorb_after_s", "none is ever told"),
        ] {
            let told = told(&camera);
            let is_told = |doubt: &String| ["site.toml:6", key, says].iter().all(|part| doubt.contains(part));
            assert!(told.len() == 1 && told.iter().all(is_told), "{camera}: {told:?}");
        }
        assert_eq!(told(&format!("falling_objects = {{ min_confidence = 0.7 }}\n{falls}")), Vec::<String>::new());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error =
            site("static_objects = { appear_after = 3 }\n[[camera.rule]]\nviolation = \"dumping\"").unwrap_err();
        assert!(error.contains("site.toml:6") && error.contains("appear_after"), "{error}");
        let error = site("falling_objects = { sensitivity = 300 }").unwrap_err();
        assert!(error.contains("sensitivity") && error.contains("0 to 100"), "{error}");
    }
}
