//! The latest still of a camera.

use axum::body::Bytes;
use forewarn_domain::{Frame, Timestamp};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageError, RgbImage};

/// No still is wider.
const WIDTH_PX: u32 = 1280;
/// As good as is seen on a wall of cameras.
const QUALITY: u8 = 78;

/// A picture of a camera that serves everybody who asks in its second.
#[derive(Debug, Clone)]
pub(crate) struct Still {
    /// When it was taken.
    pub at: Timestamp,
    /// Of the frame; the picture may be smaller.
    pub size: (u32, u32),
    /// The picture.
    pub jpeg: Bytes,
}

/// A frame as a still.
pub fn jpeg(frame: &Frame) -> Result<Vec<u8>, ImageError> {
    let whole = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8()).unwrap_or_default();
    let height =
        |width: u32| (u64::from(frame.height) * u64::from(width) / u64::from(frame.width.max(1))).max(1) as u32;
    let is_wide = frame.width > WIDTH_PX;
    let picture = if is_wide { image::imageops::thumbnail(&whole, WIDTH_PX, height(WIDTH_PX)) } else { whole };
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(bytes)
}
