"""Makes the pictures in this folder and expected.npz, what Pillow and NumPy make of them.

    pip install pillow==13.0.0 numpy
    apt-get install libopenjp2-tools
    python make.py

expected.npz maps names to uint8 arrays of shape height, width[, 3]:
    FILE                          the picture, upright, on black
    FILE/FILTER/HxW               resized
    FILE/FILTER/HxW/X0,Y0,X1,Y1   a part of it, resized
    FILE/cover/FILTER/HxW         ImageOps.fit
    FILE/contain/FILTER/HxW       ImageOps.pad
    FILE/gray                     mode L
"""

import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
R = Image.Resampling
FILTERS = {"nearest": R.NEAREST, "box": R.BOX, "bilinear": R.BILINEAR, "bicubic": R.BICUBIC, "lanczos": R.LANCZOS}
expected: dict[str, np.ndarray] = {}


def upright(path: Path) -> Image.Image:
    """Colour on black, or grey, turned as EXIF says."""
    with Image.open(path) as im:
        if path.suffix == ".jpg":
            im = ImageOps.exif_transpose(im)
        if im.mode in ("L", "1"):
            return im.convert("L")
        if im.mode == "I;16":
            return Image.fromarray((np.asarray(im) >> 8).astype(np.uint8))
        rgba = im.convert("RGBA")
        out = Image.new("RGB", im.size)
        out.paste(im.convert("RGB"), mask=rgba.getchannel("A"))
        return out


def save(name: str, im: Image.Image, **options) -> Image.Image:
    path = HERE / name
    im.save(path, **options)
    seen = upright(path)
    expected[name] = np.asarray(seen)
    return seen


rng = np.random.default_rng(7)
y, x = np.mgrid[0:29, 0:37]
smooth = np.stack([128 + 127 * np.sin(x / 5 + y / 9), 255 * x / 36, 255 * y / 28], -1)
noise = rng.integers(0, 256, smooth.shape)
pixels = np.where((x + y)[..., None] % 24 < 12, smooth, noise).astype(np.uint8)
rgb = Image.fromarray(pixels)
alpha = Image.fromarray((255 * (x + y) / 64).astype(np.uint8))
rgba = rgb.copy()
rgba.putalpha(alpha)
gray = rgb.convert("L")
gray_alpha = gray.copy()
gray_alpha.putalpha(alpha)
soft = Image.fromarray(smooth.astype(np.uint8))

main = save("rgb.png", rgb)
grey = save("gray.png", gray)
save("rgba.png", rgba)
save("graya.png", gray_alpha)
save("gray16.png", Image.fromarray(rng.integers(0, 65536, (9, 11)).astype(np.uint16)))
save("bits.png", gray.convert("1"))
save("palette.png", rgb.quantize(40))
save("palette.gif", rgb.quantize(40))
save("rgb.bmp", rgb)
save("rgb.tiff", rgb, compression="tiff_lzw")
save("lossless.webp", rgba, lossless=True, exact=True)
save("lossy.webp", soft, quality=90)
save("odd.webp", soft.crop((0, 0, 5, 3)), quality=90)
save("444.jpg", soft, quality=95, subsampling="4:4:4")
save("422.jpg", soft, quality=95, subsampling="4:2:2")
save("420.jpg", soft, quality=95, subsampling="4:2:0")
save("420odd.jpg", soft.crop((0, 0, 5, 3)), quality=95, subsampling="4:2:0")
flat = Image.fromarray(np.kron(rng.integers(0, 256, (2, 3, 3)), np.ones((16, 16, 1))).astype(np.uint8))
for mode in ("4:2:0", "4:2:2", "4:4:4"):  # flat blocks: nothing for a cosine transform to round
    save(f"flat{mode.replace(':', '')}.jpg", flat.crop((0, 0, 37, 29)), quality=100, subsampling=mode)
save("gray.jpg", soft.convert("L"), quality=95)
save("cmyk.jpg", soft.convert("CMYK"), quality=95)
save("progressive.jpg", rgb, quality=60, progressive=True)
save("progressive444.jpg", rgb.crop((0, 0, 19, 21)), quality=90, progressive=True, subsampling="4:4:4", restart_marker_blocks=3)
save("restart.jpg", rgb.crop((3, 5, 36, 28)), quality=30, restart_marker_blocks=2, optimize=True)
save("keeprgb.jpg", rgb.crop((0, 0, 17, 9)), quality=50, keep_rgb=True)


def segments(data: bytes) -> list[tuple[int, int]]:
    """Where the segments of a JPEG file begin and end, its beginning and its compressed data left out."""
    at, out = 2, []
    while data[at + 1] != 0xDA:
        out.append((at, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")))
        at = out[-1][1]
    return [*out, (at, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big"))]


def patched(name: str, marker: int, offset: int, value: int, im: Image.Image, **options) -> None:
    """Saves a picture with a byte of a segment replaced."""
    im.save(HERE / name, **options)
    data = bytearray((HERE / name).read_bytes())
    at = next(a for a, _ in segments(data) if data[a + 1] == marker)
    data[at + offset] = value
    (HERE / name).write_bytes(data)
    expected[name] = np.asarray(upright(HERE / name))


SOF0, ADOBE = 0xC0, 0xEE
square = rgb.resize((32, 32))
# The blocks of these get into other places, but the files are as good as any: Pillow's encoder doesn't know such sampling.
patched("440.jpg", SOF0, 11, 0x12, square, quality=60, subsampling="4:2:2")
patched("411.jpg", SOF0, 11, 0x41, square, quality=60, subsampling="4:2:0")
patched("ycck.jpg", ADOBE, 15, 2, soft.convert("CMYK"), quality=80)

# A scan for each component, none of them progressive: three grey files in one.
channels = [c.crop((0, 0, 21, 13)) for c in rgb.convert("YCbCr").split()]
parts = []
for channel in channels:
    channel.save(HERE / "scans.jpg", quality=70)
    parts.append((HERE / "scans.jpg").read_bytes())
body = b"\xff\xd8"
for a, b in segments(parts[0]):
    segment = parts[0][a:b]
    if segment[1] == SOF0:
        segment = segment[:2] + b"\x00\x11" + segment[4:9] + b"\x03" + b"".join(bytes([i + 1, 0x11, 0]) for i in range(3))
    if segment[1] != 0xDA:
        body += segment
for i, data in enumerate(parts):
    body += b"\xff\xda\x00\x08\x01" + bytes([i + 1, 0]) + b"\x00\x3f\x00" + data[segments(data)[-1][1] : -2]
(HERE / "scans.jpg").write_bytes(body + b"\xff\xd9")
expected["scans.jpg"] = np.asarray(upright(HERE / "scans.jpg"))

for tag in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = tag
    save(f"exif{tag}.jpg", soft.convert("L").crop((0, 0, 16, 8)), quality=95, exif=exif)

# JPEG 2000, by Pillow.
save("lossless.jp2", rgb)
save("tiles.j2k", rgb, tile_size=(20, 20), irreversible=True, quality_mode="rates", quality_layers=[30, 8], progression="PCRL")
save("precincts.jp2", rgb.crop((0, 0, 33, 29)), precinct_size=(16, 16), codeblock_size=(8, 4), progression="RPCL", num_resolutions=3)
save("rgba.jp2", rgba.crop((0, 0, 16, 12)), irreversible=True)
save("gray16.jp2", Image.fromarray(rng.integers(0, 65536, (9, 11)).astype(np.uint16)))
save("sycc.jp2", soft.crop((0, 0, 20, 11)).convert("YCbCr"))
save("inks.jp2", soft.crop((0, 0, 20, 11)).convert("CMYK"), irreversible=True)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


# A palette around a codestream of indices.
few = rgb.crop((0, 0, 24, 10)).quantize(16)
Image.fromarray(np.asarray(few)).save(HERE / "palette.jp2", no_jp2=True)
colours = bytes(few.getpalette()[:48])
header = box(b"ihdr", struct.pack(">IIHBBBB", 10, 24, 1, 7, 7, 0, 0)) + box(b"colr", b"\1\0\0" + struct.pack(">I", 16))
header += box(b"pclr", struct.pack(">HB3B", 16, 3, 7, 7, 7) + colours) + box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, c) for c in range(3)))
stream = (HERE / "palette.jp2").read_bytes()
(HERE / "palette.jp2").write_bytes(
    box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + box(b"jp2h", header) + box(b"jp2c", stream)
)
expected["palette.jp2"] = np.asarray(upright(HERE / "palette.jp2"))


def opj(name: str, im: Image.Image, seen: Image.Image, *options: str) -> None:
    """A file of a kind that Pillow doesn't write, without loss."""
    with tempfile.TemporaryDirectory() as tmp:
        im.save(f"{tmp}/x.ppm")
        subprocess.run(["opj_compress", "-i", f"{tmp}/x.ppm", "-o", HERE / name, "-n", "3", *options], check=True, capture_output=True)
    expected[name] = np.asarray(seen)


small = rgb.crop((0, 0, 31, 23))
opj("styles.j2k", small, small, "-M", "63", "-SOP", "-EPH", "-b", "16,8")
opj("bypass.j2k", small, small, "-M", "1")
opj("causal.j2k", small, small, "-M", "42", "-p", "CPRL")
opj("region.j2k", small, small, "-ROI", "c=0,U=4", "-p", "RLCP", "-d", "3,5", "-c", "[16,16]")
opj("order.j2k", small, small, "-POC", "T1=0,0,2,2,3,RPCL/T1=2,0,2,3,3,CPRL", "-r", "8,1")
# Each sample stands for 2×1 pixels; the picture ends with the last sample.
wide = small.resize((61, 23), R.NEAREST, box=(0, 0, 30.5, 23))
opj("halved.j2k", small, wide, "-s", "2,1", "-t", "20,20")

expected["rgb.png/gray"] = np.asarray(main.convert("L"))
sizes = [(29, 37), (13, 17), (7, 37), (29, 5), (58, 74), (41, 90), (1, 1), (3, 64)]
for name, filt in FILTERS.items():
    for h, w in sizes:
        expected[f"rgb.png/{name}/{h}x{w}"] = np.asarray(main.resize((w, h), filt))
    expected[f"gray.png/{name}/11x16"] = np.asarray(grey.resize((16, 11), filt))
    box = (3.3, 2.25, 30.1, 27.75)
    expected[f"rgb.png/{name}/12x15/" + ",".join(map(str, box))] = np.asarray(main.resize((15, 12), filt, box=box))
    for h, w in [(20, 20), (10, 33), (40, 17), (29, 37)]:
        expected[f"rgb.png/cover/{name}/{h}x{w}"] = np.asarray(ImageOps.fit(main, (w, h), filt))
        expected[f"rgb.png/contain/{name}/{h}x{w}"] = np.asarray(ImageOps.pad(main, (w, h), filt))

np.savez_compressed(HERE / "expected.npz", **expected)
