"""Writes the official ONNX backend suite of the installed onnx package as folders.

    python export.py DIR

DIR/KIND/CASE/ gets model.onnx, test_data_set_N/{input,output}_M.pb and, where a
case has other tolerances than the suite's defaults, data.json. The package
ships most kinds as files; the node cases are Python definitions, which are
evaluated here, and the "real" graphs come with their outputs only, for an input
that the suite's own runner makes up by a fixed rule.

The same machine, package and NumPy give the same bytes each time, since onnx
seeds NumPy's random generator. What another CPU or NumPy changes is the last
bit of some 27 reference outputs.
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

# With Pillow the pictures of the ImageDecoder cases would be encoded anew, and
# differ with its version. Without it, onnx takes those that it ships.
sys.modules["PIL"] = None

import numpy as np
import onnx
import onnx.backend.test.loader as loader
from onnx import ModelProto, TensorProto, ValueInfoProto, numpy_helper

VERSION = "1.23.2"

KINDS = ["node", "pytorch-converted", "pytorch-operator", "simple", "real"]

# What the suite's runner compares with unless a case says otherwise.
RTOL, ATOL = 1e-3, 1e-7

DATA = Path(loader.DATA_DIR)


def encode(value, info: ValueInfoProto) -> bytes:
    """Serialises an input or output as the message that its declared type asks for."""
    if isinstance(value, TensorProto):
        return value.SerializeToString(deterministic=True)
    kind = info.type.WhichOneof("value")
    writers = {
        "tensor_type": numpy_helper.from_array,
        "sequence_type": numpy_helper.from_list,
        "optional_type": numpy_helper.from_optional,
        "map_type": numpy_helper.from_dict,
    }
    if kind == "tensor_type":
        value = np.asarray(value)
    return writers[kind](value, info.name).SerializeToString(deterministic=True)


def write_data_set(folder: Path, model: ModelProto, inputs, outputs) -> None:
    folder.mkdir(parents=True)
    for role, values, infos in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
        for i, (value, info) in enumerate(zip(values, infos, strict=False)):
            (folder / f"{role}_{i}.pb").write_bytes(encode(value, info))


def write_tolerances(folder: Path, rtol: float, atol: float) -> None:
    if (rtol, atol) != (RTOL, ATOL):
        (folder / "data.json").write_text(json.dumps({"rtol": rtol, "atol": atol}) + "\n")


def export_node(root: Path) -> None:
    with warnings.catch_warnings():
        # The definitions overflow and divide by zero on purpose.
        warnings.simplefilter("ignore")
        cases = loader.load_model_tests(kind="node")
    for case in cases:
        folder = root / "node" / case.name
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
        for i, (inputs, outputs) in enumerate(case.data_sets):
            write_data_set(folder / f"test_data_set_{i}", case.model, inputs, outputs)
        write_tolerances(folder, case.rtol, case.atol)


def export_files(root: Path, kind: str) -> None:
    for case in loader.load_model_tests(kind=kind):
        shutil.copytree(case.model_dir, root / kind / case.name)


def export_real(root: Path) -> None:
    for case in loader.load_model_tests(kind="real"):
        # The address names a file of the package: onnx/backend/test/data/light/….
        source = DATA / "light" / Path(case.url).name
        model = onnx.load(source)
        folder = root / "real" / case.name
        data_set = folder / "test_data_set_0"
        data_set.mkdir(parents=True)
        shutil.copyfile(source, folder / "model.onnx")
        initializers = {i.name for i in model.graph.initializer}
        given = [i for i in model.graph.input if i.name not in initializers]
        for i, info in enumerate(given):
            # The runner's rule: 0, 1/n, 2/n, …; open dimensions become 1.
            shape = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
            n = int(np.prod(shape))
            ramp = (np.arange(n).reshape(shape) / n).astype(np.float32)
            (data_set / f"input_{i}.pb").write_bytes(encode(ramp, info))
        for i in range(len(model.graph.output)):
            shutil.copyfile(source.with_name(f"{source.stem}_output_{i}.pb"), data_set / f"output_{i}.pb")
        write_tolerances(folder, case.rtol, case.atol)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python export.py DIR", file=sys.stderr)
        return 2
    if onnx.__version__ != VERSION:
        print(f"export.py: onnx {VERSION} is needed, this is {onnx.__version__}", file=sys.stderr)
        return 1
    root = Path(sys.argv[1])
    for kind in KINDS:
        print(f"writing the {kind} cases", flush=True)
        if kind == "node":
            export_node(root)
        elif kind == "real":
            export_real(root)
        else:
            export_files(root, kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
