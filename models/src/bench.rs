//! A model on made-up values, for measuring what inference alone takes.

use std::path::Path;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use ort::session::Session;
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};

use crate::card::Card;
use crate::open_error::OpenError;
use crate::providers::{Precision, Provider};
use crate::runtime::Runtime;
use crate::session;

/// Sides of an input that the model leaves free and the card does not name, in pixels.
const FREE_SIDE_PX: i64 = 320;

/// An open model with inputs of its own.
pub struct BenchModel {
    session: Session,
    inputs: Vec<(String, TensorElementType, Vec<i64>)>,
    size: [i64; 2],
    runs_on: (Provider, Precision),
    load: Duration,
}

/// A model cannot be measured so.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The runtime failed.
    #[error("the model cannot be run on values of its own shape: {0}")]
    Run(#[from] ort::Error),
    /// An input is of a kind that is not made up here.
    #[error("input `{input}` is of {kind}, for which no values are made up")]
    Input {
        /// Its name.
        input: String,
        /// What it is.
        kind: String,
    },
}

impl BenchModel {
    /// Opens the weights of a card on the runtime's provider. Unlike a detector it does not fall back to the CPU,
    /// because then it would not be the provider that is measured.
    pub fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Session { model: card.name.clone(), path: weights.to_owned(), source };
        let watch = Stopwatch::start();
        let providers = runtime.execution().dispatch(threads.max(1));
        let session = session::session(weights, runtime, threads.max(1), providers).map_err(fail)?;
        let load = watch.elapsed();
        let chosen = runtime.execution().chosen();
        let inputs = session.inputs().iter().filter_map(|input| match input.dtype() {
            ValueType::Tensor { ty, shape, .. } => Some((input.name().to_owned(), *ty, shape.to_vec())),
            _ => None,
        });
        let inputs = inputs.collect();
        let size = [i64::from(card.input.width), i64::from(card.input.height)];
        Ok(Self { session, inputs, size, runs_on: (chosen.provider, chosen.precision), load })
    }

    /// What it runs on.
    pub fn runs_on(&self) -> (Provider, Precision) {
        self.runs_on
    }

    /// How long opening took; the first run, in which some providers still compile, is not in it.
    pub fn load(&self) -> Duration {
        self.load
    }

    /// Whether several pictures can go in at once; else why not.
    pub fn takes_batches(&self) -> Result<(), String> {
        match self.inputs.first().and_then(|(_, _, shape)| shape.first()) {
            Some(n) if *n < 0 => Ok(()),
            Some(n) => Err(format!("the model's batch dimension is fixed at {n}")),
            None => Err("the model has no input with a batch dimension".to_owned()),
        }
    }

    /// Runs once on `batch` pictures of made-up values; gives the time of the run alone.
    pub fn run(&mut self, batch: usize) -> Result<Duration, BenchError> {
        let values = self.inputs.iter().map(|(name, kind, shape)| {
            let shape = filled(shape, batch as i64, self.size);
            Ok((name.clone(), made_up(name, *kind, shape)?))
        });
        let values = values.collect::<Result<Vec<(String, DynValue)>, BenchError>>()?;
        let watch = Stopwatch::start();
        let outputs = self.session.run(values)?;
        let elapsed = watch.elapsed();
        drop(outputs);
        Ok(elapsed)
    }
}

/// A shape in which every free side has a size: the batch first, channels as three, the sides as the card says.
fn filled(shape: &[i64], batch: i64, [width, height]: [i64; 2]) -> Vec<i64> {
    let is_nhwc = shape.last() == Some(&3);
    let free = |axis: usize| match (axis, shape.len(), is_nhwc) {
        (0, ..) => batch,
        (1, 4, false) => 3,
        (1, 4, true) | (2, 4, false) => height,
        (2, 4, true) | (3, 4, false) => width,
        _ => FREE_SIDE_PX,
    };
    shape.iter().enumerate().map(|(axis, &side)| if side < 0 { free(axis) } else { side }).collect()
}

/// Values that vary like those of a picture; zeros would let some kernels finish early.
fn made_up(name: &str, kind: TensorElementType, shape: Vec<i64>) -> Result<DynValue, BenchError> {
    let n = shape.iter().product::<i64>().max(0) as usize;
    let level = |i: usize| (i.wrapping_mul(7919) % 251) as u8;
    Ok(match kind {
        TensorElementType::Float32 => {
            let values: Vec<f32> = (0..n).map(|i| f32::from(level(i)) / 64.0 - 2.0).collect();
            Tensor::from_array((shape, values))?.into_dyn()
        }
        TensorElementType::Uint8 => Tensor::from_array((shape, (0..n).map(level).collect::<Vec<u8>>()))?.into_dyn(),
        TensorElementType::Int32 => {
            Tensor::from_array((shape, (0..n).map(|i| i32::from(level(i))).collect::<Vec<i32>>()))?.into_dyn()
        }
        TensorElementType::Int64 => Tensor::from_array((shape, vec![FREE_SIDE_PX; n]))?.into_dyn(),
        other => return Err(BenchError::Input { input: name.to_owned(), kind: other.to_string() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_sides_are_filled_and_fixed_ones_kept() {
        assert_eq!(filled(&[-1, 3, -1, -1], 4, [640, 384]), [4, 3, 384, 640]);
        assert_eq!(filled(&[-1, 48, -1, 3], 1, [100, 48]), [1, 48, 100, 3]);
        assert_eq!(filled(&[1, 3, 416, 416], 8, [640, 384]), [1, 3, 416, 416]);
        assert_eq!(filled(&[-1, 2], 4, [640, 384]), [4, 2]);
    }
}
