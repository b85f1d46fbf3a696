//! What the schema of the settings says beside their types.

use schemars::Schema;

/// No number in the settings is below zero.
pub(crate) fn not_negative(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(|properties| properties.as_object_mut()) else {
        return;
    };
    for property in properties.values_mut().filter_map(|property| property.as_object_mut()) {
        if property.get("type").is_some_and(|kind| *kind == "number") {
            property.insert("minimum".to_owned(), 0.into());
        }
    }
}
