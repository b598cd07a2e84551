"""Writes golden.json.gz: nodes of ai.onnx.ml with seeded attributes and inputs, and what ONNX Runtime makes of them.

    python golden.py          (onnx 1.23, onnxruntime 1.32, numpy)

Left out is what ONNX Runtime does otherwise than the standard says, see the comments of the operators.
"""

import gzip
import json

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper

rng = np.random.RandomState(7)
cases = []


def floats(*shape, scale=1.0):
    return [float(np.float32(v)) for v in (rng.randn(*shape) * scale).ravel()]


def plain(v):
    """An array or list as JSON has it: NaN and infinities are strings."""
    return [str(x) if isinstance(x, float) and not np.isfinite(x) else x for x in np.asarray(v).ravel().tolist()]


def case(op, inputs, outs=1, ver=3, **attrs):
    names = [f"i{k}" for k in range(len(inputs))]
    node = helper.make_node(op, names, [f"o{k}" for k in range(outs)], domain="ai.onnx.ml", **attrs)
    kinds = [T.STRING if x.dtype == object else helper.np_dtype_to_tensor_dtype(x.dtype) for x in inputs]
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(n, k, list(x.shape)) for n, k, x in zip(names, kinds, inputs)],
        [onnx.ValueInfoProto(name=o) for o in node.output],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", ver)])
    model.ir_version = 8
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(None, dict(zip(names, inputs)))
    def packed(x):
        name = "string" if x.dtype == object else str(x.dtype)
        return {"dtype": name, "shape": list(x.shape), "data": plain(x)}
    listed = {}
    for a in node.attribute:
        v = helper.get_attribute_value(a)
        if a.type == onnx.AttributeProto.TENSOR:
            listed[a.name] = {"kind": "tensor", "tensor": packed(onnx.numpy_helper.to_array(v))}
            continue
        if isinstance(v, bytes):
            v = v.decode()
        elif isinstance(v, list) and v and isinstance(v[0], bytes):
            v = [s.decode() for s in v]
        listed[a.name] = {"kind": onnx.AttributeProto.AttributeType.Name(a.type).lower(), "value": plain(v) if isinstance(v, (list, tuple)) else plain([v])[0]}
    cases.append({"op": op, "attrs": listed, "inputs": [packed(x) for x in inputs], "outputs": [packed(np.asarray(x)) for x in results]})


def table(n, features, dtype=np.float32, nans=False):
    x = np.round(rng.randn(n, features), 1).astype(dtype)
    if nans:
        x[rng.rand(n, features) < 0.1] = np.nan
    return x


def trees(count, depth, features, targets, prefix, positive=False, modes=("BRANCH_LEQ",), missing=False):
    """Attributes of random trees in the older form."""
    keys = ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true"]
    nodes = {k: [] for k in keys}
    votes = {k: [] for k in ["treeids", "nodeids", "ids", "weights"]}
    for tree in range(count):
        def grow(level, state):
            me = state[0]
            state[0] += 1
            row = len(nodes["treeids"])
            leaf = level == depth or (level > 0 and rng.rand() < 0.2)
            for k, v in zip(keys, [tree, me, int(rng.randint(features)), float(np.float32(round(rng.randn(), 1))),
                                   "LEAF" if leaf else str(rng.choice(modes)), 0, 0, int(missing and rng.rand() < 0.5)]):
                nodes[k].append(v)
            if leaf:
                for t in targets:
                    w = float(np.float32(round(rng.randn(), 2)))
                    for k, v in zip(votes, [tree, me, t, abs(w) / count if positive else w]):
                        votes[k].append(v)
                return me
            nodes["truenodeids"][row] = grow(level + 1, state)
            nodes["falsenodeids"][row] = grow(level + 1, state)
            return me
        grow(0, [0])
    out = {"nodes_" + k: v for k, v in nodes.items()}
    if not missing:
        del out["nodes_missing_value_tracks_true"]
    out.update({prefix + "_" + k: v for k, v in votes.items()})
    return out


ORDER = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ")
for how in ["SUM", "AVERAGE", "MIN", "MAX"]:
    for targets in (1, 3):
        ids = list(range(targets))
        a = trees(7, 4, 5, ids, "target", modes=ORDER + ("BRANCH_NEQ",))
        case("TreeEnsembleRegressor", [table(30, 5)], n_targets=targets, aggregate_function=how, **a)
        case("TreeEnsembleRegressor", [table(9, 5)], n_targets=targets, aggregate_function=how, base_values=floats(targets), **a)
a = trees(20, 6, 8, [0], "target", modes=ORDER, missing=True)
case("TreeEnsembleRegressor", [table(150, 8, nans=True)], n_targets=1, **a)
a = trees(6, 3, 4, [0, 1], "target")
for post in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
    case("TreeEnsembleRegressor", [table(9, 4)], n_targets=2, post_transform=post, **a)
for k in ("nodes_values", "target_weights"):
    a[k + "_as_tensor"] = helper.make_tensor(k, T.DOUBLE, [len(a[k])], a.pop(k))
case("TreeEnsembleRegressor", [table(9, 4, np.float64)], n_targets=2, **a)

for post in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
    a = trees(5, 4, 5, [0, 1, 2], "class")
    case("TreeEnsembleClassifier", [table(20, 5)], 2, classlabels_int64s=[7, 3, 5], post_transform=post, **a)
    case("TreeEnsembleClassifier", [table(20, 5, np.int64)], 2, classlabels_strings=["x", "y", "z"], post_transform=post, base_values=floats(3), **a)
for positive in (False, True):
    a = trees(5, 4, 5, [0], "class", positive=positive)
    case("TreeEnsembleClassifier", [table(20, 5)], 2, classlabels_int64s=[4, 9], **a)
    case("TreeEnsembleClassifier", [table(20, 5)], 2, classlabels_strings=["no", "yes"], post_transform="LOGISTIC", **a)
    case("TreeEnsembleClassifier", [table(20, 5)], 2, classlabels_int64s=[4, 9], post_transform="LOGISTIC", base_values=[0.25], **a)
    a = trees(5, 4, 5, [1], "class", positive=positive)
    case("TreeEnsembleClassifier", [table(20, 5)], 2, classlabels_int64s=[4, 9], **a)

for dt, proto in ((np.float32, T.FLOAT), (np.float64, T.DOUBLE)):
    for how in range(4):
        nodes = {k: [] for k in ("nodes_featureids", "nodes_trueleafs", "nodes_truenodeids", "nodes_falseleafs", "nodes_falsenodeids")}
        leaves = [0]

        def grow(level):
            me = len(nodes["nodes_featureids"])
            for k in nodes:
                nodes[k].append(int(rng.randint(4)))
            for side in ("true", "false"):
                leaf = level == 4 or rng.rand() < 0.2
                if leaf:
                    leaves[0] += 1
                nodes[f"nodes_{side}leafs"][me] = int(leaf)
                nodes[f"nodes_{side}nodeids"][me] = leaves[0] - 1 if leaf else grow(level + 1)
            return me

        roots = [grow(0) for _ in range(3)]
        n, m = len(nodes["nodes_featureids"]), leaves[0]
        modes = rng.randint(0, 7, n).astype(np.uint8)
        members = []
        for _ in range(int((modes == 6).sum())):
            members += [float(v) for v in rng.randint(1, 9, 4)] + [np.nan]  # ONNX Runtime takes only such
        case("TreeEnsemble", [np.concatenate([table(25, 4, dt), rng.randint(-2, 9, (25, 4)).astype(dt)])], ver=5, n_targets=3, aggregate_function=how, tree_roots=roots,
             nodes_modes=helper.make_tensor("m", T.UINT8, [n], modes.tolist()),
             nodes_splits=helper.make_tensor("s", proto, [n], [round(v, 1) for v in rng.randn(n)]),
             leaf_weights=helper.make_tensor("w", proto, [m], floats(m)), leaf_targetids=[int(rng.randint(3)) for _ in range(m)],
             membership_values=helper.make_tensor("v", proto, [len(members)], members), **nodes)

for dt in (np.float32, np.float64, np.int32, np.int64):
    x = (table(5, 3) * 4).astype(dt)
    for targets, post in ((2, "NONE"), (2, "LOGISTIC"), (3, "SOFTMAX"), (1, "PROBIT")):
        if dt == np.float32:
            case("LinearRegressor", [np.abs(x) / 20], coefficients=[abs(v) / 3 for v in floats(targets, 3)], targets=targets, post_transform=post)
            case("LinearRegressor", [x], coefficients=floats(targets, 3), intercepts=floats(targets), targets=targets,
                 post_transform="NONE" if post == "PROBIT" else post)
    for post in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
        case("LinearClassifier", [x], 2, coefficients=floats(3, 3), intercepts=floats(3), classlabels_ints=[3, 2, 1], post_transform=post)
    case("LinearClassifier", [x], 2, coefficients=floats(1, 3), intercepts=floats(1), classlabels_strings=["a", "b"], post_transform="LOGISTIC")
    case("Scaler", [x], scale=floats(3), offset=floats(3))
    case("Scaler", [x], scale=floats(1), offset=floats(1))
    for norm in ("MAX", "L1", "L2"):
        case("Normalizer", [x], norm=norm)
    if dt != np.int32:
        case("OneHotEncoder", [x], cats_int64s=[-2, 0, 1, 4])
    case("FeatureVectorizer", [x, x[:, :2]], inputdimensions=[2, 4])
    case("ArrayFeatureExtractor", [x, np.array([[2, 0, 2]], np.int64)])
case("OneHotEncoder", [np.array(["b", "q"], object)], cats_strings=["a", "b"])
case("Binarizer", [table(5, 3)], threshold=0.25)
case("Imputer", [table(9, 3, nans=True)], imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))
case("Imputer", [table(9, 3, np.int64)], imputed_value_int64s=[7], replaced_value_int64=0)
case("CategoryMapper", [np.array([["a", "z"]], object)], cats_strings=["a", "b"], cats_int64s=[5, 6])
case("CategoryMapper", [np.array([6, 7])], cats_strings=["a", "b"], cats_int64s=[5, 6], default_string="?")
case("LabelEncoder", [np.array([1.5, np.nan, 2.0], np.float32)], ver=4, keys_floats=[1.5, float("nan")], values_strings=["x", "none"])
case("LabelEncoder", [np.array([3, 4])], ver=2, keys_int64s=[3], values_floats=[0.5])
case("LabelEncoder", [np.array(["a", "b"], object)], ver=4, keys_strings=["a", "c"],
     values_tensor=helper.make_tensor("v", T.INT16, [2], [4, 5]), default_tensor=helper.make_tensor("d", T.INT16, [1], [-3]))

for kind in ("LINEAR", "POLY", "RBF", "SIGMOID"):
    params = [0.5, 0.25, 2.0]
    for c, per in ((2, [2, 3]), (3, [2, 1, 3]), (4, [1, 2, 2, 1])):
        v, p = sum(per), c * (c - 1) // 2
        a = dict(kernel_type=kind, kernel_params=params, support_vectors=floats(v, 3), coefficients=floats(c - 1, v), rho=floats(p),
                 vectors_per_class=per, classlabels_ints=[10 * i for i in range(c)])
        case("SVMClassifier", [table(6, 3)], 2, **a)
        case("SVMClassifier", [table(6, 3)], 2, post_transform="LOGISTIC", **a)
        case("SVMClassifier", [table(6, 3)], 2, prob_a=[-abs(x) for x in floats(p)], prob_b=floats(p), **a)
    for one in (0, 1):
        case("SVMRegressor", [table(6, 3)], kernel_type=kind, kernel_params=params, support_vectors=floats(4, 3), coefficients=floats(4),
             n_supports=4, rho=floats(1), one_class=one)
case("SVMRegressor", [table(6, 3)], kernel_params=[0.0, 0.0, 0.0], coefficients=floats(3), rho=floats(1))
for post in ("NONE", "LOGISTIC", "SOFTMAX"):  # of two classes ONNX Runtime takes the second even where the first has the greater score
    case("SVMClassifier", [table(6, 3)], 2, kernel_params=[0.0, 0.0, 0.0], coefficients=floats(9), rho=floats(1), classlabels_ints=[5, 6, 7],
         post_transform=post)

with open("golden.json.gz", "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0) as z:
    z.write(json.dumps(cases).encode())
print(len(cases), "cases")
