"""NumPy writes, Ingot reads and writes, NumPy reads: nothing may have changed."""

import io
import subprocess
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

REPO = Path(__file__).resolve().parents[2]

NUMPY_TYPES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()
SHAPES = [(), (1,), (7,), (0,), (3, 0, 2), (2, 3), (1, 5), (33, 17), (2, 3, 4), (5, 1, 3, 2), (1, 1, 1, 1, 2)]
ML_TYPES = (
    "bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn int4 uint4 int2 uint2"
).split()


@pytest.fixture(scope="session")
def ingot(tmp_path_factory):
    """Returns a function that passes arrays through Ingot: a list of (in, out, dtype) to the list of its answers."""
    exe = tmp_path_factory.mktemp("bin") / "roundtrip"
    subprocess.run(["go", "build", "-o", exe, "./npy/internal/roundtrip"], cwd=REPO, check=True)

    def run(jobs):
        text = "".join("\t".join(map(str, job)) + "\n" for job in jobs)
        answers = subprocess.run([exe], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
        assert len(answers) == len(jobs)
        return answers

    return run


def sample(dtype, shape, seed=0):
    """Any bits at all, NaN payloads included: what moves data must not look at it."""
    n = int(np.prod(shape))
    dt = np.dtype(dtype)
    raw = np.random.default_rng(seed).integers(0, 256, n * dt.itemsize, dtype=np.uint8)
    if dt == np.bool_:
        raw &= 1
    return raw.tobytes(), np.frombuffer(raw.tobytes(), dt).reshape(shape)


@pytest.mark.parametrize("kind", NUMPY_TYPES)
def test_numpy_types(ingot, tmp_path, kind):
    jobs, want = [], []
    for shape in SHAPES:
        for order in "<>":
            for fortran in (False, True):
                dt = np.dtype(order + kind)
                _, a = sample(dt, shape, seed=len(jobs))
                a = np.asfortranarray(a) if fortran and a.ndim else a
                src, dst = tmp_path / f"{len(jobs)}.npy", tmp_path / f"{len(jobs)}.out.npy"
                np.save(src, a)
                jobs.append((src, dst, ""))
                want.append(a)
    for (src, dst, _), a, answer in zip(jobs, want, ingot(jobs)):
        assert answer.startswith("ok "), (src, answer)
        ref = io.BytesIO()
        np.save(ref, np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("<")).reshape(a.shape))
        assert dst.read_bytes() == ref.getvalue(), (a.dtype, a.shape)  # header and all


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(ingot, tmp_path, version):
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    src, dst = tmp_path / "a.npy", tmp_path / "b.npy"
    with open(src, "wb") as f:
        np.lib.format.write_array(f, a, version)
    assert ingot([(src, dst, "")]) == ["ok float32[2,3]"]
    np.testing.assert_array_equal(np.load(dst), a)


@pytest.mark.filterwarnings("ignore:Custom dtypes")
@pytest.mark.parametrize("name", ML_TYPES)
def test_ml_dtypes(ingot, tmp_path, name):
    dt = np.dtype(getattr(ml_dtypes, name))
    bits = np.arange(1 << 16, dtype="<u2") if dt.itemsize == 2 else np.arange(256, dtype=np.uint8)
    if name in ("int4", "uint4", "float4_e2m1fn"):
        bits = bits[:16]
    if name in ("int2", "uint2"):
        bits = bits[:4]
    a = bits.view(dt)
    src, dst, again = (tmp_path / f for f in ("a.npy", "b.npy", "c.npy"))
    np.save(src, a)
    first, second = ingot([(src, dst, name), (dst, again, name)])
    assert first == second == f"ok {name}[{len(a)}]"
    b = np.load(dst).view(dt)
    np.testing.assert_array_equal(b.view(bits.dtype), bits)
    assert again.read_bytes() == dst.read_bytes()
    if name != "float8_e5m2":  # numpy.save calls it <f1, which numpy.load doesn't know; the raw bytes that Ingot writes do load
        assert dst.read_bytes() == src.read_bytes()
        assert "raw bytes" in ingot([(src, dst, "")])[0]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("fortran", [False, True])
def test_text(ingot, tmp_path, order, fortran):
    a = np.array([["a", "", "grüße"], ["日本語", "🙂🙃", "x y\n"]], dtype=order + "U5")
    b = np.array([[b"a", b""], [b"abc", b"a\x00b"], [b"zz", b"q"]])
    if fortran:
        a, b = np.asfortranarray(a), np.asfortranarray(b)
    jobs = []
    for i, x in enumerate((a, b)):
        np.save(tmp_path / f"{i}.npy", x)
        jobs.append((tmp_path / f"{i}.npy", tmp_path / f"{i}.out.npy", ""))
    assert ingot(jobs) == ["ok string[2,3]", "ok string[3,2]"]
    np.testing.assert_array_equal(np.load(jobs[0][1]), a)
    np.testing.assert_array_equal(np.load(jobs[1][1]), b.astype("U"))


def test_text_shapes(ingot, tmp_path):
    arrays = [np.array("scalar"), np.array(""), np.zeros((0,), "U3"), np.zeros((2, 0), "S1"), np.array([""] * 3)]
    jobs = []
    for i, a in enumerate(arrays):
        np.save(tmp_path / f"{i}.npy", a)
        jobs.append((tmp_path / f"{i}.npy", tmp_path / f"{i}.out.npy", ""))
    assert ingot(jobs) == ["ok string[]", "ok string[]", "ok string[0]", "ok string[2,0]", "ok string[3]"]
    for (_, dst, _), a in zip(jobs, arrays):
        np.testing.assert_array_equal(np.load(dst), a.astype("U"))


@pytest.mark.filterwarnings("ignore:Custom dtypes")
def test_refused(ingot, tmp_path):
    cases = {
        "pickle": np.array([1, "a"], dtype=object),
        "structured": np.zeros(2, [("x", "<f4"), ("y", ">i2")]),
        "precision": np.zeros(2, np.longdouble),
        "dates": np.zeros(2, "M8[s]"),
        "raw bytes": np.zeros(2, "V3"),
    }
    jobs = []
    for i, a in enumerate(cases.values()):
        np.save(tmp_path / f"{i}.npy", a)
        jobs.append((tmp_path / f"{i}.npy", tmp_path / "out.npy", ""))
    for word, answer in zip(cases, ingot(jobs)):
        assert answer.startswith("error ") and word in answer
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(ingot, tmp_path, save):
    arrays = {
        "x": np.arange(12, dtype=">i4").reshape(3, 4),
        "a/b": np.float32(3.5),
        "grüße": np.array(["a", "bc"]),
        "empty": np.zeros((0, 3)),
        "big": np.random.default_rng(0).standard_normal((700, 700)),
    }
    src, dst, again = (tmp_path / f for f in ("a.npz", "b.npz", "c.npz"))
    save(src, **arrays)
    first, second = ingot([(src, dst, ""), (dst, again, "")])
    assert first == second == "ok x=int32[3,4] a/b=float32[] grüße=string[2] empty=float64[0,3] big=float64[700,700]"
    with np.load(dst) as z:
        assert z.files == list(arrays)
        for name, want in arrays.items():
            np.testing.assert_array_equal(z[name], want)
    assert dst.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(dst) as z:
        assert z.testzip() is None
