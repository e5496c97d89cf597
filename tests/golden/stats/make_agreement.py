#!/usr/bin/python3
"""Golden values of kappa, Holm, the corrected resampled t-test, t and F, areas by fold and the reader
study, with statsmodels 0.13.5, scipy 1.10.1, scikit-learn 1.2.1 and numpy (Debian 12). The reader study
is Obuchowski and Rockette's written out with numpy's means over axes. Quantiles of t are mpmath's, because
scipy 1.10's miss the last digits (0.6 at 30 degrees: 0.25560536444, not ...495).

agreement.csv       case, figure, value
agreement_rows.csv  image, truth, fold, then scores of three readers in two ways (w0r0 ... w1r2), of a
                    model, and three raters' grades (g0 g1 g2)
"""
import csv
import os

import mpmath
import numpy as np
from scipy import stats
from sklearn import metrics
from statsmodels.stats import inter_rater
from statsmodels.stats.multitest import multipletests

HERE = os.path.dirname(os.path.abspath(__file__))
N, READERS, GRADES = 70, 3, 4


def t_quantile(q, df):
    mpmath.mp.dps = 30
    df, tail = mpmath.mpf(float(df)), 2 * min(mpmath.mpf(q), 1 - mpmath.mpf(q))
    beyond = lambda t: mpmath.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True) - tail
    t = abs(mpmath.findroot(beyond, abs(stats.t.ppf(q, float(df)))))
    return float(t if q > 0.5 else -t)


def placements(y, s):
    wins = (s[y == 1][:, None] > s[y == 0][None, :]) + 0.5 * (s[y == 1][:, None] == s[y == 0][None, :])
    return wins.mean(axis=1), wins.mean(axis=0)


def delong(y, columns):
    v10, v01 = zip(*(placements(y, s) for s in columns))
    s10, s01 = np.atleast_2d(np.cov(v10)), np.atleast_2d(np.cov(v01))
    return np.array([v.mean() for v in v10]), s10 / (y == 1).sum() + s01 / (y == 0).sum()


def jackknife(y, columns, groups):
    kept = [groups != g for g in np.unique(groups)]
    without = np.array([[metrics.roc_auc_score(y[k], s[k]) for k in kept] for s in columns])
    without -= without.mean(axis=1, keepdims=True)
    return (len(kept) - 1) / len(kept) * without @ without.T


def average(name, theta, cov):
    j = len(theta)
    ms = theta.var(ddof=1)
    cov2 = cov[~np.eye(j, dtype=bool)].mean()
    total = ms + max(0, j * cov2)
    se, df = np.sqrt(total / j), total ** 2 / (ms ** 2 / (j - 1))
    half = t_quantile(0.975, df) * se
    return [(name, "mean", theta.mean()), (name, "se", se), (name, "df", df),
            (name, "low", theta.mean() - half), (name, "high", theta.mean() + half),
            (name, "p", 2 * stats.t.sf(abs(theta.mean() / se), df))]


def compare(theta, cov):
    i, j = theta.shape
    c = cov.reshape(i, j, i, j)
    pick = lambda way, reader: np.mean([c[a, p, b, q] for a in range(i) for b in range(i)
                                        for p in range(j) for q in range(j)
                                        if (a == b) == way and (p == q) == reader])
    grand, way, reader = theta.mean(), theta.mean(axis=1), theta.mean(axis=0)
    ms_way = j * ((way - grand) ** 2).sum() / (i - 1)
    ms_reader = i * ((reader - grand) ** 2).sum() / (j - 1)
    rest = theta - way[:, None] - reader[None, :] + grand
    ms_both = (rest ** 2).sum() / ((i - 1) * (j - 1))
    cov1, cov2, cov3 = pick(False, True), pick(True, False), pick(False, False)
    base = ms_both + max(0, j * (cov2 - cov3))
    df2 = base ** 2 / (ms_both ** 2 / ((i - 1) * (j - 1)))
    f = ms_way / base
    se, d = np.sqrt(2 / j * base), way[0] - way[1]
    half = t_quantile(0.975, df2) * se
    values = dict(ms_way=ms_way, ms_reader=ms_reader, ms_both=ms_both, variance=pick(True, True), cov1=cov1,
                  cov2=cov2, cov3=cov3, f=f, df2=df2, p=stats.f.sf(f, i - 1, df2), difference=d, se=se,
                  low=d - half, high=d + half)
    return [("compare", k, v) for k, v in values.items()]


def kappas(g):
    rows = []
    table = np.array([[np.sum((g[0] == a) & (g[1] == b)) for b in range(GRADES)] for a in range(GRADES)])
    for name, weight in (("plain", None), ("linear", "linear"), ("quadratic", "quadratic")):
        k = inter_rater.cohens_kappa(table, wt=weight)
        rows += [(name, "kappa", k.kappa), (name, "se", k.std_kappa), (name, "low", k.kappa_low),
                 (name, "high", k.kappa_upp)]
    counts = np.array([[np.sum(g[:, i] == a) for a in range(GRADES)] for i in range(g.shape[1])])
    return rows + [("fleiss", "kappa", inter_rater.fleiss_kappa(counts, method="fleiss"))]


def main():
    rng = np.random.default_rng(20251124)
    y = (np.arange(N) % 3 == 0).astype(int)
    fold = rng.permutation(np.arange(N) % 4)
    common = rng.normal(0, 1, N) + 1.1 * y
    skill = [[0.9, 1.2, 1.6], [0.6, 0.8, 1.3]]
    scores = np.array([[np.round(common + rng.normal(0, s, N), 1) for s in way] for way in skill])
    model = np.round(common + rng.normal(0, 0.5, N), 2)
    g = np.clip(np.round(1.5 + 0.8 * common + rng.normal(0, [[0.5]] * 3, (3, N))), 0, GRADES - 1).astype(int)

    rows = kappas(g)
    p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04, 1.0, 0.0]
    rows += [("holm", f"p{i}", v) for i, v in enumerate(multipletests(p, method="holm")[1])]

    d = np.round(rng.normal(0.02, 0.03, 15), 3)
    rows += [("resampled", f"d{i}", v) for i, v in enumerate(d)]
    se = np.sqrt((1 / 15 + 89 / 356) * d.var(ddof=1))
    half = t_quantile(0.975, 14) * se
    rows += [("resampled", "mean", d.mean()), ("resampled", "se", se), ("resampled", "t", d.mean() / se),
             ("resampled", "p", 2 * stats.t.sf(abs(d.mean() / se), 14)), ("resampled", "low", d.mean() - half),
             ("resampled", "high", d.mean() + half)]

    for t, df in ((0.0, 3), (0.3, 0.7), (1.5, 1), (2.2, 4.37), (3.1, 13.56), (8.0, 40), (1.96, 1e4), (50, 2.5)):
        rows.append(("student", f"t{t}_df{df:g}", 2 * stats.t.sf(t, df)))
    for q, df in ((0.975, 1), (0.975, 2.5), (0.95, 10.518), (0.6, 30), (0.025, 7), (0.995, 1000)):
        rows.append(("student", f"q{q}_df{df:g}", t_quantile(q, df)))
    for f, a, b in ((0.5, 1, 3), (2.677, 1, 10.518), (4.0, 3, 22.2), (0.01, 2, 5), (30, 4, 150)):
        rows.append(("fisher", f"f{f:g}_{a}_{b:g}", stats.f.sf(f, a, b)))

    areas, variances = zip(*((a[0], c[0, 0]) for a, c in
                             (delong(y[fold == k], [model[fold == k]]) for k in range(4))))
    assert np.allclose(areas, [metrics.roc_auc_score(y[fold == k], model[fold == k]) for k in range(4)])
    rows += [("folds", "mean", np.mean(areas)), ("folds", "variance", np.sum(variances) / 16),
             ("folds", "mixing", metrics.roc_auc_score(y, model))]

    theta, cov = delong(y, list(scores.reshape(-1, N)))
    rows += compare(theta.reshape(2, READERS), cov)
    rows += average("way0", theta[:READERS], cov[:READERS, :READERS])
    rows += average("way1", theta[READERS:], cov[READERS:, READERS:])
    theta, cov = delong(y, list(scores[0]) + [model])
    less = np.hstack([np.eye(READERS), -np.ones((READERS, 1))])
    rows += average("against", less @ theta, less @ cov @ less.T)

    for name, groups in (("jackknife", np.arange(N)), ("jackknife_grouped", np.arange(N) * 7 % 23)):
        cov = jackknife(y, [scores[0][0], model], groups)
        rows += [(name, "first", cov[0, 0]), (name, "both", cov[0, 1]), (name, "second", cov[1, 1])]

    with open(os.path.join(HERE, "agreement.csv"), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["case", "figure", "value"])
        w.writerows((a, b, repr(float(v))) for a, b, v in rows)
    with open(os.path.join(HERE, "agreement_rows.csv"), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["image", "truth", "fold"] + [f"w{a}r{b}" for a in range(2) for b in range(READERS)]
                   + ["model", "g0", "g1", "g2"])
        for i in range(N):
            w.writerow([i, y[i], fold[i]] + [repr(float(v)) for v in scores.reshape(-1, N)[:, i]]
                       + [repr(float(model[i]))] + list(g[:, i]))


main()
