//! A look at every decoded frame, for those who cannot wait for the detector: full-rate luma.

use std::fmt;
use std::sync::Arc;

use forewarn_domain::Frame;

/// Is shown every decoded frame of a stream, in order, in the thread that decodes it, before the frame goes to its slot.
/// What takes long here slows the decoder down; a small copy of the luma plane does not.
#[derive(Clone)]
pub struct FrameTap(Arc<dyn Fn(&Frame) + Send + Sync>);

impl FrameTap {
    /// A tap that hands every frame to `taker`.
    pub fn new(taker: impl Fn(&Frame) + Send + Sync + 'static) -> Self {
        Self(Arc::new(taker))
    }

    pub(crate) fn show(&self, frame: &Frame) {
        (self.0)(frame);
    }
}

impl fmt::Debug for FrameTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameTap")
    }
}
