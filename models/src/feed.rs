//! What a run is fed with: the picture's values in the element type that the card names, and its sides where asked for.

use std::borrow::Cow;

use half::f16;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, TensorElementType, TensorRef, ValueType};

use crate::card::{Card, Dynamic, DynamicAxes, Element, Input, Layout};
use crate::open_error::OpenError;

/// How values become a model's inputs.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    element: Element,
    layout: Layout,
    picture: String,
    size_input: Option<String>,
    takes_batches: bool,
}

/// Inputs by name, as a session takes them.
pub(crate) type Inputs<'v> = Vec<(Cow<'static, str>, SessionInputValue<'v>)>;

impl Feed {
    /// Compares what the model takes with what the card promises.
    pub(crate) fn new(card: &Card, session: &Session) -> Result<Self, OpenError> {
        let Input { element, layout, ref size_input, .. } = card.input;
        let sides = promised(&card.input);
        let fits = |dtype: &ValueType| match dtype {
            ValueType::Tensor { ty, shape, .. } => {
                *ty == element_type(element)
                    && shape.len() == sides.len()
                    && shape.iter().zip(&sides).all(|(&has, &wanted)| has < 0 || Some(has) == wanted)
            }
            _ => false,
        };
        let is_size = |dtype: &ValueType| matches!(dtype, ValueType::Tensor { ty: TensorElementType::Int64, shape, .. } if shape.len() == 2);
        let inputs = session.inputs();
        let named_size = |name: &str| size_input.as_deref() == Some(name);
        let (sizes, pictures): (Vec<_>, Vec<_>) = inputs.iter().partition(|input| named_size(input.name()));
        if let [picture] = pictures.as_slice()
            && fits(picture.dtype())
            && sizes.len() == usize::from(size_input.is_some())
            && sizes.iter().all(|size| is_size(size.dtype()))
        {
            let takes_batches = matches!(picture.dtype(), ValueType::Tensor { shape, .. } if shape.first() < Some(&0));
            let (picture, size_input) = (picture.name().to_owned(), size_input.clone());
            return Ok(Self { element, layout, picture, size_input, takes_batches });
        }
        let has: Vec<String> = inputs.iter().map(|i| format!("`{}` of {}", i.name(), i.dtype())).collect();
        let has = if has.is_empty() { "no input".to_owned() } else { has.join(", ") };
        let size = size_input.as_ref().map(|name| format!(" and one `{name}` of 64-bit integers 1x2"));
        let promised = format!("{} {}{}", words(element), shown(&sides), size.unwrap_or_default());
        Err(OpenError::Input { model: card.name.clone(), has, promised })
    }

    /// Whether the number of pictures in a run is free.
    pub(crate) fn takes_batches(&self) -> bool {
        self.takes_batches
    }

    /// The picture, where it is all that a run takes. 32-bit floats are not copied.
    pub(crate) fn alone<'v>(
        &self,
        shape: &'v [usize],
        values: &'v [f32],
    ) -> Option<Result<SessionInputValue<'v>, ort::Error>> {
        self.size_input.is_none().then(|| self.picture(shape, values))
    }

    fn picture<'v>(&self, shape: &'v [usize], values: &'v [f32]) -> Result<SessionInputValue<'v>, ort::Error> {
        Ok(match self.element {
            Element::F32 => TensorRef::from_array_view((shape, values))?.into(),
            Element::F16 => Tensor::from_array((shape, converted(values, f16::from_f32)))?.into(),
            // A conversion of floats cuts off at the type's range.
            Element::I32 => Tensor::from_array((shape, converted(values, |v| v.round_ties_even() as i32)))?.into(),
            Element::U8 => Tensor::from_array((shape, converted(values, |v| v.round_ties_even() as u8)))?.into(),
        })
    }

    /// The inputs of one run by their names.
    pub(crate) fn inputs<'v>(&self, shape: &'v [usize], values: &'v [f32]) -> Result<Inputs<'v>, ort::Error> {
        let mut inputs = vec![(Cow::Owned(self.picture.clone()), self.picture(shape, values)?)];
        if let Some(name) = &self.size_input {
            let (height, width) = match (self.layout, shape) {
                (Layout::Nchw, &[_, _, height, width]) | (Layout::Nhwc, &[_, height, width, _]) => (height, width),
                _ => (0, 0),
            };
            let n = shape.first().copied().unwrap_or(1);
            let sizes: Vec<i64> = (0..n).flat_map(|_| [width as i64, height as i64]).collect();
            inputs.push((Cow::Owned(name.clone()), Tensor::from_array(([n, 2], sizes))?.into()));
        }
        Ok(inputs)
    }
}

fn converted<T>(values: &[f32], convert: impl Fn(f32) -> T) -> Vec<T> {
    values.iter().map(|&value| convert(value)).collect()
}

/// The sides of the input tensor; `None` where the model must take any.
fn promised(input: &Input) -> [Option<i64>; 4] {
    let fixed = |side: u32| Some(i64::from(side));
    let (height, width) = match input.dynamic {
        None => (fixed(input.height), fixed(input.width)),
        Some(Dynamic { axes: DynamicAxes::Width, .. }) => (fixed(input.height), None),
        Some(Dynamic { axes: DynamicAxes::Both, .. }) => (None, None),
    };
    match input.layout {
        Layout::Nchw => [Some(1), Some(3), height, width],
        Layout::Nhwc => [Some(1), height, width, Some(3)],
    }
}

fn shown(sides: &[Option<i64>; 4]) -> String {
    sides.map(|side| side.map_or_else(|| "(any)".to_owned(), |side| side.to_string())).join("x")
}

fn element_type(element: Element) -> TensorElementType {
    match element {
        Element::F32 => TensorElementType::Float32,
        Element::F16 => TensorElementType::Float16,
        Element::I32 => TensorElementType::Int32,
        Element::U8 => TensorElementType::Uint8,
    }
}

fn words(element: Element) -> &'static str {
    match element {
        Element::F32 => "32-bit floats",
        Element::F16 => "16-bit floats",
        Element::I32 => "32-bit integers",
        Element::U8 => "bytes",
    }
}
