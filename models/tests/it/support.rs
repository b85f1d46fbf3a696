//! Small ONNX files with known answers, frames of plain colours, and tests in processes of their own.

use std::process::Command;

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};

/// The fields of a protobuf message, in the order in which they are added.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, tag: u64, value: i64) -> Self {
        self.varint(tag << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, tag: u64, value: &[u8]) -> Self {
        self.varint(tag << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, tag: u64, value: &str) -> Self {
        self.bytes(tag, value.as_bytes())
    }

    fn message(self, tag: u64, value: &Message) -> Self {
        self.bytes(tag, &value.0)
    }
}

/// A graph under construction; field numbers are those of `onnx.proto`.
pub(crate) struct Graph {
    fields: Message,
}

impl Graph {
    /// A graph with one input `x` of floats; -1 stands for any side.
    pub(crate) fn new(input: &[i64]) -> Self {
        Self { fields: Message::default().text(2, "g").message(11, &value("x", input)) }
    }

    /// A constant.
    pub(crate) fn constant(mut self, name: &str, shape: &[i64], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dims = shape.iter().fold(Message::default(), |m, &d| m.int(1, d));
        self.fields = self.fields.message(5, &dims.int(2, 1).text(8, name).bytes(9, &raw));
        self
    }

    /// A node with inputs, one output and at most one integer attribute.
    pub(crate) fn node(mut self, op: &str, inputs: &[&str], output: &str, attribute: Option<(&str, i64)>) -> Self {
        let node = inputs.iter().fold(Message::default(), |m, input| m.text(1, input)).text(2, output).text(4, op);
        let node = match attribute {
            Some((name, number)) => node.message(5, &Message::default().text(1, name).int(3, number).int(20, 2)),
            None => node,
        };
        self.fields = self.fields.message(1, &node);
        self
    }

    /// The file with that output.
    pub(crate) fn finish(self, output: &str, shape: &[i64]) -> Vec<u8> {
        let graph = self.fields.message(12, &value(output, shape));
        let opset = Message::default().text(1, "").int(2, 13);
        Message::default().int(1, 8).message(7, &graph).message(8, &opset).0
    }
}

fn value(name: &str, shape: &[i64]) -> Message {
    let dims = shape.iter().fold(Message::default(), |m, &side| {
        m.message(1, &if side < 0 { Message::default().text(2, "any") } else { Message::default().int(1, side) })
    });
    let tensor = Message::default().int(1, 1).message(2, &dims);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// A classifier of `[other, yellow]` for RGB crops of 0 to 1 and any batch: the more red and green over blue, the surer.
pub(crate) fn yellow_classifier(side: i64) -> Vec<u8> {
    Graph::new(&[-1, 3, side, side])
        .constant("w", &[3, 2], &[0.0, 10.0, 0.0, 10.0, 0.0, -20.0])
        .constant("b", &[2], &[0.0, -6.0])
        .node("GlobalAveragePool", &["x"], "mean", None)
        .node("Flatten", &["mean"], "flat", Some(("axis", 1)))
        .node("MatMul", &["flat", "w"], "product", None)
        .node("Add", &["product", "b"], "logits", None)
        .node("Softmax", &["logits"], "y", Some(("axis", 1)))
        .finish("y", &[-1, 2])
}

/// A model that says the same whatever it sees. The output is made to hang on the input, which a graph must use.
pub(crate) fn constant_model(input: &[i64], shape: &[i64], values: &[f32]) -> Vec<u8> {
    Graph::new(input)
        .constant("zero", &[], &[0.0])
        .constant("said", shape, values)
        .node("ReduceMean", &["x"], "mean", Some(("keepdims", 0)))
        .node("Mul", &["mean", "zero"], "nothing", None)
        .node("Add", &["said", "nothing"], "y", None)
        .finish("y", shape)
}

/// A frame of one stream whose pixels follow from their place.
pub(crate) fn frame(stream: &str, (width, height): (u32, u32), at: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| at(x, y)).collect();
    Frame::packed(meta(stream), PixelFormat::Rgb8, ColourMatrix::BT601, (width, height), rgb).unwrap()
}

/// A noise in the planes of a format.
pub(crate) fn planar(format: PixelFormat, (width, height): (u32, u32)) -> Frame {
    let n: usize = format.plane_shapes(width, height).iter().map(|(rows, bytes)| rows * bytes).sum();
    let samples = (0..n).map(|i| (i.wrapping_mul(7919) % 251) as u8).collect();
    Frame::packed(meta("gate"), format, ColourMatrix::BT601, (width, height), samples).unwrap()
}

fn meta(stream: &str) -> FrameMeta {
    FrameMeta {
        stream: StreamId::new(stream).unwrap(),
        sequence: 0,
        captured_at: Timestamp::from_micros(1_500_000),
        arrived_at: Timestamp::from_micros(1_500_000),
    }
}

/// Runs a test in a process of its own: the program of the tests starts itself anew with this test alone.
#[track_caller]
pub(crate) fn in_own_process(test: &str, body: impl FnOnce()) {
    const ALONE: &str = "FOREWARN_TEST_ALONE";
    if std::env::var_os(ALONE).is_some_and(|alone| alone == test) {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(ALONE, test).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{test}:\n{said}");
    print!("{said}");
}
