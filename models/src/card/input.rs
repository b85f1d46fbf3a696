//! How the input tensor is filled.

use forewarn_domain::InputGrid;
use serde::Deserialize;

/// How the input tensor is filled. A tensor value is `(pixel * scale - mean) / std`, pixel 0 to 255.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Input {
    /// Width in pixels; with `dynamic`, the most.
    pub width: u32,
    /// Height in pixels; with `dynamic` of both axes, the most.
    pub height: u32,
    /// Sides that follow the picture's shape instead of being fixed.
    pub dynamic: Option<Dynamic>,
    /// Order of the tensor's axes.
    #[serde(default)]
    pub layout: Layout,
    /// Type of the tensor's values.
    #[serde(default)]
    pub element: Element,
    /// Order of the colour channels.
    pub channels: ChannelOrder,
    /// Factor on the pixel value.
    #[serde(default = "one")]
    pub scale: f32,
    /// Subtracted for each channel, in the tensor's channel order.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Divided by for each channel, in the tensor's channel order.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// How the picture is fitted to the input.
    pub resize: Resize,
    /// Name of a second input of 64-bit integers, 1 x 2, that is told width and height of the input tensor, as
    /// exports of RT-DETR and D-FINE want it.
    pub size_input: Option<String>,
}

/// An input whose sides follow the picture.
///
/// With `both` axes the picture is scaled by one ratio to fit within width x height and each side is rounded up to a
/// multiple. With `width` the height is fixed and the width is what the picture's shape makes of it, rounded up.
/// A stretched picture fills the rounded sides; a letterboxed one keeps its shape and the rest is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dynamic {
    /// Which sides follow.
    pub axes: DynamicAxes,
    /// Each side that follows is a multiple of this many pixels.
    pub multiple_of: u32,
    /// Whether pictures smaller than width x height are enlarged to fit; for `both` axes.
    #[serde(default)]
    pub enlarge: bool,
    /// Longer side, in pixels, to which pictures that are smaller are enlarged where `enlarge` is off; for `both` axes.
    #[serde(default)]
    pub least: u32,
}

/// Which sides of a dynamic input follow the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DynamicAxes {
    /// Width and height.
    Both,
    /// The width alone.
    Width,
}

impl Input {
    /// Width and height of the tensor for a picture of that many pixels.
    pub fn size_for(&self, width: u32, height: u32) -> [u32; 2] {
        let Some(Dynamic { axes, multiple_of, .. }) = self.dynamic else { return [self.width, self.height] };
        let ratio = self.ratio(width, height);
        let fit = |side: u32, most: u32| {
            let wanted = (f64::from(side) * ratio).round().clamp(1.0, f64::from(most)) as u32;
            wanted.next_multiple_of(multiple_of.max(1)).min(most)
        };
        match axes {
            DynamicAxes::Both => [fit(width, self.width), fit(height, self.height)],
            DynamicAxes::Width => [fit(width, self.width), self.height],
        }
    }

    /// How pictures of that many pixels lie in the input, where any part of it may be a tensor of its own: where both sides
    /// follow the picture, which keeps its shape and begins in the corner. `stride` are the pixels of the largest cell.
    pub(crate) fn grid(&self, width: u32, height: u32, stride: u32) -> Option<InputGrid> {
        let Some(Dynamic { axes: DynamicAxes::Both, multiple_of, .. }) = self.dynamic else { return None };
        let in_corner = matches!(self.resize, Resize::Letterbox { anchor: Anchor::TopLeft, .. });
        if !in_corner || self.size_input.is_some() || width == 0 || height == 0 {
            return None;
        }
        let [input_width, input_height] = self.size_for(width, height);
        let step_px = multiple_of.max(1) * (stride.max(1) / gcd(multiple_of.max(1), stride.max(1)));
        let scale = self.scale_back(width, height) as f32;
        // A side that ends within a cell, as where the most is no multiple, cannot be divided into windows.
        let is_whole = input_width.is_multiple_of(step_px) && input_height.is_multiple_of(step_px);
        is_whole.then_some(InputGrid { size_px: (input_width, input_height), step_px, scale })
    }

    /// Input pixels per picture pixel where the picture keeps its shape.
    pub(crate) fn ratio(&self, width: u32, height: u32) -> f64 {
        let ratio = (f64::from(self.width) / f64::from(width)).min(f64::from(self.height) / f64::from(height));
        ratio.min(self.most_enlarged(width, height))
    }

    /// Picture pixels per input pixel where the picture keeps its shape.
    pub(crate) fn scale_back(&self, width: u32, height: u32) -> f64 {
        let scale = (f64::from(width) / f64::from(self.width)).max(f64::from(height) / f64::from(self.height));
        scale.max(1.0 / self.most_enlarged(width, height))
    }

    /// How many times as long the sides of a picture may become.
    fn most_enlarged(&self, width: u32, height: u32) -> f64 {
        match self.dynamic {
            Some(Dynamic { axes: DynamicAxes::Both, enlarge: false, least, .. }) => {
                (f64::from(least) / f64::from(width.max(height).max(1))).max(1.0)
            }
            _ => f64::INFINITY,
        }
    }
}

/// The greatest common divisor.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn one() -> f32 {
    1.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

/// Order of the input tensor's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// 1 x 3 x height x width.
    #[default]
    Nchw,
    /// 1 x height x width x 3.
    Nhwc,
}

/// Type of the input tensor's values. Whole-number types take the value rounded and cut off at their range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats.
    F16,
    /// 32-bit integers.
    I32,
    /// Bytes.
    U8,
}

/// Order of the colour channels in the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Blue first.
    Bgr,
    /// Red first.
    Rgb,
}

/// How a frame of any shape becomes an input of a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Resize {
    /// Both axes fill the input; the aspect ratio is lost.
    Stretch,
    /// The aspect ratio is kept and the rest is padded.
    Letterbox {
        /// Where the picture lies in the input.
        anchor: Anchor,
        /// Pixel value of the padding, 0 to 255, before scaling and normalising.
        pad: f32,
    },
}

/// Where a letterboxed picture lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// In the top left corner.
    TopLeft,
    /// In the middle.
    Centre,
}
