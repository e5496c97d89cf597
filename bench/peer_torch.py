#!/usr/bin/env python3
"""peer_torch.py THREADS - the other side of bench/run: Debian's PyTorch doing the same work.

Reads one request per line on standard input and answers with one JSON object per line, so that both
sides can take turns in one run:
    train MODEL BATCH SIZE     one SGD training step: seconds, of the clock and of processors
    predict MODEL BATCH SIZE   one forward pass in eval mode: the same
    jit MODEL BATCH SIZE       the same through torch.jit.trace and torch.jit.freeze
    check MODEL BATCH SIZE     logits of a forward pass with batch statistics and no dropout
    answer MODEL BATCH SIZE    logits in eval mode
    memory                     peak resident memory of this process so far: bytes
The first answer of a (request, model) includes warm-up and is thrown away by the caller.
PyTorch runs channels-last, float32, gradients only where asked. Architectures, weights and images
are those of tests/golden/parity/make.py: torchvision's where it has them.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import resource
import sys
import time

import torch
import torchvision

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "parity"))
import make

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
print(json.dumps({"peer": "torch " + torch.__version__, "threads": torch.get_num_threads(),
                  "memory_format": "channels_last", "build": torch.__config__.show()}), flush=True)

models = {}
traced = {}


def make_net(name):
    if name == "googlenet":  # without the auxiliary classifiers, as the other side trains it
        net = torchvision.models.googlenet(num_classes=3, aux_logits=False, init_weights=False)
    else:
        net = make.MODELS[name][0]()
    return make.fill(net).to(memory_format=torch.channels_last)


def build(name):
    if name not in models:
        models.clear()
        net = make_net(name)
        models[name] = (net, torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9))
    return models[name]


def batch_of(batch, size):
    x = make.images("input", batch, 3, size, size).to(memory_format=torch.channels_last)
    return x, torch.arange(batch) % 3


def logits_of(net, batch, size):
    with torch.no_grad():
        return {"logits": net(batch_of(batch, size)[0]).flatten().tolist()}


def check(name, batch, size):
    return logits_of(make.without_dropout(make_net(name)).train(), batch, size)


def answer(name, batch, size):
    return logits_of(make_net(name).eval(), batch, size)


def clocks():
    return time.perf_counter(), time.process_time()


def since(start):
    return {"seconds": time.perf_counter() - start[0], "processor": time.process_time() - start[1]}


def train(name, batch, size):
    net, optimizer = build(name)
    net.train()
    x, y = batch_of(batch, size)
    start = clocks()
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
    return since(start)


def predict(name, batch, size):
    net, _ = build(name)
    net.eval()
    x, _ = batch_of(batch, size)
    with torch.no_grad():
        start = clocks()
        net(x)
        return since(start)


def jit(name, batch, size):
    net, _ = build(name)
    x, _ = batch_of(batch, size)
    with torch.no_grad():
        if (name, batch, size) not in traced:
            traced.clear()
            traced[name, batch, size] = torch.jit.freeze(torch.jit.trace(net.eval(), x))
            for _ in range(3):  # the profiling executor needs some passes to settle
                traced[name, batch, size](x)
        start = clocks()
        traced[name, batch, size](x)
        return since(start)


WORKS = {"train": train, "predict": predict, "jit": jit, "check": check, "answer": answer}
for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if words[0] == "memory":
        result = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    else:
        result = WORKS[words[0]](words[1], int(words[2]), int(words[3]))
    print(json.dumps(result), flush=True)
