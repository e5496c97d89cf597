/* acquisition.c - see acquisition.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/acquisition.h"

#include <math.h>

static const double log_sqrt_two_pi = 0.91893853320467274178;
static const double inverse_sqrt2 = 0.70710678118654752440;

static double density(double z) {
    return exp(-0.5 * z * z - log_sqrt_two_pi);
}

static double cumulative(double z) {
    return 0.5 * erfc(-z * inverse_sqrt2);
}

/* Mills' ratio Phi(z) / phi(z) for z <= -5 by its continued fraction, 40 terms: better than 1e-15.
 */
static double mills(double z) {
    double a = -z, fraction = a;
    for (int k = 40; k >= 1; k--) fraction = a + k / fraction;
    return 1 / fraction;
}

/* 1 + z Phi(z) / phi(z) for z <= -5 loses digits as written; with t = 1/z^2 it is the asymptotic
 * series t - 3 t^2 + 15 t^3 - ..., good where |z| is large. */
static double remainder_ratio(double z) {
    if (z > -40) return 1 + z * mills(z);
    double t = 1 / (z * z);
    return t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t * (1 - 9 * t))));
}

/* log(phi(z) + z Phi(z)) */
static double log_h(double z) {
    if (z > -5) return log(density(z) + z * cumulative(z));
    return -0.5 * z * z - log_sqrt_two_pi + log(remainder_ratio(z));
}

/* h'(z) / h(z) = Phi(z) / (phi(z) + z Phi(z)) */
static double log_h_slope(double z) {
    if (z > -5) return cumulative(z) / (density(z) + z * cumulative(z));
    return mills(z) / remainder_ratio(z);
}

double sg_log_expected_improvement(
        double mean, double sd, double best, double *by_mean, double *by_sd) {
    double z = (best - mean) / sd, slope = log_h_slope(z);
    if (by_mean) *by_mean = -slope / sd;
    if (by_sd) *by_sd = (1 - slope * z) / sd;
    return log_h(z) + log(sd);
}

double sg_acquisition_value(
        const sg_acquisition *a, double mean, double sd, double *by_mean, double *by_sd) {
    if (!(a->kappa > 0)) return sg_log_expected_improvement(mean, sd, a->best, by_mean, by_sd);
    if (by_mean) *by_mean = -1;
    if (by_sd) *by_sd = a->kappa;
    return a->kappa * sd - mean;
}
