//! Windows: parts of a frame at the scale at which the model sees the whole of it, each a tensor of its own.
//!
//! A window's values are those of the whole input, cut out, and it begins where the model's cells do; only what the model
//! makes of the surroundings is missing at its edges.

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{BBox, Detection, Frame, InputGrid, Window};

use super::{DetectError, OnnxDetector, is_usable, name};
use crate::card::{DecoderSpec, Input, Layout};
use crate::preprocess::Preprocessor;
use crate::providers::Provider;

/// What fills the tensors of windows.
#[derive(Debug)]
pub(super) struct Feed {
    preprocessor: Preprocessor,
    tensor: Vec<f32>,
}

impl Feed {
    pub(super) fn new(input: &Input) -> Self {
        Self { preprocessor: Preprocessor::new(input), tensor: Vec::new() }
    }
}

impl OnnxDetector {
    /// How frames lie in the input where windows of it can be looked at: by models of convolutions alone, whose cells say
    /// what is near them, and on the processor, since other providers compile each size of input anew.
    pub(super) fn grid(&self, (width, height): (u32, u32)) -> Option<InputGrid> {
        let (DecoderSpec::Yolox { strides } | DecoderSpec::Nanodet { strides, .. }) = &self.card.decoder else {
            return None;
        };
        let stride = strides.iter().max().copied()?;
        if self.provider() == Provider::Cpu { self.card.input.grid(width, height, stride) } else { None }
    }

    /// What is in each window, cut off at its edge and at the frame's.
    pub(super) fn find_in(&mut self, frame: &Frame, windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectError> {
        self.timings = super::Timings::default();
        let Some(grid) = self.grid((frame.width, frame.height)) else { return Ok(Vec::new()) };
        let mut all = Vec::with_capacity(windows.len());
        for window in windows {
            self.claim_window(frame, window)?;
            let mut found = self.claims.first().map(|claims| self.detections(claims)).unwrap_or_default();
            let edge = grid.to_frame(window);
            for Detection { bbox, .. } in &mut found {
                let (x0, y0) = (bbox.x0.max(edge.x0), bbox.y0.max(edge.y0));
                *bbox =
                    BBox::new(x0, y0, bbox.x1.min(edge.x1), bbox.y1.min(edge.y1)).clamped(frame.width, frame.height);
            }
            found.retain(|detection| is_usable(&detection.bbox));
            all.push(found);
        }
        Ok(all)
    }

    fn claim_window(&mut self, frame: &Frame, window: &Window) -> Result<(), DetectError> {
        let watch = Stopwatch::start();
        let len = window.area() as usize * 3;
        let mut tensor = std::mem::take(&mut self.windows.tensor);
        if tensor.len() < len {
            tensor.resize(len, 0.0);
        }
        let mapping = self.windows.preprocessor.fill_window(frame, window, &mut tensor[..len]).map_err(|source| {
            DetectError::Preprocess { frame: name(&[frame]), model: self.card.name.clone(), source }
        })?;
        self.timings.preprocess += watch.elapsed();
        let [width, height] = [window.width, window.height].map(|side| side as usize);
        let shape = match self.card.input.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        let claimed = self.infer_on(&tensor[..len], shape, [window.width, window.height], (0, &[mapping]));
        self.windows.tensor = tensor;
        claimed.map_err(|error| self.failed(&[frame], error))
    }
}
