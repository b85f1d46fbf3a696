//! The latest still of a camera.

use axum::body::Bytes;
use forewarn_domain::{Frame, Timestamp};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageError, RgbImage};

/// No still is wider.
const WIDTH_PX: u32 = 1280;
/// One of a preview, of which several a second are looked at, is no wider.
pub(crate) const PREVIEW_PX: u32 = 854;
/// As good as is seen on a wall of cameras.
const QUALITY: u8 = 78;

/// A picture of a camera that serves everybody who asks in its second.
#[derive(Debug, Clone)]
pub(crate) struct Still {
    /// When it was asked for.
    pub at: Timestamp,
    /// When it was taken.
    pub captured_at: Timestamp,
    /// Of the frame; the picture may be smaller.
    pub size: (u32, u32),
    /// The picture.
    pub jpeg: Bytes,
}

/// A frame as a still.
pub fn jpeg(frame: &Frame) -> Result<Vec<u8>, ImageError> {
    within(frame, WIDTH_PX)
}

/// A frame as a still that is no wider.
pub(crate) fn within(frame: &Frame, width_px: u32) -> Result<Vec<u8>, ImageError> {
    let whole = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8()).unwrap_or_default();
    let height =
        |width: u32| (u64::from(frame.height) * u64::from(width) / u64::from(frame.width.max(1))).max(1) as u32;
    let is_wide = frame.width > width_px;
    let picture = if is_wide { image::imageops::thumbnail(&whole, width_px, height(width_px)) } else { whole };
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(bytes)
}
