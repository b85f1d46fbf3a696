//! Photos as frames.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use image::{ImageError, ImageFormat, ImageReader};

use crate::jpeg::{self, JpegError};

/// Most bytes of a JPEG file that are read.
const MAX_JPEG_BYTES: u64 = 256 << 20;

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
    /// The file cannot be read to its end.
    #[error("failed to read the image `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a sound JPEG.
    #[error("failed to decode `{path}` as JPEG: {source}")]
    Jpeg {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: JpegError,
    },
    /// It is no JPEG and not a sound PNG either.
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
/// profile. A JPEG comes out to the byte as OpenCV and Pillow decode it.
pub fn image_frame(path: &Path) -> Result<Frame, PhotoError> {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|source| PhotoError::Open { path: path.to_owned(), source })?;
    let (size, rgb) = if reader.format() == Some(ImageFormat::Jpeg) {
        decode_jpeg(path, reader.into_inner())?
    } else {
        let picture = reader.decode().map_err(|source| PhotoError::Decode { path: path.to_owned(), source })?;
        let rgb = picture.into_rgb8();
        (rgb.dimensions(), rgb.into_raw())
    };
    let unusable = |reason: String| PhotoError::Frame { path: path.to_owned(), reason };
    let stream = StreamId::new("photo").map_err(|error| unusable(error.to_string()))?;
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, size, rgb).map_err(|error| unusable(error.to_string()))
}

fn decode_jpeg(path: &Path, file: impl io::Read) -> Result<((u32, u32), Vec<u8>), PhotoError> {
    let mut bytes = Vec::new();
    let read = file.take(MAX_JPEG_BYTES).read_to_end(&mut bytes);
    read.map_err(|source| PhotoError::Read { path: path.to_owned(), source })?;
    let decoded = jpeg::decode(&bytes).map_err(|source| PhotoError::Jpeg { path: path.to_owned(), source })?;
    if let Some(warning) = &decoded.warning {
        tracing::warn!(path = %path.display(), "the photo is odd: {warning}");
    }
    Ok(((decoded.width, decoded.height), decoded.rgb))
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
