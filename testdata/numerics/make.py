"""Writes resize.json: small calls of Resize in every mode, with what ONNX's reference evaluator computes.

    python make.py resize.json

See README.md. Run in the environment of convert/requirements-test.txt.
"""

import itertools
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
FILTERS = [
    *({"mode": "nearest", "nearest_mode": m} for m in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")),
    {"mode": "linear"},
    {"mode": "linear", "antialias": 1},
    *({"mode": "cubic", "exclude_outside": e, "antialias": a} for e in (0, 1) for a in (0, 1)),
    {"mode": "cubic", "cubic_coeff_a": -0.5},
]
# Values without symmetry or smoothness, so that a shift, a swap or another weight shows.
ROW = np.array([[[[3, -1, 4, 1, -5]]]], np.float32)
PLANE = np.array([[[[2, 7, -1, 8], [-2, 8, 1, -8], [2, 8, 4, -5]]]], np.float32)
# Scales up and down whose products with the sizes aren't whole, one that gives a single element, and sizes instead of scales.
CALLS = [
    *((ROW, {"scales": [1, 1, 1, s]}) for s in (2.5, 0.61, 0.3)), *((ROW, {"sizes": [1, 1, 1, n]}) for n in (1, 3, 8)),
    (PLANE, {"scales": [1, 1, 1.7, 0.65]}), (PLANE, {"sizes": [1, 1, 2, 7]}),
]  # fmt: skip


def model(x, attributes, sizes):
    """A model of one node, and what to feed it."""
    feeds = {"x": x}
    names = ["x", "", "", ""]
    if attributes["coordinate_transformation_mode"] == "tf_crop_and_resize":
        rank = x.ndim
        start, end = ([0.0] * rank, [1.0] * rank)
        start[-1], end[-1] = 0.15, 1.3  # partly outside of the input: the extrapolation value
        feeds["roi"], names[1] = np.array(start + end, np.float32), "roi"
    for place, (name, dtype) in enumerate({"scales": np.float32, "sizes": np.int64}.items(), 2):
        if name in sizes:
            feeds[name], names[place] = np.array(sizes[name], dtype), name
    while not names[-1]:
        names.pop()
    node = helper.make_node("Resize", names, ["y"], **attributes)
    kinds = {name: TensorProto.INT64 if name == "sizes" else TensorProto.FLOAT for name in feeds}
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info(n, kinds[n], v.shape) for n, v in feeds.items()],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)])  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), feeds


def compute(proto, feeds):
    """The expectation, where it comes from, and whether the other of the two agrees."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    peer = session.run(None, feeds)[0]
    want = ReferenceEvaluator(proto).run(None, feeds)[0].astype(np.float32)
    assert want.shape == peer.shape
    agree = np.allclose(peer, want, rtol=1e-5, atol=1e-5)
    if b"pytorch_half_pixel" in proto.SerializeToString() and 1 in want.shape[2:]:
        return peer, "runtime", agree
    return want, "reference", agree


def main():
    """Writes the cases, one a line."""
    onnxruntime.set_default_logger_severity(4)
    lines = []
    for coordinates, kind, (x, sizes) in itertools.product(COORDINATES, FILTERS, CALLS):
        attributes = {k: v for k, v in kind.items() if v != 0} | {"coordinate_transformation_mode": coordinates}
        if coordinates == "tf_crop_and_resize":
            attributes["extrapolation_value"] = 10.0
        proto, feeds = model(x, attributes, sizes)
        onnx.checker.check_model(proto)
        want, source, agree = compute(proto, feeds)
        case = {"attrs": attributes, "x": x.ravel().tolist(), "shape": list(x.shape)} | sizes
        if "roi" in feeds:
            case["roi"] = [round(float(v), 6) for v in feeds["roi"]]
        case |= {"want": [float(f"{v:.7g}") for v in want.ravel()], "dims": list(want.shape), "from": source, "agree": agree}
        lines.append(json.dumps(case))
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
