#!/usr/bin/env python3
"""peer_torch.py THREADS - the other side of bench/run: Debian's PyTorch doing the same work.

Reads one request per line on standard input and answers with one JSON object per line, so that both
sides can take turns in one run:
    train MODEL BATCH SIZE     one SGD training step: seconds
    predict MODEL BATCH SIZE   one forward pass in eval mode: seconds
    frozen MODEL BATCH SIZE    the same through torch.jit.trace and torch.jit.freeze: seconds
    memory                     peak resident memory of this process so far: bytes
The first answer of a (request, model) includes warm-up and is thrown away by the caller.
PyTorch runs channels-last, float32, gradients only where asked.
SPDX-License-Identifier: Apache-2.0"""
import json
import resource
import sys
import time

import torch
import torchvision

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
print(json.dumps({"peer": "torch " + torch.__version__, "threads": torch.get_num_threads(),
                  "memory_format": "channels_last", "build": torch.__config__.show()}), flush=True)

NAMES = {"mobilenetv2": "mobilenet_v2"}
models = {}
frozen_models = {}


def build(name):
    if name not in models:
        net = getattr(torchvision.models, NAMES.get(name, name))(weights=None, num_classes=3)
        net = net.to(memory_format=torch.channels_last)
        models[name] = (net, torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9))
    return models[name]


def batch_of(batch, size):
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    return x, torch.arange(batch) % 3


def train(name, batch, size):
    net, optimizer = build(name)
    net.train()
    x, y = batch_of(batch, size)
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
    return time.perf_counter() - start


def predict(name, batch, size):
    net, _ = build(name)
    net.eval()
    x, _ = batch_of(batch, size)
    with torch.no_grad():
        start = time.perf_counter()
        net(x)
        return time.perf_counter() - start


def frozen(name, batch, size):
    x, _ = batch_of(batch, size)
    with torch.no_grad():
        if (name, batch, size) not in frozen_models:
            net, _ = build(name)
            frozen_models[name, batch, size] = torch.jit.freeze(torch.jit.trace(net.eval(), x))
            for _ in range(3):  # the profiling executor needs some passes to settle
                frozen_models[name, batch, size](x)
        start = time.perf_counter()
        frozen_models[name, batch, size](x)
        return time.perf_counter() - start


for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if words[0] == "memory":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"bytes": peak}), flush=True)
    else:
        work = {"train": train, "predict": predict, "frozen": frozen}[words[0]]
        print(json.dumps({"seconds": work(words[1], int(words[2]), int(words[3]))}), flush=True)
