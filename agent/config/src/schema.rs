//! JSON Schema of what the sections share. The rest is derived from the sections; only plain domain types, which know nothing of schemas,
//! are described here, and a test compares each description with the type.

use forewarn_domain::PlaceLevel;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

const TIME_OF_DAY: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

/// A list of tables, each an id beside the keys of its kind.
pub(crate) fn named_adapters<T: JsonSchema>(generator: &mut SchemaGenerator, id: &str) -> Schema {
    let adapter = generator.subschema_for::<T>();
    let id = json_schema!({ "type": "object", "required": ["id"],
        "properties": { "id": { "type": "string", "description": id } } });
    json_schema!({ "type": "array", "items": { "allOf": [id, adapter] } })
}

/// `en` or `zh`.
pub(crate) fn language(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["en", "zh"] })
}

/// A place in the hierarchy from city to grid cell.
pub(crate) fn place(_: &mut SchemaGenerator) -> Schema {
    let id = |level: PlaceLevel| {
        let schema = json_schema!({ "type": "string", "minLength": 1, "maxLength": 64,
            "description": format!("The {level}, by the id or name that its authority gives it.") });
        (level.to_string(), Value::from(schema))
    };
    let properties: Map<String, Value> = PlaceLevel::ALL.into_iter().map(id).collect();
    json_schema!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// A list of schedules.
pub(crate) fn schedules(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": schedule(generator) })
}

/// Days and hours.
pub(crate) fn schedule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "required": ["from", "to"],
        "properties": {
            "days": {
                "type": "array",
                "items": { "type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
                "description": "Days of the week; every day if absent."
            },
            "from": { "type": "string", "pattern": TIME_OF_DAY, "description": "First minute that belongs, HH:MM." },
            "to": {
                "type": "string", "pattern": TIME_OF_DAY,
                "description": "First minute that no longer belongs; earlier than `from` runs over midnight."
            },
            "time_zone": { "type": "string", "description": "IANA time zone; the site's if absent." },
            "holidays": {
                "type": "string", "enum": ["only", "except"],
                "description": "Only on the site's holidays, or never on them; they do not matter if absent."
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use forewarn_domain::Place;
    use forewarn_domain::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    use forewarn_domain::schedule::{Holidays, Schedule};
    use forewarn_domain::violation::Language;
    use serde::{Deserialize, Serialize};

    use super::*;

    /// The keys of a written value.
    fn keys(value: &impl Serialize) -> BTreeSet<String> {
        serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
    }

    fn properties(schema: &Schema) -> BTreeSet<String> {
        schema.get("properties").unwrap().as_object().unwrap().keys().cloned().collect()
    }

    /// The words of an enumeration are those that the type reads, and one that it does not know is not among them.
    fn check_words<'de, T: Deserialize<'de> + Serialize>(words: &'de Value, all: &[T]) {
        let words = words.as_array().unwrap();
        assert!(words.iter().all(|word| T::deserialize(word).is_ok()), "{words:?}");
        let written: BTreeSet<String> = all.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        assert_eq!(written, words.iter().map(ToString::to_string).collect());
    }

    #[test]
    fn schedules_are_described_as_they_are_written() {
        let schema = schedule(&mut SchemaGenerator::default());
        let text = r#"{"days":["mon"],"from":"07:00","to":"24:00","time_zone":"UTC","holidays":"only"}"#;
        let full: Schedule = serde_json::from_str(text).unwrap();
        assert_eq!(properties(&schema), keys(&full));
        let required: BTreeSet<String> = serde_json::from_value(schema.get("required").unwrap().clone()).unwrap();
        assert_eq!(required, keys(&serde_json::from_str::<Schedule>(r#"{"from":"07:00","to":"09:00"}"#).unwrap()));
        let days = schema.pointer("/properties/days/items/enum").unwrap();
        check_words(days, &[Mon, Tue, Wed, Thu, Fri, Sat, Sun]);
        let holidays = schema.pointer("/properties/holidays/enum").unwrap();
        check_words(holidays, &[Holidays::Only, Holidays::Except]);
    }

    #[test]
    fn places_and_languages_are_described_as_they_are_written() {
        let levels = PlaceLevel::ALL.map(|level| format!("{:?}:\"x\"", level.as_str()));
        let full: Place = serde_json::from_str(&format!("{{{}}}", levels.join(","))).unwrap();
        assert_eq!(properties(&place(&mut SchemaGenerator::default())), keys(&full));
        let schema = language(&mut SchemaGenerator::default());
        check_words(schema.get("enum").unwrap(), &[Language::En, Language::Zh]);
    }
}
