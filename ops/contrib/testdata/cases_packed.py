"""Cases of weights in blocks of bytes that hold their scales too."""

import numpy as np
from make import Const, case, rng

G, Q = "GatherPacked", "MatMulFpQ4"
# Number of the format, bytes of a block, elements of a block, and where the scales are.
FORMATS = {"f32": (0, 4, 1, []), "f16": (1, 2, 1, [0]), "q4_0": (2, 18, 32, [0]), "q5_0": (6, 22, 32, [0]), "q8_0": (8, 34, 32, [0]), "q5_k": (13, 176, 256, [0, 2]),
           "q6_k": (14, 210, 256, [208]), "iq2_xxs": (16, 66, 256, [0]), "iq2_xs": (17, 74, 256, [0]), "iq3_xxs": (18, 98, 256, [0]), "iq4_nl": (20, 18, 32, [0]),
           "iq2_s": (22, 82, 256, [0]), "iq4_xs": (23, 136, 256, [0]), "bf16": (30, 2, 1, []), "q2": (42, 18, 64, [0])}  # fmt: skip


def rows(name, kind, n, k):
    """Rows of random blocks with scales of about 0.1."""
    _, size, block, scales = FORMATS[kind]
    r = rng(name)
    data = r.integers(0, 256, (n, k // block, size), dtype=np.uint8)
    if kind == "f32":
        data = r.standard_normal((n, k)).astype(np.float32).view(np.uint8)
    elif kind == "bf16":
        data = (r.standard_normal((n, k)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    for at in scales:
        data[:, :, at : at + 2] = (r.random((n, k // block, 1)) * 0.1).astype(np.float16).view(np.uint8)
    return data.reshape(n, -1)


for kind, (number, *_) in FORMATS.items():
    case(G, kind, [rows(kind, kind, 5, 512), np.array([[4, 0], [2, 2]])], {"packed_type": number, "K": 512, "output_dtype": 1})
case(G, "float16", [rows("h", "q8_0", 3, 32), np.array([2, 1], np.int32)], {"packed_type": 8, "K": 32, "output_dtype": 10})
case(G, "outside", [rows("o", "q4_0", 3, 64), np.array([-1, 7, 2], np.int32)], {"packed_type": 2, "K": 64, "output_dtype": 1})
case(G, "bfloat16", [rows("b", "q4_0", 3, 64), np.array(1)], {"packed_type": 2, "K": 64}, bf16="o0")


def blob(name, k, n, zero):
    """Random columns of blocks: a scale, perhaps a zero point, sixteen bytes."""
    r = rng(name)
    blocks = n * ((k + 31) // 32)
    scale = (r.random(blocks) * 0.2).astype(np.float32).view(np.uint8).reshape(blocks, 4)
    point = r.integers(0, 16, (blocks, 1 if zero else 0), dtype=np.uint8)
    return np.concatenate([scale, point, r.integers(0, 256, (blocks, 16), dtype=np.uint8)], 1).reshape(-1)


def f32(name, *shape):
    return rng(name).standard_normal(shape).astype(np.float32)


for kind in (0, 1):
    at = {"blk_quant_type": kind}
    case(Q, f"{kind}", [f32("q", 3, 64), Const(blob("a", 64, 5, kind)), Const(np.array([64, 5]))], at)
    case(Q, f"{kind}-many-rows", [f32("q2", 2, 9, 96), blob("c", 96, 20, kind), np.array([96, 20])], at)
    case(Q, f"{kind}-odd", [f32("q3", 2, 40), Const(blob("d", 40, 7, kind)), Const(np.array([40, 7]))], at)
