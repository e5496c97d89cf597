/* interval.c - see interval.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/interval.h"

#include <math.h>

sg_interval sg_interval_wilson(size_t hits, size_t n, double confidence) {
    if (n == 0) return (sg_interval){NAN, NAN};
    double z = sg_normal_quantile(0.5 + 0.5 * confidence);
    double size = (double)n, p = (double)hits / size, z2 = z * z;
    double center = (p + z2 / (2 * size)) / (1 + z2 / size);
    double half = z / (1 + z2 / size) * sqrt(p * (1 - p) / size + z2 / (4 * size * size));
    /* The bounds at 0 and n hits are exact; rounding must not move them. */
    return (sg_interval){
            hits == 0 ? 0 : fmax(0, center - half), hits == n ? 1 : fmin(1, center + half)};
}

double sg_normal_cdf(double z) {
    return 0.5 * erfc(-z / 1.41421356237309504880);
}

static double polynomial(const double *coefficients, int degree, double x) {
    double value = coefficients[degree];
    for (int i = degree - 1; i >= 0; i--) value = value * x + coefficients[i];
    return value;
}

/* Algorithm AS 241, PPND16: three rational functions of degree 7, for the centre and two tails. */
double sg_normal_quantile(double p) {
    static const double central[2][8] = {
            {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                    3.3430575583588128105e4, 2.5090809287301226727e3},
            {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
                    5.2264952788528545610e3}};
    static const double middle[2][8] = {
            {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                    2.27238449892691845833e-2, 7.74545014278341407640e-4},
            {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                    1.05075007164441684324e-9}};
    static const double far[2][8] = {
            {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                    2.71155556874348757815e-5, 2.01033439929228813265e-7},
            {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                    2.04426310338993978564e-15}};
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(central[0], 7, r) / polynomial(central[1], 7, r);
    }
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? polynomial(middle[0], 7, r - 1.6) / polynomial(middle[1], 7, r - 1.6)
                      : polynomial(far[0], 7, r - 5) / polynomial(far[1], 7, r - 5);
    return q < 0 ? -z : z;
}

double sg_quantile_sorted(const double *sorted, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    double part = at - (double)below;
    return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}
