/* loss.c - softmax losses and their gradients, in double whatever the element type.
 *
 * For one row with label y, class weights w and smoothing e over C classes (torch's definition):
 *   l = (1-e) w_y (-log p_y) + e/C sum_c w_c (-log p_c)
 * and the mean divides by the sum of w_y over the rows. Focal loss (Lin et al. 2017) has
 *   l = w_y (1-p_y)^g (-log p_y).
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/loss.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static double class_weight(const sg_loss_options *o, int label) {
    return o->class_weights ? o->class_weights[label] : 1.0;
}

/* log p of one row; false when a logit is not finite. */
static int log_softmax(double *log_p, const double *logits, int classes) {
    double top = logits[0], sum = 0.0;
    for (int c = 0; c < classes; c++) {
        if (!isfinite(logits[c])) return 0;
        if (logits[c] > top) top = logits[c];
    }
    for (int c = 0; c < classes; c++) sum += exp(logits[c] - top);
    for (int c = 0; c < classes; c++) log_p[c] = logits[c] - top - log(sum);
    return 1;
}

/* Cross-entropy of one row; adds scale * gradient. */
static double cross_entropy(
        double *grad, const double *log_p, int label, double scale, const sg_loss_options *o) {
    int classes = o->classes;
    double target[SG_MAX_CLASSES], mass = 0.0, loss = 0.0;
    for (int c = 0; c < classes; c++) {
        target[c] = o->label_smoothing / classes * class_weight(o, c);
        if (c == label) target[c] += (1.0 - o->label_smoothing) * class_weight(o, c);
        mass += target[c];
        loss -= target[c] * log_p[c];
    }
    for (int c = 0; c < classes; c++) grad[c] += scale * (mass * exp(log_p[c]) - target[c]);
    return loss;
}

static double focal(
        double *grad, const double *log_p, int label, double scale, const sg_loss_options *o) {
    double g = o->focal_gamma, w = class_weight(o, label);
    double p = exp(log_p[label]), rest = -expm1(log_p[label]);
    double power = pow(rest, g);
    /* p * dl/dp; the first term's limit at rest = 0 is 0 because log p vanishes as well. */
    double slope = (rest > 0 ? g * power / rest * log_p[label] * p : 0.0) - power;
    for (int c = 0; c < o->classes; c++)
        grad[c] += scale * w * slope * ((c == label) - exp(log_p[c]));
    return -w * power * log_p[label];
}

static double row_loss(
        double *grad, const double *log_p, int label, double scale, const sg_loss_options *o) {
    return o->focal_gamma > 0 ? focal(grad, log_p, label, scale, o)
                              : cross_entropy(grad, log_p, label, scale, o);
}

/* Rows in either element type; one of the two is NULL. */
typedef struct rows {
    const float *f32;
    const double *f64;
    float *grad_f32;
    double *grad_f64;
} rows;

typedef struct targets {
    const int *labels, *mix_labels;
    const float *mix_share;
} targets;

static sg_status check(const targets *t, int64_t n, const sg_loss_options *o, sg_error *err) {
    if (o->classes < 2 || o->classes > SG_MAX_CLASSES)
        return sg_fail(err, SG_ERR_USAGE, "a loss over %d classes; 2 to %d are supported",
                o->classes, SG_MAX_CLASSES);
    if (o->focal_gamma > 0 && o->label_smoothing > 0)
        return sg_fail(err, SG_ERR_USAGE, "focal loss and label smoothing exclude each other");
    for (int64_t i = 0; i < n; i++) {
        bool bad = t->labels[i] < 0 || t->labels[i] >= o->classes;
        if (t->mix_labels) bad = bad || t->mix_labels[i] < 0 || t->mix_labels[i] >= o->classes;
        if (bad)
            return sg_fail(err, SG_ERR_INPUT, "row %lld has a label outside 0..%d", (long long)i,
                    o->classes - 1);
    }
    return SG_OK;
}

static double weight_sum(const int *labels, int64_t n, const sg_loss_options *o) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += class_weight(o, labels[i]);
    return sum;
}

static sg_status mean_loss(double *loss, const rows *r, const targets *t, int64_t n,
        const sg_loss_options *o, sg_error *err) {
    sg_status status = check(t, n, o, err);
    if (status) return status;
    double first = weight_sum(t->labels, n, o);
    double second = t->mix_labels ? weight_sum(t->mix_labels, n, o) : 1.0;
    double total = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double x[SG_MAX_CLASSES], log_p[SG_MAX_CLASSES], grad[SG_MAX_CLASSES] = {0};
        size_t row = (size_t)i * (size_t)o->classes;
        for (int c = 0; c < o->classes; c++) x[c] = r->f32 ? r->f32[row + c] : r->f64[row + c];
        if (!log_softmax(log_p, x, o->classes))
            return sg_fail(err, SG_ERR_NUMERIC, "a logit of row %lld is not finite", (long long)i);
        double share = t->mix_labels ? (double)t->mix_share[i] : 1.0;
        double scale = share / first;
        total += scale * row_loss(grad, log_p, t->labels[i], scale, o);
        if (t->mix_labels) {
            scale = (1.0 - share) / second;
            total += scale * row_loss(grad, log_p, t->mix_labels[i], scale, o);
        }
        for (int c = 0; c < o->classes; c++) {
            if (r->grad_f32) r->grad_f32[row + c] = (float)grad[c];
            if (r->grad_f64) r->grad_f64[row + c] = grad[c];
        }
    }
    if (!isfinite(total)) return sg_fail(err, SG_ERR_NUMERIC, "the loss is not finite");
    *loss = total;
    return SG_OK;
}

sg_status sg_loss_softmax(double *loss, float *grad, const float *logits, const int *labels,
        const int *mix_labels, const float *mix_share, int64_t n, const sg_loss_options *options,
        sg_error *err) {
    return mean_loss(loss, &(rows){.f32 = logits, .grad_f32 = grad},
            &(targets){labels, mix_labels, mix_share}, n, options, err);
}

sg_status sg_loss_softmax_f64(double *loss, double *grad, const double *logits, const int *labels,
        int64_t n, const sg_loss_options *options, sg_error *err) {
    return mean_loss(loss, &(rows){.f64 = logits, .grad_f64 = grad}, &(targets){.labels = labels},
            n, options, err);
}

void sg_softmax(double *p, const float *logits, int classes, double temperature) {
    double top = logits[0], sum = 0.0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > top) top = logits[c];
    for (int c = 0; c < classes; c++) sum += p[c] = exp((logits[c] - top) / temperature);
    for (int c = 0; c < classes; c++) p[c] /= sum;
}
