#!/usr/bin/python3
"""bench/peer_loader.py [SIZE [ROUNDS]] - what bench/loader.c does, the way Python users do it: Pillow
decodes, OpenCV does CLAHE and the warp (bilinear, without our antialiasing), NumPy the rest. One
thread; prints one JSON object. SPDX-License-Identifier: Apache-2.0"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
from PIL import Image

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 500
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
MEAN = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]


def load(path, out, rng, clahe):
    grey = clahe.apply(np.asarray(Image.open(path).convert("L")))
    zoom = 224 / SIZE * np.exp(rng.uniform(-1, 1) * np.log(1.25))
    turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), rng.uniform(-15, 15), zoom)
    turn[:, 2] += 112 - SIZE / 2 + rng.uniform(-22.4, 22.4, 2)
    plane = cv2.warpAffine(grey, turn, (224, 224), flags=cv2.INTER_LINEAR).astype(np.float32) / 255
    if rng.random() < 0.5:
        plane = plane[:, ::-1]
    mean = plane.mean()
    plane = np.clip(mean + rng.uniform(0.75, 1.25) * (plane - mean), 0, 1) ** rng.uniform(0.8, 1.25)
    np.divide(plane[None] - MEAN, DEVIATION, out=out)


def main():
    cv2.setNumThreads(1)
    clahe = cv2.createCLAHE(2.0, (8, 8))
    rng = np.random.default_rng(1)
    out = np.empty((3, 224, 224), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["build/sonograde", "data", "phantom", "--out", folder + "/set", "--per-class", "8",
                        "--size", str(SIZE), "--quiet"], check=True)
        paths = [p for p in sorted(glob.glob(os.path.join(folder, "set", "*", "*.png"))) if "_mask" not in p]
        best = 1e30
        for _ in range(ROUNDS + 1):
            since = time.process_time()
            for path in paths:
                load(path, out, rng, clahe)
            best = min(best, time.process_time() - since)
    print(json.dumps({"images_per_second": round(len(paths) / best, 1), "size": SIZE, "images": len(paths)}))


main()
