//! Weights as 16-bit floats, each behind a cast: half the file, the same computation.
//!
//! ONNX Runtime's CPU provider computes convolutions in 32 bits; it folds the casts when it loads the model.

use half::f16;

use super::{FLOAT, FLOAT16};
use crate::tfjs::onnx::{GraphProto, NodeProto, attr_i};

/// Constants with fewer values stay as they are.
const WORTH: usize = 256;

/// Halves the weights. Those beyond what 16 bits hold stay as they are.
pub(super) fn halve(graph: &mut GraphProto) {
    let mut casts = Vec::new();
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.data_type == FLOAT) {
        let values = tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        if values.len() < WORTH || values.clone().any(|value| value.abs() > f16::MAX.to_f32()) {
            continue;
        }
        let name = tensor.name.clone();
        tensor.raw_data = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        tensor.data_type = FLOAT16;
        tensor.name = format!("{name}/fp16");
        casts.push(NodeProto {
            input: vec![tensor.name.clone()],
            output: vec![name.clone()],
            name: format!("{name}/cast"),
            op_type: "Cast".to_owned(),
            attribute: vec![attr_i("to", i64::from(FLOAT))],
        });
    }
    casts.append(&mut graph.node);
    graph.node = casts;
}
