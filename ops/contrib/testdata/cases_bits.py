"""Cases of weights of a few bits."""

import numpy as np
from make import Const, case, helper, int4, rng
from onnx import numpy_helper


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def nbits(name, k, n, bits, block, a_shape, zeros=None, const=True, groups=False, bias=False, dtype=np.float32, level=None, flat=False):
    r = rng(name)
    blocks = -(-k // block)
    weights = r.integers(0, 256, (n, blocks, block * bits // 8)).astype(np.uint8)
    scales = f32(name + "s", n, blocks, scale=0.1).astype(dtype)
    z = None
    if zeros == "packed":
        z = r.integers(0, 256, (n, -(-blocks * bits // 8))).astype(np.uint8)
    elif zeros == "float":
        z = r.uniform(0, 2**bits, (n, blocks)).astype(dtype)
    if flat:
        scales, z = scales.flatten(), None if z is None else z.flatten()
    wrap = Const if const else (lambda v: v)
    order = r.permutation(blocks * block).astype(np.int32)[:k] // block if groups else None

    def dequantized():
        """ONNX Runtime's kernel takes 8 for every zero point when there are groups, so it multiplies with the weights as they should be."""
        q = np.stack([weights & 15, weights >> 4], -1).reshape(n, -1)[:, :k]
        points = np.stack([z & 15, z >> 4], -1).reshape(n, -1)
        real = (q - points[:, order].astype(np.float32)) * scales[:, order]
        return [helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(real.T.copy())), helper.make_node("MatMul", ["i0", "w"], ["o0"])]

    inputs = [f32(name + "a", *a_shape, k).astype(dtype), wrap(weights), wrap(scales), None if z is None else wrap(z),
              wrap(order) if groups else None, Const(f32(name + "b", n).astype(dtype)) if bias else None]
    case("MatMulNBits", name, inputs, {"K": k, "N": n, "bits": bits, "block_size": block, **({"accuracy_level": level} if level is not None else {})},
         reference=dequantized if groups and z is not None else None, rtol=4e-3 if dtype == np.float16 else 1e-3, atol=2e-2 if dtype == np.float16 else 1e-4)


nbits("4bit", 32, 8, 4, 16, (3,))
nbits("4bit-zeros", 64, 24, 4, 32, (2, 3), zeros="packed")
nbits("4bit-float-zeros", 64, 24, 4, 32, (1,), zeros="float")
nbits("4bit-odd", 40, 17, 4, 16, (9,), zeros="packed", bias=True)
nbits("4bit-groups", 64, 8, 4, 16, (3,), groups=True)
nbits("4bit-groups-zeros", 64, 8, 4, 16, (3,), zeros="packed", groups=True)
nbits("4bit-inputs", 32, 8, 4, 16, (5,), zeros="packed", const=False)
nbits("4bit-wide", 128, 80, 4, 128, (20,), level=1)
nbits("4bit-256", 256, 8, 4, 256, (1,), zeros="packed")
nbits("4bit-half", 64, 8, 4, 32, (4,), dtype=np.float16, zeros="packed")
nbits("8bit", 64, 24, 8, 32, (3,))
nbits("8bit-zeros", 48, 20, 8, 16, (10,), zeros="packed", bias=True)
nbits("2bit", 64, 24, 2, 32, (3,))
nbits("2bit-zeros", 128, 16, 2, 16, (7,), zeros="packed")

for i, (kind, k, n, block) in enumerate([(0, 32, 8, 16), (1, 64, 24, 32), (1, 16, 17, 64), (0, 64, 20, 128)]):
    r = rng(f"bnb{i}")
    inputs = [f32(f"bnba{i}", *([2, 3] if i % 2 else [9]), k), Const(r.integers(0, 256, (n * k + 1) // 2).astype(np.uint8)), Const(np.abs(f32(f"bnbs{i}", -(-n * k // block))))]
    case("MatMulBnb4", str(i), inputs, {"K": k, "N": n, "block_size": block, "quant_type": kind}, atol=1e-4)

G = "GatherBlockQuantized"
idx = np.array([[0, 3], [2, -1]], np.int64)


def blocks_of(name, dtype=np.float32):
    return Const(f32(name, 5, 2).astype(dtype)), Const(f32(name + "t", 2, 3, 40).astype(dtype))


for signed in (False, True):
    lo, hi, s = (-8, 8, "int4") if signed else (0, 16, "uint4")
    r = rng(s)
    two, three = blocks_of("gb" + s)
    case(G, s, [int4(r.integers(lo, hi, (5, 32)), signed), idx, two, None], {"block_size": 16})
    case(G, s + "-zeros", [int4(r.integers(lo, hi, (5, 32)), signed), idx.astype(np.int32), two, int4(r.integers(lo, hi, (5, 2)), signed)], {"block_size": 16})
    case(G, s + "-axes", [int4(r.integers(lo, hi, (2, 40, 40)), signed), idx, three, int4(r.integers(lo, hi, (2, 3, 40)), signed)],
         {"block_size": 16, "quantize_axis": 1, "gather_axis": 2})
for bits in (2, 4, 8):
    r = rng(f"bits{bits}")
    two, _ = blocks_of(f"gbb{bits}", np.float16 if bits == 2 else np.float32)
    data = Const(r.integers(0, 256, (5, 32 * bits // 8)).astype(np.uint8))
    case(G, f"bytes-{bits}", [data, idx, two], {"block_size": 16, "bits": bits})
    case(G, f"bytes-{bits}-zeros", [data, idx[0], two, Const(r.integers(0, 256, (5, -(-2 * bits // 8))).astype(np.uint8))], {"block_size": 16, "bits": bits})
