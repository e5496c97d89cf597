#!/usr/bin/python3
"""Makes the golden files of the stats tests with scikit-learn 1.2.1 and scipy 1.10.1 (Debian 12).

rows.csv     the inputs: labels, predictions, probabilities and logits by case
figures.csv  case, figure, class (-1: none), value
curves.csv   ROC and precision-recall points by case and class
bca.csv      bootstrap values, delete-one values and scipy's BCa interval for one and two samples
"""
import csv
import os
import warnings

import numpy as np
from scipy import optimize, stats
from scipy.special import log_softmax, softmax
from scipy.stats import _resampling
from sklearn import metrics

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
BINS = 15


def make_case(rng, n, classes, allowed, decimals, scale, sharp):
    labels = rng.choice(allowed, n)
    labels[: len(allowed)] = allowed
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), labels] += sharp
    logits = np.round(logits * scale, decimals)
    p = softmax(logits, axis=1)
    if decimals == 0:  # many ties
        tenths = rng.multinomial(10, p)
        p = tenths / 10
    return labels, p.argmax(axis=1), p, logits


def ece(labels, p):
    """Top-label, equal mass, ties kept together; bias of the folded normal."""
    top, right = p.max(axis=1), p.argmax(axis=1) == labels
    order = np.argsort(top, kind="stable")
    top, right = top[order], right[order]
    n, plain, debiased, start = len(top), 0.0, 0.0, 0
    for b in range(1, BINS + 1):
        stop = b * n // BINS
        while 0 < stop < n and top[stop] == top[stop - 1]:
            stop += 1
        if stop <= start:
            continue
        accuracy, confidence = right[start:stop].mean(), top[start:stop].mean()
        size, gap = stop - start, abs(accuracy - confidence)
        s = np.sqrt(accuracy * (1 - accuracy) / size)
        bias = stats.foldnorm.mean(gap / s, scale=s) - gap if s > 0 else 0.0
        plain += size / n * gap
        debiased += size / n * (gap - bias)
        start = stop
    return plain, debiased


def temperature(labels, logits):
    def nll(b):
        return -log_softmax(logits * b, axis=1)[np.arange(len(labels)), labels].mean()

    def slope(b):
        q = softmax(logits * b, axis=1)
        return ((q * logits).sum(axis=1) - logits[np.arange(len(labels)), labels]).mean()

    if slope(0.05) >= 0:
        b = 0.05
    elif slope(20.0) <= 0:
        b = 20.0
    else:
        b = optimize.brentq(slope, 0.05, 20.0, xtol=1e-15, rtol=1e-15)
    return 1 / b, nll(1.0), nll(b)


def figures(labels, predicted, p, logits):
    classes = list(range(p.shape[1]))
    out = []

    def add(name, value, k=-1):
        out.append((name, k, float(value)))

    add("accuracy", metrics.accuracy_score(labels, predicted))
    add("balanced_accuracy", metrics.balanced_accuracy_score(labels, predicted))
    prf = metrics.precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    macro = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, average="macro", zero_division=0)
    for name, values, mean in zip(("precision", "recall", "f1"), prf, macro):
        add(name + "_macro", mean)
        for k in classes:
            add(name, values[k], k)
    areas = []
    for k in classes:
        y = (labels == k).astype(int)
        if y.min() == y.max():
            add("auroc", np.nan, k)
        else:
            areas.append(metrics.roc_auc_score(y, p[:, k]))
            add("auroc", areas[-1], k)
        add("average_precision", metrics.average_precision_score(y, p[:, k]) if y.any() else np.nan, k)
        negative = 1 - y
        add("specificity",
            metrics.recall_score(negative, (predicted != k).astype(int)) if negative.any() else np.nan, k)
    add("auroc_macro", np.mean(areas) if areas else np.nan)
    add("log_loss", metrics.log_loss(labels, p, labels=classes) if len(classes) > 1 else 0)
    add("brier", ((p - np.eye(len(classes))[labels]) ** 2).sum(axis=1).mean())
    plain, debiased = ece(labels, p)
    add("ece", plain)
    add("ece_debiased", debiased)
    value, before, after = temperature(labels, logits)
    add("temperature", value)
    add("nll_before", before)
    add("nll_after", after)
    for i in classes:
        for j in classes:
            add("confusion", metrics.confusion_matrix(labels, predicted, labels=classes)[i, j],
                i * len(classes) + j)
    return out


def curves(labels, p):
    for k in range(p.shape[1]):
        y = (labels == k).astype(int)
        if y.min() == y.max():
            continue
        x, t, h = metrics.roc_curve(y, p[:, k], drop_intermediate=False)
        for i in range(1, len(x)):
            yield "roc", k, x[i], t[i], h[i]
        precision, recall, h = metrics.precision_recall_curve(y, p[:, k])
        for i in range(len(h) - 1, -1, -1):  # sklearn stops at full recall; 1.2 keeps all points
            yield "pr", k, recall[i], precision[i], h[i]


def bca_cases(rng):
    """scipy computes the jackknife and the levels; the bootstrap values are made here."""
    one = (rng.exponential(1, 14),)
    two = (rng.exponential(1, 9), rng.normal(2, 1, 12))
    for name, data, statistic in (
            ("one", one, lambda a, axis=-1: np.mean(a, axis=axis)),
            ("two", two, lambda a, b, axis=-1: np.mean(a, axis=axis) * np.mean(b, axis=axis) ** 2)):
        draws = np.array([statistic(*[rng.choice(d, len(d)) for d in data]) for _ in range(199)])
        low, high = _resampling._bca_interval(data, statistic, -1, 0.025, draws, None)[:2]
        yield name, "estimate", 0, statistic(*data)
        yield name, "low", 0, np.percentile(draws, low * 100)
        yield name, "high", 0, np.percentile(draws, high * 100)
        for value in draws:
            yield name, "draw", 0, value
        for j, d in enumerate(data):
            for i in range(len(d)):
                left = list(data)
                left[j] = np.delete(d, i)
                yield name, "jackknife", j, statistic(*left)


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        for row in rows:
            w.writerow(["" if isinstance(v, float) and np.isnan(v) else
                        repr(float(v)) if isinstance(v, float) else v for v in row])


def main():
    rng = np.random.default_rng(20251124)
    cases = {
        "plain": make_case(rng, 60, 3, [0, 1, 2], 2, 1.5, 1.2),
        "ties": make_case(rng, 45, 3, [0, 1, 2], 0, 1.0, 1.0),
        "absent_truth": make_case(rng, 30, 3, [0, 1], 2, 1.5, 0.8),
        "binary": make_case(rng, 25, 2, [0, 1], 2, 3.0, 0.5),
        "four": make_case(rng, 40, 4, [0, 1, 2, 3], 2, 1.0, 1.5),
        "one_class": make_case(rng, 12, 3, [1], 2, 1.0, 0.5),
    }
    labels, _, p, logits = make_case(rng, 20, 3, [0, 1], 2, 1.0, 3.0)
    p[:, 2], logits[:, 2] = 0.0, -40.0
    p[:, :2] /= p[:, :2].sum(axis=1, keepdims=True)
    cases["absent_both"] = (labels, p.argmax(axis=1), p, logits)

    rows, values, points = [], [], []
    for name, (labels, predicted, p, logits) in cases.items():
        classes = p.shape[1]
        pad = [""] * (4 - classes)
        for i in range(len(labels)):
            rows.append([name, classes, int(labels[i]), int(predicted[i]),
                         *map(float, p[i]), *pad, *map(float, logits[i]), *pad])
        values += [(name, *f) for f in figures(labels, predicted, p, logits)]
        if name in ("ties", "binary", "absent_truth"):
            points += [(name, kind, k, float(x), float(y), float(h))
                       for kind, k, x, y, h in curves(labels, p)]
    write("rows.csv", ["case", "classes", "label", "predicted", *(f"p{k}" for k in range(4)),
                       *(f"z{k}" for k in range(4))], rows)
    write("figures.csv", ["case", "figure", "class", "value"], [(a, b, c, float(v)) for a, b, c, v in values])
    write("curves.csv", ["case", "kind", "class", "x", "y", "threshold"], points)
    write("bca.csv", ["case", "what", "stratum", "value"],
          [(a, b, c, float(v)) for a, b, c, v in bca_cases(rng)])


main()
