//! Why a violation cannot be watched for in a zone, worded as help for whoever writes the files.

use forewarn_domain::{AttributeId, Class, RuleKey, SensorId, ZoneId};

/// A violation and a site do not fit together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("violation {} in zone {} of {}: {place}: {problem}", .rule.violation, .rule.zone, .rule.stream)]
pub struct CompileError {
    /// The rule.
    pub rule: RuleKey,
    /// Where in the violation's file or the site's, such as `condition.all[1].dwell.for_s`.
    pub place: String,
    /// What is wrong.
    pub problem: Box<Problem>,
}

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A dollar name without an entry in `[parameters]`.
    #[error("unknown parameter ${name}{}", hint(nearest.as_deref(), known, "[parameters] has"))]
    UnknownParameter {
        /// The name without the dollar sign.
        name: String,
        /// The nearest right spelling.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The site sets a parameter that the violation does not have.
    #[error("the site sets {name}, which the violation does not have{}", hint(nearest.as_deref(), known, "it has"))]
    UnknownOverride {
        /// The name.
        name: String,
        /// The nearest right spelling.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// A text that is neither a number nor a parameter.
    #[error(
        "\"{text}\" is neither a number nor a parameter: write a number, or \"$name\" for an entry of [parameters]"
    )]
    NotAQuantity {
        /// The text.
        text: String,
    },
    /// A number out of its range.
    #[error("{value} is out of range: {range}")]
    OutOfRange {
        /// The number.
        value: f64,
        /// What is allowed.
        range: &'static str,
    },
    /// A class that the camera's model does not report.
    #[error("the camera's model does not report the class {class}{}", hint(nearest.as_deref(), &[], ""))]
    UnknownClass {
        /// The class.
        class: Class,
        /// The nearest right spelling.
        nearest: Option<String>,
    },
    /// An attribute that no model of the site can tell.
    #[error(
        "no model of the site tells {attribute}{}; name one that does in the site file, or leave the rule out",
        hint(nearest.as_deref(), known, "they tell")
    )]
    UnknownAttribute {
        /// The attribute.
        attribute: AttributeId,
        /// The nearest right spelling.
        nearest: Option<String>,
        /// All that can be told.
        known: Vec<String>,
    },
    /// A zone that the camera does not have.
    #[error("the camera has no zone or line {zone}{}", hint(nearest.as_deref(), known, "it has"))]
    UnknownZone {
        /// The zone.
        zone: ZoneId,
        /// The nearest right spelling.
        nearest: Option<String>,
        /// All zones and lines.
        known: Vec<String>,
    },
    /// An area where a line is needed.
    #[error("{zone} is an area, and a line is needed here: name a line of the camera, or bind the violation to one")]
    NotALine {
        /// The zone.
        zone: ZoneId,
    },
    /// A line where an area is needed.
    #[error(
        "{zone} is a line, and nothing can be inside of it: name an area with zone = \"…\", or bind the violation to one"
    )]
    NotAnArea {
        /// The line.
        zone: ZoneId,
    },
    /// A zone without a usable shape.
    #[error("{zone} is no usable shape: {reason}")]
    BadShape {
        /// The zone.
        zone: ZoneId,
        /// Why.
        reason: &'static str,
    },
    /// `at_least` beside an anchor that is a point.
    #[error("at_least is for by = \"overlap\"; a point is either inside or not")]
    NeedlessOverlap,
    /// Conditions about the zone and about single tracks on one level.
    #[error(
        "count and absent are about the zone as a whole, so a condition about single tracks cannot stand beside them: \
         move it into their `of`"
    )]
    MixedCount,
    /// A count within a count.
    #[error("count and absent cannot stand within an `of` of another one, which is about single tracks")]
    NestedCount,
    /// A score within a score.
    #[error("a score cannot stand within another score: write all signs into one")]
    NestedScore,
    /// A sensor that the site does not have.
    #[error(
        "the site has no sensor {sensor}{}; add a [[sensor]] of that id, or name the right one",
        hint(nearest.as_deref(), known, "it has")
    )]
    UnknownSensor {
        /// The sensor.
        sensor: SensorId,
        /// The nearest right spelling.
        nearest: Option<String>,
        /// All sensors.
        known: Vec<String>,
    },
    /// A condition without a sensor in a rule without one.
    #[error("which sensor? name it with sensor = \"…\" in the site's rule, or with id = \"…\" here")]
    NoSensor,
    /// A zone whose area is not known.
    #[error(
        "the area of {zone} is not known: give the zone area_m2, or ground with four points and their size in metres"
    )]
    NoArea {
        /// The zone.
        zone: ZoneId,
    },
    /// Keys of which only one may be given.
    #[error("only one of {keys} may be given")]
    TooMany {
        /// The keys.
        keys: &'static str,
    },
    /// A key that is needed.
    #[error("a key is missing: write {keys}")]
    Missing {
        /// The keys.
        keys: &'static str,
    },
    /// An empty list.
    #[error("the list is empty: {help}")]
    Empty {
        /// What to write.
        help: &'static str,
    },
}

fn hint(nearest: Option<&str>, known: &[String], lead: &str) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None if known.is_empty() => String::new(),
        None => format!("; {lead} {}", known.join(", ")),
    }
}

/// The name that is most like `wrong`, if one is like enough to be a slip.
pub(super) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let like =
        names.into_iter().map(|name| (strsim::jaro_winkler(wrong, name), name)).filter(|(like, _)| *like >= 0.75);
    like.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name.to_owned())
}
