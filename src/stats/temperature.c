/* temperature.c - the temperature fit of calibration.h. With b = 1 / temperature the mean negative
 * log-likelihood is logsumexp(b z) - b z[truth]: convex in b, with the derivatives
 * E_p[z] - z[truth] and Var_p[z] under p = softmax(b z).
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include <math.h>

static const double TEMPERATURE_MIN = 0.05, TEMPERATURE_MAX = 20;

typedef struct likelihood {
    double value, slope, curvature; /* in b */
} likelihood;

static likelihood evaluate(
        const double *logits, const uint32_t *labels, size_t n, size_t classes, double b) {
    likelihood sum = {0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        const double *z = logits + i * classes;
        double top = z[0], mass = 0, mean = 0, square = 0;
        for (size_t j = 1; j < classes; j++) top = fmax(top, z[j]);
        size_t k = 0;
        do { /* there is at least one class */
            double gap = z[k] - top, e = exp(b * gap);
            mass += e;
            mean += e * gap;
            square += e * gap * gap;
        } while (++k < classes);
        mean /= mass;
        double truth = z[labels[i]] - top;
        sum.value += log(mass) - b * truth;
        sum.slope += mean - truth;
        sum.curvature += square / mass - mean * mean;
    }
    double size = (double)n;
    return (likelihood){sum.value / size, sum.slope / size, sum.curvature / size};
}

/* Root of the slope in [low, high], where it changes sign. */
static double find_minimum(const double *logits, const uint32_t *labels, size_t n, size_t classes,
        double low, double high) {
    double b = 1;
    for (int step = 0; step < 200; step++) {
        likelihood at = evaluate(logits, labels, n, classes, b);
        if (at.slope == 0) return b;
        if (at.slope > 0)
            high = b;
        else
            low = b;
        double next = b - at.slope / at.curvature;
        if (!(next > low && next < high)) next = 0.5 * (low + high);
        if (fabs(next - b) <= 1e-15 * b) return next;
        b = next;
    }
    return b;
}

sg_status sg_temperature_fit(sg_temperature *out, const double *logits, const uint32_t *labels,
        size_t n, size_t classes, sg_error *err) {
    if (n == 0 || classes == 0)
        return sg_fail(err, SG_ERR_INPUT, "there are no rows to fit a temperature on");
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= classes)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i, (unsigned)labels[i],
                    classes);
        for (size_t k = 0; k < classes; k++)
            if (!isfinite(logits[i * classes + k]))
                return sg_fail(err, SG_ERR_INPUT, "row %zu has a logit that is not finite", i);
    }
    double low = 1 / TEMPERATURE_MAX, high = 1 / TEMPERATURE_MIN;
    sg_temperature made = {.nll_before = evaluate(logits, labels, n, classes, 1).value};
    likelihood coldest = evaluate(logits, labels, n, classes, high);
    likelihood hottest = evaluate(logits, labels, n, classes, low);
    made.at_bound = hottest.slope >= 0 || coldest.slope <= 0;
    double b;
    if (hottest.slope == 0 && coldest.slope == 0)
        b = 1; /* flat: the logits say nothing about the class */
    else if (hottest.slope >= 0)
        b = low;
    else if (coldest.slope <= 0)
        b = high;
    else
        b = find_minimum(logits, labels, n, classes, low, high);
    made.value = 1 / b;
    made.nll_after = evaluate(logits, labels, n, classes, b).value;
    *out = made;
    return SG_OK;
}
