/* vector_scaling.c - see vector_scaling.h. Parameters are the weights, then the biases. Adding one
 * number to all biases changes nothing, and neither does moving weight between two classes whose
 * centred logits mirror each other: the gradient has no part in these directions, and the Hessian
 * is made stiff in them, so that the biases keep their sum of 0 and two weights stay equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/vector_scaling.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 2 * SG_STATS_CLASSES_MAX, STEPS_MAX = 100, HALVINGS_MAX = 40 };

typedef struct problem {
    const double *logits;
    const uint32_t *labels;
    size_t n, classes;
} problem;

static void centre_row(double *centred, const double *logits, size_t classes) {
    double mean = 0;
    for (size_t k = 0; k < classes; k++) mean += logits[k] / (double)classes;
    for (size_t k = 0; k < classes; k++) centred[k] = logits[k] - mean;
}

/* p = softmax(weight * z + bias); returns log of the sum, less the largest exponent's own. */
static double predict_row(double *p, double *top, const double *z, const double *theta, size_t k) {
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < k; j++) largest = fmax(largest, p[j] = theta[j] * z[j] + theta[k + j]);
    for (size_t j = 0; j < k; j++) sum += p[j] = exp(p[j] - largest);
    for (size_t j = 0; j < k; j++) p[j] /= sum;
    *top = largest;
    return log(sum);
}

static double measure(const problem *q, const double *theta) {
    double z[SG_STATS_CLASSES_MAX], p[SG_STATS_CLASSES_MAX], top, sum = 0;
    for (size_t i = 0; i < q->n; i++) {
        uint32_t y = q->labels[i];
        centre_row(z, q->logits + i * q->classes, q->classes);
        double mass = predict_row(p, &top, z, theta, q->classes);
        sum += mass + top - (theta[y] * z[y] + theta[q->classes + y]);
    }
    return sum / (double)q->n;
}

/* gradient[m] and the lower half of hessian[m * m], m = 2 classes. */
static void differentiate(
        const problem *q, const double *theta, double *gradient, double *hessian) {
    size_t k = q->classes, m = 2 * k;
    double z[SG_STATS_CLASSES_MAX], p[SG_STATS_CLASSES_MAX], top;
    memset(gradient, 0, m * sizeof *gradient);
    memset(hessian, 0, m * m * sizeof *hessian);
    for (size_t i = 0; i < q->n; i++) {
        centre_row(z, q->logits + i * k, k);
        predict_row(p, &top, z, theta, k);
        for (size_t a = 0; a < k; a++) {
            double gap = (p[a] - (a == q->labels[i])) / (double)q->n;
            gradient[a] += gap * z[a];
            gradient[k + a] += gap;
            for (size_t b = 0; b < k; b++) {
                double h = p[a] * ((a == b) - p[b]) / (double)q->n;
                if (b <= a) hessian[a * m + b] += h * z[a] * z[b];
                hessian[(k + a) * m + b] += h * z[b];
                if (b <= a) hessian[(k + a) * m + k + b] += h;
            }
        }
    }
}

/* Solves hessian * step = gradient by Cholesky, in place; false when it is not positive. */
static bool solve(double *hessian, double *step, size_t m) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = hessian[i * m + j];
            for (size_t c = 0; c < j; c++) sum -= hessian[i * m + c] * hessian[j * m + c];
            if (i > j)
                hessian[i * m + j] = sum / hessian[j * m + j];
            else if (sum > 0)
                hessian[i * m + i] = sqrt(sum);
            else
                return false;
        }
    for (size_t i = 0; i < m; i++) {
        for (size_t c = 0; c < i; c++) step[i] -= hessian[i * m + c] * step[c];
        step[i] /= hessian[i * m + i];
    }
    for (size_t i = m; i-- > 0;) {
        for (size_t c = i + 1; c < m; c++) step[i] -= hessian[c * m + i] * step[c];
        step[i] /= hessian[i * m + i];
    }
    return true;
}

static void stiffen(double *hessian, size_t k, double by) {
    size_t m = 2 * k;
    for (size_t a = k; a < m; a++)
        for (size_t b = k; b <= a; b++) hessian[a * m + b] += by;
    if (k > 2) return;
    hessian[0] += by;
    hessian[m] -= by;
    hessian[m + 1] += by;
}

/* One damped Newton step; *moved is the largest change. false when none can be made. */
static bool improve(const problem *q, double *theta, double *value, double *moved) {
    size_t m = 2 * q->classes;
    double gradient[PARAMETERS_MAX], hessian[PARAMETERS_MAX * PARAMETERS_MAX], trace = 0;
    double next[PARAMETERS_MAX], scale = 1;
    differentiate(q, theta, gradient, hessian);
    for (size_t i = 0; i < m; i++) trace += hessian[i * m + i];
    stiffen(hessian, q->classes, trace);
    if (!solve(hessian, gradient, m)) return false;
    for (int halving = 0; halving < HALVINGS_MAX; halving++, scale *= 0.5) {
        *moved = 0;
        for (size_t i = 0; i < m; i++) {
            next[i] = theta[i] - scale * gradient[i];
            *moved = fmax(*moved, fabs(scale * gradient[i]) / (1 + fabs(theta[i])));
        }
        double reached = measure(q, next);
        /* At the optimum a step gains less than the sum's rounding. */
        if (!(reached <= *value + 1e-14 * (1 + *value))) continue;
        memcpy(theta, next, m * sizeof *theta);
        *value = reached;
        return true;
    }
    return false;
}

static sg_status check_rows(const problem *q, sg_error *err) {
    size_t rows[SG_STATS_CLASSES_MAX] = {0};
    if (q->classes < 2 || q->classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes: vector scaling is offered for 2 to %d",
                q->classes, SG_STATS_CLASSES_MAX);
    for (size_t i = 0; i < q->n; i++) {
        if (q->labels[i] >= q->classes)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i,
                    (unsigned)q->labels[i], q->classes);
        rows[q->labels[i]]++;
        for (size_t k = 0; k < q->classes; k++)
            if (!isfinite(q->logits[i * q->classes + k]))
                return sg_fail(err, SG_ERR_INPUT, "row %zu has a logit that is not finite", i);
    }
    for (size_t k = 0; k < q->classes; k++)
        if (!rows[k])
            return sg_fail(err, SG_ERR_INPUT,
                    "class %zu has no row to fit vector scaling on; use temperature scaling", k);
    return SG_OK;
}

sg_status sg_vector_scaling_fit(sg_vector_scaling *out, const double *logits,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    problem q = {logits, labels, n, classes};
    sg_status status = check_rows(&q, err);
    if (status != SG_OK) return status;
    double theta[PARAMETERS_MAX] = {0}, moved = INFINITY;
    for (size_t k = 0; k < classes; k++) theta[k] = 1;
    double before = measure(&q, theta), value = before;
    bool going = true;
    for (int step = 0; step < STEPS_MAX && going && moved > 1e-13; step++)
        going = improve(&q, theta, &value, &moved);
    if (moved > 1e-9)
        return sg_fail(err, SG_ERR_INPUT,
                "vector scaling has no finite optimum on %zu rows (they are ranked too well); use "
                "temperature scaling",
                n);
    *out = (sg_vector_scaling){.classes = classes, .nll_before = before, .nll_after = value};
    memcpy(out->weight, theta, classes * sizeof *theta);
    memcpy(out->bias, theta + classes, classes * sizeof *theta);
    return SG_OK;
}

void sg_vector_scaling_apply(
        const sg_vector_scaling *model, double *probabilities, const double *logits, size_t n) {
    size_t k = model->classes;
    double theta[PARAMETERS_MAX], z[SG_STATS_CLASSES_MAX], top;
    memcpy(theta, model->weight, k * sizeof *theta);
    memcpy(theta + k, model->bias, k * sizeof *theta);
    for (size_t i = 0; i < n; i++) {
        centre_row(z, logits + i * k, k);
        predict_row(probabilities + i * k, &top, z, theta, k);
    }
}
