//! The rows of the matrix: what is coded how, in which container, and what must be seen.

use forewarn_domain::{ColourMatrix, Orientation};

/// The coding of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    H264,
    H265,
    /// A coding that is looked at and not kept, by the element that encodes it.
    Other(&'static str),
}

/// One property of the video.
#[derive(Debug, Clone, Copy)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) coding: Coding,
    /// Properties of the encoder's element.
    pub(super) element: &'static str,
    /// Its `option-string`.
    pub(super) options: &'static str,
    pub(super) format: &'static str,
    pub(super) colour: ColourMatrix,
    /// Width of a pixel to its height.
    pub(super) aspect: (usize, usize),
    /// Pictures a second.
    pub(super) rate: usize,
}

const X264: Property = Property {
    name: "plain",
    coding: Coding::H264,
    element: "bframes=0",
    options: "scenecut=0",
    format: "I420",
    colour: ColourMatrix::BT601,
    aspect: (1, 1),
    rate: 25,
};
const X265: Property = Property { coding: Coding::H265, element: "", options: "bframes=0:scenecut=0", ..X264 };
const FULL: ColourMatrix = ColourMatrix { is_bt709: true, is_full_range: true };
const FULL_601: ColourMatrix = ColourMatrix { is_bt709: false, is_full_range: true };

pub(super) const H264: &[Property] = &[
    X264,
    Property { name: "b-pyramid", element: "bframes=3", options: "b-adapt=0:b-pyramid=normal", ..X264 },
    Property { name: "open-gop", element: "bframes=2", options: "open-gop=1:b-adapt=0", ..X264 },
    Property { name: "refresh", element: "bframes=0 intra-refresh=true", ..X264 },
    Property { name: "scene-cuts", options: "scenecut=400:min-keyint=9", ..X264 },
    Property { name: "fields-in-frames", element: "bframes=0 interlaced=true", ..X264 },
    Property { name: "slices", options: "slices=4:scenecut=0", ..X264 },
    Property { name: "baseline", element: "bframes=0 cabac=false dct8x8=false", ..X264 },
    Property { name: "references", element: "bframes=0 ref=4", ..X264 },
    Property { name: "10-bit", format: "I420_10LE", ..X264 },
    Property { name: "422", format: "Y42B", ..X264 },
    Property { name: "422-10-bit", format: "I422_10LE", ..X264 },
    Property { name: "444", format: "Y444", ..X264 },
    Property { name: "bt709", colour: ColourMatrix::BT709, ..X264 },
    Property { name: "full", colour: FULL, ..X264 },
    Property { name: "full-601", colour: FULL_601, ..X264 },
    Property { name: "wide-pixels", aspect: (2, 1), ..X264 },
    Property { name: "high-pixels", aspect: (1, 2), ..X264 },
    Property { name: "pal-pixels", aspect: (4, 3), ..X264 },
    Property { name: "5-a-second", rate: 5, ..X264 },
];

pub(super) const H265: &[Property] = &[
    X265,
    Property { name: "b-pyramid", options: "bframes=3:b-adapt=0:b-pyramid=1:open-gop=0", ..X265 },
    Property { name: "open-gop", options: "bframes=3:b-adapt=0:open-gop=1", ..X265 },
    Property { name: "scene-cuts", options: "bframes=0:scenecut=80:min-keyint=9", ..X265 },
    Property { name: "slices", options: "bframes=0:slices=2:scenecut=0", ..X265 },
    Property { name: "10-bit", format: "I420_10LE", ..X265 },
    Property { name: "12-bit", format: "I420_12LE", ..X265 },
    Property { name: "422-10-bit", format: "I422_10LE", ..X265 },
    Property { name: "444", format: "Y444", ..X265 },
    Property { name: "bt709", colour: ColourMatrix::BT709, ..X265 },
    Property { name: "full", colour: FULL, ..X265 },
    Property { name: "wide-pixels", aspect: (2, 1), ..X265 },
    Property { name: "high-pixels", aspect: (1, 2), ..X265 },
    Property { name: "5-a-second", rate: 5, ..X265 },
];

/// Containers and what muxes them.
pub(super) const CONTAINERS: &[(&str, &str)] =
    &[("mp4", "mp4mux"), ("mov", "qtmux"), ("mkv", "matroskamux"), ("ts", "mpegtsmux"), ("raw", "")];

const OTHER: Property = Property { element: "", options: "", ..X264 };

/// Codings that are looked at and not kept, and containers that are rare: encoder, its container's ending and muxer.
pub(super) const OTHERS: &[(Property, &str, &str)] = &[
    (
        Property { name: "jpeg", coding: Coding::Other("jpegenc quality=95"), colour: FULL_601, ..OTHER },
        "avi",
        "avimux",
    ),
    (
        Property { name: "jpeg", coding: Coding::Other("jpegenc quality=95"), colour: FULL_601, ..OTHER },
        "mkv",
        "matroskamux",
    ),
    (Property { name: "jpeg", coding: Coding::Other("jpegenc quality=95"), colour: FULL_601, ..OTHER }, "mov", "qtmux"),
    (
        Property {
            name: "jpeg-422",
            coding: Coding::Other("jpegenc quality=95"),
            colour: FULL_601,
            format: "Y42B",
            ..OTHER
        },
        "avi",
        "avimux",
    ),
    (
        Property {
            name: "jpeg-grey",
            coding: Coding::Other("jpegenc quality=95"),
            colour: FULL_601,
            format: "GRAY8",
            ..OTHER
        },
        "avi",
        "avimux",
    ),
    (Property { name: "mpeg4", coding: Coding::Other("avenc_mpeg4 bitrate=4000000"), ..OTHER }, "avi", "avimux"),
    (
        Property { name: "vp8", coding: Coding::Other("vp8enc deadline=1 target-bitrate=4000000"), ..OTHER },
        "webm",
        "webmmux",
    ),
    (X264, "avi", "h264parse ! avimux"),
    (X264, "mpg", "h264parse ! mpegpsmux"),
    (
        Property { name: "b-pyramid", element: "bframes=3", options: "b-adapt=0:b-pyramid=normal", ..X264 },
        "avi",
        "avimux",
    ),
    (X264, "flv", "h264parse ! flvmux"),
    (X264, "3gp", "h264parse ! 3gppmux"),
];

/// Every turn of a track header, by its EXIF number.
pub(super) fn turns() -> impl Iterator<Item = Orientation> {
    (1..=8).filter_map(Orientation::of_exif)
}

/// The property of a plain H.264 recording.
pub(super) const PLAIN: Property = X264;
