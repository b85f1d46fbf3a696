//! The height of the ground, in the reckoning of the camera's own height.

use std::sync::Arc;

use crate::utm::Utm;

/// The ground below a flight.
pub trait Terrain {
    /// Its height at a latitude and longitude in degrees; none where it is not known.
    fn height_m(&self, lat_deg: f64, lon_deg: f64) -> Option<f64>;

    /// Within how many metres it may rise and fall; none where it is level everywhere.
    fn step_m(&self) -> Option<f64> {
        None
    }
}

/// Level ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flat {
    /// Its height in metres.
    pub height_m: f64,
}

impl Terrain for Flat {
    fn height_m(&self, _: f64, _: f64) -> Option<f64> {
        Some(self.height_m)
    }
}

/// Why a table of heights is no grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridError {
    /// Fewer than two rows or columns.
    #[error("a grid of {rows} rows by {columns} columns has no cell: give two or more of each")]
    Small {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// Rows of different lengths, or another number of heights than rows by columns.
    #[error("{heights} heights are not {rows} rows by {columns} columns: give each row as many heights")]
    Count {
        /// Heights that were given.
        heights: usize,
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A corner or a spacing that is none.
    #[error("{0} is {1}: write numbers of the southern and western edge, and a spacing above 0")]
    Number(&'static str, f64),
}

/// Heights at the crossings of a grid, by rows from south to north, each from west to east.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Whose metres the corner and the spacing are; they are degrees where there is none.
    laid: Option<Utm>,
    /// The south-western crossing, and how far the next ones lie north and east.
    south: f64,
    west: f64,
    spacing: (f64, f64),
    columns: usize,
    heights_m: Vec<f64>,
}

impl Grid {
    /// A grid from its south-western crossing on, `spacing_deg` apart in latitude and longitude. Heights that are not
    /// finite are places of which nothing is known.
    pub fn new(
        corner_deg: (f64, f64),
        spacing_deg: (f64, f64),
        size: (usize, usize),
        heights_m: Vec<f64>,
    ) -> Result<Self, GridError> {
        Self::laid(None, corner_deg, spacing_deg, size, heights_m)
    }

    /// The same, of metres of a zone.
    pub(crate) fn laid(
        laid: Option<Utm>,
        (south, west): (f64, f64),
        spacing: (f64, f64),
        (rows, columns): (usize, usize),
        heights_m: Vec<f64>,
    ) -> Result<Self, GridError> {
        for (name, value) in [("south", south), ("west", west)] {
            if !value.is_finite() {
                return Err(GridError::Number(name, value));
            }
        }
        for (name, value) in [("spacing to the north", spacing.0), ("spacing to the east", spacing.1)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(GridError::Number(name, value));
            }
        }
        if rows < 2 || columns < 2 {
            return Err(GridError::Small { rows, columns });
        }
        if rows.checked_mul(columns) != Some(heights_m.len()) {
            return Err(GridError::Count { heights: heights_m.len(), rows, columns });
        }
        Ok(Self { laid, south, west, spacing, columns, heights_m })
    }
}

impl Terrain for Grid {
    /// Between crossings the height is bilinear.
    fn height_m(&self, lat_deg: f64, lon_deg: f64) -> Option<f64> {
        let rows = self.heights_m.len() / self.columns;
        let (east, north) = match self.laid {
            Some(zone) => zone.of_place(lat_deg, lon_deg)?,
            None => (lon_deg, lat_deg),
        };
        let (row, column) = ((north - self.south) / self.spacing.0, (east - self.west) / self.spacing.1);
        // Degrees come out a hair beside the crossing that they name.
        let inside = |at: f64, n: usize| {
            let most = (n - 1) as f64;
            (-1e-6..=most + 1e-6).contains(&at).then(|| at.clamp(0.0, most))
        };
        let (row, column) = (inside(row, rows)?, inside(column, self.columns)?);
        let (r, c) = ((row as usize).min(rows - 2), (column as usize).min(self.columns - 2));
        let (y, x) = (row - r as f64, column - c as f64);
        let at = |r: usize, c: usize| self.heights_m[r * self.columns + c];
        let south = at(r, c) * (1.0 - x) + at(r, c + 1) * x;
        let north = at(r + 1, c) * (1.0 - x) + at(r + 1, c + 1) * x;
        let height = south * (1.0 - y) + north * y;
        height.is_finite().then_some(height)
    }

    fn step_m(&self) -> Option<f64> {
        let (north, east) = self.spacing;
        let (north_m, east_m) = match self.laid {
            Some(_) => (north, east),
            None => (north * 111_000.0, east * 111_000.0 * self.south.to_radians().cos()),
        };
        Some((north_m.min(east_m) / 2.0).max(0.5))
    }
}

/// The ground as a site knows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Ground {
    /// It is level.
    Level(Flat),
    /// Its heights are known.
    Rough(Arc<Grid>),
}

impl Ground {
    /// Level ground at a height.
    pub fn level(height_m: f64) -> Self {
        Self::Level(Flat { height_m })
    }

    fn terrain(&self) -> &dyn Terrain {
        match self {
            Self::Level(flat) => flat,
            Self::Rough(grid) => &**grid,
        }
    }
}

impl Terrain for Ground {
    fn height_m(&self, lat_deg: f64, lon_deg: f64) -> Option<f64> {
        self.terrain().height_m(lat_deg, lon_deg)
    }

    fn step_m(&self) -> Option<f64> {
        self.terrain().step_m()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_between_crossings_are_bilinear_and_unknown_outside() {
        let grid =
            Grid::new((30.0, 120.0), (0.001, 0.002), (2, 3), vec![0.0, 10.0, 20.0, 4.0, 14.0, f64::NAN]).unwrap();
        assert!((grid.height_m(30.0005, 120.001).unwrap() - 7.0).abs() < 1e-6);
        assert!((grid.height_m(30.001, 120.0).unwrap() - 4.0).abs() < 1e-6);
        assert_eq!(grid.height_m(30.0005, 120.003), None, "a corner of the cell is not known");
        assert_eq!(grid.height_m(29.999, 120.001), None);
    }

    #[test]
    fn tables_that_are_no_grid_are_refused() {
        let told = |rows, columns, n| Grid::new((0.0, 0.0), (1.0, 1.0), (rows, columns), vec![0.0; n]).unwrap_err();
        assert!(told(1, 5, 5).to_string().contains("two or more of each"));
        assert!(told(2, 2, 5).to_string().contains("5 heights are not 2 rows by 2 columns"));
        assert!(told(usize::MAX, 2, 5).to_string().contains("5 heights"));
        assert!(Grid::new((0.0, 0.0), (0.0, 1.0), (2, 2), vec![0.0; 4]).is_err());
    }
}
