//! A model whose provider, and whatever becomes of it, shows in the metrics.

use std::sync::{Arc, Mutex};

use forewarn_domain::{Class, Detection, Detector, DetectorError, Frame, InputGrid, Window};
use forewarn_models::{OnnxDetector, Runtime};

use crate::telemetry;

/// Name of the model in use, for those who compare it with another.
pub(super) type ModelName = Arc<Mutex<String>>;

/// A model whose provider, and whatever becomes of it, shows in the metrics.
pub(super) struct Metered {
    inner: OnnxDetector,
    runtime: Runtime,
    /// Fallbacks that are in the metrics; `None` before the first frame, when there may be no recorder yet.
    told: Option<u64>,
}

impl Metered {
    pub(super) fn new(inner: OnnxDetector, runtime: Runtime) -> Self {
        Self { inner, runtime, told: None }
    }

    fn show(&self, value: f64) {
        let (card, provider) = (&self.inner.card().name, self.inner.provider().as_str());
        telemetry::MODEL_IN_USE.of([card, &provider]).set(value);
    }

    fn tell(&mut self) {
        let execution = self.runtime.execution();
        let now = execution.fallbacks();
        if self.told == Some(now) {
            return;
        }
        let provider = self.inner.provider();
        if self.told.is_none() && execution.chosen().is_fallback {
            telemetry::MODEL_FALLBACKS.of([&"start"]).increment(1);
        }
        let fresh = now - self.told.unwrap_or(0);
        telemetry::MODEL_FALLBACKS.of([&"work"]).increment(fresh);
        if fresh > 0 {
            let (card, from) = (&self.inner.card().name, execution.chosen().provider.as_str());
            if provider.as_str() != from {
                telemetry::MODEL_IN_USE.of([card, &from]).set(0.0);
            }
        }
        self.told = Some(now);
        self.show(1.0);
    }
}

impl Detector for Metered {
    fn classes(&self) -> &[Class] {
        self.inner.classes()
    }

    fn batch(&self) -> usize {
        self.inner.batch()
    }

    /// That the processor does the work of the provider that the site asks for.
    fn shortfall(&self) -> Option<String> {
        self.runtime.execution().shortfall(&self.inner.card().name, self.inner.provider())
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        let found = self.inner.detect(frames);
        self.tell();
        found
    }

    fn input_grid(&self, size: (u32, u32)) -> Option<InputGrid> {
        self.inner.input_grid(size)
    }

    fn detect_in(&mut self, frame: &Frame, windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        let found = self.inner.detect_in(frame, windows);
        self.tell();
        found
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.show(0.0);
    }
}
