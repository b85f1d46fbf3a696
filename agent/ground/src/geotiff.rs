//! Heights of the ground out of a GeoTIFF, as elevation models are handed out. Pure: bytes in, a grid out.
//!
//! The crate `tiff` reads more kinds than these and makes the program 170 kB larger, so the few that matter are read here: what else
//! there is, GDAL makes one of them.
//!
//! Sources: TIFF 6.0 and its Technical Notes 2 and 3 (Deflate, predictors); OGC GeoTIFF 1.1 (19-008r4), requirements classes
//! "GeoKeyDirectory" and "Raster2Model".

mod raster;

use crate::terrain::{Grid, GridError};
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
    /// Its coordinates are no degrees of WGS84.
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
    if !DEGREES.contains(&code) {
        return Err(GeoTiffError::Coordinates(code));
    }
    let scale = tags.numbers(33_550).ok_or(GeoTiffError::Nowhere("ModelPixelScale"))?;
    let tie = tags.numbers(33_922).ok_or(GeoTiffError::Nowhere("ModelTiepoint"))?;
    let ([east_deg, north_deg, ..], [i, j, _, lon_deg, lat_deg, ..]) = (&scale[..], &tie[..]) else {
        return Err(GeoTiffError::Nowhere("ModelTiepoint"));
    };
    // Where a pixel is an area its height is that of its middle.
    let middle = if key(&keys, RASTER_TYPE) == Some(RASTER_IS_POINT) { 0.0 } else { 0.5 };
    let (columns, rows) = raster.size;
    let west_deg = lon_deg + (middle - i) * east_deg;
    let south_deg = lat_deg - (f64::from(rows) - 1.0 + middle - j) * north_deg;
    let missing = tags.text(42_113).and_then(|text| text.trim().parse::<f64>().ok());
    let known = |height: f64| if Some(height) == missing { f64::NAN } else { height + added_m };
    let heights = raster.heights()?;
    // Rows come from north to south.
    let by_rows = heights.chunks(columns.max(1) as usize).rev();
    let heights_m = by_rows.flatten().map(|height| known(*height)).collect();
    Ok(Grid::new((south_deg, west_deg), (*north_deg, *east_deg), (rows as usize, columns as usize), heights_m)?)
}

/// The value of a short key.
fn key(directory: &[f64], wanted: u16) -> Option<u16> {
    let mut entries = directory.get(4..)?.chunks_exact(4);
    entries.find_map(|entry| (entry[0] == f64::from(wanted) && entry[1] == 0.0).then_some(entry[3] as u16))
}
