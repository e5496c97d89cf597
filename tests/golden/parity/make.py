#!/usr/bin/python3
"""What PyTorch and torchvision say of every architecture: logits and gradients in double.

    /usr/bin/python3 tests/golden/parity/make.py        writes parity.json beside this file

Weights and images come from the formula of tests/golden/nn/make.py, so none are stored. A gradient is
stored as its norm and eight sketches: its products with vectors of signs. The mean square of the
sketches of a difference is the square of its norm but for a few parts in ten, and every element
counts; so an error against the whole tensor is measured without storing it. Sign j of element i of
NAME: bit 8 + j of mix(FNV-1a-32(NAME) + 2654435761 i). tests/support/formula.c says the same in C.

Gradients are taken of sum(logits * c), c drawn as "cotangent"; auxiliary classifiers count 0.3.
Where statistics are fixed an exact answer exists in float32 too unless rounding moves a ReLU or the
winner of a pool; so the images are those of a few drawn whose values keep the largest distance from
such points. With the batch's statistics they cannot be kept from them: for whole networks PyTorch's
own error in float32 is stored, the largest of four roundings (with and without oneDNN, channels first
and last). Made with Debian 12's PyTorch 1.13.1 and torchvision 0.14.1.
SPDX-License-Identifier: Apache-2.0
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models import mobilenetv2, resnet
from torchvision.models.googlenet import Inception

SKETCHES = 8


# ---- the formula ----

def mixed(name, count):
    s = 2166136261
    for byte in name.encode():
        s = ((s ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint32) * np.uint32(2654435761)) + np.uint32(s)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    return x


def uniform(name, count):
    return (mixed(name, count).astype(np.float64) / 2**31 - 1).astype(np.float32)


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


def fill(net, prefix=""):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(formula(prefix + name, tuple(tensor.shape)))
    return net


def images(name, *shape):
    return torch.from_numpy(uniform(name, int(np.prod(shape))).reshape(shape))


def sketch(name, tensor):
    x = tensor.detach().double().flatten().numpy()
    bits = mixed(name, x.size)
    out = [float(np.sqrt(np.dot(x, x)))]
    for j in range(SKETCHES):
        signs = 1.0 - 2.0 * ((bits >> np.uint32(8 + j)) & np.uint32(1))
        out.append(float(np.dot(x, signs)))
    return [float("%.10g" % v) for v in out]


def floats(tensor):
    return [float("%.10g" % v) for v in tensor.detach().double().flatten().tolist()]


# ---- how far values stay from where a derivative jumps, in units of the layer's own size ----

nearest = [math.inf]


def note(distance, x):
    if distance.numel():
        nearest[0] = min(nearest[0], (distance.min() / x.pow(2).mean().sqrt()).item())


def watch(function, corners):
    def watched(x, *args, **kwargs):
        for corner in corners:
            note((x - corner).abs(), x)
        return function(x, *args, **kwargs)
    return watched


def watched_pool(function):
    def watched(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **kwargs):
        end = padding + (stride if ceil_mode else 0)
        padded = F.pad(x, (padding, end, padding, end), value=-1e30)
        windows = padded.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride)
        top = windows.flatten(4).topk(2, dim=4).values
        lead = top[..., 0] - top[..., 1]
        # Equal ones are the same pixel seen twice by the pool below: it gets the gradient anyway.
        note(lead[(top[..., 0] > 0) & (lead > 0)], x)
        return function(x, kernel_size, stride, padding, dilation, ceil_mode, **kwargs)
    return watched


def margin_of(net, x):
    """The smallest distance in one forward pass; net in double."""
    kept = F.relu, F.hardtanh, F.max_pool2d
    F.relu, F.hardtanh, F.max_pool2d = watch(F.relu, [0]), watch(F.hardtanh, [0, 6]), watched_pool(kept[2])
    nearest[0] = math.inf
    try:
        with torch.no_grad():
            net(x)
    finally:
        F.relu, F.hardtanh, F.max_pool2d = kept
    return nearest[0]


def choose_input(net, shape, draws):
    best = (-1.0, None)
    for i in range(draws):
        name = f"input.{i}"
        best = max(best, (margin_of(net, images(name, *shape).double()), name))
    return best


# ---- what torchvision has not ----

class Gate(nn.Module):
    """biased: timm's; else without biases and doubled."""

    def __init__(self, channels, biased):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=biased)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=biased)
        self.scale = 1 if biased else 2

    def forward(self, x):
        s = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * (self.scale * torch.sigmoid(s))


class Gated(resnet.Bottleneck):
    biased = False

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.se = Gate(4 * planes, self.biased)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.se(self.bn3(self.conv3(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class GatedAsTimm(Gated):
    biased = True


class Shortcut(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        return self.conv(x)


class Preactivated(nn.Module):
    def __init__(self, inputs, width, stride, dilation, gated):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.BatchNorm2d(n) for n in (inputs, width, width))
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.downsample = Shortcut(inputs, 4 * width, stride) if inputs != 4 * width or stride > 1 else None
        self.se = Gate(4 * width, False) if gated else nn.Identity()

    def forward(self, x):
        a = F.relu(self.norm1(x))
        y = F.relu(self.norm2(self.conv1(a)))
        y = F.relu(self.norm3(self.conv2(y)))
        return self.se(self.conv3(y)) + (x if self.downsample is None else self.downsample(a))


class Stage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


class PreactivatedNet(nn.Module):
    def __init__(self, counts, gated, dilated):
        super().__init__()
        self.data_norm = nn.BatchNorm2d(3)
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, 64, 7, 2, 3, bias=False), "norm": nn.BatchNorm2d(64)})
        inputs, stages = 64, []
        for i, count in enumerate(counts):
            width, last = 64 << i, dilated and i == 3
            blocks = []
            for j in range(count):
                stride = 2 if j == 0 and i > 0 and not last else 1
                blocks.append(Preactivated(inputs, width, stride, 2 if last and j > 0 else 1, gated))
                inputs = 4 * width
            stages.append(Stage(blocks))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(inputs)
        self.head = nn.Linear(inputs, 3)

    def forward(self, x):
        x = self.stem["norm"](self.stem["conv"](self.data_norm(x)))
        x = self.stages(F.max_pool2d(F.relu(x), 3, 2, 1))
        return self.head(F.relu(self.norm(x)).mean((2, 3)))


def residual(block, counts, dilated=False):
    return lambda: resnet.ResNet(block, counts, num_classes=3, replace_stride_with_dilation=[False, False, dilated])


tv = torchvision.models
MODELS = {  # name: (maker, size where statistics are fixed)
    "resnet18": (residual(resnet.BasicBlock, [2, 2, 2, 2]), 32),
    "resnet50": (residual(resnet.Bottleneck, [3, 4, 6, 3]), 32),
    "seresnet50": (residual(GatedAsTimm, [3, 4, 6, 3]), 32),
    "mresnet": (residual(Gated, [3, 4, 3, 2], True), 32),
    "resnet50v2": (lambda: PreactivatedNet([3, 4, 6, 3], False, False), 32),
    "mresnetv2": (lambda: PreactivatedNet([3, 4, 3, 2], True, True), 32),
    "mobilenetv2": (lambda: tv.mobilenet_v2(num_classes=3), 32),
    "alexnet": (lambda: tv.alexnet(num_classes=3), 96),
    "googlenet": (lambda: tv.googlenet(num_classes=3, aux_logits=True, init_weights=False), 48),
    "vgg16": (lambda: tv.vgg16(num_classes=3, init_weights=False), 48),
    "vgg16_bn": (lambda: tv.vgg16_bn(num_classes=3, init_weights=False), 48),
}
NO_NORMS = ("alexnet", "vgg16")


def without_dropout(net):
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    return net


def with_fixed_statistics(net):
    net.eval()
    net.training = True  # of the whole only: it computes what auxiliary classifiers it has
    return net


def gradients(net, x):
    net.zero_grad(set_to_none=True)
    out = net(x)
    outs = [(out, 1.0)]
    if isinstance(out, tuple):
        # torchvision 0.14 gives the two under each other's names: aux1 comes as aux_logits2.
        outs = [(out.logits, 1.0), (out.aux_logits2, 0.3), (out.aux_logits1, 0.3)]
    c = images("cotangent", *outs[0][0].shape).to(x.dtype)
    sum(share * (o * c).sum() for o, share in outs).backward()
    return [floats(o) for o, _ in outs], {k: p.grad for k, p in net.named_parameters()}


def fixed(name, make, size):
    net = with_fixed_statistics(fill(without_dropout(make()))).double()
    batch = 1 if "50" in name else 2
    shape = (batch, 3, size, size)
    margin, drawn = choose_input(net, shape, 6 if name.startswith("vgg") else 24)
    outs, grads = gradients(net, images(drawn, *shape).double())
    print(f"{name}: margin {margin:.2g}, logits {outs[0]}", flush=True)
    return {"batch": batch, "size": size, "input": drawn, "margin": margin, "logits": outs,
            "gradients": {k: sketch(k, g) for k, g in grads.items()}}


def rms_error(grads, exact, names):
    total = 0.0
    for k in names:
        total += float((grads[k].double() - exact[k]).norm() / exact[k].norm()) ** 2
    return math.sqrt(total / len(names))


def training(name, make):
    """Whole networks, statistics of the batch."""
    batch, size = 8, 64
    net = fill(without_dropout(make())).train()
    shape = (batch, 3, size, size)
    twin = fill(without_dropout(make())).train().double()
    # Of the smallest, where no sign changes if the images are chosen well; the others have some anyway.
    drawn = choose_input(twin, shape, 12)[1] if name == "resnet18" else "input"
    x = images(drawn, *shape)
    _, exact = gradients(twin, x.double())
    exact = {k: g.clone() for k, g in exact.items()}
    del twin
    # A bias or weight whose exact gradient vanishes has no relative error.
    top = max(float(g.norm()) for g in exact.values())
    names = [k for k, g in exact.items() if float(g.norm()) > 1e-9 * top]
    errors = []
    for layout in (torch.contiguous_format, torch.channels_last):
        for library in (True, False):
            with torch.backends.mkldnn.flags(enabled=library):
                _, grads = gradients(net.to(memory_format=layout), x.to(memory_format=layout))
            errors.append(rms_error(grads, exact, names))
    print(f"{name}: float32 errors {['%.2g' % e for e in errors]}", flush=True)
    return {"batch": batch, "size": size, "input": drawn, "error": max(errors),
            "errors": [float("%.4g" % e) for e in errors],
            "gradients": {k: sketch(k, exact[k]) for k in names}}


# ---- blocks alone ----

class Alone(nn.Module):
    def __init__(self, block, channels):
        super().__init__()
        self.block, self.head = block, nn.Linear(channels, 3)

    def forward(self, x):
        return self.head(self.block(x).mean((2, 3)))




def downsample(i, o, stride):
    return nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))


BLOCKS = [  # model, prefix of its nodes, module, channels in and out
    ("resnet18", "layer1.0", resnet.BasicBlock(64, 64), 64, 64),
    ("resnet18", "layer2.0", resnet.BasicBlock(64, 128, 2, downsample(64, 128, 2)), 64, 128),
    ("resnet50", "layer1.1", resnet.Bottleneck(256, 64), 256, 256),
    ("resnet50", "layer2.0", resnet.Bottleneck(256, 128, 2, downsample(256, 512, 2)), 256, 512),
    ("seresnet50", "layer1.1", GatedAsTimm(256, 64), 256, 256),
    ("mresnet", "layer1.1", Gated(256, 64), 256, 256),
    ("mresnet", "layer4.1", Gated(2048, 512, dilation=2), 2048, 2048),
    ("resnet50v2", "stages.0.blocks.0", Preactivated(64, 64, 1, 1, False), 64, 256),
    ("resnet50v2", "stages.1.blocks.1", Preactivated(512, 128, 1, 1, False), 512, 512),
    ("mresnetv2", "stages.0.blocks.1", Preactivated(256, 64, 1, 1, True), 256, 256),
    ("mobilenetv2", "features.1", mobilenetv2.InvertedResidual(32, 16, 1, 1), 32, 16),
    ("mobilenetv2", "features.3", mobilenetv2.InvertedResidual(24, 24, 1, 6), 24, 24),
    ("mobilenetv2", "features.4", mobilenetv2.InvertedResidual(24, 32, 2, 6), 24, 32),
    ("googlenet", "inception3a", Inception(192, 64, 96, 128, 16, 32, 32), 192, 256),
]


def block_case(model, prefix, block, inputs, outputs):
    batch, size = 4, 5
    net = Alone(block, outputs)
    names = {k: k.replace("block.", prefix + ".", 1) for k in net.state_dict()}
    with torch.no_grad():
        for k, tensor in net.state_dict().items():
            if not k.endswith("num_batches_tracked"):
                tensor.copy_(formula(names[k], tuple(tensor.shape)))
    net.train().double()
    shape = (batch, inputs, size, size)
    margin, drawn = choose_input(net, shape, 24)
    outs, grads = gradients(net, images(drawn, *shape).double())
    print(f"{model} {prefix}: margin {margin:.2g}", flush=True)
    return {"model": model, "prefix": prefix, "channels": inputs, "batch": batch, "size": size, "input": drawn,
            "margin": margin, "logits": outs, "gradients": {names[k]: sketch(names[k], g) for k, g in grads.items()}}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # Debian's convolutions in double are wrong now and then with two
    only = sys.argv[1:]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parity.json")
    golden = {"torch": torch.__version__, "torchvision": torchvision.__version__, "models": [], "blocks": []}
    for case in BLOCKS:
        if not only:
            golden["blocks"].append(block_case(*case))
    for name, (make, size) in MODELS.items():
        if only and name not in only:
            continue
        entry = {"name": name, "fixed": fixed(name, make, size)}
        if name not in NO_NORMS:
            entry["training"] = training(name, make)
        golden["models"].append(entry)
    if only:
        return
    with open(path, "w", encoding="ascii") as out:
        json.dump(golden, out, indent=None, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
