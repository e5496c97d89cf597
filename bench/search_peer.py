#!/usr/bin/python3
"""bench/search_peer.py METHOD DESIGNS SEED - the peers of bench/search_run, from Debian's packages.

sklearn  GaussianProcessRegressor (Matern 5/2 ARD + white noise, normalised y, 5 restarts), expected
         improvement over 2,048 Sobol points, then L-BFGS-B from the best
optuna   TPESampler of Optuna 3.1
Both start from the designs that `search designs` printed. Prints function,method,seed,evaluation,value for
one seed; `search_peer.py sklearn --version` prints what its results depend on outside this file.

scikit-learn spends most of a fit in taking its kernels apart and together again. Its `optimizer` is therefore
handed the same likelihood and gradient in plain numpy, which each fit compares with scikit-learn's own.
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


class Likelihood:
    """-log marginal likelihood and gradient of GaussianProcessRegressor.fit's kernel, at log parameters."""

    def __init__(self, x, y):
        self.squares = (x[:, None, :] - x[None, :, :]) ** 2
        self.y = (y - y.mean()) / (y.std() or 1.0)

    def __call__(self, theta):
        from scipy.linalg import lapack
        signal, lengths, noise = np.exp(theta[0]), np.exp(theta[1:-1]), np.exp(theta[-1])
        scaled = self.squares / lengths ** 2
        r = np.sqrt(5 * scaled.sum(axis=2))
        decay = signal * np.exp(-r)
        smooth = decay * (1 + r + r * r / 3)
        n = len(self.y)
        covariance = smooth.copy()
        covariance[np.diag_indices(n)] += noise + 1e-10
        chol, info = lapack.dpotrf(covariance, lower=1)
        if info:
            return np.inf, np.zeros_like(theta)
        alpha = lapack.dpotrs(chol, self.y, lower=1)[0]
        inverse = lapack.dpotri(chol, lower=1)[0]
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        inner = np.outer(alpha, alpha) - inverse
        value = 0.5 * self.y @ alpha + np.log(np.diag(chol)).sum() + 0.5 * n * np.log(2 * np.pi)
        by_length = np.tensordot(inner * (5 / 3) * decay * (1 + r), scaled, axes=2)
        gradient = np.concatenate([[(inner * smooth).sum()], by_length, [noise * np.trace(inner)]])
        return value, -0.5 * gradient


def fitter(x, y):
    """GaussianProcessRegressor's default optimizer, on the likelihood above."""
    from scipy.optimize import minimize
    likelihood = Likelihood(x, y)
    checked = []

    def fit(theirs, theta, bounds):
        if not checked:
            (value, gradient), (own, own_gradient) = theirs(theta), likelihood(theta)
            np.testing.assert_allclose(own, value, rtol=1e-6)
            np.testing.assert_allclose(own_gradient, gradient, rtol=1e-4, atol=1e-4 * np.abs(gradient).max())
            checked.append(True)
        result = minimize(likelihood, theta, method="L-BFGS-B", jac=True, bounds=bounds)
        return result.x, result.fun
    return fit


def sklearn_step(space, points, values, seed):
    from scipy.optimize import minimize
    from scipy.stats import qmc
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
    x, y = features(space, points), np.array(values)
    kernel = ConstantKernel(1.0) * Matern(np.ones(x.shape[1]), (1e-2, 1e2), nu=2.5) + WhiteKernel(1e-5, (1e-8, 1e1))
    model = GaussianProcessRegressor(kernel, optimizer=fitter(x, y), normalize_y=True, n_restarts_optimizer=5,
                                     random_state=seed).fit(x, y)
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


def version(method):
    import importlib.metadata
    modules = {"sklearn": ("scikit-learn", "scipy", "numpy"), "optuna": ("optuna", "numpy")}[method]
    return " ".join(f"{m} {importlib.metadata.version(m)}" for m in modules)


def main():
    method, path = sys.argv[1:3]
    if path == "--version":
        print(version(method))
        return
    seed = int(sys.argv[3])
    designs = {}
    for r in csv.DictReader(open(path)):
        if int(r["seed"]) == seed:
            designs.setdefault(r["function"], {}).setdefault(int(r["evaluation"]), []).append(float(r["value"]))
    run = {"sklearn": run_sklearn, "optuna": run_optuna}[method]
    for name in FUNCTIONS:
        design = [designs[name][i] for i in sorted(designs[name])]
        for i, v in enumerate(run(name, design, seed)):
            print(f"{name},{method},{seed},{i},{v!r}")


if __name__ == "__main__":
    main()
