//! ONNX sessions, pre- and post-processing, model cards and the model store.
