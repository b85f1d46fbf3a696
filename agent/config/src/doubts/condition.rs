//! A rule's condition as a tree of plain values, for questions that do not care what each part means.

use serde_json::Value;

use crate::Rule;

/// The condition as a tree of values in which every parameter is a number.
pub(super) fn resolved(rule: &Rule) -> Value {
    let mut tree = serde_json::to_value(&rule.violation.condition).unwrap_or_default();
    fill_in(&mut tree, rule);
    tree
}

fn fill_in(tree: &mut Value, rule: &Rule) {
    match tree {
        Value::String(text) => {
            let value = text.strip_prefix('$').and_then(|name| rule.violation.parameters.get(name));
            if let Some(number) = value.and_then(|value| serde_json::Number::from_f64(*value)) {
                *tree = Value::Number(number);
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| fill_in(part, rule)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| fill_in(entry, rule)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The numbers that stand under a key anywhere in a tree.
pub(super) fn numbers(tree: &Value, name: &str) -> Vec<f64> {
    let mut found = Vec::new();
    collect_numbers(tree, name, &mut found);
    found
}

fn collect_numbers(tree: &Value, name: &str, found: &mut Vec<f64>) {
    match tree {
        Value::Array(parts) => parts.iter().for_each(|part| collect_numbers(part, name, found)),
        Value::Object(entries) => {
            for (key, entry) in entries {
                match entry.as_f64() {
                    Some(number) if key == name => found.push(number),
                    _ => collect_numbers(entry, name, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
