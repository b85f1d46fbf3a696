//! What a condition may name, and the checks of what it says: parameters, numbers, zones, classes.

use std::ops::RangeInclusive;

use forewarn_domain::condition::Quantity;
use forewarn_domain::detection::BUILT_IN_CLASSES;
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{Class, Violation, ZoneId};

use super::binding::RuleBinding;
use super::error::{CompileError, Problem, nearest};

pub(super) const SECONDS: &str = "write seconds from 0 to 31 days";
pub(super) const PART: &str = "write a part from 0 to 1";
pub(super) const LEAVE: &str = "write a number above 0 that is not above the limit at which it begins to hold";
pub(super) const COUNT: &str = "write a whole number from 1 to 1000";
/// The longest time that a condition may ask for: a month.
pub(super) const MOST_SECONDS: f64 = 31.0 * 86_400.0;

/// Seconds as microseconds.
pub(super) fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// A violation and what a site binds it to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) violation: &'a Violation,
    pub(super) binding: &'a RuleBinding,
}

impl Lookup<'_> {
    pub(super) fn error(&self, place: impl Into<String>, problem: Problem) -> CompileError {
        CompileError { rule: self.binding.key.clone(), place: place.into(), problem: Box::new(problem) }
    }

    pub(super) fn in_range(
        &self,
        value: f64,
        allowed: RangeInclusive<f64>,
        range: &'static str,
        place: &str,
    ) -> Result<f64, CompileError> {
        if allowed.contains(&value) { Ok(value) } else { Err(self.error(place, Problem::OutOfRange { value, range })) }
    }

    pub(super) fn quantity(&self, quantity: &Quantity, place: &str) -> Result<f64, CompileError> {
        let text = match quantity {
            Quantity::Number(number) => return Ok(*number),
            Quantity::Parameter(text) => text,
        };
        let Some(name) = text.strip_prefix('$') else {
            return Err(self.error(place, Problem::NotAQuantity { text: text.clone() }));
        };
        let known = &self.violation.parameters;
        self.binding
            .parameters
            .get(name)
            .filter(|_| known.contains_key(name))
            .or_else(|| known.get(name))
            .copied()
            .ok_or_else(|| {
                let nearest = nearest(name, known.keys().map(String::as_str)).map(|name| format!("${name}"));
                let known = known.keys().map(|name| format!("${name}")).collect();
                self.error(place, Problem::UnknownParameter { name: name.to_owned(), nearest, known })
            })
    }

    /// Seconds, as microseconds.
    pub(super) fn seconds(&self, quantity: &Quantity, place: &str) -> Result<i64, CompileError> {
        let seconds = self.quantity(quantity, place)?;
        self.in_range(seconds, 0.0..=MOST_SECONDS, SECONDS, place).map(micros)
    }

    /// Seconds, or `otherwise` where none are written.
    pub(super) fn seconds_or(
        &self,
        quantity: Option<&Quantity>,
        otherwise: f64,
        place: &str,
    ) -> Result<i64, CompileError> {
        quantity.map_or(Ok(micros(otherwise)), |quantity| self.seconds(quantity, place))
    }

    /// A whole number from 1 to `most`.
    pub(super) fn whole(
        &self,
        quantity: &Quantity,
        most: f64,
        range: &'static str,
        place: &str,
    ) -> Result<u32, CompileError> {
        let number = self.quantity(quantity, place)?;
        let whole = number.floor().clamp(1.0, most);
        self.in_range(number, whole..=whole, range, place).map(|whole| whole as u32)
    }

    /// A quantity in a range, or `otherwise` where none is written.
    pub(super) fn number(
        &self,
        quantity: Option<&Quantity>,
        otherwise: f64,
        allowed: RangeInclusive<f64>,
        range: &'static str,
        place: &str,
    ) -> Result<f64, CompileError> {
        quantity.map_or(Ok(otherwise), |quantity| self.in_range(self.quantity(quantity, place)?, allowed, range, place))
    }

    /// The place of a zone among the camera's, of the rule's own if none is named.
    pub(super) fn zone(&self, named: Option<&ZoneId>, is_line: bool, place: &str) -> Result<usize, CompileError> {
        let id = named.unwrap_or(&self.binding.key.zone).clone();
        let Some(index) = self.binding.zones.iter().position(|zone| zone.id == id) else {
            let known: Vec<String> = self.binding.zones.iter().map(|zone| zone.id.to_string()).collect();
            let nearest = nearest(id.as_str(), known.iter().map(String::as_str));
            return Err(self.error(place, Problem::UnknownZone { zone: id, nearest, known }));
        };
        let (points, least, reason) = match &self.binding.zones[index].shape {
            ZoneShape::Polygon(_) if is_line => return Err(self.error(place, Problem::NotALine { zone: id })),
            ZoneShape::Line(_) if !is_line => return Err(self.error(place, Problem::NotAnArea { zone: id })),
            ZoneShape::Polygon(polygon) => (&polygon.points, 3, "an area needs three corners or more"),
            ZoneShape::Line(points) => (points, 2, "a line needs two points or more"),
        };
        if points.len() < least {
            return Err(self.error(place, Problem::BadShape { zone: id, reason }));
        }
        if !points.iter().all(|p| p.x.is_finite() && p.y.is_finite()) {
            return Err(
                self.error(place, Problem::BadShape { zone: id, reason: "a coordinate is not a finite number" })
            );
        }
        Ok(index)
    }

    /// Classes of which there is at least one.
    pub(super) fn some_classes(&self, classes: &[Class], place: &str) -> Result<(), CompileError> {
        if classes.is_empty() {
            return Err(self.error(place, Problem::Empty { help: "name one class or more" }));
        }
        self.classes(classes, place)
    }

    /// Built-in classes are accepted whatever the model reports.
    pub(super) fn classes(&self, classes: &[Class], place: &str) -> Result<(), CompileError> {
        let known = &self.binding.classes;
        let is_known = |class: &Class| known.contains(class) || BUILT_IN_CLASSES.contains(&class.as_str());
        let unknown = classes.iter().find(|class| !known.is_empty() && !is_known(class));
        unknown.map_or(Ok(()), |class| {
            let nearest = nearest(class.as_str(), known.iter().map(Class::as_str));
            Err(self.error(place, Problem::UnknownClass { class: class.clone(), nearest }))
        })
    }
}
