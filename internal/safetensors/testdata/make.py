"""Writes reference.safetensors with the reference implementation (pip install safetensors==0.8.0)."""

import ctypes
from pathlib import Path

from safetensors import TensorSpec, serialize

WIDTH = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e5m2": 1, "float8_e4m3fn": 1, "float8_e8m0fnu": 1, "float8_e4m3fnuz": 1,
    "float8_e5m2fnuz": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4, "float32": 4,
    "complex64": 8, "float64": 8, "int64": 8, "uint64": 8, "float4_e2m1fn_x2": 1,
}

specs, keep = {}, []


def add(name, dtype, shape, data):
    buf = (ctypes.c_uint8 * max(1, len(data)))(*data)
    keep.append(buf)
    specs[name] = TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(buf), data_len=len(data))


for dtype, width in WIDTH.items():
    data = [i % 2 if dtype == "bool" else 0x11 * (i % 15 + 1) for i in range(6 * width)]
    add(dtype, dtype, [3, 2], data)  # the last dimension of float4 counts bytes here, and elements in the file
add("scalar", "float32", [], [0, 0, 0x80, 0x3F])
add("empty", "float32", [0, 3], [])
add('odd "name"\n<é>', "uint8", [3], [1, 2, 3])

path = Path(__file__).with_name("reference.safetensors")
path.write_bytes(serialize(specs, {"format": "np", "a": "<&>"}))
