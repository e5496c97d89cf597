#!/usr/bin/env python3
"""drift.csv: Kolmogorov-Smirnov and the population stability index of batches made by a formula that
the test repeats (tests/unit/stats/test_drift.c). Written with scipy 1.10 and numpy 1.24."""
import math
import numpy as np
from scipy import stats


def batch(n, shift, scale, step):
    """Irregular but repeatable: step > 0 rounds to multiples of it (ties)."""
    x = [shift + scale * math.sin(12.9898 * i) + 0.3 * math.cos(4.1414 * i * i) for i in range(1, n + 1)]
    return np.array([round(v / step) * step if step else v for v in x])


def index(a, b):
    edges = np.unique(np.quantile(a, np.arange(1, 10) / 10))
    bins = len(edges) + 1
    p = np.bincount(np.searchsorted(edges, a), minlength=bins)
    q = np.bincount(np.searchsorted(edges, b), minlength=bins)
    p, q = (p + .5) / (len(a) + .5 * bins), (q + .5) / (len(b) + .5 * bins)
    return bins, float(np.sum((q - p) * np.log(q / p)))


with open('drift.csv', 'w') as f:
    f.write('n,m,shift,scale,step,ks,p,bins,index\n')
    for n, m, shift, scale, step in [(60, 80, 0, 1, 0), (60, 80, .4, 1, 0), (200, 150, .15, 1.1, 0),
                                     (500, 400, 0, 1.2, 0), (120, 90, .3, 1, .25), (25, 20, 1, 1, 0)]:
        a, b = batch(n, 0, 1, step), batch(m, shift, scale, step)
        test = stats.ks_2samp(a, b, method='exact')
        bins, psi = index(a, b)
        f.write(f'{n},{m},{shift},{scale},{step},{test.statistic:.12g},{test.pvalue:.12g},{bins},{psi:.12g}\n')
