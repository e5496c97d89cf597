#!/usr/bin/env python3
"""Writes ops.txt: small problems and what PyTorch answers, all in double.

A case is a problem line, then one line per array: "in" or "out", the argument, its values. Made with
PyTorch 1.13.1; run from the repository's root: python3 tests/golden/ops/make.py
SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F

torch.manual_seed(20)
out = open("tests/golden/ops/ops.txt", "w")
out.write("# Made by make.py with PyTorch; see there.\n")


def values(tensor):
    return " ".join(repr(round(v, 15)) for v in tensor.detach().double().flatten().tolist())


def inputs(*shape):
    """Three decimals: short in the file, exact enough in every type."""
    return torch.round(torch.randn(*shape, dtype=torch.double) * 1000) / 1000


def case(line, ins, outs):
    out.write(line + "\n")
    for kind, arrays in (("in", ins), ("out", outs)):
        for name, tensor in arrays.items():
            out.write(f"{kind} {name} {values(tensor)}\n")
    out.write("\n")


def differentiate(function, **leaves):
    """Output and the gradients of sum(output * diff_dst) by every leaf."""
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    dst = function()
    diff_dst = inputs(*dst.shape)
    dst.backward(diff_dst)
    return dst, diff_dst, {name: leaf.grad for name, leaf in leaves.items()}


def conv(line, shape, out_channels, kernel, bias, **settings):
    x, w = inputs(*shape), inputs(out_channels, shape[1] // settings.get("groups", 1), *kernel)
    b = inputs(out_channels) if bias else None
    leaves = {"diff_src0": x, "diff_weight": w} | ({"diff_bias": b} if bias else {})
    dst, diff_dst, grads = differentiate(lambda: F.conv2d(x, w, b, **settings), **leaves)
    ins = {"src0": x, "weight": w, "diff_dst": diff_dst} | ({"bias": b} if bias else {})
    case(line.replace("*", "backward_data"), ins, {"dst": dst, "diff_src0": grads.pop("diff_src0")})
    case(line.replace("*", "backward_weights"), ins, grads)


conv("conv:*:f64 n1c4h7w6 o6 k3x2 s2x1 p2x1 d2x1 g2 bias", (1, 4, 7, 6), 6, (3, 2), True,
     stride=(2, 1), padding=(2, 1), dilation=(2, 1), groups=2)
conv("conv:*:f64 n2c3h5w4 o3 k3x3 s1x1 p1x1 d1x1 g3", (2, 3, 5, 4), 3, (3, 3), False,
     padding=1, groups=3)
conv("conv:*:f64 n1c2h8w8 o2 k3x3 s1x1 p4x4 d4x4 g1", (1, 2, 8, 8), 2, (3, 3), False,
     padding=4, dilation=4)


def batch_norm(line, shape, training, relu):
    x, gamma, beta = inputs(*shape), inputs(shape[1]), inputs(shape[1])
    mean, var = inputs(shape[1]), inputs(shape[1]).abs() + 0.5
    given = {} if training else {"mean": mean.clone(), "var": var.clone()}

    def forward():
        # momentum 1: the running statistics become those of this batch
        y = F.batch_norm(x, mean, var, gamma, beta, training, 1.0, 1e-3)
        return y.relu() if relu else y

    dst, diff_dst, grads = differentiate(forward, diff_src0=x, diff_weight=gamma, diff_bias=beta)
    outs = {"dst": dst}
    if training:
        # Torch normalises with the biased variance but keeps the unbiased one; ours is the biased.
        count = x.numel() / shape[1]
        outs |= {"mean": mean, "var": var * (count - 1) / count}
    case(line, {"src0": x, "weight": gamma, "bias": beta, "diff_dst": diff_dst} | given, outs | grads)


batch_norm("batch_norm:backward_data:f64 n3c2h2w3 eps0.001", (3, 2, 2, 3), True, False)
batch_norm("batch_norm:backward_data:f64 n2c3h3w2 eps0.001 relu", (2, 3, 3, 2), True, True)
batch_norm("batch_norm:backward_data:f64 n2c3h3w2 eps0.001 fixed", (2, 3, 3, 2), False, False)


def pointwise(line, shape, function):
    x = inputs(*shape)
    dst, diff_dst, grads = differentiate(lambda: function(x), diff_src0=x)
    case(line, {"src0": x, "diff_dst": diff_dst}, {"dst": dst} | grads)


# Ceil mode is padding behind: 8 pixels, windows of 3 every 2, padding 1 give 4.5, rounded up 5.
pointwise("max_pool:backward_data:f64 n1c2h8w7 k3x3 s2x2 p1x1:2x1", (1, 2, 8, 7),
          lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True))
pointwise("max_pool:backward_data:f64 n1c2h8w8 k3x3 s2x2 p0x0:1x1", (1, 2, 8, 8),
          lambda x: F.max_pool2d(x, 3, 2, 0, ceil_mode=True))
pointwise("avg_pool:backward_data:f64 n1c2h5w6 k3x3 s2x2 p1x1:1x1 include_pad", (1, 2, 5, 6),
          lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=True))
pointwise("avg_pool:backward_data:f64 n1c2h5w6 k3x3 s2x2 p1x1:1x1", (1, 2, 5, 6),
          lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
pointwise("avg_pool:backward_data:f64 n1c2h5w7 k2x2 s2x2 p0x0:1x1", (1, 2, 5, 7),
          lambda x: F.avg_pool2d(x, 2, 2, 0, ceil_mode=True, count_include_pad=False))
pointwise("global_pool:backward_data:f64 n2c2h3w4", (2, 2, 3, 4),
          lambda x: F.adaptive_avg_pool2d(x, 1))
pointwise("relu:backward_data:f64 n2c3h2w2 clip6", (2, 3, 2, 2), lambda x: F.relu6(x))
pointwise("relu:backward_data:f64 n2c3h2w2 clip0.5", (2, 3, 2, 2), lambda x: F.hardtanh(x, 0, 0.5))
pointwise("sigmoid:backward_data:f64 n2c3 scale2", (2, 3), lambda x: 2 * torch.sigmoid(x))


def linear(line, n, features, outputs):
    x, w, b = inputs(n, features), inputs(outputs, features), inputs(outputs)
    dst, diff_dst, grads = differentiate(lambda: F.linear(x, w, b), diff_src0=x, diff_weight=w,
                                         diff_bias=b)
    ins = {"src0": x, "weight": w, "bias": b, "diff_dst": diff_dst}
    case(line.replace("*", "backward_data"), ins, {"dst": dst, "diff_src0": grads.pop("diff_src0")})
    case(line.replace("*", "backward_weights"), ins, grads)


linear("linear:*:f64 n3c5 o2 bias", 3, 5, 2)


def channel_scale(line, shape):
    x, gate = inputs(*shape), inputs(shape[0], shape[1], 1, 1)
    dst, diff_dst, grads = differentiate(lambda: x * gate, diff_src0=x, diff_src1=gate)
    case(line, {"src0": x, "src1": gate, "diff_dst": diff_dst}, {"dst": dst} | grads)


channel_scale("channel_scale:backward_data:f64 n2c3h2w2", (2, 3, 2, 2))
pointwise("adaptive_pool:backward_data:f64 n1c2h5w4 o3x2", (1, 2, 5, 4),
          lambda x: F.adaptive_avg_pool2d(x, (3, 2)))
pointwise("adaptive_pool:backward_data:f64 n2c1h2w3 o5x4", (2, 1, 2, 3),
          lambda x: F.adaptive_avg_pool2d(x, (5, 4)))
