//! Doubts about rules that say the same twice.

use forewarn_domain::ViolationId;
use serde_json::Value;

use super::condition::resolved;
use super::{About, Doubt};
use crate::Rule;

/// Pairs of rules of which one never fires without the other: the same zone, the same subjects, and conditions that
/// differ at most in how much they ask for.
pub(super) fn always_together(rules: &[Rule]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (i, a) in rules.iter().enumerate() {
        for b in &rules[i + 1..] {
            for (narrow, wide) in [(a, b), (b, a)] {
                if implies(narrow, wide) {
                    let other: &ViolationId = &wide.key.violation;
                    doubts.push(Doubt {
                        about: About::rule(narrow),
                        problem: format!("whenever it fires, {other} fires in the same zone for the same subject"),
                        mend: "keep one of the two, or change their zones, schedules or numbers".to_owned(),
                    });
                    break;
                }
            }
        }
    }
    doubts
}

fn implies(narrow: &Rule, wide: &Rule) -> bool {
    let (a, b) = (&narrow.violation, &wide.violation);
    narrow.key.zone == wide.key.zone
        && wide.binding.schedule.is_none()
        && a.subject.iter().all(|class| b.subject.contains(class))
        && a.min_confidence >= b.min_confidence
        && asks_no_less(&resolved(narrow), &resolved(wide), None)
}

/// Whether a tree asks for everything that another asks for. Only numbers that are lower bounds may differ.
fn asks_no_less(narrow: &Value, wide: &Value, key: Option<&str>) -> bool {
    match (narrow, wide) {
        (Value::Number(a), Value::Number(b)) => match key {
            Some("for_s" | "at_least" | "confidence") => a.as_f64() >= b.as_f64(),
            _ => a.as_f64() == b.as_f64(),
        },
        // What is under `not` is turned around, so it must be the same.
        (Value::Object(a), Value::Object(b)) if key != Some("not") => {
            a.len() == b.len()
                && a.iter().all(|(key, part)| b.get(key).is_some_and(|other| asks_no_less(part, other, Some(key))))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(part, other)| asks_no_less(part, other, key))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bounds_may_differ_and_nothing_else() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let asks = |a: &str, b: &str| asks_no_less(&value(a), &value(b), None);
        let dwell = |s: u32, by: &str| format!(r#"{{"dwell":{{"for_s":{s},"by":"{by}"}}}}"#);
        assert!(asks(&dwell(20, "foot"), &dwell(10, "foot")));
        assert!(!asks(&dwell(10, "foot"), &dwell(20, "foot")));
        assert!(!asks(&dwell(20, "foot"), &dwell(10, "centre")));
        let not = |s: u32| format!(r#"{{"not":{}}}"#, dwell(s, "foot"));
        assert!(asks(&not(10), &not(10)) && !asks(&not(20), &not(10)));
    }
}
