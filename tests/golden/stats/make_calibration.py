#!/usr/bin/python3
"""Golden values of the Brier decomposition, vector scaling and isotonic calibration, with scikit-learn
1.2.1 and scipy 1.10.1 (Debian 12). Reads rows.csv (make.py).

calibration.csv      case, figure, value: Brier parts of every case of rows.csv; vector scaling where
                     it has an optimum
calibrator_rows.csv  520 rows: label, logits, and their probabilities by vector scaling and isotonic
isotonic.csv         a fit with ties: kind fit (x, y) or ask (x, expected y)
"""
import csv
import os

import numpy as np
from scipy import optimize
from scipy.special import log_softmax, softmax
from sklearn.isotonic import IsotonicRegression

HERE = os.path.dirname(os.path.abspath(__file__))


def read_cases():
    cases = {}
    for row in csv.DictReader(open(os.path.join(HERE, "rows.csv"))):
        k = int(row["classes"])
        cases.setdefault(row["case"], []).append(
            [int(row["label"])] + [float(row[f"p{i}"]) for i in range(k)]
            + [float(row[f"z{i}"]) for i in range(k)])
    for name, rows in cases.items():
        a = np.array(rows)
        k = (a.shape[1] - 1) // 2
        yield name, a[:, 0].astype(int), a[:, 1:1 + k], a[:, 1 + k:]


def isotonic(x, y):
    return IsotonicRegression(out_of_bounds="clip").fit(x, y)


def brier_parts(y, p):
    total = recalibrated = uncertainty = 0.0
    for k in range(p.shape[1]):
        t = (y == k).astype(float)
        total += np.mean((p[:, k] - t) ** 2)
        recalibrated += np.mean((isotonic(p[:, k], t).predict(p[:, k]) - t) ** 2)
        uncertainty += np.mean((t.mean() - t) ** 2)
    return {"brier": total, "miscalibration": total - recalibrated,
            "discrimination": uncertainty - recalibrated, "uncertainty": uncertainty}


def fit_vector(y, z):
    z = z - z.mean(axis=1, keepdims=True)
    n, k = z.shape
    t = np.eye(k)[y]

    def nll(theta):
        return -log_softmax(theta[:k] * z + theta[k:], axis=1)[np.arange(n), y].mean()

    def gradient(theta):
        gap = softmax(theta[:k] * z + theta[k:], axis=1) - t
        return np.concatenate([(gap * z).mean(axis=0), gap.mean(axis=0)])

    start = np.concatenate([np.ones(k), np.zeros(k)])
    theta = optimize.minimize(nll, start, jac=gradient, method="BFGS", options={"gtol": 1e-10}).x
    # Two classes share one factor, and all shifts share one constant: least squares steps.
    for _ in range(30):
        h = 1e-6
        hessian = np.array([(gradient(theta + h * e) - gradient(theta - h * e)) / (2 * h)
                            for e in np.eye(2 * k)])
        theta = theta - np.linalg.lstsq(hessian, gradient(theta), rcond=1e-8)[0]
    theta[k:] -= theta[k:].mean()
    assert np.abs(gradient(theta)).max() < 1e-14
    return theta, nll(start), nll(theta), softmax(theta[:k] * z + theta[k:], axis=1)


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        for row in rows:
            w.writerow([repr(float(v)) if isinstance(v, (float, np.floating)) else v for v in row])


def main():
    rng = np.random.default_rng(20251124)
    out = []
    for name, y, p, z in read_cases():
        out += [(name, figure, v) for figure, v in brier_parts(y, p).items()]
        if name in ("plain", "four", "binary"):
            theta, before, after, _ = fit_vector(y, z)
            k = z.shape[1]
            out += [(name, f"weight{i}", theta[i]) for i in range(k)]
            out += [(name, f"bias{i}", theta[k + i]) for i in range(k)]
            out += [(name, "nll_before", before), (name, "nll_after", after)]

    n = 520
    y = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    z = rng.normal(0, 1, (n, 3))
    z[np.arange(n), y] += 1.6
    z = np.round(z * [2.0, 1.5, 2.5] + [0, 0.6, -0.3], 1)
    vector = fit_vector(y, z)[3]
    p = softmax(z, axis=1)
    mended = np.stack([isotonic(p[:, k], (y == k).astype(float)).predict(p[:, k]) for k in range(3)], axis=1)
    mended /= mended.sum(axis=1, keepdims=True)
    write("calibrator_rows.csv",
          ["label", "z0", "z1", "z2", "vector0", "vector1", "vector2", "isotonic0", "isotonic1", "isotonic2"],
          [(int(y[i]), *z[i], *vector[i], *mended[i]) for i in range(n)])
    write("calibration.csv", ["case", "figure", "value"], out)

    x = np.round(rng.normal(0, 1, 30), 1)
    t = np.round(x + rng.normal(0, 0.7, 30), 3)
    ask = np.concatenate([np.round(np.linspace(-3, 3, 41), 3), x])
    write("isotonic.csv", ["kind", "x", "y"],
          [("fit", a, b) for a, b in zip(x, t)] +
          [("ask", a, b) for a, b in zip(ask, isotonic(x, t).predict(ask))])


main()
