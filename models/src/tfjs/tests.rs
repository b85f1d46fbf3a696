//! The converter on a graph small enough to read.

use prost::Message;

use super::onnx::ModelProto;
use super::*;

fn float_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn int_bytes(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Pad, transpose, convolution, bias, transpose back, activation; as they come out of PyTorch by way of ONNX.
fn model(padding: &str, extra: &str) -> (String, Vec<u8>) {
    let text = format!(
        r#"{{
        "modelTopology": {{ "node": [
            {{ "name": "x", "op": "Placeholder",
               "attr": {{ "shape": {{ "shape": {{ "dim": [{{"size": "1"}}, {{"size": "1"}}, {{"size": "4"}}, {{"size": "4"}}] }} }} }} }},
            {{ "name": "pads", "op": "Const" }}, {{ "name": "to_nhwc", "op": "Const" }},
            {{ "name": "to_nchw", "op": "Const" }}, {{ "name": "w", "op": "Const" }}, {{ "name": "b", "op": "Const" }},
            {{ "name": "padded", "op": "Pad", "input": ["x", "pads"] }},
            {{ "name": "t1", "op": "Transpose", "input": ["padded", "to_nhwc"] }},
            {{ "name": "conv", "op": "Conv2D", "input": ["t1", "w"], "attr": {{
                "padding": {{ "s": "{padding}" }}, "strides": {{ "list": {{ "i": ["1", "2", "2", "1"] }} }} }} }},
            {{ "name": "biased", "op": "AddV2", "input": ["conv", "b"] }},
            {{ "name": "t2", "op": "Transpose", "input": ["biased", "to_nchw"] }},
            {extra}
            {{ "name": "y", "op": "LeakyRelu", "input": ["t2"], "attr": {{ "alpha": {{ "f": 0.1 }} }} }}
        ] }},
        "signature": {{ "outputs": {{ "y": {{}} }} }},
        "weightsManifest": [{{ "paths": ["w.bin"], "weights": [
            {{ "name": "pads", "shape": [4, 2], "dtype": "int32" }},
            {{ "name": "to_nhwc", "shape": [4], "dtype": "int32" }},
            {{ "name": "to_nchw", "shape": [4], "dtype": "int32" }},
            {{ "name": "w", "shape": [1, 2, 1, 2], "dtype": "float32" }},
            {{ "name": "b", "shape": [2], "dtype": "float32" }}
        ] }}]
    }}"#
    );
    let mut bytes = int_bytes(&[0, 0, 0, 0, 1, 1, 2, 2]);
    bytes.extend(int_bytes(&[0, 2, 3, 1]));
    bytes.extend(int_bytes(&[0, 3, 1, 2]));
    bytes.extend(float_bytes(&[1., 2., 3., 4.]));
    bytes.extend(float_bytes(&[5., 6.]));
    (text, bytes)
}

fn convert(padding: &str, extra: &str) -> Result<Vec<u8>, ConvertError> {
    let (text, bytes) = model(padding, extra);
    onnx_from_graph_model(text.as_bytes(), |path| (path == "w.bin").then(|| bytes.clone()))
}

#[test]
fn transposes_padding_and_bias_vanish_into_the_convolution() {
    let model = ModelProto::decode(convert("VALID", "").unwrap().as_slice()).unwrap();
    let graph = model.graph.unwrap();
    let ops: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(ops, ["Conv", "LeakyRelu", "Identity"]);
    let conv = &graph.node[0];
    assert_eq!(conv.input, ["x", "conv/weights", "biased/bias"]);
    let ints = |name: &str| conv.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone());
    assert_eq!(ints("pads"), Some(vec![1, 2, 1, 2]));
    assert_eq!(ints("strides"), Some(vec![2, 2]));
    let weights = graph.initializer.iter().find(|tensor| tensor.name == "conv/weights").unwrap();
    // Height 1, width 2, in 1, out 2 becomes out 2, in 1, height 1, width 2.
    assert_eq!(weights.dims, [2, 1, 1, 2]);
    assert_eq!(weights.raw_data, float_bytes(&[1., 3., 2., 4.]));
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    assert_eq!(convert("VALID", "").unwrap(), convert("VkFMSUQ=", "").unwrap());
}

#[test]
fn what_cannot_be_converted_is_named() {
    let unknown = r#"{ "name": "odd", "op": "FancyOp", "input": ["t2"] },"#;
    assert!(convert("VALID", unknown).is_ok(), "a node that no output needs does not matter");
    let (text, bytes) = model("VALID", unknown);
    let text = text.replace(r#""input": ["t2"], "attr""#, r#""input": ["odd"], "attr""#);
    let error = onnx_from_graph_model(text.as_bytes(), |_| Some(bytes.clone())).unwrap_err().to_string();
    assert!(error.contains("`odd`") && error.contains("FancyOp"), "{error}");

    let error = convert("EXPLICIT", "").unwrap_err().to_string();
    assert!(error.contains("`conv`") && error.contains("VALID"), "{error}");
    // A convolution that pads by itself cannot take in the padding before it as well.
    let error = convert("SAME", "").unwrap_err().to_string();
    assert!(error.contains("`conv`") && error.contains("pads"), "{error}");

    let missing = onnx_from_graph_model(text.as_bytes(), |_| None).unwrap_err();
    assert!(matches!(missing, ConvertError::MissingShard { .. }), "{missing}");

    let circle = text.replace(r#""input": ["conv", "b"]"#, r#""input": ["t2", "b"]"#);
    let circle = circle.replace(r#""input": ["odd"], "attr""#, r#""input": ["t2"], "attr""#);
    let error = onnx_from_graph_model(circle.as_bytes(), |_| Some(bytes.clone())).unwrap_err().to_string();
    assert!(error.contains("depends on itself"), "{error}");
}

#[test]
fn a_broken_file_is_an_error() {
    for text in ["", "{}", r#"{"modelTopology": {"node": []}, "weightsManifest": "no"}"#] {
        assert!(onnx_from_graph_model(text.as_bytes(), |_| None).is_err(), "{text}");
    }
}

/// A picture, a depthwise convolution with bias and activation, and boxes out of it whose shape is computed from that of
/// the picture; as TensorFlow's detectors have them. The words are as numbers, the types too.
const DETECTOR: &str = r#"{
    "modelTopology": { "node": [
        { "name": "prepared", "op": "FancyOp" },
        { "name": "w", "op": "Const" }, { "name": "b", "op": "Const" },
        { "name": "zero", "op": "Const" }, { "name": "one", "op": "Const" },
        { "name": "minus", "op": "Const" }, { "name": "two", "op": "Const" },
        { "name": "conv", "op": "FusedDepthwiseConv2dNative", "input": ["prepared", "w", "b"], "attr": {
            "padding": { "s": [83, 65, 77, 69] }, "strides": { "list": { "i": ["1", "2", "2", "1"] } },
            "fused_ops": { "list": { "s": ["Qmlhc0FkZA==", [82, 101, 108, 117, 54]] } } } },
        { "name": "shape", "op": "Shape", "input": ["conv"] },
        { "name": "n", "op": "StridedSlice", "input": ["shape", "zero", "one", "one"],
          "attr": { "shrink_axis_mask": { "i": "1" } } },
        { "name": "sides", "op": "Pack", "input": ["n", "minus", "two"], "attr": { "axis": { "i": "0" } } },
        { "name": "rows", "op": "Reshape", "input": ["conv", "sides"] },
        { "name": "best", "op": "ArgMax", "input": ["rows", "minus"] },
        { "name": "half", "op": "FloorDiv", "input": ["best", "two"], "attr": { "T": { "type": 3 } } },
        { "name": "float", "op": "Cast", "input": ["half"], "attr": { "DstT": { "type": "DT_FLOAT" } } },
        { "name": "chosen", "op": "Suppress", "input": ["rows"] }
    ] },
    "weightsManifest": [{ "paths": ["w.bin"], "weights": [
        { "name": "w", "shape": [1, 1, 2, 1], "dtype": "float32" },
        { "name": "b", "shape": [2], "dtype": "float32" },
        { "name": "zero", "shape": [1], "dtype": "int32" },
        { "name": "one", "shape": [1], "dtype": "int32" },
        { "name": "minus", "shape": [], "dtype": "int32" },
        { "name": "two", "shape": [], "dtype": "int32" }
    ] }]
}"#;

fn convert_part(outputs: &[&str]) -> Result<Vec<u8>, ConvertError> {
    let mut bytes = float_bytes(&[1., 2., 3., 4.]);
    bytes.extend(int_bytes(&[0, 1, -1, 2]));
    let outputs: Vec<String> = outputs.iter().map(|&name| name.to_owned()).collect();
    let part = Part { input: "prepared", shape: &[1, 4, 4, 2], outputs: &outputs };
    onnx_from_graph_part(DETECTOR.as_bytes(), part, |_| Some(bytes.clone()))
}

#[test]
fn a_part_of_a_graph_begins_and_ends_where_it_is_cut() {
    let model = ModelProto::decode(convert_part(&["rows", "float"]).unwrap().as_slice()).unwrap();
    let graph = model.graph.unwrap();
    let ops: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    let floor_div = ["Cast", "Cast", "Div", "Floor", "Cast"];
    let expected = ["Transpose", "Conv", "Clip", "Transpose", "Reshape", "ArgMax"].into_iter().chain(floor_div);
    assert_eq!(ops, expected.chain(["Cast", "Identity", "Identity"]).collect::<Vec<_>>());
    let conv = &graph.node[1];
    let attribute = |name: &str| conv.attribute.iter().find(|a| a.name == name).cloned().unwrap();
    assert_eq!((attribute("group").i, attribute("auto_pad").s), (Some(2), Some(b"SAME_UPPER".to_vec())));
    let weights = graph.initializer.iter().find(|tensor| tensor.name == "conv/weights").unwrap();
    assert_eq!(weights.dims, [2, 1, 1, 1]);
    let shape = graph.initializer.iter().find(|tensor| tensor.name == "rows/shape").unwrap();
    let sides: Vec<i64> = shape.raw_data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
    assert_eq!(sides, [1, -1, 2]);
    assert_eq!(graph.input[0].name, "prepared");
    let outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["float", "rows"]);

    let error = convert_part(&["chosen"]).unwrap_err().to_string();
    assert!(error.contains("Suppress"), "{error}");
    let outputs = ["rows".to_owned()];
    let part = Part { input: "nowhere", shape: &[1], outputs: &outputs };
    let error = onnx_from_graph_part(DETECTOR.as_bytes(), part, |_| None).unwrap_err().to_string();
    assert!(error.contains("`nowhere`"), "{error}");
}
