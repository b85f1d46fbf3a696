//! Heights of the ground out of a GeoTIFF, as elevation models are handed out. Pure: bytes in, a grid out.
//!
//! The crate `tiff` reads more kinds than these and makes the program 170 kB larger, so the few that matter are read here: what else
//! there is, GDAL makes one of them.
//!
//! Sources: TIFF 6.0, section 13 (LZW), and its Technical Notes 2 and 3 (Deflate, predictors); OGC GeoTIFF 1.1 (19-008r4), requirements classes
//! "GeoKeyDirectory" and "Raster2Model".

mod lzw;
mod raster;

use crate::terrain::{Grid, GridError};
use crate::utm::Utm;
use raster::{Raster, Tags};

/// More heights are not read: 60 km by 60 km, 30 m apart.
pub const MOST_HEIGHTS: usize = 4_000_000;
/// Geographic coordinates in degrees that differ from WGS84 by less than a metre or two: WGS84, CGCS2000, ETRS89, NAD83.
const DEGREES: [u16; 4] = [4326, 4490, 4258, 4269];
const RASTER_TYPE: u16 = 1025;
const RASTER_IS_POINT: u16 = 2;
const GEOGRAPHIC: u16 = 2048;
const PROJECTED: u16 = 3072;

/// Why bytes are no heights.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeoTiffError {
    /// They are no TIFF that is read here.
    #[error("{0}: write it anew by `gdal_translate -co COMPRESS=DEFLATE -co BIGTIFF=NO IN.tif OUT.tif`")]
    Unread(&'static str),
    /// Colours, or several bands.
    #[error("it holds {0} bands and not one of heights: take one out by `gdal_translate -b 1 IN.tif OUT.tif`")]
    Bands(u32),
    /// More than [`MOST_HEIGHTS`].
    #[error(
        "it has {0} by {1} heights, and {most} are the most: cut out what is flown over by `gdalwarp -te WEST SOUTH EAST NORTH \
         IN.tif OUT.tif`",
        most = MOST_HEIGHTS
    )]
    Large(u32, u32),
    /// It does not say where it lies.
    #[error(
        "it does not say where on earth it lies, north up, as a GeoTIFF does (no {0}): write it by `gdalwarp -t_srs EPSG:4326`"
    )]
    Nowhere(&'static str),
    /// It would lie beyond the earth.
    #[error(
        "it would lie from {south:.4} to {north:.4} north and {west:.4} to {east:.4} east, which is no place on earth in {of}: give it \
         the coordinates that it has by `gdalwarp -t_srs EPSG:4326 IN.tif OUT.tif`"
    )]
    Beyond {
        /// Its southern edge.
        south: f64,
        /// Its northern edge.
        north: f64,
        /// Its western edge.
        west: f64,
        /// Its eastern edge.
        east: f64,
        /// What these are.
        of: &'static str,
    },
    /// Its coordinates are neither degrees of WGS84 nor metres of UTM.
    #[error("its coordinates are EPSG:{0}: make one in degrees by `gdalwarp -t_srs EPSG:4326 IN.tif OUT.tif`")]
    Coordinates(u16),
    /// Its heights are no grid.
    #[error("{0}")]
    Grid(#[from] GridError),
}

/// The heights in a file's bytes, each with `added_m` added.
pub fn read(bytes: &[u8], added_m: f64) -> Result<Grid, GeoTiffError> {
    let tags = Tags::of(bytes)?;
    let raster = Raster::of(&tags)?;
    let keys = tags.numbers(34_735).ok_or(GeoTiffError::Nowhere("GeoKeyDirectory"))?;
    let code = key(&keys, PROJECTED).or_else(|| key(&keys, GEOGRAPHIC));
    let code = code.ok_or(GeoTiffError::Nowhere("coordinate system"))?;
    let laid = Utm::of_epsg(code);
    if laid.is_none() && !DEGREES.contains(&code) {
        return Err(GeoTiffError::Coordinates(code));
    }
    let scale = tags.numbers(33_550).ok_or(GeoTiffError::Nowhere("ModelPixelScale"))?;
    let tie = tags.numbers(33_922).ok_or(GeoTiffError::Nowhere("ModelTiepoint"))?;
    let ([to_east, to_north, ..], [i, j, _, at_east, at_north, ..]) = (&scale[..], &tie[..]) else {
        return Err(GeoTiffError::Nowhere("ModelTiepoint"));
    };
    // Where a pixel is an area its height is that of its middle.
    let middle = if key(&keys, RASTER_TYPE) == Some(RASTER_IS_POINT) { 0.0 } else { 0.5 };
    let (columns, rows) = raster.size;
    let west = at_east + (middle - i) * to_east;
    let south = at_north - (f64::from(rows) - 1.0 + middle - j) * to_north;
    on_earth(laid.is_some(), (south, west), (to_north * f64::from(rows - 1), to_east * f64::from(columns - 1)))?;
    let missing = tags.text(42_113).and_then(|text| text.trim().parse::<f64>().ok());
    let known = |height: f64| if Some(height) == missing { f64::NAN } else { height + added_m };
    let heights = raster.heights()?;
    // Rows come from north to south.
    let by_rows = heights.chunks(columns.max(1) as usize).rev();
    let heights_m = by_rows.flatten().map(|height| known(*height)).collect();
    Ok(Grid::laid(laid, (south, west), (*to_north, *to_east), (rows as usize, columns as usize), heights_m)?)
}

/// Refuses what would lie beyond the earth, and so holds no place of a flight: degrees that are none, metres far from a zone.
fn on_earth(is_metres: bool, (south, west): (f64, f64), (rows, columns): (f64, f64)) -> Result<(), GeoTiffError> {
    let (north, east) = (south + rows, west + columns);
    let (least, most, of) = if is_metres {
        ((-100_000.0, -1_500_000.0), (10_100_000.0, 2_500_000.0), "metres of UTM")
    } else {
        // Some count the east on beyond the line of dates.
        ((-90.0, -180.1), (90.0, 360.0), "degrees")
    };
    let is_there = south >= least.0 && north <= most.0 && west >= least.1 && east <= most.1;
    if is_there { Ok(()) } else { Err(GeoTiffError::Beyond { south, north, west, east, of }) }
}

/// The value of a short key.
fn key(directory: &[f64], wanted: u16) -> Option<u16> {
    let mut entries = directory.get(4..)?.chunks_exact(4);
    entries.find_map(|entry| (entry[0] == f64::from(wanted) && entry[1] == 0.0).then_some(entry[3] as u16))
}
