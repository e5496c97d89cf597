/* decision_curve.c - see decision_curve.h. Rows are sorted once; a draw is one walk down them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/decision_curve.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

typedef struct curve {
    const double *thresholds, *probability;
    size_t count, n;
    const uint8_t *positive;
    uint32_t *order; /* rows by falling probability */
    double prevalence;
} curve;

/* values: per threshold model, all, model less the better mark. */
static void measure(double *values, const uint32_t *weights, void *user) {
    const curve *c = user;
    double side[2] = {0, 0}, acted[2] = {0, 0};
    for (size_t i = 0; i < c->n; i++) side[c->positive[i] != 0] += weights[i];
    double prevalence = isnan(c->prevalence) ? side[1] / (side[0] + side[1]) : c->prevalence;
    size_t at = 0;
    for (size_t t = c->count; t-- > 0;) {
        for (; at < c->n && c->probability[c->order[at]] >= c->thresholds[t]; at++)
            acted[c->positive[c->order[at]] != 0] += weights[c->order[at]];
        double odds = c->thresholds[t] / (1 - c->thresholds[t]);
        double model =
                acted[1] / side[1] * prevalence - acted[0] / side[0] * (1 - prevalence) * odds;
        double all = prevalence - (1 - prevalence) * odds;
        values[3 * t] = model;
        values[3 * t + 1] = all;
        values[3 * t + 2] = model - fmax(all, 0);
    }
}

static sg_status check(const curve *c, sg_error *err) {
    size_t positives = 0;
    if (c->count == 0 || c->count > SG_DECISION_POINTS_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu thresholds: a decision curve takes 1 to %d",
                c->count, SG_DECISION_POINTS_MAX);
    for (size_t t = 0; t < c->count; t++)
        if (!(c->thresholds[t] > (t ? c->thresholds[t - 1] : 0) && c->thresholds[t] < 1))
            return sg_fail(err, SG_ERR_INPUT,
                    "threshold %g of the decision curve is not above the one before and below 1",
                    c->thresholds[t]);
    if (!isnan(c->prevalence) && !(c->prevalence > 0 && c->prevalence < 1))
        return sg_fail(
                err, SG_ERR_INPUT, "a prevalence of %g is not between 0 and 1", c->prevalence);
    for (size_t i = 0; i < c->n; i++) {
        positives += c->positive[i] != 0;
        if (!(c->probability[i] >= 0 && c->probability[i] <= 1))
            return sg_fail(
                    err, SG_ERR_INPUT, "row %zu has a probability of %g", i, c->probability[i]);
    }
    if (positives == 0 || positives == c->n)
        return sg_fail(err, SG_ERR_INPUT,
                "a decision curve needs both sides, but %zu of %zu rows are positive", positives,
                c->n);
    return SG_OK;
}

static sg_interval shown(const sg_bootstrap_figure *f) {
    return f->degenerate ? (sg_interval){NAN, NAN} : f->bca;
}

sg_status sg_decision_curve(sg_net_benefit *points, const double *thresholds, size_t count,
        const sg_bootstrap_sample *sample, const double *probability, const uint8_t *positive,
        double prevalence, const sg_bootstrap_options *options, sg_error *err) {
    curve c = {thresholds, probability, count, sample->n, positive, NULL, prevalence};
    sg_status status = check(&c, err);
    if (status != SG_OK) return status;
    /* One draw makes the figures exist where no interval is asked for. */
    sg_bootstrap_options at_least_one = *options;
    if (!options->draws) at_least_one.draws = 1;
    sg_bootstrap_figure *figures = calloc(3 * count, sizeof *figures);
    if (!figures) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu thresholds", count);
    status = sg_order_falling(&c.order, probability, 1, c.n, err);
    if (status == SG_OK)
        status =
                sg_bootstrap_run(figures, NULL, sample, measure, &c, 3 * count, &at_least_one, err);
    for (size_t t = 0; t < count && status == SG_OK; t++) {
        const sg_bootstrap_figure *f = figures + 3 * t;
        sg_interval none = {NAN, NAN};
        points[t] = (sg_net_benefit){thresholds[t], f[0].estimate, f[1].estimate,
                options->draws ? shown(&f[0]) : none, options->draws ? shown(&f[2]) : none};
    }
    free(c.order);
    free(figures);
    return status;
}
