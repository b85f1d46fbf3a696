//! One open ONNX model, set up in the same manner for every family.

use std::path::Path;

use ndarray::ArrayViewD;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionOutputs};
use ort::value::{TensorElementType, TensorRef, ValueType};

use crate::card::Card;
use crate::decode::Outputs;
use crate::detector::OpenError;
use crate::runtime::Runtime;

/// A model that is loaded and has one input of 32-bit floats. The same values give the same bits, given the same
/// library, processor and number of threads.
pub(crate) struct ModelSession {
    model: String,
    session: Session,
}

impl ModelSession {
    /// Opens the weights of a card on the CPU provider with `threads` threads (0 counts as 1).
    pub(crate) fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Session { model: card.name.clone(), path: weights.to_owned(), source };
        let session = session(weights, runtime, threads.max(1)).map_err(fail)?;
        Ok(Self { model: card.name.clone(), session })
    }

    /// Whether the model takes an input of the shape that its card promises.
    pub(crate) fn check_input(&self, promised: &[usize]) -> Result<(), OpenError> {
        let fits = |dtype: &ValueType| match dtype {
            ValueType::Tensor { ty, shape, .. } => {
                *ty == TensorElementType::Float32
                    && shape.len() == promised.len()
                    && shape.iter().zip(promised).all(|(&has, &wanted)| has < 0 || has == wanted as i64)
            }
            _ => false,
        };
        let inputs = self.session.inputs();
        if let [only] = inputs
            && fits(only.dtype())
        {
            return Ok(());
        }
        let inputs: Vec<String> = inputs.iter().map(|i| format!("`{}` of {}", i.name(), i.dtype())).collect();
        let has = if inputs.is_empty() { "no input".to_owned() } else { inputs.join(", ") };
        let sides: Vec<String> = promised.iter().map(ToString::to_string).collect();
        let promised = format!("32-bit floats {}", sides.join("x"));
        Err(OpenError::Input { model: self.model.clone(), has, promised })
    }

    /// Runs the model once.
    pub(crate) fn run(&mut self, shape: &[usize], values: &[f32]) -> Result<RunOutputs<'_>, ort::Error> {
        let input = TensorRef::from_array_view((shape, values))?;
        self.session.run(ort::inputs![input]).map(RunOutputs)
    }
}

/// What a run gave, by name.
pub(crate) struct RunOutputs<'s>(SessionOutputs<'s>);

impl Outputs for RunOutputs<'_> {
    fn names(&self) -> Vec<String> {
        self.0.keys().map(str::to_owned).collect()
    }

    fn get(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        self.0.get(name)?.try_extract_array().ok()
    }
}

/// A session on the CPU provider that gives the same bits every time.
fn session(weights: &Path, runtime: &Runtime, threads: usize) -> Result<Session, ort::Error> {
    // Threads that spin while they wait would take the processor from the decoder.
    Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_flush_to_zero()?
        .with_deterministic_compute(true)?
        .with_log_level(LogLevel::Warning)?
        .commit_from_file(weights)
}
