//! Whether a provider really works: a tiny model is opened on it, run, and its answer compared.

use ort::environment::Environment;
use ort::session::Session;
use ort::value::TensorRef;
use prost::Message as _;

use super::execution::{Set, dispatch, is_in_library};
use super::{Precision, Provider};
use crate::tfjs::onnx::{
    GraphProto, IR_VERSION, ModelProto, NodeProto, OperatorSetIdProto, attr_ints, float_value, tensor_f32,
};

/// Side of the tiny model's picture in pixels.
const SIDE: usize = 8;
/// How far the answer may lie from the right one; bfloat16 keeps eight bits.
const TOLERANCE: f32 = 0.05;

/// Runs a convolution on the provider alone. `Ok` says what was done, `Err` why it cannot be used.
pub(crate) fn probe(
    environment: &Environment,
    provider: Provider,
    precision: Precision,
    set: &Set,
) -> Result<String, String> {
    if provider == Provider::Cpu {
        return Ok("it is always there".to_owned());
    }
    match is_in_library(provider) {
        Ok(true) => {}
        Ok(false) => return Err("the ONNX Runtime library that is loaded is built without it".to_owned()),
        Err(error) => return Err(one_line(&error)),
    }
    let answer = run(environment, provider, precision, set).map_err(|error| one_line(&error))?;
    let expected = (SIDE * SIDE) as f32;
    if answer.len() != SIDE * SIDE || answer.iter().any(|value| (value - expected).abs() > expected * TOLERANCE) {
        return Err("it gives wrong numbers for a tiny model".to_owned());
    }
    Ok("a tiny model ran on it with the right answer".to_owned())
}

fn run(environment: &Environment, provider: Provider, precision: Precision, set: &Set) -> Result<Vec<f32>, ort::Error> {
    let mut session = Session::builder(environment)?
        // The first session of the process decides this for the thread that opens it and all that are started later.
        .with_flush_to_zero()?
        .with_intra_threads(1)?
        // Without this the library would quietly run the model on the CPU.
        .with_disable_cpu_fallback()?
        .with_execution_providers(dispatch(provider, precision, set))?
        .commit_from_memory(&tiny_model())?;
    let input = vec![1.0_f32; 4 * SIDE * SIDE];
    let outputs = session.run(ort::inputs![TensorRef::from_array_view(([1, 4, SIDE, SIDE], input.as_slice()))?])?;
    Ok(outputs[0].try_extract_array::<f32>()?.iter().copied().collect())
}

/// A 1x1 convolution that sums four channels of ones with weights of a quarter of the answer.
fn tiny_model() -> Vec<u8> {
    let side = SIDE as i64;
    let node = NodeProto {
        input: vec!["picture".to_owned(), "weights".to_owned()],
        output: vec!["answer".to_owned()],
        name: "conv".to_owned(),
        op_type: "Conv".to_owned(),
        attribute: vec![attr_ints("kernel_shape", vec![1, 1])],
    };
    let graph = GraphProto {
        node: vec![node],
        name: "probe".to_owned(),
        initializer: vec![tensor_f32("weights", &[1, 4, 1, 1], &[(SIDE * SIDE / 4) as f32; 4])],
        input: vec![float_value("picture", &[1, 4, side, side])],
        output: vec![float_value("answer", &[1, 1, side, side])],
    };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "forewarn".to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
    };
    model.encode_to_vec()
}

/// What the runtime said, without line breaks, without the place in its source, and shortened to what fits a log line.
pub(crate) fn one_line(error: &ort::Error) -> String {
    shorten(&error.to_string())
}

fn shorten(text: &str) -> String {
    const MOST: usize = 400;
    // What stands before this mark is a path and a function of the runtime's source.
    let said = text.split_once("[ONNXRuntimeError] : ").map_or(text, |(_, said)| said);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MOST {
        return words;
    }
    words.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_says_fits_a_line() {
        let said = "/src/bridge.cc:1957 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load\n library libx.so";
        assert_eq!(shorten(said), "1 : FAIL : Failed to load library libx.so");
        assert_eq!(shorten(&"word ".repeat(200)).chars().count(), 401);
    }
}
