//! Start of GStreamer, and elements that name the package to install when they are missing.

use std::sync::OnceLock;

use gst::prelude::*;

/// GStreamer did not start.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to start GStreamer: {reason}; install it with: apt install libgstreamer1.0-0")]
pub struct InitError {
    reason: String,
}

/// An element that a pipeline needs is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the GStreamer element \"{element}\" is missing; install it with: apt install {package}")]
pub struct MissingElement {
    /// Name of the element's factory.
    pub element: String,
    /// Debian package that has it.
    pub package: &'static str,
}

/// Starts GStreamer; further calls do nothing.
pub fn init() -> Result<(), InitError> {
    static STARTED: OnceLock<Result<(), InitError>> = OnceLock::new();
    let start = || {
        crate::heap::give_back_large_blocks();
        let failed = |error: &dyn std::error::Error| InitError { reason: error.to_string() };
        gst::init().map_err(|error| failed(&error))?;
        crate::talk::register().map_err(|error| failed(&error))
    };
    STARTED.get_or_init(start).clone()
}

/// Debian 12 package that ships `element`.
pub(crate) fn package_of(element: &str) -> &'static str {
    const BASE: &str = "gstreamer1.0-plugins-base";
    const GOOD: &str = "gstreamer1.0-plugins-good";
    const BAD: &str = "gstreamer1.0-plugins-bad";
    const UGLY: &str = "gstreamer1.0-plugins-ugly";
    match element {
        "queue" | "tee" | "capsfilter" | "fakesink" | "filesrc" | "filesink" | "clocksync" | "typefind" => {
            "libgstreamer1.0-0"
        }
        "appsink" | "appsrc" | "parsebin" | "decodebin" | "videoconvert" => BASE,
        "rtspsrc" | "rtph264depay" | "rtph265depay" | "rtph264pay" | "rtph265pay" | "v4l2src" | "mp4mux"
        | "qtdemux" | "flvdemux" | "jpegdec" | "matroskademux" | "avidemux" | "souphttpsrc" | "rtpjpegdepay" => GOOD,
        "x264enc" => UGLY,
        "nicesrc" => "gstreamer1.0-nice",
        name if name.starts_with("avdec_") => "gstreamer1.0-libav",
        name if name.starts_with("v4l2") => GOOD,
        name if name.starts_with("vaapi") => "gstreamer1.0-vaapi",
        _ => BAD,
    }
}

/// Makes an element with a name of its own.
pub(crate) fn make(element: &str) -> Result<gst::Element, MissingElement> {
    gst::ElementFactory::make(element)
        .build()
        .map_err(|_| MissingElement { element: element.to_owned(), package: package_of(element) })
}

/// Sets `name` to the text `value` if the element has such a property; versions and vendors differ.
pub(crate) fn set_if_present(element: &gst::Element, name: &str, value: &str) {
    if element.find_property(name).is_some() {
        element.set_property_from_str(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_elements_name_their_package() {
        init().unwrap();
        let error = make("avdec_no_such_codec").unwrap_err();
        assert_eq!(error.package, "gstreamer1.0-libav");
        assert!(error.to_string().contains("apt install gstreamer1.0-libav"), "{error}");
        assert_eq!(package_of("h264parse"), "gstreamer1.0-plugins-bad");
        assert_eq!(package_of("rtspsrc"), "gstreamer1.0-plugins-good");
        assert_eq!(package_of("v4l2h264dec"), "gstreamer1.0-plugins-good");
    }
}
