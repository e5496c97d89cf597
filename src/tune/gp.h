/* gp.h - a Gaussian process with an ARD Matern 5/2 kernel: zero mean, signal variance s2, one
 * length per group of input coordinates, independent noise.
 *
 *     k(x, x') = s2 (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r),   r^2 = sum_j ((x_j - x'_j) / l_g(j))^2
 *
 * Rasmussen and Williams 2006, chapters 2 and 5. Targets should be standardised by the caller.
 *
 * What drifts: one coordinate may be time (group SG_GP_TIME). It has no length; the kernel is
 * multiplied by exp(-c |t - t'|), which is (1 - eps)^(|t - t'| / 2) with c = -log(1 - eps) / 2
 * (Bogunovic et al. 2016, "Time-varying Gaussian process bandit optimization").
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_GP_H
#define SG_TUNE_GP_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_GP_WIDTH_MAX = 256, SG_GP_THETA_MAX = 48, SG_GP_TIME = -1 };

/* What is fitted: natural logarithms of lengths[0..groups), signal variance and noise variance, and
 * c itself where a coordinate is time. */
typedef struct sg_gp_theta {
    double log_length[SG_GP_THETA_MAX];
    double log_signal, log_noise;
    double forget; /* c, per unit of time; 0 = nothing drifts */
} sg_gp_theta;

typedef struct sg_gp {
    size_t n, width, groups;
    const double *x;  /* [n * width], borrowed */
    const int *group; /* [width], borrowed: which length a coordinate is divided by; SG_GP_TIME */
    sg_gp_theta theta;
    double *factor; /* [n * n], lower Cholesky factor of K + noise I, column-major */
    double *alpha;  /* [n], (K + noise I)^-1 y */
    double *cache;  /* [2 * n], scratch of sg_gp_predict: not for several threads at once */
} sg_gp;

/* Conditions on y[n] with given theta. Where rounding keeps K + noise I from being positive
 * definite (points that all but coincide), the noise grows tenfold, up to six times, and stands so
 * in gp->theta; SG_ERR_NUMERIC when that does not help. */
SG_MUST_CHECK sg_status sg_gp_condition(sg_gp *gp, const double *x, const double *y, size_t n,
        size_t width, const int *group, size_t groups, const sg_gp_theta *theta, sg_error *err);
void sg_gp_dispose(sg_gp *gp);

/* Posterior of the noise-free function at x[width]; gradients [width] (0 for time) may be NULL. */
void sg_gp_predict(sg_gp *gp, const double *x, double *mean, double *variance,
        double *mean_gradient, double *variance_gradient);

/* Log marginal likelihood of y and its gradient with respect to theta: gradient[groups + 2] in the
 * order of the struct, one more where a coordinate is time, or NULL. work needs n^2 + n doubles. */
SG_MUST_CHECK sg_status sg_gp_likelihood(double *value, double *gradient, const double *x,
        const double *y, size_t n, size_t width, const int *group, size_t groups,
        const sg_gp_theta *theta, double *work, sg_error *err);

/* Log density of the priors at theta, added to the likelihood by the fit (gradient is added to, or
 * NULL), on the logarithms. Normal for lengths (median 0.5 sqrt(groups), sd 1: longer where there
 * are more of them, so that a fit starts smooth) and signal (median 1, sd 2). Cauchy for noise
 * (median 0.01, scale 1): trainings are noisy, and few trials cannot say how much; but where there
 * is no noise, its heavy tail lets the likelihood win. */
double sg_gp_prior(double *gradient, size_t groups, const sg_gp_theta *theta);

/* Maximises likelihood + prior by L-BFGS (NLopt) within bounds, from the prior's medians and
 * `restarts` random starts, at most `evaluations` in all. Time is forgotten with eps <= 0.5, about
 * which nothing is assumed. */
SG_MUST_CHECK sg_status sg_gp_fit(sg_gp_theta *out, const double *x, const double *y, size_t n,
        size_t width, const int *group, size_t groups, int restarts, int evaluations, uint64_t seed,
        sg_error *err);

#endif
