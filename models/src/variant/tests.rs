//! Variants of a small graph, run by nothing but looked at.

use half::f16;

use super::*;
use crate::tfjs::onnx::{NodeProto, attr_ints, float_value, tensor_f32};

/// Two convolutions with a rectifier between them.
fn graph() -> GraphProto {
    let node = |op: &str, inputs: &[&str], output: &str| NodeProto {
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        name: output.to_owned(),
        op_type: op.to_owned(),
        attribute: if op == "Conv" { vec![attr_ints("kernel_shape", vec![1, 1])] } else { Vec::new() },
    };
    let weights: Vec<f32> = (0..512).map(|i| (i as f32 - 256.0) / 128.0).collect();
    GraphProto {
        node: vec![
            node("Conv", &["picture", "w1", "b1"], "first"),
            node("Relu", &["first"], "positive"),
            node("Conv", &["positive", "w2"], "answer"),
        ],
        name: "small".to_owned(),
        initializer: vec![
            tensor_f32("w1", &[2, 256, 1, 1], &weights),
            tensor_f32("b1", &[2], &[0.5, -0.5]),
            tensor_f32("w2", &[1, 2, 1, 1], &[0.25, -1.0]),
        ],
        input: vec![float_value("picture", &[1, 256, 4, 4])],
        output: vec![float_value("answer", &[1, 1, 4, 4])],
    }
}

fn ranges() -> Ranges {
    [("picture", [-1.0, 1.0]), ("first", [-4.0, 4.0]), ("positive", [0.0, 4.0])]
        .map(|(name, range)| (name.to_owned(), range))
        .into()
}

/// Every input of every node is the graph's, a constant's, or an earlier node's output.
#[track_caller]
fn check_order(graph: &GraphProto) {
    let mut known: Vec<&String> = graph.input.iter().map(|i| &i.name).collect();
    known.extend(graph.initializer.iter().map(|tensor| &tensor.name));
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(&input), "{} reads `{input}` before it is there", node.name);
        }
        known.extend(&node.output);
    }
    assert!(graph.output.iter().all(|output| known.contains(&&output.name)));
}

#[test]
fn eight_bits_hold_every_convolution_but_those_to_be_skipped() {
    let mut whole = graph();
    int8::quantise(&mut whole, &ranges(), &[]).unwrap();
    check_order(&whole);
    let tensor = |name: &str| whole.initializer.iter().find(|tensor| tensor.name == name).unwrap();
    let weights = tensor("first/int8-weights");
    assert_eq!((weights.data_type, weights.raw_data.len()), (INT8, 512));
    // The greatest weight of a channel is 127 steps of its own scale.
    assert_eq!(weights.raw_data[0] as i8, -127);
    // The bias counts in steps of both scales: 0.5 / (2/255 * 2/127).
    let step = (2.0_f32 / 255.0) * (2.0 / 127.0);
    let bias = i32::from_le_bytes(tensor("first/int32-bias").raw_data[..4].try_into().unwrap());
    assert_eq!(bias, (0.5 / step).round() as i32);
    // Zero lies in the middle between two steps, and either is as near.
    assert!(matches!(tensor("first/zero").raw_data[..], [127 | 128]));
    assert!(whole.initializer.iter().all(|tensor| tensor.name != "w1" && tensor.name != "w2"));
    let last = whole.node.last().unwrap();
    assert_eq!((last.op_type.as_str(), last.input[0].as_str()), ("Conv", "positive/back"));

    let mut part = graph();
    int8::quantise(&mut part, &ranges(), &["answer".to_owned()]).unwrap();
    check_order(&part);
    assert!(part.initializer.iter().any(|tensor| tensor.name == "w2"));
}

#[test]
fn what_cannot_be_quantised_is_said() {
    let says = |ranges: &Ranges, skip: &[String]| int8::quantise(&mut graph(), ranges, skip).unwrap_err().to_string();
    assert!(says(&Ranges::new(), &[]).contains("has no range"));
    let flat = ranges().into_keys().map(|name| (name, [0.0, 0.0])).collect();
    assert!(says(&flat, &[]).contains("without extent"));
    assert!(says(&ranges(), &["third".to_owned()]).contains("`third`"));
    let missing = make(&[], &Variant::Int8 { ranges: "yolo".to_owned(), skip: Vec::new() });
    assert!(missing.is_ok_and(|bytes| bytes.is_empty()), "an empty model has nothing to quantise");
    assert!(read_ranges("yolo").unwrap_err().to_string().contains("nanodet-g-416"));
}

#[test]
fn sixteen_bits_halve_what_is_worth_it() {
    let mut small = graph();
    halved(&mut small);
    check_order(&small);
    let types: Vec<i32> = small.initializer.iter().map(|tensor| tensor.data_type).collect();
    assert_eq!(types, [FLOAT16, FLOAT, FLOAT]);
    let first = f16::from_le_bytes(small.initializer[0].raw_data[..2].try_into().unwrap());
    assert_eq!(first.to_f32(), -2.0);
    assert_eq!((small.node[0].op_type.as_str(), small.node[0].output[0].as_str()), ("Cast", "w1"));
    let mut large = graph();
    large.initializer[0] = tensor_f32("w1", &[2, 256, 1, 1], &[1e6; 512]);
    halved(&mut large);
    assert_eq!(large.initializer[0].data_type, FLOAT);
}

fn halved(graph: &mut GraphProto) {
    fp16::halve(graph);
}
