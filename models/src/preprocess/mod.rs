//! Fills the model's input tensor from a frame's planes in one fused pass.
//!
//! For each row of the input, two source rows are blended, sampled at the columns that the input needs,
//! converted to RGB by the frame's matrix, normalised and written in the tensor's layout. No full-size RGB picture
//! is ever made. Interpolation is bilinear with half-pixel centres. Red, green and blue are whole levels before they
//! are normalised, because models are trained and evaluated on pictures that were resized as bytes. Packed frames
//! come out to the byte as OpenCV's `INTER_LINEAR` resizes them; YUV frames are interpolated in floats, converted and
//! rounded. Chroma is sampled at its own resolution; its samples sit left-aligned with the luma in x and centred in
//! y, the default of H.264 and H.265 (ITU-T H.264, figure E-1, type 0).

mod bytes;
mod plan;
mod rows;

use forewarn_domain::{BBox, Frame, PixelFormat, Point, Window};

use crate::card::{ChannelOrder, Input, Layout, Resize};
use plan::Plan;
use rows::{Normalise, Rows};

/// A frame cannot be turned to an input tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreprocessError {
    /// The frame has no pixels.
    #[error("the frame is {width}x{height} pixels, so there is nothing to look at")]
    EmptyFrame {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The tensor has the wrong size.
    #[error("the input tensor holds {given} values but the model card's input needs {needed}")]
    TensorSize {
        /// Values given.
        given: usize,
        /// Values needed.
        needed: usize,
    },
}

/// How a point of the input lies in the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    /// Left edge of the picture in the input, in input pixels.
    pub left: f32,
    /// Top edge of the picture in the input, in input pixels.
    pub top: f32,
    /// Frame pixels per input pixel in x.
    pub scale_x: f32,
    /// Frame pixels per input pixel in y.
    pub scale_y: f32,
}

impl Mapping {
    /// Input pixels are frame pixels.
    pub const IDENTITY: Self = Self { left: 0.0, top: 0.0, scale_x: 1.0, scale_y: 1.0 };

    /// A point of the input in frame pixels.
    pub fn point_to_frame(&self, [x, y]: [f32; 2]) -> Point {
        Point::new((x - self.left) * self.scale_x, (y - self.top) * self.scale_y)
    }

    /// A box of the input in frame pixels, not clamped.
    pub fn to_frame(&self, [x0, y0, x1, y1]: [f32; 4]) -> BBox {
        BBox::new(
            (x0 - self.left) * self.scale_x,
            (y0 - self.top) * self.scale_y,
            (x1 - self.left) * self.scale_x,
            (y1 - self.top) * self.scale_y,
        )
    }
}

/// Fills input tensors as one model card says. Tables are kept for the last shape of frame.
#[derive(Debug)]
pub struct Preprocessor {
    input: Input,
    /// Width and height of the tensor for the last frame.
    size: [u32; 2],
    normalise: Normalise,
    plan: Option<Plan>,
    /// Tables of the last window.
    cut: Option<Plan>,
    rows: Rows,
}

impl Preprocessor {
    /// A preprocessor for the input of a card.
    pub fn new(input: &Input) -> Self {
        let normalise = Normalise::new(input);
        let size = [input.width, input.height];
        Self { input: input.clone(), size, normalise, plan: None, cut: None, rows: Rows::default() }
    }

    /// Makes ready for frames of that many pixels. Where the card's input is dynamic this sets the tensor's sides;
    /// until the first call they are the most that the card allows. The tensor is to be padded anew if they change.
    pub fn prepare(&mut self, width: u32, height: u32) {
        let size = self.input.size_for(width, height);
        if size != self.size {
            self.size = size;
            self.plan = None;
        }
    }

    /// Forgets what was written before: the next frame pads its tensor anew.
    pub fn forget(&mut self) {
        self.plan = None;
    }

    /// Width and height of the tensor.
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Values in the tensor.
    pub fn tensor_len(&self) -> usize {
        self.size[0] as usize * self.size[1] as usize * 3
    }

    /// Shape of the tensor.
    pub fn tensor_shape(&self) -> [usize; 4] {
        let [w, h] = self.size.map(|side| side as usize);
        match self.input.layout {
            Layout::Nchw => [1, 3, h, w],
            Layout::Nhwc => [1, h, w, 3],
        }
    }

    /// Fills the tensor from a frame and says how its points map back.
    ///
    /// Hand in the same tensor every time: padding is written only when the shape of the frames changes. Where the
    /// card's input is dynamic, call [`Preprocessor::prepare`] before.
    pub fn fill(&mut self, frame: &Frame, tensor: &mut [f32]) -> Result<Mapping, PreprocessError> {
        let (width, height) = (frame.width, frame.height);
        if width == 0 || height == 0 {
            return Err(PreprocessError::EmptyFrame { width, height });
        }
        self.prepare(width, height);
        if tensor.len() != self.tensor_len() {
            return Err(PreprocessError::TensorSize { given: tensor.len(), needed: self.tensor_len() });
        }
        let plan = match self.plan.take() {
            Some(plan) if plan.is_for(frame) => plan,
            _ => {
                self.fill_padding(tensor);
                Plan::new(&self.input, self.size, frame)
            }
        };
        self.write_rows(frame, &plan, tensor);
        let mapping = plan.mapping;
        self.plan = Some(plan);
        Ok(mapping)
    }

    /// Fills a tensor of a window's size with that part of what [`Preprocessor::fill`] makes of a frame, value by value, and
    /// says how its points map back. For pictures that lie in the corner of the input; one that fills windows fills nothing
    /// else, since it keeps no padding.
    pub fn fill_window(
        &mut self,
        frame: &Frame,
        window: &Window,
        tensor: &mut [f32],
    ) -> Result<Mapping, PreprocessError> {
        let (width, height) = (frame.width, frame.height);
        if width == 0 || height == 0 {
            return Err(PreprocessError::EmptyFrame { width, height });
        }
        self.prepare(width, height);
        let needed = window.area() as usize * 3;
        if tensor.len() != needed {
            return Err(PreprocessError::TensorSize { given: tensor.len(), needed });
        }
        let whole = match self.plan.take() {
            Some(plan) if plan.is_for(frame) => plan,
            _ => Plan::new(&self.input, self.size, frame),
        };
        let mut cut = self.cut.take().unwrap_or_else(|| Plan::new(&self.input, self.size, frame));
        whole.cut(window, &mut cut);
        if !cut.is_full() {
            self.fill_padding(tensor);
        }
        self.write_rows(frame, &cut, tensor);
        let mapping = cut.mapping;
        (self.plan, self.cut) = (Some(whole), Some(cut));
        Ok(mapping)
    }

    /// Samples, converts and normalises all rows of a plan.
    fn write_rows(&mut self, frame: &Frame, plan: &Plan, tensor: &mut [f32]) {
        self.rows.prepare(plan);
        for row in 0..plan.rows.len() {
            match frame.format {
                PixelFormat::I420 => self.rows.sample_i420(frame, plan, row),
                PixelFormat::Nv12 => self.rows.sample_nv12(frame, plan, row),
                PixelFormat::Rgb8 => self.rows.sample_rgb8(frame, plan, row),
            }
            self.write_row(frame, plan, row, tensor);
        }
    }

    /// Converts and normalises the sampled row and writes it to its place in the tensor.
    fn write_row(&mut self, frame: &Frame, plan: &Plan, row: usize, tensor: &mut [f32]) {
        let [width, height] = plan.size.map(|side| side as usize);
        let start = (plan.top + row) * width + plan.left;
        let n = plan.columns.len();
        let is_yuv = frame.format != PixelFormat::Rgb8;
        let colour = is_yuv.then_some(frame.colour);
        match self.input.layout {
            Layout::Nchw => {
                let (first, rest) = tensor.split_at_mut(width * height);
                let (second, third) = rest.split_at_mut(width * height);
                let planes = [first, second, third].map(|plane| &mut plane[start..start + n]);
                self.rows.convert(colour, &self.normalise, in_rgb_order(self.input.channels, planes));
            }
            Layout::Nhwc => {
                let [mut a, mut b, mut c] = std::mem::take(&mut self.rows.interleave);
                let planes = [&mut a[..n], &mut b[..n], &mut c[..n]];
                self.rows.convert(colour, &self.normalise, in_rgb_order(self.input.channels, planes));
                let pixels = tensor[start * 3..(start + n) * 3].as_chunks_mut::<3>().0;
                for (pixel, ((a, b), c)) in pixels.iter_mut().zip(a.iter().zip(&b).zip(&c)) {
                    *pixel = [*a, *b, *c];
                }
                self.rows.interleave = [a, b, c];
            }
        }
    }

    /// Writes the padding's value everywhere; the picture is written over it.
    fn fill_padding(&self, tensor: &mut [f32]) {
        let Resize::Letterbox { pad, .. } = self.input.resize else { return };
        let [r, g, b] = self.normalise.apply([pad; 3]);
        let values = match self.input.channels {
            ChannelOrder::Rgb => [r, g, b],
            ChannelOrder::Bgr => [b, g, r],
        };
        match self.input.layout {
            Layout::Nchw => {
                let plane = tensor.len() / 3;
                for (plane, value) in tensor.chunks_exact_mut(plane).zip(values) {
                    plane.fill(value);
                }
            }
            Layout::Nhwc => tensor.as_chunks_mut::<3>().0.fill(values),
        }
    }
}

/// Three things in the tensor's channel order, as red, green, blue.
fn in_rgb_order<T>(order: ChannelOrder, [first, second, third]: [T; 3]) -> [T; 3] {
    match order {
        ChannelOrder::Rgb => [first, second, third],
        ChannelOrder::Bgr => [third, second, first],
    }
}

#[cfg(test)]
mod tests;
