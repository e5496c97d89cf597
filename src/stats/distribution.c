/* distribution.c - see distribution.h. All three are the regularised incomplete beta function, by
 * its continued fraction (Abramowitz and Stegun 26.5.8) with Lentz's rule.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/distribution.h"

#include "stats/interval.h"

#include <math.h>

enum { FRACTION_TERMS_MAX = 10000 };

static double away_from_zero(double x) {
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction, which converges fast for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x) {
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m <= FRACTION_TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= c * d;
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        value *= c * d;
        if (fabs(c * d - 1) < 1e-16) break;
    }
    return value;
}

/* I_x(a, b); y is 1 - x, given apart so that neither loses digits. */
static double incomplete_beta(double a, double b, double x, double y) {
    if (isnan(x) || isnan(a) || isnan(b)) return NAN;
    if (x <= 0 || y <= 0) return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(a, b, x) / a;
    return 1 - front * fraction(b, a, y) / b;
}

double sg_student_two_sided(double t, double df) {
    if (isinf(df)) return 2 * sg_normal_cdf(-fabs(t));
    if (isinf(t)) return 0;
    double square = t * t;
    return incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square));
}

double sg_student_quantile(double p, double df) {
    if (isinf(df)) return sg_normal_quantile(p);
    if (p == 0.5) return 0;
    double tail = 2 * fmin(p, 1 - p), low = 0, high = 1;
    while (sg_student_two_sided(high, df) > tail && high < 1e300) high *= 2;
    for (int step = 0; step < 200 && high - low > 1e-15 * high; step++) {
        double middle = 0.5 * (low + high);
        if (sg_student_two_sided(middle, df) > tail)
            low = middle;
        else
            high = middle;
    }
    return p < 0.5 ? -high : high;
}

double sg_fisher_above(double f, double df1, double df2) {
    double scaled = df1 * f;
    return incomplete_beta(0.5 * df2, 0.5 * df1, df2 / (df2 + scaled), scaled / (df2 + scaled));
}
