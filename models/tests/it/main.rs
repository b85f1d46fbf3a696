//! The models through ONNX Runtime: small files with known answers, and real weights against references.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail and speak as tests do")]

mod support;

mod allocations;
mod cascades;
mod denormals;
mod eval;
mod families;
mod openvino;
mod photos;
mod providers;
mod reader;
mod variants;
