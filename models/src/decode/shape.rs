//! Outputs of the shapes that a card promises, or an error that says both.

use std::borrow::Cow;
use std::fmt;

use ndarray::{ArrayView, ArrayView1, Axis, CowArray, Dimension, RemoveAxis};

use super::{Outputs, Shot};

/// The model's outputs are not what the card promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An output is missing.
    #[error("the model card promises an output `{output}` of numbers, but the model has {has}")]
    MissingOutput {
        /// The name in the card.
        output: String,
        /// The names that the model has.
        has: String,
    },
    /// The card names no output, and there is not exactly one.
    #[error("the model card names no output, so the model should have one, but it has {has}; name the one meant")]
    NotOneOutput {
        /// The names that the model has.
        has: String,
    },
    /// An output has another shape.
    #[error("the model card promises {promised} for output `{output}`, but the model gives {given}")]
    Shape {
        /// The output's name.
        output: String,
        /// The shape that follows from the card.
        promised: String,
        /// The shape that the model gives.
        given: String,
    },
}

/// What a card says of one side of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// So many values.
    Is(usize),
    /// However many, and what they are.
    Any(&'static str),
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(n) => write!(f, "{n}"),
            Self::Any(what) => f.write_str(what),
        }
    }
}

/// One output, of the promised shape, the batch first.
pub(super) struct Tensor<'a, D> {
    array: CowArray<'a, f32, D>,
    index: usize,
}

impl<D: RemoveAxis> Tensor<'_, D> {
    /// The part of the picture that is decoded.
    pub(super) fn part(&self) -> ArrayView<'_, f32, D::Smaller> {
        self.array.index_axis(Axis(0), self.index)
    }
}

/// The output of that name, with the batch before the sides named; `D` counts the batch too.
pub(super) fn tensor<'a, D: Dimension>(
    outputs: &'a impl Outputs,
    name: &str,
    shot: Shot,
    sides: &[Side],
) -> Result<Tensor<'a, D>, DecodeError> {
    let Some(array) = outputs.get(name) else {
        return Err(DecodeError::MissingOutput { output: name.to_owned(), has: listed(outputs) });
    };
    let promised = || std::iter::once(Side::Is(shot.batch)).chain(sides.iter().copied());
    let wrong = |shape: &[usize]| {
        let promised = promised().map(|side| side.to_string()).collect::<Vec<_>>().join("x");
        let given = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let given = if given.is_empty() { "a single number".to_owned() } else { given };
        DecodeError::Shape { output: name.to_owned(), promised, given }
    };
    let fits = |(side, &given): (Side, &usize)| match side {
        Side::Is(n) => n == given,
        Side::Any(_) => given > 0,
    };
    let shape = array.shape();
    if shape.len() != sides.len() + 1 || !promised().zip(shape).all(fits) {
        return Err(wrong(shape));
    }
    // `D` has as many sides as are promised.
    let array = array.into_dimensionality::<D>().map_err(|_| wrong(&[]))?;
    Ok(Tensor { array, index: shot.index })
}

/// A row as a slice; copied only if the runtime gave it out of order.
pub(super) fn contiguous<'a>(row: &ArrayView1<'a, f32>) -> Cow<'a, [f32]> {
    match row.to_slice() {
        Some(slice) => slice.into(),
        None => row.to_vec().into(),
    }
}

/// The name in the card, else that of the model's only output.
pub(super) fn one_output<'a>(outputs: &'a impl Outputs, named: Option<&'a str>) -> Result<&'a str, DecodeError> {
    if let Some(name) = named {
        return Ok(name);
    }
    match (outputs.name(0), outputs.name(1)) {
        (Some(only), None) => Ok(only),
        _ => Err(DecodeError::NotOneOutput { has: listed(outputs) }),
    }
}

fn listed(outputs: &impl Outputs) -> String {
    let names: Vec<String> = (0..).map_while(|index| outputs.name(index)).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
