//! Photos as frames.

use std::io;
use std::path::{Path, PathBuf};

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use image::{ImageError, ImageReader};

/// A photo cannot be used, or a picture not written.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file cannot be opened.
    #[error("failed to open the image `{path}`: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a sound JPEG or PNG.
    #[error("failed to decode `{path}` as JPEG or PNG: {source}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: ImageError,
    },
    /// A drawing cannot be written.
    #[error("failed to write the picture `{path}`: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// Its pixels do not make a frame.
    #[error("failed to use the image `{path}`: {reason}")]
    Frame {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Decodes a JPEG or PNG, whatever its name ends in. Nothing but decoding: no rotation by EXIF, no colour
/// profile.
pub fn image_frame(path: &Path) -> Result<Frame, PhotoError> {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|source| PhotoError::Open { path: path.to_owned(), source })?;
    let picture = reader.decode().map_err(|source| PhotoError::Decode { path: path.to_owned(), source })?;
    let rgb = picture.to_rgb8();
    let unusable = |reason: String| PhotoError::Frame { path: path.to_owned(), reason };
    let stream = StreamId::new("photo").map_err(|error| unusable(error.to_string()))?;
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let size = rgb.dimensions();
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, size, rgb.into_raw())
        .map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_comes_out_as_it_went_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        let picture = image::RgbImage::from_fn(5, 3, |x, y| image::Rgb([x as u8 * 40, y as u8 * 80, 7]));
        picture.save(&path).unwrap();
        let frame = image_frame(&path).unwrap();
        assert_eq!((frame.width, frame.height), (5, 3));
        assert_eq!(frame.to_rgb8(), picture.into_raw());
    }

    #[test]
    fn broken_pictures_are_errors_that_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broken.jpg");
        for bytes in [&b""[..], b"hello", &[0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F']] {
            std::fs::write(&path, bytes).unwrap();
            let error = image_frame(&path).unwrap_err().to_string();
            assert!(error.contains("broken.jpg"), "{error}");
        }
        assert!(matches!(image_frame(&dir.path().join("none.jpg")), Err(PhotoError::Open { .. })));
    }
}
