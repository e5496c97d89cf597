#!/usr/bin/python3
"""Golden values of thresholds, net benefit, risk against coverage, conformal sets and prevalence, with
scikit-learn 1.2.1, numpy and scipy 1.10.1 (Debian 12). Reads rows.csv (make.py); the positive class is 1.

decisions.csv  case, figure, value (-1: infinity)
"""
import csv
import os

import numpy as np
from scipy import stats
from sklearn import metrics

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ("plain", "ties", "binary", "four")


def read_cases():
    cases = {}
    for row in csv.DictReader(open(os.path.join(HERE, "rows.csv"))):
        k = int(row["classes"])
        cases.setdefault(row["case"], []).append(
            [int(row["label"])] + [float(row[f"p{i}"]) for i in range(k)])
    for name in CASES:
        a = np.array(cases[name])
        yield name, a[:, 0].astype(int), a[:, 1:]


def thresholds(y, score):
    fpr, tpr, at = metrics.roc_curve(y, score, drop_intermediate=False)
    for target in (0.5, 0.8, 0.9, 0.95, 1.0):
        i = max(j for j in range(len(at)) if 1 - fpr[j] >= target - 1e-12)
        yield f"spec{target}_sensitivity", tpr[i]
        yield f"spec{target}_specificity", 1 - fpr[i]
        i = min(j for j in range(len(at)) if tpr[j] >= target - 1e-12)
        yield f"sens{target}_threshold", at[i]
        yield f"sens{target}_specificity", 1 - fpr[i]


def net_benefit(y, p):
    for t in (0.05, 0.1, 0.25, 0.4, 0.6, 0.9):
        (tn, fp), (fn, tp) = metrics.confusion_matrix(y, p >= t, labels=[0, 1])
        yield f"nb{t}", tp / len(y) - fp / len(y) * t / (1 - t)
        yield f"all{t}", y.mean() - (1 - y.mean()) * t / (1 - t)
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        yield f"nb{t}_at0.03", sensitivity * 0.03 - (1 - specificity) * 0.97 * t / (1 - t)


def risk_coverage(y, p):
    """Ties by the mean over their orders: by linearity each tied row has its run's mean error."""
    confidence, wrong = p.max(axis=1), (p.argmax(axis=1) != y).astype(float)
    levels = {c: wrong[confidence == c].mean() for c in confidence}
    expected = np.array([levels[c] for c in sorted(confidence, reverse=True)])
    risks = np.cumsum(expected) / np.arange(1, len(y) + 1)
    yield "aurc", risks.mean()
    best = np.sort(wrong)
    yield "aurc_best", (np.cumsum(best) / np.arange(1, len(y) + 1)).mean()
    points = sorted(set(confidence), reverse=True)
    yield "rc_points", len(points)
    for i, c in enumerate(points):
        yield f"rc_coverage{i}", (confidence >= c).mean()
        yield f"rc_risk{i}", wrong[confidence >= c].mean()


def conformal(y, p):
    half = len(y) // 2
    for alpha in (0.1, 0.3):
        for name, use in (("all", np.ones(half, bool)),) + tuple(
                (f"class{k}", y[:half] == k) for k in range(p.shape[1])):
            s = np.sort(1 - p[:half][use, y[:half][use]])
            rank = int(np.ceil((len(s) + 1) * (1 - alpha) - 1e-9))
            yield f"q{alpha}_{name}", s[rank - 1] if rank <= len(s) else np.inf
        s = np.sort(1 - p[np.arange(half), y[:half]])
        rank = int(np.ceil((half + 1) * (1 - alpha) - 1e-9))
        member = 1 - p[half:] <= (s[rank - 1] if rank <= half else np.inf)
        yield f"coverage{alpha}", member[np.arange(len(y) - half), y[half:]].mean()
        yield f"size{alpha}", member.sum(axis=1).mean()


def predictive(tp, fn, fp, tn, prevalence, confidence=0.95):
    """Mercaldo, Lau and Zhou (2007): logit intervals; adjusted where a count is 0."""
    z = stats.norm.ppf(0.5 + confidence / 2)
    sens, spec = tp / (tp + fn), tn / (tn + fp)
    ppv = sens * prevalence / (sens * prevalence + (1 - spec) * (1 - prevalence))
    npv = spec * (1 - prevalence) / (spec * (1 - prevalence) + (1 - sens) * prevalence)
    yield "ppv", ppv
    yield "npv", npv
    # an adjusted interval is opened to a point at 0 or 1 outside
    if 0 in (tp, fn, fp, tn):
        tp, fn, fp, tn = (v + z * z / 2 for v in (tp, fn, fp, tn))
    n1, n0 = tp + fn, fp + tn
    sens, spec = tp / n1, tn / n0
    centre = np.log(sens * prevalence / ((1 - spec) * (1 - prevalence)))
    half = z * np.sqrt((1 - sens) / sens / n1 + spec / (1 - spec) / n0)
    yield "ppv_low", min(ppv, 1 / (1 + np.exp(half - centre)))
    yield "ppv_high", max(ppv, 1 / (1 + np.exp(-half - centre)))
    centre = np.log(spec * (1 - prevalence) / ((1 - sens) * prevalence))
    half = z * np.sqrt(sens / (1 - sens) / n1 + (1 - spec) / spec / n0)
    yield "npv_low", min(npv, 1 / (1 + np.exp(half - centre)))
    yield "npv_high", max(npv, 1 / (1 + np.exp(-half - centre)))


def main():
    rows = []
    for name, y, p in read_cases():
        one = (y == 1).astype(int)
        for maker in (thresholds(one, p[:, 1]), net_benefit(one, p[:, 1]), risk_coverage(y, p),
                      conformal(y, p)):
            rows += [(name, figure, value) for figure, value in maker]
    rows += [("counts", f, v) for f, v in predictive(240, 178, 87, 288, 0.03)]
    rows += [("zero", f, v) for f, v in predictive(20, 0, 3, 57, 0.2)]
    with open(os.path.join(HERE, "decisions.csv"), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["case", "figure", "value"])
        w.writerows((a, b, repr(float(v) if np.isfinite(v) else -1.0)) for a, b, v in rows)


main()
