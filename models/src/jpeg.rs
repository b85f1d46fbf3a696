//! JPEG by the system's libjpeg-turbo, to the byte as OpenCV and Pillow decode it.
//!
//! Detectors are trained and judged on pictures that libjpeg-turbo decoded. Another decoder rounds its inverse
//! transform differently by a level here and there, which moves boxes of some models. So the same library decodes
//! here, with the same choices: the accurate integer transform and smooth ("fancy") upsampling of chroma.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_ulong, c_void};
use std::ptr::NonNull;

/// Most pixels of a picture; four times a 4K frame's side, and less than 400 MB as RGB.
pub(crate) const MAX_PIXELS: u64 = 130_000_000;

// Constants of `turbojpeg.h`, which are the same in its versions 2 and 3.
const FORMAT_RGB: c_int = 0;
const FORMAT_CMYK: c_int = 11;
const COLOURS_CMYK: c_int = 3;
const COLOURS_YCCK: c_int = 4;
const FLAG_ACCURATE_DCT: c_int = 4096;
/// Refuses progressive pictures of more than 500 scans, each of which would cost a pass over the whole picture.
const FLAG_LIMIT_SCANS: c_int = 32768;
const ERROR_WARNING: c_int = 0;

/// A JPEG cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// libjpeg-turbo does not start.
    #[error("libjpeg-turbo does not start; there may be too little memory")]
    Start,
    /// The header or the data are damaged or of an unknown kind.
    #[error("{reason}; save or copy the picture again")]
    Damaged {
        /// What libjpeg-turbo said.
        reason: String,
    },
    /// The picture is larger than any camera's.
    #[error("it says to be {width}x{height} pixels, more than {MAX_PIXELS} in all; scale it down")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Packed RGB bytes of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgb: Vec<u8>,
    /// What libjpeg-turbo found odd, though it could go on.
    pub(crate) warning: Option<String>,
}

/// Decodes a baseline or progressive JPEG of 8 bits: grey, YCbCr, RGB, CMYK or YCCK.
///
/// Data that end too early are an error; other oddities are a warning, as bytes after the picture's end are common.
/// CMYK is taken as Adobe's programs write it, inverted, and mixed to RGB as OpenCV does.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, JpegError> {
    let mut decompressor = Decompressor::new()?;
    let (width, height, colours) = decompressor.header(bytes)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(JpegError::TooLarge { width, height });
    }
    let is_cmyk = colours == COLOURS_CMYK || colours == COLOURS_YCCK;
    let (format, channels) = if is_cmyk { (FORMAT_CMYK, 4) } else { (FORMAT_RGB, 3) };
    let mut pixels = vec![0; width as usize * height as usize * channels];
    let warning = decompressor.pixels(bytes, (width, height), (format, channels), &mut pixels)?;
    let rgb = if is_cmyk { pixels.as_chunks::<4>().0.iter().flat_map(|cmyk| rgb_of(*cmyk)).collect() } else { pixels };
    Ok(Decoded { width, height, rgb, warning })
}

/// Inverted CMYK as RGB.
fn rgb_of([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|ink| k - ((u32::from(255 - ink) * u32::from(k)) >> 8) as u8)
}

/// A decompressor of libjpeg-turbo.
struct Decompressor(NonNull<c_void>);

#[expect(unsafe_code, reason = "libjpeg-turbo is a C library")]
impl Decompressor {
    fn new() -> Result<Self, JpegError> {
        // SAFETY: the call takes nothing and returns a handle or null.
        let handle = unsafe { tjInitDecompress() };
        NonNull::new(handle).map(Self).ok_or(JpegError::Start)
    }

    /// Width, height and the number of the colour space.
    fn header(&mut self, bytes: &[u8]) -> Result<(u32, u32, c_int), JpegError> {
        let (mut width, mut height, mut subsampling, mut colours): (c_int, c_int, c_int, c_int) = (0, 0, 0, -1);
        // SAFETY: the handle lives as long as `self`, pointer and length are of one slice, which is only read, and
        // the four places to write to outlive the call.
        let result = unsafe {
            tjDecompressHeader3(
                self.0.as_ptr(),
                bytes.as_ptr(),
                bytes.len() as c_ulong,
                &raw mut width,
                &raw mut height,
                &raw mut subsampling,
                &raw mut colours,
            )
        };
        // The call also fails for subsampling without a name of its own, which can be decoded all the same; the rest
        // of the header is then there.
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) if colours >= 0 => Ok((width, height, colours)),
            _ if result == 0 => Err(JpegError::Damaged { reason: "the header makes no sense".to_owned() }),
            _ => Err(JpegError::Damaged { reason: self.message() }),
        }
    }

    /// Decodes all pixels into `out` and returns a warning if there is one.
    fn pixels(
        &mut self,
        bytes: &[u8],
        (width, height): (u32, u32),
        (format, channels): (c_int, usize),
        out: &mut [u8],
    ) -> Result<Option<String>, JpegError> {
        let stride = width as usize * channels;
        assert!(out.len() >= stride * height as usize, "the buffer holds the whole picture");
        // SAFETY: the handle lives as long as `self`; pointer and length are of one slice, which is only read; the
        // library writes at most `height` rows of `stride` bytes, scaling down to that size if need be, and `out`
        // holds as many, as asserted above.
        let result = unsafe {
            tjDecompress2(
                self.0.as_ptr(),
                bytes.as_ptr(),
                bytes.len() as c_ulong,
                out.as_mut_ptr(),
                width as c_int,
                stride as c_int,
                height as c_int,
                format,
                FLAG_ACCURATE_DCT | FLAG_LIMIT_SCANS,
            )
        };
        if result == 0 {
            return Ok(None);
        }
        // SAFETY: the handle lives as long as `self`.
        let is_warning = unsafe { tjGetErrorCode(self.0.as_ptr()) } == ERROR_WARNING;
        let reason = self.message();
        // Where the data end too early the rest of the picture is grey, which must not pass for an empty street.
        if is_warning && !reason.contains("Premature end") {
            return Ok(Some(reason));
        }
        Err(JpegError::Damaged { reason })
    }

    /// What the library said last.
    fn message(&mut self) -> String {
        // SAFETY: the handle lives as long as `self`, and the library returns a string that ends in a zero and stays
        // until the next call with this handle; it is copied before.
        let text = unsafe { CStr::from_ptr(tjGetErrorStr2(self.0.as_ptr())) };
        text.to_string_lossy().into_owned()
    }
}

#[expect(unsafe_code, reason = "libjpeg-turbo is a C library")]
impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the handle came from `tjInitDecompress` and is not used again. The result says nothing of use.
        unsafe { tjDestroy(self.0.as_ptr()) };
    }
}

// Signatures as in `turbojpeg.h`; version 3 still exports these functions of version 2.
#[expect(unsafe_code, reason = "libjpeg-turbo is a C library")]
unsafe extern "C" {
    fn tjInitDecompress() -> *mut c_void;
    fn tjDecompressHeader3(
        handle: *mut c_void,
        jpeg: *const c_uchar,
        size: c_ulong,
        width: *mut c_int,
        height: *mut c_int,
        subsampling: *mut c_int,
        colours: *mut c_int,
    ) -> c_int;
    fn tjDecompress2(
        handle: *mut c_void,
        jpeg: *const c_uchar,
        size: c_ulong,
        out: *mut c_uchar,
        width: c_int,
        pitch: c_int,
        height: c_int,
        format: c_int,
        flags: c_int,
    ) -> c_int;
    fn tjGetErrorCode(handle: *mut c_void) -> c_int;
    fn tjGetErrorStr2(handle: *mut c_void) -> *const c_char;
    fn tjDestroy(handle: *mut c_void) -> c_int;
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// A small JPEG and the pixels that OpenCV makes of it.
    fn sample(name: &str) -> (Vec<u8>, image::RgbImage) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/golden/jpeg");
        let bytes = std::fs::read(dir.join(format!("{name}.jpg"))).unwrap();
        (bytes, image::open(dir.join(format!("{name}.png"))).unwrap().to_rgb8())
    }

    #[test]
    fn pixels_are_those_of_opencv() {
        for name in ["subsampled", "progressive", "grey", "cmyk"] {
            let (bytes, expected) = sample(name);
            let decoded = decode(&bytes).unwrap();
            assert_eq!((decoded.width, decoded.height), expected.dimensions(), "{name}");
            assert!(decoded.rgb == expected.into_raw(), "{name} differs");
            assert_eq!(decoded.warning, None, "{name}");
        }
    }

    #[test]
    fn data_that_end_too_early_are_an_error() {
        let (bytes, _) = sample("subsampled");
        for length in [0, 1, 20, bytes.len() / 2, bytes.len() - 40] {
            let error = decode(&bytes[..length]).unwrap_err();
            assert!(matches!(error, JpegError::Damaged { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn bytes_after_the_end_do_not_matter() {
        let (mut bytes, expected) = sample("subsampled");
        bytes.extend([0; 100]);
        assert_eq!(decode(&bytes).unwrap().rgb, expected.into_raw());
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let (mut bytes, _) = sample("subsampled");
        // The frame header: marker, length, bits, then height and width.
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
        assert_eq!(decode(&bytes), Err(JpegError::TooLarge { width: 60_000, height: 60_000 }));
    }

    proptest! {
        #[test]
        fn damage_is_an_error_or_a_picture(
            name in prop::sample::select(vec!["subsampled", "progressive", "grey", "cmyk"]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let (mut bytes, _) = sample(name);
            for (place, value) in changes {
                let at = place.index(bytes.len());
                bytes[at] = value;
            }
            if let Ok(decoded) = decode(&bytes) {
                prop_assert_eq!(decoded.rgb.len(), decoded.width as usize * decoded.height as usize * 3);
            }
        }
    }
}
