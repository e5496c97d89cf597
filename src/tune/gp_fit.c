/* gp_fit.c - the most probable lengths, signal and noise. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "tune/gp.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

/* Bounds of the logarithms. The noise's variance never falls below 1e-12 of a standardised
 * target: near a minimum all that is left to find is that small, and where rounding then leaves
 * no Cholesky factor, sg_gp_condition adds to it. */
static const double length_low = -4.0, length_high = 4.0; /* 0.018 .. 55 */
static const double signal_low = -4.0, signal_high = 5.0;
static const double noise_low = -27.6, noise_high = 1.0;
static const double forget_high = 0.34657359027997264; /* eps = 0.5; itself, not its logarithm */

typedef struct prior {
    double middle, spread;
} prior;

static prior length_prior(size_t groups) {
    return (prior){log(0.5) + 0.5 * log((double)groups), 1.0};
}
static const prior signal_prior = {0.0, 2.0};
static const prior noise_prior = {-4.605170185988091, 1.0}; /* log 0.01 */

static double log_normal(prior p, double x, double *gradient) {
    double z = (x - p.middle) / p.spread;
    if (gradient) *gradient -= z / p.spread;
    return -0.5 * z * z - log(p.spread) - 0.91893853320467274178;
}

/* Heavy tails: a target without noise may say so against the median. */
static double log_cauchy(prior p, double x, double *gradient) {
    double z = (x - p.middle) / p.spread;
    if (gradient) *gradient -= 2 * z / (1 + z * z) / p.spread;
    return -log1p(z * z) - log(p.spread) - 1.1447298858494002;
}

double sg_gp_prior(double *gradient, size_t groups, const sg_gp_theta *theta) {
    double value = 0;
    for (size_t g = 0; g < groups; g++)
        value += log_normal(
                length_prior(groups), theta->log_length[g], gradient ? gradient + g : NULL);
    value += log_normal(signal_prior, theta->log_signal, gradient ? gradient + groups : NULL);
    return value +
           log_cauchy(noise_prior, theta->log_noise, gradient ? gradient + groups + 1 : NULL);
}

enum { VECTOR_MAX = SG_GP_THETA_MAX + 3 };

typedef struct problem {
    const double *x, *y;
    size_t n, width, groups;
    const int *group;
    bool drifts; /* a coordinate is time */
    double *work;
    double best;
    double best_at[VECTOR_MAX];
} problem;

static void from_vector(sg_gp_theta *t, const double *v, const problem *p) {
    memset(t, 0, sizeof *t);
    memcpy(t->log_length, v, p->groups * sizeof *v);
    t->log_signal = v[p->groups];
    t->log_noise = v[p->groups + 1];
    if (p->drifts) t->forget = v[p->groups + 2];
}

/* What NLopt maximises; a covariance that cannot be factored is a very bad place. */
static double objective(unsigned dims, const double *v, double *gradient, void *data) {
    problem *p = data;
    sg_gp_theta theta;
    double value;
    from_vector(&theta, v, p);
    if (sg_gp_likelihood(&value, gradient, p->x, p->y, p->n, p->width, p->group, p->groups, &theta,
                p->work, NULL) ||
            !isfinite(value)) {
        if (gradient) memset(gradient, 0, dims * sizeof *gradient);
        return -1e10;
    }
    value += sg_gp_prior(gradient, p->groups, &theta);
    if (value > p->best) {
        p->best = value;
        memcpy(p->best_at, v, dims * sizeof *v);
    }
    return value;
}

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static void keep_inside(double *v, const problem *p) {
    size_t groups = p->groups;
    for (size_t g = 0; g < groups; g++) v[g] = clamp(v[g], length_low, length_high);
    v[groups] = clamp(v[groups], signal_low, signal_high);
    v[groups + 1] = clamp(v[groups + 1], noise_low, noise_high);
}

static nlopt_opt make_optimizer(problem *p, int evaluations) {
    size_t groups = p->groups;
    double low[VECTOR_MAX], high[VECTOR_MAX];
    for (size_t g = 0; g < groups; g++) low[g] = length_low, high[g] = length_high;
    low[groups] = signal_low, high[groups] = signal_high;
    low[groups + 1] = noise_low, high[groups + 1] = noise_high;
    low[groups + 2] = 0, high[groups + 2] = forget_high;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)(groups + 2 + p->drifts));
    if (!opt) return NULL;
    nlopt_set_lower_bounds(opt, low);
    nlopt_set_upper_bounds(opt, high);
    nlopt_set_max_objective(opt, objective, p);
    nlopt_set_ftol_abs(opt, 1e-5);
    nlopt_set_maxeval(opt, evaluations);
    return opt;
}

/* Start number s: the medians, then draws from the priors. */
static void start_point(double *v, int s, const problem *p, sg_rng *rng) {
    double spread = s == 0 ? 0 : 1;
    size_t groups = p->groups;
    prior length = length_prior(groups);
    for (size_t g = 0; g < groups; g++)
        v[g] = length.middle + spread * length.spread * sg_rng_normal(rng);
    v[groups] = signal_prior.middle + spread * signal_prior.spread * sg_rng_normal(rng);
    v[groups + 1] = noise_prior.middle + spread * noise_prior.spread * sg_rng_normal(rng);
    keep_inside(v, p);
    if (p->drifts) v[groups + 2] = forget_high * (s == 0 ? 0.2 : sg_rng_uniform(rng));
}

static bool has_time(const int *group, size_t width) {
    for (size_t j = 0; j < width; j++)
        if (group[j] == SG_GP_TIME) return true;
    return false;
}

sg_status sg_gp_fit(sg_gp_theta *out, const double *x, const double *y, size_t n, size_t width,
        const int *group, size_t groups, int restarts, int evaluations, uint64_t seed,
        sg_error *err) {
    problem p = {x, y, n, width, groups, group, has_time(group, width),
            malloc((n * n + n) * sizeof(double)), -INFINITY, {0}};
    int starts = 1 + restarts;
    nlopt_opt opt = make_optimizer(&p, evaluations / starts > 1 ? evaluations / starts : 1);
    if (!p.work || !opt) {
        free(p.work);
        if (opt) nlopt_destroy(opt);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for fitting %zu trials", n);
    }
    sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)n, 1);
    for (int s = 0; s < starts; s++) {
        double v[VECTOR_MAX], value;
        start_point(v, s, &p, &rng);
        /* A start that ends early (roundoff, limit) has still left its best point in p. */
        nlopt_optimize(opt, v, &value);
    }
    nlopt_destroy(opt);
    free(p.work);
    if (!(p.best > -1e9)) return sg_fail(err, SG_ERR_NUMERIC, "no model fits the %zu trials", n);
    from_vector(out, p.best_at, &p);
    return SG_OK;
}
