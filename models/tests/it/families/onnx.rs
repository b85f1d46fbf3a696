//! Small ONNX files with known answers, written by hand.
//!
//! Field numbers and enum values are those of `onnx.proto` of ONNX 1.16.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OpsetProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OpsetProto {
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(int32, tag = "20")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
    /// Where the values lie outside of the file.
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<EntryProto>,
    /// 1 where they lie outside.
    #[prost(int32, tag = "14")]
    data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
struct EntryProto {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct ValueProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<ShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct ShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<DimProto>,
}

#[derive(Clone, PartialEq, Message)]
struct DimProto {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
}

/// Element types.
pub(crate) const FLOAT: i32 = 1;
pub(crate) const UINT8: i32 = 2;
pub(crate) const INT32: i32 = 6;
pub(crate) const INT64: i32 = 7;
pub(crate) const FLOAT16: i32 = 10;

/// A graph in the making.
#[derive(Default)]
pub(crate) struct Graph(GraphProto);

impl Graph {
    /// An input; a side of -1 is free.
    pub(crate) fn input(mut self, name: &str, elem_type: i32, shape: &[i64]) -> Self {
        let dim = shape.iter().map(|&side| DimProto { value: (side >= 0).then_some(side) }).collect();
        let tensor = TensorTypeProto { elem_type, shape: Some(ShapeProto { dim }) };
        self.0.input.push(ValueProto { name: name.to_owned(), kind: Some(TypeProto { tensor: Some(tensor) }) });
        self
    }

    /// A constant of floats: zeros but for a few.
    pub(crate) fn floats(mut self, name: &str, shape: &[i64], values: &[(usize, f32)]) -> Self {
        let mut flat = vec![0.0_f32; shape.iter().product::<i64>() as usize];
        for &(index, value) in values {
            flat[index] = value;
        }
        let raw_data = flat.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.initializer.push(TensorProto {
            dims: shape.to_vec(),
            data_type: FLOAT,
            name: name.to_owned(),
            raw_data,
            ..TensorProto::default()
        });
        self
    }

    /// A constant vector of 64-bit integers.
    pub(crate) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = vec![values.len() as i64];
        let name = name.to_owned();
        let tensor = TensorProto { dims, data_type: INT64, name, raw_data, ..TensorProto::default() };
        self.0.initializer.push(tensor);
        self
    }

    /// An operation with integer attributes.
    pub(crate) fn node(mut self, op: &str, input: &[&str], output: &str, attributes: &[(&str, i64)]) -> Self {
        let attribute = |&(name, i): &(&str, i64)| AttributeProto { name: name.to_owned(), i: Some(i), kind: 2 };
        self.0.node.push(NodeProto {
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            op_type: op.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
        });
        self
    }

    /// An output of floats, of whatever shape.
    pub(crate) fn output(mut self, name: &str) -> Self {
        let tensor = TensorTypeProto { elem_type: FLOAT, shape: None };
        self.0.output.push(ValueProto { name: name.to_owned(), kind: Some(TypeProto { tensor: Some(tensor) }) });
        self
    }

    /// Moves the values of all constants into a file beside the model's.
    pub(crate) fn beside(mut self, file: &str) -> (Self, Vec<u8>) {
        let mut outside = Vec::new();
        for tensor in &mut self.0.initializer {
            let entry = |key: &str, value: String| EntryProto { key: key.to_owned(), value };
            let (offset, length) = (outside.len().to_string(), tensor.raw_data.len().to_string());
            outside.append(&mut tensor.raw_data);
            tensor.data_location = 1;
            tensor.external_data =
                vec![entry("location", file.to_owned()), entry("offset", offset), entry("length", length)];
        }
        (self, outside)
    }

    /// The file.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        "made".clone_into(&mut self.0.name);
        let opset_import = vec![OpsetProto { version: 18 }];
        ModelProto { ir_version: 9, graph: Some(self.0), opset_import }.encode_to_vec()
    }
}
