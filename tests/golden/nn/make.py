#!/usr/bin/python3
"""Golden values of the engine, from PyTorch and torchvision (Debian 12: 1.13.1, 0.14.1).

    /usr/bin/python3 tests/golden/nn/make.py        writes golden.json beside this file

Numbers of every tensor come from one formula, so that no weights are stored. The tensor called
NAME has, at flat index i, the number u in [-1, 1):
    s = FNV-1a-32(NAME);  x = mix(s + 2654435761 i mod 2^32);  u = float32(x / 2^31 - 1)
    mix: x ^= x >> 16, x *= 0x85ebca6b, x ^= x >> 13, x *= 0xc2b2ae35, x ^= x >> 16  (mod 2^32)
and by the last part of NAME and its rank
    weight, rank > 1: u sqrt(3 / fan_in)     weight, rank 1, running_var: 1 + 0.3 u     others: 0.2 u
tests/support/formula.c says the same in C.
"""
import json
import os

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F


def uniform(name, count):
    s = 2166136261
    for byte in name.encode():
        s = ((s ^ byte) * 16777619) & 0xFFFFFFFF
    x = (s + 2654435761 * np.arange(count, dtype=np.uint64)) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32)


def formula(name, shape):
    u = uniform(name, int(np.prod(shape)))
    last = name.rsplit(".", 1)[-1]
    if last == "weight" and len(shape) > 1:
        u = u * np.float32(np.sqrt(3.0 / np.prod(shape[1:])))
    elif last in ("weight", "running_var"):
        u = np.float32(1) + np.float32(0.3) * u
    else:
        u = np.float32(0.2) * u
    return torch.from_numpy(u.reshape(shape))


def fill(net):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(formula(name, tuple(tensor.shape)))
    return net


def images(batch, size):
    count = batch * 3 * size * size
    return torch.from_numpy(uniform("input", count).reshape(batch, 3, size, size))


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Conv2d(8, 4, 1)
        self.fc2 = nn.Conv2d(4, 8, 1)

    def forward(self, x):
        s = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(s))))


class Small(nn.Module):
    """tests/support/nets.c: net_small, dropout 0."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, 1, 2, dilation=2, groups=2, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16, 8, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(8)
        self.se = Gate()
        self.conv4 = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        y = F.relu6(self.bn2(self.conv2(x)))
        y = self.se(self.bn3(self.conv3(y)))
        x = F.relu(y + x)
        x = F.relu(torch.cat([F.avg_pool2d(x, 3, 1, 1), self.conv4(x)], 1))
        return self.fc(x.mean((2, 3)))


def floats(tensor):
    return [float("%.9g" % v) for v in tensor.detach().double().flatten().tolist()]


BATCH, SIZE, STEPS = 6, 16, 10
LABELS = [0, 2, 1, 1, 0, 2]
LOSS = {"weight": [1.0, 0.5, 2.0], "label_smoothing": 0.1}


def criterion():
    return nn.CrossEntropyLoss(torch.tensor(LOSS["weight"]), label_smoothing=LOSS["label_smoothing"])


def split_decay(net):
    """Only weights of convolutions and linear layers decay."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    return [{"params": weights}, {"params": others, "weight_decay": 0.0}]


OPTIMIZERS = {
    "sgd": lambda net: torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda net: torch.optim.SGD(
        net.parameters(), 0.05, momentum=0.9, weight_decay=1e-3, nesterov=True
    ),
    "adamw": lambda net: torch.optim.AdamW(split_decay(net), 0.01, weight_decay=0.05),
    "adamw_clipped": lambda net: torch.optim.AdamW(split_decay(net), 0.01, weight_decay=0.05),
}


def curve(name):
    net = fill(Small()).train()
    optimizer = OPTIMIZERS[name](net)
    x, labels, loss_of = images(BATCH, SIZE), torch.tensor(LABELS), criterion()
    losses, gradients = [], None
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(net(x), labels)
        loss.backward()
        if gradients is None:
            gradients = {k: floats(p.grad) for k, p in net.named_parameters()}
        if name == "adamw_clipped":
            nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimizer.step()
        losses.append(float("%.9g" % loss.item()))
    return losses, gradients, floats(net.bn1.running_var)


def loss_cases():
    cases = []
    for weight, smoothing in ((None, 0.0), (None, 0.2), ([1.0, 0.5, 2.0], 0.0), ([3.0, 1.0, 0.2], 0.1)):
        logits = (4 * torch.from_numpy(uniform("logits", 15).astype(np.float64))).reshape(5, 3)
        logits.requires_grad_(True)
        w = torch.tensor(weight, dtype=torch.float64) if weight else None
        loss = nn.CrossEntropyLoss(w, label_smoothing=smoothing)(logits, torch.tensor([0, 1, 2, 1, 0]))
        loss.backward()
        cases.append(
            {
                "weight": weight or [],
                "label_smoothing": smoothing,
                "loss": loss.item(),
                "gradient": logits.grad.flatten().tolist(),
            }
        )
    return cases


def logits(model):
    net = fill(model(num_classes=3)).eval()
    with torch.no_grad():
        return floats(net(images(2, 64)))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    golden = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    golden["curves"] = {}
    for name in OPTIMIZERS:
        golden["curves"][name], golden["gradients"], golden["running_var"] = curve(name)
    golden["loss"] = loss_cases()
    golden["logits"] = {
        "resnet18": logits(torchvision.models.resnet18),
        "resnet50": logits(torchvision.models.resnet50),
        "mobilenetv2": logits(torchvision.models.mobilenet_v2),
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")
    with open(path, "w", encoding="ascii") as out:
        json.dump(golden, out, indent=None, separators=(",", ":"))
        out.write("\n")


main()
