//! One open ONNX model, set up in the same manner for every family.

use std::path::{Path, PathBuf};

use half::f16;
use ndarray::{ArrayView, CowArray, IxDyn};
use ort::ep::ExecutionProviderDispatch;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, TensorElementType};

use crate::card::Card;
use crate::decode::Outputs;
use crate::feed::Feed;
use crate::open_error::OpenError;
use crate::providers::{Provider, one_line};
use crate::runtime::Runtime;

/// A model that is loaded and takes what its card promises. On the CPU provider the same values give the same bits,
/// given the same library, processor and number of threads.
pub(crate) struct ModelSession {
    model: String,
    session: Session,
    feed: Feed,
    names: Vec<String>,
    /// What it takes to open the model again on the CPU; nothing where it runs there already.
    spare: Option<Spare>,
}

/// What it takes to open a model again.
struct Spare {
    weights: PathBuf,
    runtime: Runtime,
    threads: usize,
}

impl ModelSession {
    /// Opens the weights of a card on the runtime's provider with `threads` threads (0 counts as 1). Where the
    /// provider does not take the model, it is opened on the CPU, and that is counted.
    pub(crate) fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Session { model: card.name.clone(), path: weights.to_owned(), source };
        let threads = threads.max(1);
        let execution = runtime.execution();
        let providers = execution.dispatch(threads);
        let mut spare = None;
        let session = if providers.is_empty() {
            session(weights, runtime, threads, providers).map_err(fail)?
        } else {
            match session(weights, runtime, threads, providers) {
                Ok(session) => {
                    spare = Some(Spare { weights: weights.to_owned(), runtime: runtime.clone(), threads });
                    session
                }
                Err(error) => {
                    // A broken file fails on the CPU as well, and then the provider is not at fault.
                    let on_cpu = self::session(weights, runtime, threads, Vec::new()).map_err(fail)?;
                    execution.fell_back(&card.name, format!("it cannot open the model: {}", one_line(&error)));
                    on_cpu
                }
            }
        };
        let names = session.outputs().iter().map(|output| output.name().to_owned()).collect();
        let feed = Feed::new(card, &session)?;
        Ok(Self { model: card.name.clone(), session, feed, names, spare })
    }

    /// What runs the model now.
    pub(crate) fn provider(&self) -> Provider {
        self.spare.as_ref().map_or(Provider::Cpu, |spare| spare.runtime.execution().chosen().provider)
    }

    /// Whether the number of pictures in a run is free.
    pub(crate) fn takes_batches(&self) -> bool {
        self.feed.takes_batches()
    }

    /// Runs the model once. Where the provider fails, the model is opened on the CPU and run there on the same values.
    pub(crate) fn run(&mut self, shape: &[usize], values: &[f32]) -> Result<RunOutputs<'_>, ort::Error> {
        let run = |session: &mut Self| session.run_here(shape, values);
        let values = run_or_retreat(self, run, Self::leave_provider)?;
        Ok(RunOutputs { names: &self.names, values })
    }

    fn run_here(&mut self, shape: &[usize], values: &[f32]) -> Result<Vec<DynValue>, ort::Error> {
        let outputs = match self.feed.alone(shape, values) {
            Some(picture) => self.session.run([picture?])?,
            None => self.session.run(self.feed.inputs(shape, values)?)?,
        };
        Ok(outputs.into_iter().map(|(_, value)| value).collect())
    }

    /// Opens the model on the CPU if it runs elsewhere; false if there is nowhere to go.
    fn leave_provider(&mut self, error: &ort::Error) -> Result<bool, ort::Error> {
        let Some(Spare { weights, runtime, threads }) = self.spare.take() else { return Ok(false) };
        self.session = session(&weights, &runtime, threads, Vec::new())?;
        runtime.execution().fell_back(&self.model, format!("it failed in the middle of its work: {}", one_line(error)));
        Ok(true)
    }
}

/// Does the work, and once more if it failed and `retreat` found another way to do it.
fn run_or_retreat<S, T, E>(
    state: &mut S,
    work: impl Fn(&mut S) -> Result<T, E>,
    retreat: impl FnOnce(&mut S, &E) -> Result<bool, E>,
) -> Result<T, E> {
    match work(state) {
        Err(error) if retreat(state, &error)? => work(state),
        other => other,
    }
}

/// What a run gave, by name.
pub(crate) struct RunOutputs<'s> {
    names: &'s [String],
    values: Vec<DynValue>,
}

impl Outputs for RunOutputs<'_> {
    fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(String::as_str)
    }

    fn get(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>> {
        let index = self.names.iter().position(|known| known == name)?;
        floats(self.values.get(index)?)
    }
}

/// No model has outputs of more sides.
const MOST_SIDES: usize = 8;

/// Numbers of any type as 32-bit floats, without a copy where they are that.
fn floats(value: &DynValue) -> Option<CowArray<'_, f32, IxDyn>> {
    match value.dtype().tensor_type()? {
        TensorElementType::Float32 => {
            let (sides, values) = value.try_extract_tensor::<f32>().ok()?;
            let mut shape = [0_usize; MOST_SIDES];
            for (side, given) in shape.get_mut(..sides.len())?.iter_mut().zip(sides.iter()) {
                *side = usize::try_from(*given).ok()?;
            }
            Some(ArrayView::from_shape(IxDyn(&shape[..sides.len()]), values).ok()?.into())
        }
        TensorElementType::Float16 => Some(value.try_extract_array::<f16>().ok()?.mapv(f16::to_f32).into()),
        TensorElementType::Int64 => Some(value.try_extract_array::<i64>().ok()?.mapv(|v| v as f32).into()),
        TensorElementType::Int32 => Some(value.try_extract_array::<i32>().ok()?.mapv(|v| v as f32).into()),
        TensorElementType::Uint8 => Some(value.try_extract_array::<u8>().ok()?.mapv(f32::from).into()),
        _ => None,
    }
}

/// A session on the given providers; without any, on the CPU provider, which gives the same bits every time.
pub(crate) fn session(
    weights: &Path,
    runtime: &Runtime,
    threads: usize,
    providers: Vec<ExecutionProviderDispatch>,
) -> Result<Session, ort::Error> {
    // Threads that spin while they wait would take the processor from the decoder.
    Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        // For the runtime's own threads each session decides this, for the thread that opens it only the first one of
        // the process, and threads that are started later take it over: so all sessions ask for it.
        .with_flush_to_zero()?
        .with_deterministic_compute(true)?
        .with_log_level(LogLevel::Warning)?
        .with_execution_providers(providers)?
        .commit_from_file(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state that fails until it has retreated, with the number of runs.
    #[derive(Debug, PartialEq)]
    struct Made {
        works: bool,
        may_retreat: bool,
        runs: std::cell::Cell<u32>,
    }

    fn outcome(works: bool, may_retreat: bool) -> (Result<&'static str, &'static str>, u32) {
        let mut made = Made { works, may_retreat, runs: std::cell::Cell::new(0) };
        let work = |made: &mut Made| {
            made.runs.set(made.runs.get() + 1);
            made.works.then_some("boxes").ok_or("the device is lost")
        };
        let retreat = |made: &mut Made, _: &&'static str| {
            made.works = made.may_retreat;
            Ok(made.may_retreat)
        };
        (run_or_retreat(&mut made, work, retreat), made.runs.get())
    }

    #[test]
    fn a_frame_whose_provider_fails_is_run_again_elsewhere_and_only_once() {
        assert_eq!(outcome(true, true), (Ok("boxes"), 1));
        assert_eq!(outcome(false, true), (Ok("boxes"), 2));
        assert_eq!(outcome(false, false), (Err("the device is lost"), 1));
    }
}
