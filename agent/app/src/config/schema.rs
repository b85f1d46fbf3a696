//! JSON Schema of parts whose types live in crates that know nothing of schemas.

use forewarn_hw::SpeakerConfig;
use forewarn_report::MqttConfig;
use schemars::{Schema, SchemaGenerator, json_schema};

const TIME_OF_DAY: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

/// `en` or `zh`.
pub fn language(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["en", "zh"] })
}

/// What runs models.
pub fn provider(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["auto", "cpu", "openvino", "cuda", "tensorrt"] })
}

/// In which numbers models are computed.
pub fn precision(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["fp32", "bf16", "fp16"] })
}

fn schedule() -> Schema {
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

/// A place in the hierarchy from city to grid cell.
pub fn place(_: &mut SchemaGenerator) -> Schema {
    let id = |text: &str| json_schema!({ "type": "string", "minLength": 1, "maxLength": 64, "description": text });
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "city": id("The city."),
            "district": id("The district or county."),
            "street": id("The street office or town."),
            "community": id("The community or village."),
            "cell": id("The grid cell.")
        }
    })
}

/// A list of schedules.
pub fn schedules(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": schedule() })
}

/// One schedule, or none.
pub fn optional_schedule(_: &mut SchemaGenerator) -> Schema {
    schedule()
}

/// A list of speakers: an id beside the keys of the speaker's kind.
pub fn speakers(generator: &mut SchemaGenerator) -> Schema {
    let adapter = generator.subschema_for::<SpeakerConfig>();
    let id = json_schema!({ "type": "object", "required": ["id"],
        "properties": { "id": { "type": "string", "description": "Its name." } } });
    json_schema!({ "type": "array", "items": { "allOf": [id, adapter] } })
}

/// The MQTT publisher, or none.
pub fn mqtt(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<MqttConfig>()
}

/// Settings of the tracker, or none.
pub fn tracking(_: &mut SchemaGenerator) -> Schema {
    let number = |text: &str| json_schema!({ "type": "number", "minimum": 0, "description": text });
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "high_score": number("Detections from this score on are matched first."),
            "low_score": number("Detections below this score are ignored."),
            "new_score": number("Detections from this score on may begin a track."),
            "lost_after_s": number("Seconds for which a track that is no longer matched is looked for."),
            "tentative_for_s": number("Seconds within which a new track needs its second match."),
            "max_step_s": number("Longest step of time that counts as watched."),
            "appearance": { "type": "boolean", "description": "Whether the colours of each box tell subjects apart." },
            "class_groups": { "type": "array", "items": { "type": "array", "items": { "type": "string" } },
                "description": "Lists of classes that the detector confuses." }
        }
    })
}

/// How a camera's frames are divided.
pub fn tiles(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Overlapping tiles for small subjects.",
        "anyOf": [
            { "type": "string", "enum": ["off", "auto"] },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "across": { "type": "integer", "minimum": 1, "maximum": 16, "description": "Tiles side by side." },
                    "down": { "type": "integer", "minimum": 1, "maximum": 16, "description": "Tiles one above the other." },
                    "overlap": { "type": "number", "minimum": 0, "maximum": 0.5,
                        "description": "Least part of a tile that its neighbour shows again." },
                    "sweep_s": { "type": "number", "minimum": 0.1, "maximum": 600,
                        "description": "Seconds within which every tile is looked at, as far as the budget allows." }
                }
            }
        ]
    })
}
