#!/usr/bin/python3
"""tests/golden/tune/make.py - what SciPy, scikit-learn and mpmath say about the parts of a search.

Writes sobol.csv (SciPy's unscrambled points), gp.csv (posterior and likelihood of scikit-learn's
GaussianProcessRegressor with a fixed Matern 5/2 kernel) and acquisition.csv (log expected improvement
to 50 digits). Data come from a formula, so that the C side draws the same.
SPDX-License-Identifier: Apache-2.0"""
import csv
import math
import os

import mpmath
import numpy as np
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

here = os.path.dirname(os.path.abspath(__file__))


def table(name, header, rows):
    with open(os.path.join(here, name), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        w.writerows(rows)


def sobol():
    points = qmc.Sobol(48, scramble=False).random(64)
    table("sobol.csv", ["index", "dim", "value"],
          [[i, d, repr(float(points[i, d]))] for i in (1, 2, 3, 17, 63) for d in range(48)])


def formula(i, j):
    """A number in [0, 1) for row i, column j: the same line stands in test_gp.c."""
    x = math.sin(12.9898 * (i + 1) + 78.233 * (j + 1)) * 43.5453
    return x - math.floor(x)


def gp():
    n, width, new = 30, 4, 6
    x = np.array([[formula(i, j) for j in range(width)] for i in range(n)])
    y = np.array([math.sin(3 * r[0]) + r[1] * r[2] - 0.5 * r[3] for r in x])
    at = np.array([[formula(100 + i, j) for j in range(width)] for i in range(new)])
    lengths, signal, noise = np.array([0.3, 0.7, 1.1, 2.0]), 1.7, 0.01
    kernel = ConstantKernel(signal) * Matern(lengths, nu=2.5) + WhiteKernel(noise)
    model = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(x, y)
    mean, sd = model.predict(at, return_std=True)
    rows = [["likelihood", 0, repr(float(model.log_marginal_likelihood(model.kernel_.theta)))]]
    _, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    # scikit-learn's order: signal, lengths, noise; ours: lengths, signal, noise
    order = [1, 2, 3, 4, 0, 5]
    rows += [["gradient", k, repr(float(gradient[o]))] for k, o in enumerate(order)]
    rows += [["mean", i, repr(float(m))] for i, m in enumerate(mean)]
    # scikit-learn adds the noise of WhiteKernel to the predictive variance
    rows += [["variance", i, repr(float(s * s - noise))] for i, s in enumerate(sd)]
    table("gp.csv", ["kind", "index", "value"], rows)


def acquisition():
    mpmath.mp.dps = 50
    rows = []
    for mean, sd, best in [(0, 1, 0), (1, 0.5, 0.2), (-1, 2, 0), (3, 0.5, 0), (5, 0.2, 0), (2.4, 0.5, 0),
                           (2.6, 0.5, 0), (50, 0.7, 0), (1, 1e-3, 0), (-4, 0.1, 1), (0.3, 1e-4, 0)]:
        m, s, b = mpmath.mpf(mean), mpmath.mpf(sd), mpmath.mpf(best)
        z = (b - m) / s
        tail = mpmath.erfc(-z / mpmath.sqrt(2)) / 2
        ei = s * (mpmath.npdf(z) + z * tail)
        rows.append([mean, sd, best, mpmath.nstr(mpmath.log(ei), 20), mpmath.nstr(-tail / ei, 20),
                     mpmath.nstr(mpmath.npdf(z) / ei, 20)])
    table("acquisition.csv", ["mean", "sd", "best", "value", "by_mean", "by_sd"], rows)


sobol()
gp()
acquisition()
