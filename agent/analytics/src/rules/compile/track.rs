//! Conditions about one track.

use forewarn_domain::condition::{
    Appeared, Dwell, Falls, InZone, LineCrossed, Moving, Near, Quantity, Speed, Stationary, Wearing,
};
use forewarn_domain::{AttributeId, Class};

use super::super::error::{CompileError, Problem, nearest};
use super::super::program::{Ask, Course, Leaf};
use super::{Compiler, micros};
use crate::votes::Standard;

/// The longest way back that is remembered of a track's course.
const MOST_COURSE_S: f64 = 60.0;

impl Compiler<'_> {
    pub(super) fn class(&self, classes: &[Class], place: &str) -> Result<Leaf, CompileError> {
        if classes.is_empty() {
            return Err(self.error(place, Problem::Empty { help: "name one class or more" }));
        }
        self.check_classes(classes, place)?;
        Ok(Leaf::Class(classes.to_vec()))
    }

    pub(super) fn in_zone(&mut self, in_zone: &InZone, place: &str) -> Result<Leaf, CompileError> {
        let zone = self.zone(in_zone.zone.as_ref(), false, &format!("{place}.zone"))?;
        let place = self.place(in_zone.by, in_zone.at_least.as_ref(), place)?;
        Ok(Leaf::InZone { zone, place })
    }

    pub(super) fn dwell(&mut self, dwell: &Dwell, place: &str) -> Result<Leaf, CompileError> {
        let zone = self.zone(dwell.zone.as_ref(), false, &format!("{place}.zone"))?;
        let for_us = self.seconds(&dwell.for_s, &format!("{place}.for_s"))?;
        Ok(Leaf::Dwell { zone, place: self.place(dwell.by, None, place)?, for_us })
    }

    pub(super) fn stationary(&self, stationary: &Stationary, place: &str) -> Result<Leaf, CompileError> {
        let for_us = self.seconds(&stationary.for_s, &format!("{place}.for_s"))?;
        let within_place = format!("{place}.within");
        let within = match &stationary.within {
            Some(quantity) => self.quantity(quantity, &within_place)?,
            None => 0.25,
        };
        let within = self.in_range(within, 0.01..=1.0, "write a part of the diagonal from 0.01 to 1", &within_place)?;
        Ok(Leaf::Stationary { for_us, within: within as f32 })
    }

    pub(super) fn line_crossed(&mut self, crossed: &LineCrossed, place: &str) -> Result<Leaf, CompileError> {
        let line = self.zone(crossed.line.as_ref(), true, &format!("{place}.line"))?;
        let holds_for_us = match &crossed.holds_for_s {
            Some(quantity) => self.seconds(quantity, &format!("{place}.holds_for_s"))?,
            None => 5_000_000,
        };
        Ok(Leaf::LineCrossed { line, direction: crossed.direction, holds_for_us })
    }

    pub(super) fn wearing(&mut self, wearing: &Wearing, place: &str) -> Result<Leaf, CompileError> {
        let Wearing { item, is, min_votes, spread_s, confidence } = wearing;
        if let Some(known) = self.binding.attributes.as_ref().filter(|known| !known.contains(item)) {
            let nearest = nearest(item.as_str(), known.iter().map(AttributeId::as_str));
            let known = known.iter().map(ToString::to_string).collect();
            let problem = Problem::UnknownAttribute { attribute: item.clone(), nearest, known };
            return Err(self.error(format!("{place}.item"), problem));
        }
        let mut standard = Standard::default();
        if let Some(votes) = min_votes {
            standard.min_votes =
                self.whole(votes, 100.0, "write a whole number from 1 to 100", &format!("{place}.min_votes"))?;
        }
        if let Some(spread) = spread_s {
            let place = format!("{place}.spread_s");
            let range = "write seconds from 0 to 20: looks of longer ago are forgotten";
            standard.spread_us = micros(self.in_range(self.quantity(spread, &place)?, 0.0..=20.0, range, &place)?);
        }
        if let Some(least) = confidence {
            let place = format!("{place}.confidence");
            let range = "write a part from 0.5 (a toss-up) to 0.99";
            standard.confidence = self.in_range(self.quantity(least, &place)?, 0.5..=0.99, range, &place)? as f32;
        }
        if !self.asks.iter().any(|ask| ask.attribute == *item) {
            self.asks.push(Ask { attribute: item.clone(), standard });
        }
        Ok(Leaf::Wearing { item: item.clone(), is: *is, standard })
    }

    /// What is looked at for the record alone is left out where no model can tell it.
    pub(super) fn ask_for_evidence(&mut self) {
        for attribute in &self.violation.evidence.attributes {
            let is_told = self.binding.attributes.as_ref().is_none_or(|known| known.contains(attribute));
            if is_told && !self.asks.iter().any(|ask| ask.attribute == *attribute) {
                self.asks.push(Ask { attribute: attribute.clone(), standard: Standard::default() });
            }
        }
    }

    pub(super) fn moving(&mut self, moving: &Moving, place: &str) -> Result<Leaf, CompileError> {
        let distance_place = format!("{place}.distance");
        let range = "write heights of the box from 0.1 to 100";
        let distance = self.number(Some(&moving.distance), 0.0, 0.1..=100.0, range, &distance_place)?;
        let over_us = self.course_span(moving.over_s.as_ref(), 3.0, &format!("{place}.over_s"))?;
        let range = "write degrees from 1 to 180";
        let within =
            self.number(moving.within_deg.as_ref(), 60.0, 1.0..=180.0, range, &format!("{place}.within_deg"))?;
        let Moving { toward_deg, against_deg, along_line, against_line, .. } = moving;
        let n_courses = [toward_deg.is_some(), against_deg.is_some(), along_line.is_some(), against_line.is_some()];
        if n_courses.into_iter().filter(|is_given| *is_given).count() > 1 {
            let keys = "toward_deg, against_deg, along_line and against_line";
            return Err(self.error(place, Problem::TooMany { keys }));
        }
        let bearing = |key: &str, quantity: &Quantity| {
            let range = "write degrees from 0 (up) over 90 (right) to 360";
            self.number(Some(quantity), 0.0, 0.0..=360.0, range, &format!("{place}.{key}"))
        };
        let course = match (toward_deg, against_deg) {
            (Some(toward), _) => Course::Bearing(bearing("toward_deg", toward)? as f32),
            (None, Some(against)) => Course::Bearing((bearing("against_deg", against)? as f32 + 180.0) % 360.0),
            (None, None) => match (along_line, against_line) {
                (Some(line), _) => {
                    let line = self.zone(Some(line), true, &format!("{place}.along_line"))?;
                    Course::Line { line, is_against: false }
                }
                (None, Some(line)) => {
                    let line = self.zone(Some(line), true, &format!("{place}.against_line"))?;
                    Course::Line { line, is_against: true }
                }
                (None, None) => Course::Any,
            },
        };
        Ok(Leaf::Moving { distance: distance as f32, over_us, course, within_deg: within as f32 })
    }

    fn course_span(&self, quantity: Option<&Quantity>, otherwise: f64, place: &str) -> Result<i64, CompileError> {
        let range = "write seconds from 0.4 to 60";
        self.number(quantity, otherwise, 0.4..=MOST_COURSE_S, range, place).map(micros)
    }

    pub(super) fn speed(&self, speed: &Speed, place: &str) -> Result<Leaf, CompileError> {
        if speed.at_least.is_none() && speed.at_most.is_none() {
            return Err(self.error(place, Problem::Missing { keys: "at_least, at_most or both" }));
        }
        let range = "write heights of the box per second from 0 to 1000";
        let at_least = self.number(speed.at_least.as_ref(), 0.0, 0.0..=1000.0, range, &format!("{place}.at_least"))?;
        let range = "write heights of the box per second from at_least to 1000";
        let at_most_place = format!("{place}.at_most");
        let at_most = self.number(speed.at_most.as_ref(), f64::MAX, at_least..=1000.0, range, &at_most_place)?;
        let over_us = self.course_span(speed.over_s.as_ref(), 1.0, &format!("{place}.over_s"))?;
        Ok(Leaf::Speed { at_least: at_least as f32, at_most: at_most as f32, over_us })
    }

    pub(super) fn near(&self, near: &Near, place: &str) -> Result<Leaf, CompileError> {
        let classes_place = format!("{place}.class");
        if near.class.is_empty() {
            return Err(self.error(classes_place, Problem::Empty { help: "name one class or more" }));
        }
        self.check_classes(&near.class, &classes_place)?;
        let range = "write heights of the higher box from 0 to 20";
        let within = self.number(near.within.as_ref(), 1.0, 0.0..=20.0, range, &format!("{place}.within"))?;
        let range = "write a whole number from 1 to 1000";
        let at_least_place = format!("{place}.at_least");
        let at_least = near.at_least.as_ref().map_or(Ok(1), |n| self.whole(n, 1000.0, range, &at_least_place))?;
        let for_us = self.seconds_or(near.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?;
        Ok(Leaf::Near { classes: near.class.clone(), within: within as f32, at_least: at_least as usize, for_us })
    }

    pub(super) fn appeared(&self, appeared: &Appeared, place: &str) -> Result<Leaf, CompileError> {
        let for_us = self.seconds(&appeared.for_s, &format!("{place}.for_s"))?;
        self.check_classes(&appeared.brought_by, &format!("{place}.brought_by"))?;
        if appeared.left_s.is_some() && appeared.brought_by.is_empty() {
            return Err(self.error(format!("{place}.left_s"), Problem::Missing { keys: "brought_by" }));
        }
        let left = appeared.left_s.as_ref().map(|left| self.seconds(left, &format!("{place}.left_s")));
        Ok(Leaf::Appeared { for_us, brought_by: appeared.brought_by.clone(), left_us: left.transpose()? })
    }

    pub(super) fn falls(&self, falls: &Falls, place: &str) -> Result<Leaf, CompileError> {
        let range = "write a whole number from 1 to 200";
        let floor_place = format!("{place}.from_floor");
        let from_floor = falls.from_floor.as_ref().map_or(Ok(1), |n| self.whole(n, 200.0, range, &floor_place))?;
        Ok(Leaf::Falls { from_floor })
    }
}
