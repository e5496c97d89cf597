#!/usr/bin/env python3
"""Golden images for src/image: what OpenCV 4.6 and Pillow 9.4 make of small synthetic speckle.

Writes, beside itself, PNG/JPEG files and cases.csv (op,input,expected,a,b,tolerance);\nSRAD comes from the equations in numpy. Needs
python3-opencv and python3-pil of Debian 12. Nothing here is taken from a real image.
SPDX-License-Identifier: Apache-2.0
"""
import csv
import os
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []


def path(name):
    return os.path.join(HERE, name)


def save(name, pixels):
    Image.fromarray(pixels).save(path(name), optimize=True)
    return name


def case(op, source, expected, a=0, b=0, tolerance=0):
    name = save("%s.%s%s.png" % (source.rsplit(".", 1)[0], op, "" if not a else "_%g_%g" % (a, b)), expected)
    CASES.append([op, source, name, a, b, tolerance])


def speckle(width, height, seed):
    """Rayleigh speckle on a gradient with a dark disc, log compressed to 8 bits."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    level = 0.3 + 0.7 * x / width
    level[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2] = 0.05
    field = cv2.GaussianBlur(rng.randn(2, height, width).transpose(1, 2, 0), (0, 0), 0.8)
    envelope = level * np.hypot(field[..., 0], field[..., 1])
    db = 20 * np.log10(envelope / envelope.max() + 1e-6)
    return np.clip((db + 50) / 50 * 255, 0, 255).astype(np.uint8)


def colour(width, height, seed):
    return np.dstack([speckle(width, height, seed + i) for i in range(3)])


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def write_png(name, rows, width, height, depth, kind, extra=b"", interlace=0):
    """rows: unfiltered scan lines. Pillow writes neither Adam7 nor 2-bit grey nor grey tRNS."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + r for r in rows), 9)
    with open(path(name), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return name


def pack(row, depth):
    bits = "".join(format(int(v), "0%db" % depth) for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def adam7(pixels):
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        part = pixels[y0::dy, x0::dx]
        if part.size:
            for row in part:
                yield row.tobytes()


def srad(pixels, iterations, q0, dt=0.2, rho=1 / 6):
    """Yu and Acton 2002, equations 31-33 and 55-58, in doubles, on levels + 1."""
    i = pixels.astype(float) + 1
    for t in range(iterations):
        p = np.pad(i, 1, mode="edge")
        n, s, w, e = p[:-2, 1:-1] - i, p[2:, 1:-1] - i, p[1:-1, :-2] - i, p[1:-1, 2:] - i
        gradient = (n * n + s * s + w * w + e * e) / i ** 2
        laplacian = (n + s + w + e) / i
        q2 = (gradient / 2 - laplacian ** 2 / 16) / ((1 + laplacian / 4) ** 2 + 1e-12)
        z2 = (q0 * np.exp(-rho * dt * t)) ** 2
        denominator = 1 + (q2 - z2) / (z2 * (1 + z2))
        c = np.where(denominator > 0, np.clip(1 / denominator, 0, 1), 1)
        right, below = np.pad(c, ((0, 0), (0, 1)), mode="edge")[:, 1:], np.pad(c, ((0, 1), (0, 0)), mode="edge")[1:]
        i = i + dt / 4 * (below * s + c * n + right * e + c * w)
    return np.clip(np.floor(i - 1 + 0.5), 0, 255).astype(np.uint8)


def operations():
    sizes = [(37, 53), (64, 64), (61, 47)]
    for i, (w, h) in enumerate(sizes):
        pixels = speckle(w, h, i)
        source = save("grey%dx%d.png" % (w, h), pixels)
        for clip, tiles in ((2, 8), (40, 4)):
            case("clahe", source, cv2.createCLAHE(clip, (tiles, tiles)).apply(pixels), clip, tiles)
        case("srad", source, srad(pixels, 20, 0.4), 20, 0.4, 1)
        for size in (3, 5):
            case("median", source, cv2.medianBlur(pixels, size), size)
        for tw, th in ((24, 24), (80, 60), (31, 70)):
            case("bilinear", source, np.array(Image.fromarray(pixels).resize((tw, th), Image.BILINEAR)), tw, th)
        for tw, th in ((24, 24), (w // 2, h // 2), (80, 60)):
            case("area", source, cv2.resize(pixels, (tw, th), interpolation=cv2.INTER_AREA), tw, th, 1)
    pixels = colour(37, 53, 10)
    source = save("rgb37x53.png", pixels)
    case("grey", source, cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    case("bilinear", source, np.array(Image.fromarray(pixels).resize((24, 24), Image.BILINEAR)), 24, 24)


def png_kinds():
    w, h = 21, 13
    grey, rgb = speckle(w, h, 20), colour(w, h, 21)
    alpha = (np.mgrid[0:h, 0:w][1] * 12).clip(0, 255).astype(np.uint8)

    def over_black(pixels):
        a = alpha.astype(int) if pixels.ndim == 2 else alpha.astype(int)[..., None]
        return ((pixels * a + 127) // 255).astype(np.uint8)

    for depth in (1, 2, 4):
        small = grey >> (8 - depth)
        name = write_png("depth%d.png" % depth, [pack(r, depth) for r in small], w, h, depth, 0)
        case("decode", name, (small.astype(int) * 255 // ((1 << depth) - 1)).astype(np.uint8))
    deep = grey.astype(np.uint16) * 256 + 77
    name = write_png("depth16.png", [r.astype(">u2").tobytes() for r in deep], w, h, 16, 0)
    case("decode", name, ((deep.astype(int) + 128) // 257).astype(np.uint8))
    name = write_png("adam7.png", list(adam7(rgb)), w, h, 8, 2, interlace=1)
    case("decode", name, rgb)
    name = write_png("trns.png", [r.tobytes() for r in grey], w, h, 8, 0, chunk(b"tRNS", struct.pack(">H", int(grey[3, 3]))))
    case("decode", name, np.where(grey == grey[3, 3], 0, grey).astype(np.uint8))
    Image.fromarray(np.dstack([grey, alpha]), "LA").save(path("la.png"))
    case("decode", "la.png", over_black(grey))
    Image.fromarray(np.dstack([rgb, alpha]), "RGBA").save(path("rgba.png"))
    case("decode", "rgba.png", over_black(rgb))
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(path("palette.png"))
    case("decode", "palette.png", np.array(palette.convert("RGB")))
    flat = Image.fromarray(grey >> 4, "P")
    flat.putpalette(sum(([17 * i] * 3 for i in range(16)), []))
    flat.save(path("greypalette.png"))
    case("decode", "greypalette.png", ((grey >> 4) * 17).astype(np.uint8))


def jpeg_kinds():
    w, h = 45, 27
    grey, rgb = speckle(w, h, 30), colour(w, h, 31)
    kinds = {"grey": ("L", grey, {}), "rgb": ("RGB", rgb, {}), "progressive": ("RGB", rgb, {"progressive": True}),
             "cmyk": ("CMYK", 255 - np.dstack([rgb, np.full((h, w), 230, np.uint8)]), {})}
    for name, (mode, pixels, options) in kinds.items():
        Image.fromarray(pixels, mode).save(path(name + ".jpg"), quality=85, **options)
        decoded = Image.open(path(name + ".jpg"))
        case("decode", name + ".jpg", np.array(decoded.convert("L" if mode == "L" else "RGB")), tolerance=1)


operations()
png_kinds()
jpeg_kinds()
with open(path("cases.csv"), "w", newline="") as f:
    table = csv.writer(f, lineterminator="\n")
    table.writerow(["op", "input", "expected", "a", "b", "tolerance"])
    table.writerows(CASES)
