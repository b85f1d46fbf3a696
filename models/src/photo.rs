//! Photos as frames.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, Orientation, PixelFormat, Showing, StreamId, Timestamp};
use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

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
    /// It is a picture of another kind.
    #[error("`{path}` is {kind}, which is not read; save it as JPEG or PNG, or let the phone take its photos so")]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
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
    /// The picture is larger than any camera's; a file of a few bytes could ask for all memory.
    #[error(
        "failed to decode `{path}`: it says to be {width}x{height} pixels, more than {} in all; scale it down",
        jpeg::MAX_PIXELS
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
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

/// Decodes a JPEG or PNG, whatever its name ends in, and turns it as its EXIF data say, as every viewer does. No colour
/// profile is applied. A JPEG comes out to the byte as OpenCV decodes it.
pub fn image_frame(path: &Path) -> Result<Frame, PhotoError> {
    let file = forewarn_base::file::open(path).map(io::BufReader::new);
    let reader = file.and_then(|file| ImageReader::new(file).with_guessed_format());
    let reader = reader.map_err(|source| PhotoError::Open { path: path.to_owned(), source })?;
    if let Some(kind) = other_kind(path) {
        return Err(PhotoError::OtherKind { path: path.to_owned(), kind });
    }
    let (size, rgb, orientation) = if reader.format() == Some(ImageFormat::Jpeg) {
        decode_jpeg(path, reader.into_inner())?
    } else {
        let undecoded = |source| PhotoError::Decode { path: path.to_owned(), source };
        let mut decoder = reader.into_decoder().map_err(undecoded)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > jpeg::MAX_PIXELS {
            return Err(PhotoError::TooLarge { path: path.to_owned(), width, height });
        }
        let orientation = orientation_of(&mut decoder);
        let rgb = DynamicImage::from_decoder(decoder).map_err(undecoded)?.into_rgb8();
        (rgb.dimensions(), rgb.into_raw(), orientation)
    };
    let unusable = |reason: String| PhotoError::Frame { path: path.to_owned(), reason };
    let stream = StreamId::new("photo").map_err(|error| unusable(error.to_string()))?;
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, size, rgb);
    let frame = frame.map_err(|error| unusable(error.to_string()))?;
    Ok(frame.shown(Showing { orientation, ..Showing::AS_STORED }))
}

/// What a picture is that is neither JPEG nor PNG, by its first bytes.
fn other_kind(path: &Path) -> Option<&'static str> {
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(12).read_to_end(&mut head).ok()?;
    match head.as_slice() {
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => Some("AVIF"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
        | [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i' | b's', b'f', ..] => Some("HEIC"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..]
        | [0x1A, b'E', 0xDF, 0xA3, ..]
        | [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' '] => {
            Some("a video (`forewarn replay` plays those)")
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => Some("WebP"),
        [b'G', b'I', b'F', b'8', ..] => Some("GIF"),
        [b'B', b'M', ..] => Some("BMP"),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Some("TIFF"),
        _ => None,
    }
}

/// How the photo's EXIF data say that it is turned; upright where they say nothing that makes sense.
fn orientation_of(decoder: &mut impl ImageDecoder) -> Orientation {
    let number = decoder.orientation().map_or(1, |orientation| u32::from(orientation.to_exif()));
    Orientation::of_exif(number).unwrap_or_default()
}

/// Width and height, packed RGB, and how the picture is turned.
type Decoded = ((u32, u32), Vec<u8>, Orientation);

fn decode_jpeg(path: &Path, file: impl io::Read) -> Result<Decoded, PhotoError> {
    let mut bytes = Vec::new();
    let read = file.take(MAX_JPEG_BYTES).read_to_end(&mut bytes);
    read.map_err(|source| PhotoError::Read { path: path.to_owned(), source })?;
    let decoded = jpeg::decode(&bytes).map_err(|source| PhotoError::Jpeg { path: path.to_owned(), source })?;
    if let Some(warning) = &decoded.warning {
        tracing::warn!(path = %path.display(), "the photo is odd: {warning}");
    }
    let orientation = JpegDecoder::new(io::Cursor::new(&bytes))
        .map_or(Orientation::UPRIGHT, |mut decoder| orientation_of(&mut decoder));
    Ok(((decoded.width, decoded.height), decoded.rgb, orientation))
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
    fn a_photo_is_turned_as_its_exif_data_say() {
        use image::ImageEncoder as _;
        let dir = tempfile::tempdir().unwrap();
        // The upper left quarter is bright, and goes to another corner each time.
        let picture = image::RgbImage::from_fn(16, 8, |x, y| image::Rgb([if x < 8 && y < 4 { 250 } else { 5 }; 3]));
        let corners = [(false, false), (true, false), (true, true), (false, true)];
        for (exif, (is_right, is_low)) in (1..=8_u8).zip(corners.into_iter().cycle()) {
            // One entry of the first directory: tag 0x0112 Orientation, a short.
            let head =
                [b"MM\0*".as_slice(), &[0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, exif, 0, 0, 0, 0, 0, 0]];
            let mut bytes = Vec::new();
            let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
            encoder.set_exif_metadata(head.concat()).unwrap();
            encoder.write_image(&picture, 16, 8, image::ExtendedColorType::Rgb8).unwrap();
            let path = dir.path().join(format!("{exif}.jpg"));
            std::fs::write(&path, bytes).unwrap();
            let frame = image_frame(&path).unwrap();
            assert_eq!((frame.width, frame.height), if exif < 5 { (16, 8) } else { (8, 16) }, "{exif}");
            for (right, low) in corners {
                let place = |far: bool, side: u32| if far { side - 2 } else { 1 };
                let level = frame.rgb_at(place(right, frame.width), place(low, frame.height))[0];
                assert_eq!(level > 128, (right, low) == (is_right, is_low), "{exif}: {level}");
            }
        }
    }

    #[test]
    fn a_png_of_16_bits_or_with_transparency_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        let deep = image::ImageBuffer::from_fn(4, 2, |x, _| image::Rgb([x as u16 * 0x2020, 0xFFFF, 0]));
        DynamicImage::ImageRgb16(deep).save(&path).unwrap();
        assert_eq!(image_frame(&path).unwrap().rgb_at(3, 0), [0x60, 0xFF, 0]);
        let clear = image::RgbaImage::from_fn(4, 2, |x, _| image::Rgba([x as u8, 200, 9, 128]));
        clear.save(&path).unwrap();
        assert_eq!(image_frame(&path).unwrap().rgb_at(3, 1), [3, 200, 9]);
    }

    #[test]
    fn a_picture_of_another_kind_is_named_with_the_mend() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("street.jpg");
        for (head, kind) in [
            (&b"\0\0\0\x1cftypheic\0\0\0\0"[..], "HEIC"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0", "HEIC"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
            (b"GIF89a\0\0\0\0\0\0", "GIF"),
            (b"\0\0\0\x1cftypmp42\0\0\0\0", "a video (`forewarn replay` plays those)"),
            (b"\x1AE\xDF\xA3\0\0\0\0\0\0\0\0", "a video (`forewarn replay` plays those)"),
            (b"BM\0\0\0\0\0\0\0\0\0\0", "BMP"),
            (b"II*\0\x08\0\0\0\0\0\0\0", "TIFF"),
        ] {
            std::fs::write(&path, head).unwrap();
            let error = image_frame(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("is {kind}, which is not read; save it as JPEG")), "{error}");
        }
    }

    #[test]
    fn a_png_that_says_to_be_huge_is_refused_before_memory_is_taken() {
        // 20000x20000 grey pixels, of which there are none.
        let bytes = b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x4e\x20\
                       \x00\x00\x4e\x20\x08\x00\x00\x00\x00\xc6\x1b\x19\xe5\x00\x00\x00\x08\x49\x44\x41\
                       \x54\x78\x9c\x03\x00\x00\x00\x00\x01\x48\x06\x89\xd2\x00\x00\x00\x00\x49\x45\x4e\
                       \x44\xae\x42\x60\x82";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.png");
        std::fs::write(&path, bytes).unwrap();
        let error = image_frame(&path).unwrap_err().to_string();
        assert!(error.contains("20000x20000 pixels, more than 130000000 in all; scale it down"), "{error}");
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
