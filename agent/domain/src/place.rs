//! Where a camera stands in the hierarchy by which a city is governed: city, district, street, community, grid cell.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place as its authority numbers or names it, in any script: 1 to 64 characters, no `/` and no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlaceId(Arc<str>);

/// Why a text cannot name a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceIdError {
    text: String,
}

impl fmt::Display for PlaceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} names no place: use 1 to 64 characters without `/` and control characters", self.text)
    }
}

impl std::error::Error for PlaceIdError {}

impl PlaceId {
    /// Checks `text` and makes it the name of a place.
    pub fn new(text: impl AsRef<str>) -> Result<Self, PlaceIdError> {
        let text = text.as_ref();
        let is_good = (1..=64).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(|c| c == '/' || c.is_control());
        if is_good { Ok(Self(text.into())) } else { Err(PlaceIdError { text: text.to_owned() }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PlaceId {
    type Error = PlaceIdError;
    fn try_from(text: String) -> Result<Self, PlaceIdError> {
        Self::new(text)
    }
}

impl From<PlaceId> for String {
    fn from(id: PlaceId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlaceId({})", self.0)
    }
}

/// A level of the hierarchy, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceLevel {
    /// A city.
    City,
    /// A district or county.
    District,
    /// A street office or town.
    Street,
    /// A community or village.
    Community,
    /// A grid cell, the beat of one officer.
    Cell,
}

impl PlaceLevel {
    /// Every level, the widest first.
    pub const ALL: [Self; 5] = [Self::City, Self::District, Self::Street, Self::Community, Self::Cell];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Street => "street",
            Self::Community => "community",
            Self::Cell => "cell",
        }
    }
}

impl fmt::Display for PlaceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place in the hierarchy; the ids are free, and levels that a site does not use are absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<PlaceId>,
    /// The district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<PlaceId>,
    /// The street office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<PlaceId>,
    /// The community.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<PlaceId>,
    /// The grid cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<PlaceId>,
}

impl Place {
    /// The id at one level.
    pub fn at(&self, level: PlaceLevel) -> Option<&PlaceId> {
        match level {
            PlaceLevel::City => self.city.as_ref(),
            PlaceLevel::District => self.district.as_ref(),
            PlaceLevel::Street => self.street.as_ref(),
            PlaceLevel::Community => self.community.as_ref(),
            PlaceLevel::Cell => self.cell.as_ref(),
        }
    }

    /// This place with what it leaves open filled in from `outer`.
    ///
    /// A level that is given ends what is taken over at the narrower levels: a camera in another district is not in the
    /// site's street of that name.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        let widest = PlaceLevel::ALL.into_iter().find(|level| self.at(*level).is_some());
        let pick = |level: PlaceLevel| {
            let inherited = outer.at(level).filter(|_| widest.is_none_or(|widest| level < widest));
            self.at(level).or(inherited).cloned()
        };
        Self {
            city: pick(PlaceLevel::City),
            district: pick(PlaceLevel::District),
            street: pick(PlaceLevel::Street),
            community: pick(PlaceLevel::Community),
            cell: pick(PlaceLevel::Cell),
        }
    }

    /// This place seen from `level`, with everything narrower left out; none if the level itself is not given.
    pub fn up_to(&self, level: PlaceLevel) -> Option<Self> {
        self.at(level)?;
        let keep = |l: PlaceLevel| self.at(l).filter(|_| l <= level).cloned();
        Some(Self {
            city: keep(PlaceLevel::City),
            district: keep(PlaceLevel::District),
            street: keep(PlaceLevel::Street),
            community: keep(PlaceLevel::Community),
            cell: keep(PlaceLevel::Cell),
        })
    }

    /// The narrowest level that is given.
    pub fn level(&self) -> Option<PlaceLevel> {
        PlaceLevel::ALL.into_iter().rev().find(|level| self.at(*level).is_some())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = PlaceLevel::ALL.iter().filter_map(|level| self.at(*level)).map(PlaceId::as_str).collect();
        f.pad(&ids.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        let ids: Vec<Option<PlaceId>> = text.split('/').map(|id| PlaceId::new(id).ok()).collect();
        let at = |i: usize| ids.get(i).cloned().flatten();
        Place { city: at(0), district: at(1), street: at(2), community: at(3), cell: at(4) }
    }

    #[test]
    fn a_camera_takes_over_what_is_wider_than_its_own_place() {
        let site = place("gz/tianhe/shipai/east/c0");
        assert_eq!(place("////c7").within(&site).to_string(), "gz/tianhe/shipai/east/c7");
        assert_eq!(place("/haizhu///").within(&site).to_string(), "gz/haizhu");
        assert_eq!(Place::default().within(&site), site);
    }

    #[test]
    fn a_place_is_seen_from_each_of_its_levels() {
        let full = place("gz/tianhe/shipai/east/c0");
        assert_eq!(full.up_to(PlaceLevel::Street).unwrap().to_string(), "gz/tianhe/shipai");
        assert_eq!(full.level(), Some(PlaceLevel::Cell));
        assert_eq!(place("gz").up_to(PlaceLevel::Cell), None);
        assert_eq!(Place::default().level(), None);
    }
}
