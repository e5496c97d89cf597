#!/usr/bin/python3
"""bench/phantom_difficulty.py DIR [--cnn EPOCHS] - is a phantom set neither trivial nor hopeless?

Five-fold cross-validated accuracy of logistic regression on grey-level histograms (goal: below 65 %)
and on 16 x 16 thumbnails (below 70 %), the best of several penalties each; with --cnn, accuracy of a
small residual network at 96 px on the last fifth of each class after training on the rest (above
85 %). Exit code 1 when a goal is missed. Needs scikit-learn and Pillow, for --cnn PyTorch.
SPDX-License-Identifier: Apache-2.0"""
import glob
import os
import re
import sys

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSES = ("benign", "malignant", "normal")


def read(folder):
    images, labels, numbers = [], [], []
    for label, name in enumerate(CLASSES):
        for path in sorted(glob.glob(os.path.join(folder, name, "*.png"))):
            if "_mask" in path:
                continue
            images.append(Image.open(path).convert("L"))
            labels.append(label)
            numbers.append(int(re.search(r"\((\d+)\)", path).group(1)))
    return images, np.array(labels), np.array(numbers)


def linear(features, labels):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    models = (make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))
              for c in (1e-3, 1e-2, 0.1, 1.0))
    return max(cross_val_score(m, features, labels, cv=folds).mean() for m in models)


def network(images, labels, numbers, epochs):
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
            self.skip = nn.Identity() if inputs == outputs else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

        def forward(self, x):
            return F.relu(self.skip(x) + self.main(x))

    torch.manual_seed(0)
    torch.set_num_threads(2)
    x = np.stack([np.asarray(i.resize((96, 96), Image.BILINEAR), np.float32) for i in images])
    x = torch.from_numpy((x / 255 - 0.35) / 0.2)[:, None]
    y = torch.from_numpy(labels)
    test = torch.from_numpy(numbers > numbers.max() * 4 // 5)
    train = torch.nonzero(~test)[:, 0]
    model = nn.Sequential(nn.Conv2d(1, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                          Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2), Block(64, 128, 2),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 3))
    steps = epochs * ((len(train) + 31) // 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.2)
    for _ in range(epochs):
        model.train()
        for batch in train[torch.randperm(len(train))].split(32):
            n = len(batch)
            turn, grow = (torch.rand(n) - 0.5) * 0.5, torch.exp((torch.rand(n) - 0.5) * 0.4)
            side = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
            shift = (torch.rand(n, 2) - 0.5) * 0.4
            affine = torch.stack([
                torch.stack([side * grow * turn.cos(), -grow * turn.sin(), shift[:, 0]], 1),
                torch.stack([side * grow * turn.sin(), grow * turn.cos(), shift[:, 1]], 1)], 1)
            grid = F.affine_grid(affine, (n, 1, 96, 96), align_corners=False)
            seen = F.grid_sample(x[batch], grid, align_corners=False, padding_mode="border")
            loss = F.cross_entropy(model(seen), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(b) + model(b.flip(3)) for b in x[test].split(64)])
    return (scores.argmax(1) == y[test]).float().mean().item()


def main():
    if len(sys.argv) not in (2, 4) or (len(sys.argv) == 4 and sys.argv[2] != "--cnn"):
        sys.exit(__doc__)
    images, labels, numbers = read(sys.argv[1])
    histograms = np.stack([np.histogram(np.asarray(i), 64, (0, 256))[0] / i.width / i.height
                           for i in images])
    thumbnails = np.stack([np.asarray(i.resize((16, 16), Image.BILINEAR), float).ravel() / 255
                           for i in images])
    good = True
    for name, features, limit in (("histograms", histograms, 0.65), ("thumbnails", thumbnails, 0.70)):
        accuracy = linear(features, labels)
        good &= accuracy < limit
        print("logistic regression on %s: %.3f (goal: below %.2f)" % (name, accuracy, limit), flush=True)
    if len(sys.argv) == 4:
        accuracy = network(images, labels, numbers, int(sys.argv[3]))
        good &= accuracy > 0.85
        print("small network: %.3f (goal: above 0.85)" % accuracy)
    sys.exit(0 if good else 1)


main()
