#!/usr/bin/env bash
# One NonMaxSuppression model, two runtimes: no boxes in one, all boxes in the other.
#
# Guess:   `max_output_boxes_per_class` left out means "no limit", as in most post-processing code, and
#          runtimes that pass the checker's model agree on it.
# Happens: ONNX Runtime follows the standard's default 0 and gives no box, without a warning. OpenCV's DNN
#          module gives every box, also when the limit is an explicit 0. The standard's own reference
#          evaluator raises TypeError on the valid model. With a limit, OpenCV still drops one of two
#          boxes without area (a tracker's lost box, a clamp at the border), ONNX Runtime keeps both.
# Means:   a model that "finds nothing" on the device and finds people in the lab may be this. Refuse
#          a model with an NMS node that lacks the limit, or sets 0, when it is loaded; feed the node's own
#          picture in the start-up check; drop boxes without area before NMS.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export ORT_DISABLE_TELEMETRY=1
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip \
  onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6 \
  protobuf==7.36.2 ml-dtypes==0.6.0 typing-extensions==4.16.0 flatbuffers==25.12.19 packaging==26.4

cat >try.py <<'PY'
import sys
sys.path.insert(0, "pip")
import cv2, numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h
from onnx.reference import ReferenceEvaluator

print("version: onnx", onnx.__version__, "onnxruntime", ort.__version__, "opencv", cv2.__version__)
# y1, x1, y2, x2: two people apart, one of them found twice, and twice the same box without area.
boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [5, 50, 5, 50], [5, 50, 5, 50]]], np.float32)
scores = np.array([[[0.9, 0.8, 0.7, 0.3, 0.2]]], np.float32)

def model(limit):
    extra = [] if limit is None else [h.make_tensor("limit", T.INT64, [1], [limit]), h.make_tensor("iou", T.FLOAT, [1], [0.5])]
    names = ["boxes", "scores"] + [e.name for e in extra]
    graph = h.make_graph([h.make_node("NonMaxSuppression", names, ["kept"])], "nms",
                         [h.make_tensor_value_info("boxes", T.FLOAT, [1, 5, 4]), h.make_tensor_value_info("scores", T.FLOAT, [1, 1, 5])],
                         [h.make_tensor_value_info("kept", T.INT64, [None, 3])], extra)
    m = h.make_model(graph, opset_imports=[h.make_opsetid("", 11)], ir_version=8)
    onnx.checker.check_model(m)
    return m

def runtime(m):
    s = ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
    return s.run(None, {"boxes": boxes, "scores": scores})[0][:, 2].tolist()

def reference(m):
    try:
        return ReferenceEvaluator(m).run(None, {"boxes": boxes, "scores": scores})[0][:, 2].tolist()
    except TypeError:
        return "TypeError"

def opencv(m):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(m.SerializeToString(), np.uint8))
    net.setInput(boxes, "boxes")
    net.setInput(scores, "scores")
    return np.array(net.forward()).reshape(-1, 3)[:, 2].astype(int).tolist()

want = {None: ([], "TypeError", [0, 2, 3]), 0: ([], [], [0, 2, 3]), 100: ([0, 2, 3, 4], [0, 2, 3, 4], [0, 2, 3])}
changed = []
for limit, expected in want.items():
    m = model(limit)
    seen = runtime(m), reference(m), opencv(m)
    print(f"limit {limit!s:>4}: ONNX Runtime keeps {seen[0]}, the reference {seen[1]}, OpenCV {seen[2]}")
    if seen != expected:
        changed.append((limit, seen, expected))
assert not changed, f"the behaviour changed: {changed}"
PY
python3 try.py
echo "seen: without a limit ONNX Runtime finds nobody and OpenCV everybody"
