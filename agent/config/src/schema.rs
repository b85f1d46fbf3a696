//! JSON Schema of parts whose types live in crates that know nothing of schemas.

use forewarn_hw::{SensorConfig, SpeakerConfig};
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

/// A list of sensors: an id beside the keys of the sensor's kind.
pub fn sensors(generator: &mut SchemaGenerator) -> Schema {
    let adapter = generator.subschema_for::<SensorConfig>();
    let id = json_schema!({ "type": "object", "required": ["id"],
        "properties": { "id": { "type": "string", "description": "Its name, which rules name by `sensor = …`." } } });
    json_schema!({ "type": "array", "items": { "allOf": [id, adapter] } })
}

/// The MQTT publisher, or none.
pub fn mqtt(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<MqttConfig>()
}

/// Settings of the tracker, or none.
pub fn tracking(_: &mut SchemaGenerator) -> Schema {
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

fn number(text: &str) -> Schema {
    json_schema!({ "type": "number", "minimum": 0, "description": text })
}

/// Settings of the detector of static objects, or none.
pub fn static_objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "description": "Pixels are those of a picture of 1080 rows.",
        "properties": {
            "appear_after_s": number("Seconds for which a change must stay before it is an object; by default what the rules need, 5 to 20."),
            "revert_after_s": number("Seconds for which the scene must be as before until an object is gone."),
            "absorb_after_s": number("Seconds after which an object belongs to the scene."),
            "min_side_px": number("Least side of an object."),
            "max_part": number("Largest part of the picture that one object may cover."),
            "sensitivity": number("How faint a change counts, 0 to 100."),
            "learn_s": number("Seconds for which a place must be seen until the empty scene is known there."),
            "scene_follows_s": number("Seconds in which the scene follows slow changes."),
            "min_interval_s": number("Least time between two pictures that are worked on."),
            "max_shake_px": number("Farthest that the camera shakes."),
            "hold_track_s": number("Seconds for which the place of a track that ended without leaving counts as covered."),
            "covering_classes": { "type": "array", "items": { "type": "string" },
                "description": "Classes of tracks that cover the scene; all if empty." },
            "max_objects": number("Most objects at once.")
        }
    })
}

/// Settings of the detector of falling objects, or none.
pub fn falling_objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "description": "Pixels are those of a picture of 1080 rows, but for the floors, which are drawn on the camera's own.",
        "properties": {
            "sensitivity": number("How faint an object counts, 0 to 100."),
            "min_drop_px": number("Least height of a fall."),
            "min_area_px": number("Least area of an object in square pixels."),
            "max_area_px": number("Greatest area of an object in square pixels."),
            "min_acceleration_px_s2": number("Least acceleration towards the ground."),
            "max_acceleration_px_s2": number("Greatest acceleration towards the ground."),
            "min_duration_s": number("Shortest time of a fall."),
            "max_drift": number("Largest way sideways, as a part of the way down."),
            "compare_over_s": number("Seconds over which pictures are compared."),
            "min_confidence": number("Least confidence of a fall, 0 to 1."),
            "max_parallel": number("More falls at once than this are rain, snow or a flock."),
            "max_shake_px": number("Farthest that the camera shakes from one picture to the next."),
            "floors": {
                "description": "Where the floors of the facade are, in pixels of the camera's own picture.",
                "anyOf": [
                    { "type": "object", "additionalProperties": false, "required": ["ground_y_px", "floor_height_px"],
                      "properties": {
                        "ground_y_px": number("Row of the ground before the facade."),
                        "floor_height_px": number("Height of one floor.")
                    } },
                    { "type": "object", "additionalProperties": false, "required": ["floor_lines_y_px"],
                      "properties": {
                        "floor_lines_y_px": { "type": "array", "items": { "type": "number" },
                            "description": "Each floor's lower edge as a row, the ground floor first." }
                    } }
                ]
            }
        }
    })
}
