#!/usr/bin/python3
"""What PyTorch's hooks say of the maps: the CAM family, integrated gradients, occlusion, gates.

    /usr/bin/python3 tests/golden/explain/make.py       writes explain.json beside this file

Weights and images come from the formula of tests/golden/parity/make.py, so none are stored. The image
is grey, one byte a pixel: byte i is the upper 8 bits of mix for the name of the image; it is
standardised as ImageNet's and not resized. Everything is computed in double. Maps on a layer's grid
are stored whole, those of the square as the sketch of parity/make.py.

  view 1          the mirrored image, its map turned back
  integrated      midpoints of `steps` parts from the image's mean, no noise, summed over channels
  occlusion       mean fall of the logit over the patches of mean grey that hide a pixel
  se-gated        sum over channels of |gate x A| behind the last gate

Images are those of forty drawn that keep the largest distance from where a derivative jumps, also
mirrored and on the way from the mean: rounding then puts no ReLU on its other side.
Made with Debian 12's PyTorch 1.13.1 and torchvision 0.14.1.
SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "parity"))
sys.dont_write_bytecode = True
import make as parity  # noqa: E402

CLASS, STEPS, PATCH, STRIDE = 1, 6, 24, 16
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)

class Hooked(parity.PreactivatedNet):
    """mresnetv2 applies its last ReLU as a function; a module behind it can be hooked."""

    def __init__(self):
        super().__init__([3, 4, 3, 2], True, True)
        self.last = torch.nn.Identity()

    def forward(self, x):
        x = self.stem["norm"](self.stem["conv"](self.data_norm(x)))
        x = self.stages(F.max_pool2d(F.relu(x), 3, 2, 1))
        return self.head(self.last(F.relu(self.norm(x))).mean((2, 3)))


MODELS = {  # maker, size, layers by our names with the module whose output they are, last gate
    "mobilenetv2": (parity.MODELS["mobilenetv2"][0], 96,
                    {"": "features.18", "features.13.add": "features.13"}, None),
    "mresnetv2": (Hooked, 64, {"": "last", "stages.2.blocks.1.add": "stages.2.blocks.1"},
                  "stages.3.blocks.1.se"),
}


def grey(name, size):
    return (parity.mixed(name, size * size) >> np.uint32(24)).astype(np.float64).reshape(size, size)


def standardised(pixels):
    return ((torch.from_numpy(pixels) / 255)[None] - MEAN) / STD


class Tap:
    """Output of a module and the gradient of it."""

    def __init__(self, module):
        self.hook = module.register_forward_hook(self.keep)

    def keep(self, module, inputs, output):
        self.value = output
        if output.requires_grad:
            output.retain_grad()

    def remove(self):
        self.hook.remove()


def cams(net, module, x):
    tap = Tap(module)
    net.zero_grad(set_to_none=True)
    net(x[None].clone().requires_grad_())[0, CLASS].backward()
    a, g = tap.value.detach()[0], tap.value.grad[0]
    tap.remove()
    weights = g.mean((1, 2), keepdim=True)
    total = a.sum((1, 2), keepdim=True)
    below = 2 * g**2 + total * g**3
    alpha = torch.where((g > 0) & (below > 0), g**2 / torch.where(below == 0, torch.ones_like(below), below),
                        torch.zeros_like(g))
    pp = (alpha * torch.relu(g)).sum((1, 2), keepdim=True)
    return {"grad-cam": torch.relu((weights * a).sum(0)), "grad-cam++": torch.relu((pp * a).sum(0)),
            "layer-cam": torch.relu((torch.relu(g) * a).sum(0)), "hires-cam": torch.relu((g * a).sum(0))}


def path_points(x):
    start = x.mean((1, 2), keepdim=True).expand_as(x)
    return [start + (k + 0.5) / STEPS * (x - start) for k in range(STEPS)]


def integrated(net, x):
    start = x.mean((1, 2), keepdim=True).expand_as(x)
    total = torch.zeros_like(x)
    for point in path_points(x):
        at = point.clone().requires_grad_()
        net(at[None])[0, CLASS].backward()
        total += at.grad
    return ((x - start) * total / STEPS).sum(0)


def occlusion(net, x):
    size = x.shape[1]
    starts = list(range(0, size - PATCH, STRIDE)) + [size - PATCH]
    fall, covers = torch.zeros(size, size).double(), torch.zeros(size, size).double()
    mean = x.mean((1, 2), keepdim=True)
    with torch.no_grad():
        whole = net(x[None])[0, CLASS]
        for top in starts:
            for left in starts:
                hidden = x.clone()
                hidden[:, top:top + PATCH, left:left + PATCH] = mean
                fall[top:top + PATCH, left:left + PATCH] += whole - net(hidden[None])[0, CLASS]
                covers[top:top + PATCH, left:left + PATCH] += 1
    return fall / covers


def gates(net, module, x):
    tap = Tap(module)
    with torch.no_grad():
        net(x[None])
    tap.remove()
    return tap.value[0].abs().sum(0)


def part(net, path):
    for name in path.split("."):
        net = net[int(name)] if name.isdigit() and not hasattr(net, name) else getattr(net, name)
    return net


def case(name, make, size, layers, gate):
    net = parity.fill(parity.without_dropout(make())).eval().double()
    best = (-1.0, None)
    for i in range(40):
        drawn = f"explain.{i}"
        x = standardised(grey(drawn, size))
        looked_at = [x, x.flip(2)] + path_points(x)
        best = max(best, (min(parity.margin_of(net, at[None]) for at in looked_at), drawn))
    x = standardised(grey(best[1], size))
    maps = []
    for layer, path in layers.items():
        module = part(net, path)
        for view in (0, 1):
            found = cams(net, module, x.flip(2) if view else x)
            for method, grid in found.items():
                maps.append({"method": method, "layer": layer, "view": view,
                             "width": grid.shape[1], "values": parity.floats(grid.flip(1) if view else grid)})
    if gate:
        grid = gates(net, part(net, gate), x)
        maps.append({"method": "se-gated", "layer": "", "view": 0, "width": grid.shape[1],
                     "values": parity.floats(grid)})
    squares = {"integrated-gradients": integrated(net, x), "occlusion": occlusion(net, x)}
    with torch.no_grad():
        logits = net(x[None])[0]
    print(f"{name}: margin {best[0]:.2g}, logits {parity.floats(logits)}", flush=True)
    return {"name": name, "size": size, "image": best[1], "class": CLASS, "steps": STEPS, "patch": PATCH,
            "stride": STRIDE, "logits": parity.floats(logits), "maps": maps,
            "squares": {k: parity.sketch(k, v) for k, v in squares.items()}}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    golden = {"torch": torch.__version__, "models": [case(k, *v) for k, v in MODELS.items()]}
    with open(os.path.join(here, "explain.json"), "w", encoding="ascii") as out:
        json.dump(golden, out, indent=None, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
