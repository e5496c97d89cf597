#!/usr/bin/python3
"""bench/search_peer.py METHOD DESIGNS [SEEDS] - the peers of bench/search_run, from Debian's packages.

sklearn  GaussianProcessRegressor (Matern 5/2 ARD + white noise, normalised y, 5 restarts), expected
         improvement over 2,048 Sobol points, then L-BFGS-B from the best
optuna   TPESampler of Optuna 3.1
Both start from the designs that `search designs` printed. Prints function,method,seed,evaluation,value.
SPDX-License-Identifier: Apache-2.0"""
import csv
import os
import sys
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

warnings.simplefilter("ignore")

A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
P = np.array([[0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886], [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
              [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650], [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381]])


def branin(x):
    a = x[1] - 5.1 / (4 * np.pi ** 2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
    return a * a + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10


def hartmann6(x):
    x = np.asarray(x)
    return -float(np.dot([1.0, 1.2, 3.0, 3.2], np.exp(-(A * (x - P) ** 2).sum(axis=1))))


def ackley5(x):
    x = np.asarray(x)
    return 20 - 20 * np.exp(-0.2 * np.sqrt((x ** 2).mean())) + np.e - np.exp(np.cos(2 * np.pi * x).mean())


def rosenbrock4(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(3))


def mixed_branin(x):
    return branin(x) + (5, 0, 2)[int(x[2])]


# value, per parameter: ("f"|"i", low, high) or ("c", options); startup; evaluations
FUNCTIONS = {
    "branin": (branin, [("f", -5, 10), ("f", 0, 15)], 10, 50),
    "hartmann6": (hartmann6, [("f", 0, 1)] * 6, 12, 100),
    "ackley5": (ackley5, [("f", -5, 10)] * 5, 10, 100),
    "rosenbrock4": (rosenbrock4, [("f", -5, 10)] * 4, 10, 100),
    "mixed-branin": (mixed_branin, [("f", -5, 10), ("i", 0, 15), ("c", 3)], 10, 50),
}


def features(space, points):
    columns = []
    for k, p in enumerate(space):
        v = points[:, k]
        if p[0] == "c":
            columns += [(v == o).astype(float) for o in range(p[1])]
        else:
            columns.append((v - p[1]) / (p[2] - p[1]))
    return np.stack(columns, axis=1)


def from_unit(space, units):
    out = np.empty_like(units)
    for k, p in enumerate(space):
        u = units[:, k]
        if p[0] == "c":
            out[:, k] = np.minimum(np.floor(u * p[1]), p[1] - 1)
        elif p[0] == "i":
            out[:, k] = np.clip(np.round(p[1] - 0.5 + u * (p[2] - p[1] + 1)), p[1], p[2])
        else:
            out[:, k] = p[1] + u * (p[2] - p[1])
    return out


def expected_improvement(model, x, best):
    from scipy.stats import norm
    mean, sd = model.predict(x, return_std=True)
    sd = np.maximum(sd, 1e-12)
    z = (best - mean) / sd
    return sd * (norm.pdf(z) + z * norm.cdf(z))


def sklearn_step(space, points, values, seed):
    from scipy.optimize import minimize
    from scipy.stats import qmc
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
    x, y = features(space, points), np.array(values)
    kernel = ConstantKernel(1.0) * Matern(np.ones(x.shape[1]), (1e-2, 1e2), nu=2.5) + WhiteKernel(1e-5, (1e-8, 1e1))
    model = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=5, random_state=seed).fit(x, y)
    best = y.min()
    units = qmc.Sobol(len(space), seed=seed * 1000 + len(y)).random(2048)
    units = np.minimum(units, 1 - 1e-12)
    score = expected_improvement(model, features(space, from_unit(space, units)), best)
    start = units[score.argmax()]
    # Only the continuous parameters move; the others keep the values of the best Sobol point.
    smooth = [k for k, p in enumerate(space) if p[0] == "f"]

    def loss(v):
        u = start.copy()
        u[smooth] = v
        return -expected_improvement(model, features(space, from_unit(space, u[None])), best)[0]

    result = minimize(loss, start[smooth], method="L-BFGS-B", bounds=[(0, 1)] * len(smooth))
    if -result.fun > score.max():
        start[smooth] = np.clip(result.x, 0, 1)
    return from_unit(space, start[None])[0]


def run_sklearn(name, design, seed):
    f, space, _, evaluations = FUNCTIONS[name]
    points = [np.array(p) for p in design]
    values = [f(p) for p in points]
    while len(values) < evaluations:
        points.append(sklearn_step(space, np.array(points), values, seed))
        values.append(f(points[-1]))
    return values


def run_optuna(name, design, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    f, space, startup, evaluations = FUNCTIONS[name]

    def objective(trial):
        x = []
        for k, p in enumerate(space):
            if p[0] == "f":
                x.append(trial.suggest_float(f"x{k}", p[1], p[2]))
            elif p[0] == "i":
                x.append(trial.suggest_int(f"x{k}", p[1], p[2]))
            else:
                x.append(trial.suggest_categorical(f"x{k}", list(range(p[1]))))
        return f(x)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup))
    for p in design:
        study.enqueue_trial({f"x{k}": (float(v) if space[k][0] == "f" else int(v)) for k, v in enumerate(p)})
    study.optimize(objective, n_trials=evaluations)
    return [t.value for t in study.trials]


def main():
    method, path = sys.argv[1:3]
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    designs = {}
    for r in csv.DictReader(open(path)):
        rows = designs.setdefault((r["function"], int(r["seed"])), {})
        rows.setdefault(int(r["evaluation"]), []).append(float(r["value"]))
    run = {"sklearn": run_sklearn, "optuna": run_optuna}[method]
    for seed in range(1, seeds + 1):
        for name in FUNCTIONS:
            design = [designs[name, seed][i] for i in sorted(designs[name, seed])]
            for i, v in enumerate(run(name, design, seed)):
                print(f"{name},{method},{seed},{i},{v!r}")
            sys.stdout.flush()


main()
