#!/usr/bin/python3
"""tests/golden/weights/make.py - small weight files as PyTorch 1.13 and onnx 1.12 write them.

Writes *.pth, net.onnx and expected.csv: for each file and tensor (under the name and shape that
sonograde gives it) type, shape, mean, population standard deviation, first and last element.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import csv
import os

import numpy as np
import onnx
import torch

here = os.path.dirname(os.path.abspath(__file__))
names = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
         torch.int64: "I64", torch.uint8: "U8", torch.bool: "BOOL"}
rows = []


def values(*shape, dtype=torch.float32, shift=0):
    n = int(np.prod(shape))
    return torch.sin(torch.arange(n, dtype=torch.float64) * 0.7 + shift).reshape(shape).to(dtype)


def expect(file, name, t, shape=None):
    x = t.detach().double().numpy().reshape(-1)
    shape = list(t.shape) if shape is None else shape
    rows.append([file, name, names[t.dtype], "[" + ", ".join(map(str, shape)) + "]",
                 repr(x.mean()), repr(x.std()), repr(x[0]), repr(x[-1])])


def save(file, state, legacy=False):
    torch.save(state, os.path.join(here, file), _use_new_zipfile_serialization=not legacy)


def plain():
    base = values(40, shift=1)
    state = collections.OrderedDict([
        ("conv1.weight", values(2, 3, 3, 3)), ("bn1.running_var", values(2)),
        ("bn1.num_batches_tracked", torch.tensor(7)), ("half", values(5, dtype=torch.float16)),
        ("brain", values(5, dtype=torch.bfloat16)), ("double", values(3, dtype=torch.float64)),
        ("byte", torch.arange(4, dtype=torch.uint8)), ("bool", torch.tensor([True, False])),
        ("turned", values(3, 4).t()), ("part", base[8:20].reshape(3, 4)), ("every", base[1::5]),
        ("parameter", torch.nn.Parameter(values(4)))])
    for file, legacy in (("zip.pth", False), ("legacy.pth", True)):
        save(file, state, legacy)
        for name, t in state.items():
            expect(file, name, t.contiguous())


def wrapped():
    state = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).state_dict()
    state = collections.OrderedDict(("module.model." + k, values(*v.shape) if v.dim() else v)
                                    for k, v in state.items())
    save("wrapped.pth", {"epoch": 3, "best": 0.5, "state_dict": state, "optimizer": {"lr": [0.1]}})
    for name, t in state.items():
        expect("wrapped.pth", name[len("module.model."):], t)


def spellings():
    vgg = [("pre_logits.fc1.weight", "classifier.0.weight", (3, 2, 7, 7), [3, 98]),
           ("pre_logits.fc1.bias", "classifier.0.bias", (3,), [3]),
           ("pre_logits.fc2.weight", "classifier.3.weight", (3, 3, 1, 1), [3, 3]),
           ("head.fc.weight", "classifier.6.weight", (2, 3), [2, 3]),
           ("features.0.weight", "features.0.weight", (2, 3, 3, 3), [2, 3, 3, 3])]
    se = [("layer0.conv1.weight", "conv1.weight", (2, 3, 1, 1), [2, 3, 1, 1]),
          ("layer0.bn1.bias", "bn1.bias", (2,), [2]),
          ("layer1.0.se_module.fc1.weight", "layer1.0.se.fc1.weight", (1, 2), [1, 2, 1, 1]),
          ("layer1.0.se_module.fc2.bias", "layer1.0.se.fc2.bias", (2,), [2]),
          ("last_linear.weight", "fc.weight", (2, 4), [2, 4])]
    row = [("backbone.0.weight", "conv1.weight", (2, 3, 1, 1), [2, 3, 1, 1]),
           ("backbone.1.bias", "bn1.bias", (2,), [2]),
           ("backbone.4.0.conv1.weight", "layer1.0.conv1.weight", (2, 2, 1, 1), [2, 2, 1, 1]),
           ("backbone.7.1.bn2.bias", "layer4.1.bn2.bias", (2,), [2])]
    for file, table in (("timm_vgg.pth", vgg), ("legacy_se.pth", se), ("sequential.pth", row)):
        state = {old: values(*shape) for old, new, shape, as_used in table}
        save(file, state)
        for old, new, shape, as_used in table:
            expect(file, new, state[old], as_used)


def refused():
    save("code.pth", {"args": argparse.Namespace(lr=0.1), "state_dict": {"a": values(2)}})
    save("module.pth", torch.nn.Linear(1, 1), legacy=True)
    save("no_state.pth", {"epoch": 3})
    save("not_finite.pth", {"a.weight": torch.tensor([1.0, float("nan"), 3.0, float("inf")])})


def graph():
    a, b, c, d = values(2, 3), values(4), torch.tensor([3, -1]), values(3, dtype=torch.float16)
    H = onnx.helper
    parts = [H.make_tensor("raw", onnx.TensorProto.FLOAT, [2, 3], a.numpy().tobytes(), raw=True),
             H.make_tensor("floats", onnx.TensorProto.FLOAT, [4], b.numpy()),
             H.make_tensor("ints", onnx.TensorProto.INT64, [2], c.numpy()),
             H.make_tensor("halves", onnx.TensorProto.FLOAT16, [3], d.numpy())]
    y = H.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4])
    node = H.make_node("Identity", ["floats"], ["y"])
    model = H.make_model(H.make_graph([node], "net", [], [y], parts), producer_name="golden")
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(here, "net.onnx"))
    for name, t in (("raw", a), ("floats", b), ("ints", c), ("halves", d)):
        expect("net.onnx", name, t)


plain()
wrapped()
spellings()
refused()
graph()
with open(os.path.join(here, "expected.csv"), "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["file", "tensor", "dtype", "shape", "mean", "sd", "first", "last"])
    w.writerows(rows)
